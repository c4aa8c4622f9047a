// SPDX-License-Identifier: Apache-2.0
// Findings as lines for people, as JSON, and as SARIF 2.1.0 (OASIS), which code hosts show beside
// the source.
#include "base/buf.h"
#include "base/json.h"
#include "lint/lint-int.h"

static void put_cost(struct buf *out, const struct lint_finding *f)
{
	if (f->has_bytes && f->bytes >= 100000)
		buf_printf(out, " [%.1f MB]", (double)f->bytes / 1e6);
	else if (f->has_bytes)
		buf_printf(out, " [%.1f kB]", (double)f->bytes / 1e3);
	if (f->has_ns)
		buf_printf(out, " [%.1f s]", (double)f->ns / 1e9);
}

struct counts {
	size_t all, levels[3], fixable;
};

static struct counts count(const struct lint_file *v, size_t n)
{
	struct counts c = {0};
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].report->n; k++) {
			c.all++;
			c.levels[v[i].report->v[k].rule->level]++;
			c.fixable += v[i].report->v[k].n_edits > 0;
		}
	return c;
}

void lint_print_text(const struct lint_file *v, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].report->n; k++) {
			const struct lint_finding *f = &v[i].report->v[k];
			buf_escape(out, v[i].path, strlen(v[i].path));
			if (f->pos.line > 0)
				buf_printf(out, ":%d", f->pos.line);
			buf_printf(
			        out, ": %s: %s: ", lint_level_name(f->rule->level), f->rule->name);
			buf_escape(out, f->detail, strlen(f->detail));
			put_cost(out, f);
			buf_puts(out, f->n_edits ? " (--fix)\n" : "\n");
		}
	struct counts c = count(v, n);
	if (c.all == 0) {
		buf_puts(out, "no findings\n");
		return;
	}
	buf_printf(out, "%zu finding%s: %zu error%s, %zu warning%s, %zu info", c.all,
	        c.all == 1 ? "" : "s", c.levels[LINT_ERROR], c.levels[LINT_ERROR] == 1 ? "" : "s",
	        c.levels[LINT_WARNING], c.levels[LINT_WARNING] == 1 ? "" : "s",
	        c.levels[LINT_INFO]);
	if (c.fixable)
		buf_printf(out, "; --fix deals with %zu", c.fixable);
	buf_puts(out, "\nhew lint --explain RULE says why it matters\n");
}

static void put_finding(struct jw *w, const struct lint_finding *f)
{
	jw_object(w);
	jw_kv(w, "rule", f->rule->name);
	jw_kv(w, "level", lint_level_name(f->rule->level));
	jw_kv_int(w, "line", f->pos.line);
	jw_kv_int(w, "endLine", f->pos.end_line > f->pos.line ? f->pos.end_line : f->pos.line);
	jw_kv(w, "detail", f->detail);
	if (f->has_bytes)
		jw_kv_int(w, "costBytes", (int64_t)f->bytes);
	if (f->has_ns)
		jw_kv_int(w, "costMilliseconds", f->ns / 1000000);
	jw_kv_bool(w, "fixable", f->n_edits > 0);
	if (f->rule->url)
		jw_kv(w, "url", f->rule->url);
	jw_object_end(w);
}

void lint_print_json(const struct lint_file *v, size_t n, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_key(&w, "files");
	jw_array(&w);
	for (size_t i = 0; i < n; i++) {
		jw_object(&w);
		jw_kv(&w, "file", v[i].path);
		jw_key(&w, "findings");
		jw_array(&w);
		for (size_t k = 0; k < v[i].report->n; k++)
			put_finding(&w, &v[i].report->v[k]);
		jw_array_end(&w);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	buf_putc(out, '\n');
}

// ---- SARIF

static const char *sarif_level(enum lint_level l)
{
	return l == LINT_INFO ? "note" : lint_level_name(l);
}

static void put_text(struct jw *w, const char *key, const char *text)
{
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "text", text);
	jw_object_end(w);
}

static void put_rules(struct jw *w)
{
	const struct lint_rule *r;
	jw_key(w, "rules");
	jw_array(w);
	for (size_t i = 0; (r = lint_rule_at(i)); i++) {
		jw_object(w);
		jw_kv(w, "id", r->name);
		put_text(w, "shortDescription", r->summary);
		put_text(w, "fullDescription", r->why);
		if (r->url)
			jw_kv(w, "helpUri", r->url);
		jw_key(w, "defaultConfiguration");
		jw_object(w);
		jw_kv(w, "level", sarif_level(r->level));
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static int64_t rule_index(const struct lint_rule *wanted)
{
	const struct lint_rule *r;
	for (size_t i = 0; (r = lint_rule_at(i)); i++)
		if (r == wanted)
			return (int64_t)i;
	return -1;
}

// A path as a URI reference (RFC 3986): what is no path character is escaped.
static void put_uri(struct jw *w, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "-._~/!$&'()*+,;=@";
	auto_buf struct buf uri = {0};
	for (; *path; path++) {
		if (strchr(plain, *path))
			buf_putc(&uri, *path);
		else
			buf_printf(&uri, "%%%02X", (unsigned char)*path);
	}
	jw_kv(w, "uri", buf_cstr(&uri));
}

static void put_location(struct jw *w, const char *path, struct pos pos)
{
	jw_key(w, "locations");
	jw_array(w);
	jw_object(w);
	jw_key(w, "physicalLocation");
	jw_object(w);
	jw_key(w, "artifactLocation");
	jw_object(w);
	put_uri(w, path);
	jw_object_end(w);
	if (pos.line > 0) {
		jw_key(w, "region");
		jw_object(w);
		jw_kv_int(w, "startLine", pos.line);
		jw_kv_int(w, "endLine", pos.end_line > pos.line ? pos.end_line : pos.line);
		jw_object_end(w);
	}
	jw_object_end(w);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_result(struct jw *w, const char *path, const struct lint_finding *f)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, f->detail);
	put_cost(&text, f);
	jw_object(w);
	jw_kv(w, "ruleId", f->rule->name);
	jw_kv_int(w, "ruleIndex", rule_index(f->rule));
	jw_kv(w, "level", sarif_level(f->rule->level));
	put_text(w, "message", buf_cstr(&text));
	put_location(w, path, f->pos);
	jw_object_end(w);
}

void lint_print_sarif(const struct lint_file *v, size_t n, const char *version, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv(&w, "version", "2.1.0");
	jw_kv(&w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	jw_key(&w, "runs");
	jw_array(&w);
	jw_object(&w);
	jw_key(&w, "tool");
	jw_object(&w);
	jw_key(&w, "driver");
	jw_object(&w);
	jw_kv(&w, "name", "hew lint");
	jw_kv(&w, "version", version);
	put_rules(&w);
	jw_object_end(&w);
	jw_object_end(&w);
	jw_key(&w, "results");
	jw_array(&w);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].report->n; k++)
			put_result(&w, v[i].path, &v[i].report->v[k]);
	jw_array_end(&w);
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	buf_putc(out, '\n');
}
