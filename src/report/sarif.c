// SPDX-License-Identifier: Apache-2.0
// SARIF 2.1.0 (OASIS) as GitHub's code scanning reads it: a rule for each flaw, a result for each
// package that has it. An alert belongs to the Dockerfile's line that brought the package, if that
// is known; else to the image.
#include "report/report-int.h"

#define SUMMARY_MAX 200 // GitHub takes 255 characters of the one
#define TITLE_MAX 900   // and 1024 of the other

// Messages have placeholders in braces and links in brackets (3.11.5, 3.11.6); what comes from
// others has neither.
static void put_plain(struct buf *out, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '{' || *s == '}')
			buf_putc(out, *s);
		else if (strchr("[]\\", *s))
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
}

static void put_message(struct jw *w, const char *key, const char *text)
{
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "text", text);
	jw_object_end(w);
}

static const char *level_of(enum severity s)
{
	return s >= SEVERITY_HIGH ? "error" : s == SEVERITY_MEDIUM ? "warning" : "note";
}

// ---- rules

// GitHub's own bounds: critical from 9.0, high from 7.0, medium from 4.0.
static int score_of(const struct finding *f)
{
	static const int middle[] = {[SEVERITY_UNKNOWN] = 0,
	        [SEVERITY_NEGLIGIBLE] = 1,
	        [SEVERITY_LOW] = 20,
	        [SEVERITY_MEDIUM] = 55,
	        [SEVERITY_HIGH] = 80,
	        [SEVERITY_CRITICAL] = 95};
	const struct advisory_rating *v = rating_of(f->flaw);
	return v && v->cvss.severity == f->severity ? v->cvss.score : middle[f->severity];
}

static void put_help(struct jw *w, const struct finding *f, const char *url)
{
	const struct package *p = f->package->package;
	auto_buf struct buf text = {0}, md = {0};
	put_plain(&text, flaw_name(f));
	buf_printf(&text, "\nSeverity: %s\nPackage: ", severity_word(f->severity));
	put_plain(&text, p->name);
	buf_puts(&text, "\nFixed version: ");
	put_plain(&text, f->fixed ? f->fixed : "none");
	buf_printf(&text, "\nLink: %s\n", url);
	put_plain(&text, f->flaw->title);
	buf_puts(&md, "**");
	report_markdown_text(&md, flaw_name(f));
	buf_printf(&md,
	        "**\n\n| Severity | Package | Fixed version | Link |\n| --- | --- | --- | --- |\n"
	        "| %s | ",
	        severity_word(f->severity));
	report_markdown_text(&md, p->name);
	buf_puts(&md, " | ");
	report_markdown_text(&md, f->fixed ? f->fixed : "none");
	buf_puts(&md, " | [");
	report_markdown_text(&md, flaw_name(f));
	buf_printf(&md, "](%s) |\n\n", url);
	report_markdown_text(&md, f->flaw->title);
	jw_key(w, "help");
	jw_object(w);
	jw_kv(w, "text", buf_cstr(&text));
	jw_kv(w, "markdown", buf_cstr(&md));
	jw_object_end(w);
}

static void put_properties(struct jw *w, const struct finding *f)
{
	int score = score_of(f);
	char text[16];
	snprintf(text, sizeof(text), "%d.%d", score / 10, score % 10);
	jw_key(w, "properties");
	jw_object(w);
	jw_kv(w, "precision", "very-high");
	jw_kv(w, "security-severity", text);
	jw_key(w, "tags");
	jw_array(w);
	jw_str(w, "vulnerability");
	jw_str(w, "security");
	jw_str(w, severity_word(f->severity));
	jw_array_end(w);
	jw_object_end(w);
}

// "CVE-2024-0001: a hole"; without a title the package that has it.
static void put_summary(struct jw *w, const struct finding *f)
{
	const char *title = f->flaw->title;
	bool titled = title && *title;
	auto_free char *cut = cut_text(titled ? title : f->package->package->name, SUMMARY_MAX);
	auto_buf struct buf text = {0};
	put_plain(&text, flaw_name(f));
	buf_puts(&text, titled ? ": " : " in ");
	put_plain(&text, cut);
	put_message(w, "shortDescription", buf_cstr(&text));
}

static void put_rule(struct jw *w, const struct finding *f)
{
	const char *title = f->flaw->title;
	auto_free char *cut = cut_text(title && *title ? title : flaw_name(f), TITLE_MAX);
	auto_buf struct buf url = {0}, full = {0};
	put_flaw_url(&url, flaw_name(f));
	put_plain(&full, cut);
	jw_object(w);
	jw_kv(w, "id", flaw_name(f));
	jw_kv(w, "name",
	        is_distribution(f->package->package) ? "OsPackageVulnerability"
	                                             : "LanguagePackageVulnerability");
	put_summary(w, f);
	put_message(w, "fullDescription", buf_cstr(&full));
	jw_key(w, "defaultConfiguration");
	jw_object(w);
	jw_kv(w, "level", level_of(f->severity));
	jw_object_end(w);
	jw_kv(w, "helpUri", buf_cstr(&url));
	put_help(w, f, buf_cstr(&url));
	put_properties(w, f);
	jw_object_end(w);
}

