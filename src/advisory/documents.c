// SPDX-License-Identifier: Apache-2.0
// Smaller documents of JSON: Alpine's secdb, CISA's catalog of known exploited vulnerabilities, and
// endoflife.date's lists of releases.
#include "advisory/feed-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/json_stream.h"
#include "base/mem.h"
#include <string.h>

#define ELEMENT_MAX ((size_t)1 << 20)

// Calls each for every element at a depth; what it blames the data for is told and passed over.
struct elements {
	size_t depth;
	int (*each)(struct feed *f, void *arg, const struct json_element *el, const struct jn *n,
	        struct err *e);
	void *arg;
};

static int read_element(
        struct feed *f, const struct elements *x, const struct json_element *el, struct err *e)
{
	if (el->too_long)
		return err_set(
		        e, ERR_CORRUPT, "an element of more than %zu MiB", ELEMENT_MAX >> 20);
	auto_jdoc struct jdoc *d = jdoc_parse(el->raw.p, el->raw.n, e);
	return d ? x->each(f, x->arg, el, jdoc_root(d), e) : -1;
}

static int read_elements(struct feed *f, const struct elements *x, struct err *e)
{
	struct json_element el;
	int rc;
	auto_json_stream struct json_stream *s = json_stream_new(
	        &(struct json_stream_source){input_read, f->in}, x->depth, ELEMENT_MAX);
	while ((rc = json_stream_next(s, &el, e)) > 0) {
		struct err why = ERR_INIT;
		if (read_element(f, x, &el, &why) && feed_blame(f, el.line, &why, e))
			return -1;
	}
	return rc;
}

static bool is_key(const struct json_element *el, size_t depth, const char *key)
{
	return el->depth == depth && el->keys[0] && !strcmp(el->keys[0], key);
}

// --- Alpine ------------------------------------------------------------------------------------
// {distroversion, reponame, packages: [{pkg: {name, secfixes: {VERSION: ["CVE-... GHSA-...",
// ...]}}}]} Version "0": never affected. Only what was fixed is listed.

// "CVE-2017-2616 (+ regression fix)" has words beside its id.
static bool is_id(const char *p, size_t n)
{
	return n > 2 && *p >= 'A' && *p <= 'Z' && memchr(p, '-', n) && p[n - 1] >= '0' &&
	       (p[n - 1] <= '9' || (p[n - 1] >= 'a' && p[n - 1] <= 'z'));
}

// Ids in one text are names of one flaw.
static int add_fix(
        struct feed *f, const char *version, const char *ids, int64_t package, struct err *e)
{
	struct stage_range r = {.package = package, .fixed = version, .status = ADVISORY_FIXED};
	for (const char *p = ids; *(p += strspn(p, " \t")); p += strcspn(p, " \t")) {
		size_t n = strcspn(p, " \t");
		if (!is_id(p, n))
			continue;
		auto_free char *id = xstrndup(p, n);
		if (r.owner.name ? stage_link(f->stage, &r.owner, id, STAGE_ALIAS, e)
		                 : stage_name(f->stage, id, &r.owner.name, e))
			return -1;
	}
	return r.owner.name ? stage_range(f->stage, &r, e) : 0;
}

static int add_secfixes(
        struct feed *f, const struct ecosystem *eco, const struct jn *pkg, struct err *e)
{
	int64_t package;
	const char *version;
	const struct jn *ids, *fixes = jn_get(pkg, "secfixes");
	if (!jn_is_object(fixes) ||
	        stage_package(f->stage, eco, jn_get_str(pkg, "name"), &package, e))
		return jn_is_object(fixes) ? -1 : 0;
	for (size_t i = 0; jn_member(fixes, i, &version, &ids); i++)
		for (size_t k = 0; strcmp(version, "0") != 0 && k < jn_len(ids); k++)
			if (add_fix(f, version, jn_str(jn_at(ids, k)) ? jn_str(jn_at(ids, k)) : "",
			            package, e))
				return -1;
	return stage_count(f->stage, "Alpine secdb", NULL, false, e);
}

