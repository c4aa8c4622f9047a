// SPDX-License-Identifier: Apache-2.0
// Rules from files, and whether one of them speaks of a finding.
#include "scan/ignore-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "base/timefmt.h"
#include <string.h>

void ignores_release(struct ignores *i)
{
	free(i->v);
	arena_release(&i->arena);
	*i = (struct ignores){0};
}

int ignore_add(struct ignores *i, const struct ignore_rule *r, const char *name, struct err *e)
{
	if (i->n >= IGNORE_RULES_MAX)
		return err_set(e, ERR_USAGE, "%s: more than %d entries", name, IGNORE_RULES_MAX);
	if ((i->n & (i->n - 1)) == 0) // room for twice as many at each power of two
		i->v = xreallocarray(i->v, i->n ? 2 * i->n : 1, sizeof(*i->v));
	i->v[i->n++] = *r;
	return 0;
}

bool ignore_date(const char *text, char ret[static 11])
{
	struct timestamp t;
	auto_free char *full = NULL;
	if (strlen(text) < 10 || (text[10] && text[10] != 'T' && text[10] != ' '))
		return false;
	full = xasprintf("%.10sT00:00:00Z", text);
	if (!time_parse(full, &t))
		return false;
	memcpy(ret, text, 10);
	ret[10] = '\0';
	return true;
}

// --- lines -------------------------------------------------------------------------------------

// "CVE-2024-1 [exp:2026-12-31] [words for people]"
static int read_line(struct ignores *i, const char *name, size_t line, char *text, struct err *e)
{
	struct ignore_rule r = {0};
	char *state = NULL;
	for (char *word = strtok_r(text, " \t\r", &state); word && *word != '#';
	        word = strtok_r(NULL, " \t\r", &state)) {
		if (!r.n_ids) {
			const char **id = arena_alloc(&i->arena, sizeof(*id));
			*id = arena_strdup(&i->arena, word);
			r.ids = id;
			r.n_ids = 1;
		} else if (str_has_prefix(word, "exp:") && !ignore_date(word + 4, r.until)) {
			return err_set(e, ERR_USAGE, "%s:%zu: '%.40s' is no day: exp:YYYY-MM-DD",
			        name, line, word);
		}
	}
	if (!r.n_ids)
		return 0;
	r.reason = arena_printf(&i->arena, "ignored by %s line %zu", name, line);
	return ignore_add(i, &r, name, e);
}

int ignore_read_lines(
        struct ignores *i, const char *name, const char *text, size_t n, struct err *e)
{
	size_t line = 0;
	for (const char *p = text, *end = text + n; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t length = (size_t)((stop ? stop : end) - p);
		auto_free char *copy = xstrndup(p, length);
		if (read_line(i, name, ++line, copy, e))
			return -1;
		p += length + (stop != NULL);
	}
	return 0;
}

// --- what kind of a file -----------------------------------------------------------------------

int ignores_add(struct ignores *i, const char *name, const char *text, size_t n, struct err *e)
{
	size_t blank = 0;
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	if (n > IGNORE_FILE_MAX)
		return err_set(
		        e, ERR_USAGE, "%s: it has more than %u MiB", name, IGNORE_FILE_MAX >> 20);
	if (memchr(text, '\0', n))
		return err_set(e, ERR_USAGE, "%s: it is no text", name);
	if (str_has_suffix(name, ".yaml") || str_has_suffix(name, ".yml"))
		return ignore_read_yaml(i, base, text, n, e);
	while (blank < n && strchr(" \t\r\n", text[blank]))
		blank++;
	if (blank < n && text[blank] == '{')
		return ignore_read_vex(i, base, text, n, e);
	return ignore_read_lines(i, base, text, n, e);
}

// --- does it speak of this finding -------------------------------------------------------------

static bool names_flaw(const struct ignore_rule *r, const struct finding *f)
{
	for (size_t i = 0; i < r->n_ids; i++) {
		if (str_ieq(r->ids[i], f->record))
			return true;
		for (size_t k = 0; k < f->flaw->n_names; k++)
			if (str_ieq(r->ids[i], f->flaw->names[k]))
				return true;
	}
	return r->n_ids == 0;
}

static bool names_path(const struct ignore_rule *r, const struct finding *f)
{
	for (size_t i = 0; i < r->n_paths; i++) {
		const char *path = r->paths[i] + (*r->paths[i] == '/');
		if (glob_match_deep(path, f->package->path) == 1)
			return true;
	}
	return r->n_paths == 0;
}

static bool names_purl(const struct ignore_rule *r, const struct finding *f)
{
	for (size_t i = 0; i < r->n_purls; i++)
		if (purl_names(r->purls[i], f))
			return true;
	return r->n_purls == 0;
}

static bool has_fix_state(const char *want, const struct finding *f)
{
	const char *is = f->status == ADVISORY_FIXED     ? "fixed"
	                 : f->status == ADVISORY_IGNORED ? "wont-fix"
	                                                 : "not-fixed";
	return !strcmp(want, is);
}

// grype's words beside those of package URLs.
static bool has_type(const char *want, const struct finding *f)
{
	static const char *const others[][2] = {{"python", "pypi"}, {"go-module", "golang"},
	        {"rust-crate", "cargo"}, {"java-archive", "maven"}};
	const char *is = package_type_name(f->package->package->type);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(want, others[i][0]))
			want = others[i][1];
	return !strcmp(want, is);
}

static bool speaks_of(const struct ignore_rule *r, const struct finding *f)
{
	const struct package *p = f->package->package;
	return names_flaw(r, f) && names_path(r, f) && names_purl(r, f) &&
	       (!r->name || glob_match_deep(r->name, p->name) == 1) &&
	       (!r->version || !strcmp(r->version, p->version)) &&
	       (!r->type || has_type(r->type, f)) &&
	       (!r->fix_state || has_fix_state(r->fix_state, f));
}

// Of VEX statements the last counts: what was not affected may turn out to be.
const char *ignores_reason(const struct ignores *i, const struct finding *f, const char *today)
{
	const char *vex = NULL;
	for (size_t k = 0; k < i->n; k++) {
		const struct ignore_rule *r = &i->v[k];
		if ((*r->until && strcmp(today, r->until) >= 0) || !speaks_of(r, f))
			continue;
		if (!r->is_vex)
			return r->reason;
		vex = r->applies ? NULL : r->reason;
	}
	return vex;
}