// ---- results

static void put_text(struct jw *w, const struct report *r, const struct finding *f)
{
	const struct package *p = f->package->package;
	auto_buf struct buf raw = {0}, text = {0};
	put_claim(&raw, p->name, p->version, f);
	buf_puts(&raw, ".\n");
	put_file_and_layer(&raw, r, f);
	put_plain(&text, raw.p);
	put_message(w, "message", buf_cstr(&text));
}

// As a URI (RFC 3986).
static void put_uri(struct buf *out, const char *path, size_t n)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "-._~/!$&'()*+,;=@";
	for (; n; path++, n--) {
		if (*path && strchr(plain, *path))
			buf_putc(out, *path);
		else
			buf_printf(out, "%%%02X", (unsigned char)*path);
	}
}

static void put_location(struct jw *w, const struct report *r, const struct finding *f)
{
	struct source_place at = source_place_of(r, f);
	auto_buf struct buf uri = {0};
	put_uri(&uri, at.path, at.n);
	jw_key(w, "physicalLocation");
	jw_object(w);
	jw_key(w, "artifactLocation");
	jw_object(w);
	jw_kv(w, "uri", buf_cstr(&uri));
	jw_object_end(w);
	jw_key(w, "region");
	jw_object(w);
	jw_kv_int(w, "startLine", at.line ? at.line : 1);
	jw_object_end(w);
	jw_object_end(w);
}

static void put_locations(struct jw *w, const struct report *r, const struct finding *f)
{
	jw_key(w, "locations");
	jw_array(w);
	jw_object(w);
	put_location(w, r, f);
	jw_key(w, "logicalLocations");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "name", f->package->package->name);
	jw_kv(w, "fullyQualifiedName", f->package->path);
	jw_kv(w, "kind", "package");
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_fingerprint(struct jw *w, const struct finding *f)
{
	auto_hasher struct hasher *h = hasher_new();
	char hex[HASH_HEX];
	hash_finding(h, f);
	struct hash got = hasher_end(h);
	hash_hex(&got, hex);
	jw_key(w, "partialFingerprints");
	jw_object(w);
	jw_kv(w, "hewFlawOfPackage/v1", hex);
	jw_object_end(w);
}

static void put_result(struct jw *w, const struct report *r, const struct finding *f, size_t rule)
{
	jw_object(w);
	jw_kv(w, "ruleId", flaw_name(f));
	jw_kv_int(w, "ruleIndex", (int64_t)rule);
	jw_kv(w, "level", level_of(f->severity));
	put_text(w, r, f);
	put_locations(w, r, f);
	put_fingerprint(w, f);
	if (f->hidden) {
		jw_key(w, "suppressions");
		jw_array(w);
		jw_object(w);
		jw_kv(w, "kind", "external");
		jw_kv(w, "status", "accepted");
		jw_kv(w, "justification", f->hidden);
		jw_object_end(w);
		jw_array_end(w);
	}
	jw_object_end(w);
}

// ---- the document

static void put_tool(struct jw *w, const struct report *r, const struct flaw_groups *g)
{
	jw_key(w, "tool");
	jw_object(w);
	jw_key(w, "driver");
	jw_object(w);
	jw_kv(w, "name", "hew");
	kv_some(w, "version", r->version);
	jw_key(w, "rules");
	jw_array(w);
	for (size_t i = 0; i < g->n; i++)
		put_rule(w, &r->scan->v[g->v[i].first]);
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

static void put_run(struct jw *w, const struct report *r)
{
	auto_flaw_groups struct flaw_groups g;
	flaw_groups_of(r, false, &g);
	jw_object(w);
	put_tool(w, r, &g);
	jw_key(w, "results");
	jw_array(w);
	for (size_t i = 0; r->scan && i < r->scan->n; i++) {
		if (g.of[i] != SIZE_MAX)
			put_result(w, r, &r->scan->v[i], g.of[i]);
	}
	jw_array_end(w);
	jw_kv(w, "columnKind", "utf16CodeUnits");
	jw_key(w, "properties");
	jw_object(w);
	jw_kv(w, "imageName", r->name);
	kv_digest(w, "imageID", r->id);
	kv_digest(w, "manifestDigest", r->manifest);
	jw_object_end(w);
	jw_object_end(w);
}

void report_sarif(const struct report *r, struct buf *out)
{
	size_t start = out->n;
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv(&w, "version", "2.1.0");
	jw_kv(&w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	jw_key(&w, "runs");
	jw_array(&w);
	put_run(&w, r);
	jw_array_end(&w);
	jw_object_end(&w);
	end_document(out, start);
}