static int secdb_element(
        struct feed *f, void *arg, const struct json_element *el, const struct jn *n, struct err *e)
{
	struct ecosystem *eco = arg;
	if (is_key(el, 1, "distroversion") && jn_str(n)) {
		auto_free char *text = xasprintf("Alpine:%.200s", jn_str(n));
		return ecosystem_parse(text, eco)
		               ? 0
		               : err_set(e, ERR_CORRUPT, "not a release: '%.80s'", jn_str(n));
	}
	if (!is_key(el, 2, "packages"))
		return 0;
	if (!*eco->name)
		return err_set(e, ERR_CORRUPT, "a package before the distroversion");
	return add_secfixes(f, eco, jn_get(n, "pkg"), e);
}

int feed_secdb(struct feed *f, struct err *e)
{
	struct ecosystem eco = {0};
	return read_elements(f, &(struct elements){2, secdb_element, &eco}, e);
}

// --- exploited flaws ---------------------------------------------------------------------------

static int exploited_element(
        struct feed *f, void *arg, const struct json_element *el, const struct jn *n, struct err *e)
{
	int64_t name;
	const char *date = jn_get_str(n, "dateAdded");
	if (!is_key(el, 2, "vulnerabilities"))
		return 0;
	return stage_name(f->stage, jn_get_str(n, "cveID"), &name, e) ||
	                       stage_exploited(f->stage, name, date, e) ||
	                       stage_count(f->stage, "CISA KEV", date, false, e)
	               ? -1
	               : 0;
}

int feed_exploited(struct feed *f, struct err *e)
{
	return read_elements(f, &(struct elements){2, exploited_element, NULL}, e);
}

// --- when releases end -------------------------------------------------------------------------
// [{cycle: "3.19", codename, eol: "2025-11-01" | false, ...}], of one product: the file's name.

static int cycle_element(
        struct feed *f, void *arg, const struct json_element *el, const struct jn *n, struct err *e)
{
	const char *product = arg, *cycle = jn_get_str(n, "cycle"), *eol = jn_get_str(n, "eol");
	const char *codename = jn_get_str(n, "codename");
	if (!cycle)
		return err_set(e, ERR_CORRUPT, "a release without a cycle");
	auto_free char *text = xasprintf("%s:%.200s", product, cycle);
	struct ecosystem eco;
	if (!ecosystem_parse(text, &eco))
		return err_set(e, ERR_CORRUPT, "not a release: '%.80s'", cycle);
	const char *date = eol && strlen(eol) == 10 ? eol : "";
	return stage_release(f->stage, &eco, codename && strlen(codename) < 32 ? codename : "",
	               date, e) ||
	                       stage_count(f->stage, "endoflife.date", NULL, false, e)
	               ? -1
	               : 0;
}

int feed_end_of_life(struct feed *f, struct err *e)
{
	static const char *const products[][2] = {{"alpine", "Alpine"}, {"alpine-linux", "Alpine"},
	        {"debian", "Debian"}, {"ubuntu", "Ubuntu"}, {"almalinux", "AlmaLinux"},
	        {"rocky-linux", "Rocky Linux"}, {"rhel", "Red Hat"}, {"opensuse", "openSUSE"},
	        {"sles", "SUSE"}, {"azure-linux", "Azure Linux"}};
	const char *base = strrchr(f->in->name, ':') ? strrchr(f->in->name, ':') + 1 : f->in->name;
	base = fs_base_name(base);
	for (size_t i = 0; i < ARRAY_LEN(products); i++) {
		size_t n = strlen(products[i][0]);
		if (!strncmp(base, products[i][0], n) && base[n] == '.') {
			auto_free char *product = xstrdup(products[i][1]);
			return read_elements(f, &(struct elements){1, cycle_element, product}, e);
		}
	}
	return err_set(e, ERR_CORRUPT,
	        "releases of what? The file has to have the product's name, alpine.json");
}
