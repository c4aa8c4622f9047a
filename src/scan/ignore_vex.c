// SPDX-License-Identifier: Apache-2.0
// OpenVEX documents (github.com/openvex/spec, 0.0 to 0.2): statements that a product is, or is not,
// affected by a flaw. A product is an image, of which all packages or the subcomponents are meant,
// or a package. What is said of a package inside of another package, or of a product that is not
// named by a package URL, speaks of nothing here.
#include "scan/ignore-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include <string.h>

struct texts {
	const char **v;
	size_t n;
};

static void add_text(struct ignores *i, struct texts *t, const char *text)
{
	if ((t->n & (t->n - 1)) == 0) {
		const char **more = arena_alloc(&i->arena, (2 * t->n + 1) * sizeof(*more));
		if (t->n)
			memcpy(more, t->v, t->n * sizeof(*more));
		t->v = more;
	}
	t->v[t->n++] = arena_strdup(&i->arena, text);
}

// "CVE-2024-1", {name, @id, aliases}; an @id may be the address of a page.
static void read_names(struct ignores *i, const struct jn *v, const struct jn *s, struct texts *ids)
{
	const char *name = jn_str(v) ? jn_str(v) : jn_get_str(v, "name"),
	           *id = jn_get_str(v, "@id");
	const struct jn *aliases[] = {jn_get(v, "aliases"), jn_get(s, "aliases")};
	if (!name && id)
		name = strrchr(id, '/') ? strrchr(id, '/') + 1 : id;
	if (name && *name)
		add_text(i, ids, name);
	for (size_t k = 0; k < ARRAY_LEN(aliases); k++)
		for (size_t a = 0; a < jn_len(aliases[k]); a++)
			if (jn_str(jn_at(aliases[k], a)))
				add_text(i, ids, jn_str(jn_at(aliases[k], a)));
}

static const char *purl_of(const struct jn *component)
{
	const char *purl = jn_get_str(jn_get(component, "identifiers"), "purl");
	if (!purl)
		purl = jn_str(component) ? jn_str(component) : jn_get_str(component, "@id");
	return purl ? purl : "";
}

// What a product means here; *all: every package.
static void read_product(
        struct ignores *i, const struct jn *product, struct texts *purls, bool *all)
{
	const struct jn *parts = jn_get(product, "subcomponents");
	const char *purl = purl_of(product);
	bool image = purl_is_image(purl);
	if (image && jn_len(parts) == 0)
		*all = true;
	for (size_t k = 0; image && k < jn_len(parts); k++)
		add_text(i, purls, purl_of(jn_at(parts, k)));
	if (!image && jn_len(parts) == 0)
		add_text(i, purls, purl);
}

// Words of the specification, as they are: letters and '_'.
static bool is_word(const char *text)
{
	return text && *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")] &&
	       strlen(text) < 64;
}

static const char *reason_of(struct ignores *i, const struct jn *s, const char *status)
{
	const char *why = jn_get_str(s, "justification");
	if (strcmp(status, "fixed") == 0)
		return "VEX: fixed";
	return is_word(why) ? arena_printf(&i->arena, "VEX: not affected (%s)", why)
	                    : "VEX: not affected";
}

static int read_statement(
        struct ignores *i, const char *name, const struct jn *s, size_t at, struct err *e)
{
	struct texts ids = {0}, purls = {0};
	bool all = false;
	const struct jn *products = jn_get(s, "products");
	const char *status = jn_get_str(s, "status");
	if (!status)
		return err_set(e, ERR_USAGE, "%s: statement %zu has no status", name, at);
	read_names(i, jn_get(s, "vulnerability"), s, &ids);
	if (!ids.n || !jn_len(products))
		return err_set(e, ERR_USAGE, "%s: statement %zu names no %s", name, at,
		        ids.n ? "product" : "vulnerability");
	for (size_t k = 0; k < jn_len(products); k++)
		read_product(i, jn_at(products, k), &purls, &all);
	if (!all && !purls.n)
		return 0;
	struct ignore_rule r = {
	        .ids = ids.v,
	        .n_ids = ids.n,
	        .purls = purls.v,
	        .n_purls = all ? 0 : purls.n,
	        .is_vex = true,
	        .applies = strcmp(status, "not_affected") != 0 && strcmp(status, "fixed") != 0,
	        .reason = reason_of(i, s, status),
	};
	return ignore_add(i, &r, name, e);
}

int ignore_read_vex(struct ignores *i, const char *name, const char *text, size_t n, struct err *e)
{
	auto_jdoc struct jdoc *d = jdoc_parse(text, n, e);
	if (!d) {
		e->kind = ERR_USAGE;
		return err_wrap(e, "%s", name);
	}
	const struct jn *statements = jn_get(jdoc_root(d), "statements");
	if (!jn_is_array(statements))
		return err_set(
		        e, ERR_USAGE, "%s: not an OpenVEX document: it has no statements", name);
	for (size_t k = 0; k < jn_len(statements); k++)
		if (read_statement(i, name, jn_at(statements, k), k + 1, e))
			return -1;
	return 0;
}
