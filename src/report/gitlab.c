// SPDX-License-Identifier: Apache-2.0
// GitLab's report of container scanning (version 15.0.7 of its security report schemas). What is
// wrong in one place makes GitLab drop the document, so every text keeps the length that is taken
// there. A finding is known again by image, package and first identifier: as Trivy's template has
// it, the package is the installed one, not its source.
#include "report/report-int.h"

#define NAME_MAX_BYTES 240 // of 255 characters
#define PACKAGE_MAX 500    // of the solution, which takes 7000 with all that Markdown escapes
#define VERSIONS_MAX 1000

static const char *severity_of(enum severity s)
{
	static const char *const words[] = {[SEVERITY_UNKNOWN] = "Unknown",
	        [SEVERITY_NEGLIGIBLE] = "Low",
	        [SEVERITY_LOW] = "Low",
	        [SEVERITY_MEDIUM] = "Medium",
	        [SEVERITY_HIGH] = "High",
	        [SEVERITY_CRITICAL] = "Critical"};
	return words[s];
}

// Of this document alone, so the version counts, too: a lock file may name two.
static void put_id(struct jw *w, const struct finding *f)
{
	auto_hasher struct hasher *h = hasher_new();
	char text[sizeof(UUID_ZEROS)];
	hash_finding(h, f);
	hasher_str(h, f->package->package->version);
	uuid_text(hasher_end(h), text);
	jw_kv(w, "id", text);
}

// The name is plain text, description and solution are Markdown.
static void put_texts(struct jw *w, const struct finding *f)
{
	const struct package *p = f->package->package;
	const char *title = f->flaw->title ? f->flaw->title : "";
	auto_free char *whole = xasprintf("%s%s%s", flaw_name(f), *title ? ": " : "", title);
	auto_free char *name = cut_text(whole, NAME_MAX_BYTES);
	auto_buf struct buf description = {0}, solution = {0};
	report_markdown_text(&description, title);
	jw_kv(w, "name", name);
	kv_some(w, "description", buf_cstr(&description));
	jw_kv(w, "severity", severity_of(f->severity));
	if (!f->fixed)
		return;
	auto_free char *package = cut_text(p->name, PACKAGE_MAX);
	auto_free char *fixed = cut_text(f->fixed, VERSIONS_MAX);
	buf_puts(&solution, "Upgrade ");
	report_markdown_text(&solution, package);
	buf_puts(&solution, " to ");
	report_markdown_text(&solution, fixed);
	jw_kv(w, "solution", buf_cstr(&solution));
}

// "cve" of CVE-2024-0001, as GitLab's own analyzers have it.
static void put_identifier(struct jw *w, const char *name)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char type[16] = "other";
	size_t n = strspn(name, upper);
	auto_buf struct buf url = {0};
	bool named = n && n < sizeof(type) && name[n] == '-';
	for (size_t i = 0; named && i <= n; i++)
		type[i] = i < n ? (char)(name[i] - 'A' + 'a') : '\0';
	put_flaw_url(&url, name);
	jw_object(w);
	jw_kv(w, "type", type);
	jw_kv(w, "name", name);
	jw_kv(w, "value", name);
	jw_kv(w, "url", buf_cstr(&url));
	jw_object_end(w);
}

static void put_identifiers(struct jw *w, const struct finding *f)
{
	jw_key(w, "identifiers");
	jw_array(w);
	put_identifier(w, flaw_name(f));
	for (size_t i = 1; i < f->flaw->n_names; i++)
		put_identifier(w, f->flaw->names[i]);
	jw_array_end(w);
}

static void put_location(struct jw *w, const struct report *r, const struct finding *f)
{
	const struct package *p = f->package->package;
	const struct release *release = &r->packages->release;
	auto_free char *os = xasprintf("%s%s%s", release->id ? release->id : "Unknown",
	        release->id && release->version ? " " : "",
	        release->id && release->version ? release->version : "");
	jw_key(w, "location");
	jw_object(w);
	jw_key(w, "dependency");
	jw_object(w);
	jw_key(w, "package");
	jw_object(w);
	jw_kv(w, "name", p->name);
	jw_object_end(w);
	jw_kv(w, "version", p->version ? p->version : "");
	jw_object_end(w);
	jw_kv(w, "operating_system", *os ? os : "Unknown");
	jw_kv(w, "image", *r->name ? r->name : "Unknown");
	jw_object_end(w);
}

static void put_detail(struct jw *w, const char *key, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "name", name);
	jw_kv(w, "type", "text");
	jw_kv(w, "value", value);
	jw_object_end(w);
}

static void put_details(struct jw *w, const struct report *r, const struct finding *f)
{
	const struct report_layer *l = layer_of(r, f->package);
	struct source_place at = source_place_of(r, f);
	jw_key(w, "details");
	jw_object(w);
	put_detail(w, "file", "File", f->package->path);
	if (l)
		put_detail(
		        w, "layer", l->base ? "From the base image" : "Brought by", l->created_by);
	if (at.line) {
		auto_free char *path = xstrndup(at.path, at.n);
		jw_key(w, "dockerfile");
		jw_object(w);
		jw_kv(w, "name", "Dockerfile");
		jw_kv(w, "type", "file-location");
		jw_kv(w, "file_name", path);
		jw_kv_int(w, "line_start", at.line);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static void put_vulnerability(struct jw *w, const struct report *r, const struct finding *f)
{
	jw_object(w);
	put_id(w, f);
	put_texts(w, f);
	put_identifiers(w, f);
	put_location(w, r, f);
	put_details(w, r, f);
	jw_object_end(w);
}

// ---- the document

static void put_tool(struct jw *w, const char *key, const struct report *r)
{
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "id", "hew");
	jw_kv(w, "name", "hew");
	jw_kv(w, "version", r->version && *r->version ? r->version : "0");
	jw_key(w, "vendor");
	jw_object(w);
	jw_kv(w, "name", "hew");
	jw_object_end(w);
	jw_object_end(w);
}

static void put_messages(struct jw *w, const struct scan *s)
{
	jw_key(w, "messages");
	jw_array(w);
	for (size_t i = 0; s && i < s->warnings.n; i++) {
		jw_object(w);
		jw_kv(w, "level", "warn");
		jw_kv(w, "value", s->warnings.v[i]);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_scan(struct jw *w, const struct report *r)
{
	char time[TIME_TEXT];
	time_format((struct timestamp){r->created.sec, 0}, time);
	time[strlen("2024-01-02T03:04:05")] = '\0'; // no zone is taken: it is UTC
	jw_key(w, "scan");
	jw_object(w);
	put_tool(w, "analyzer", r);
	put_tool(w, "scanner", r);
	jw_kv(w, "type", "container_scanning");
	jw_kv(w, "status", "success");
	jw_kv(w, "start_time", time);
	jw_kv(w, "end_time", time);
	put_messages(w, r->scan);
	jw_object_end(w);
}

void report_gitlab(const struct report *r, struct buf *out)
{
	size_t start = out->n;
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv(&w, "version", "15.0.7");
	put_scan(&w, r);
	jw_key(&w, "vulnerabilities");
	jw_array(&w);
	for (size_t i = 0; r->scan && i < r->scan->n; i++) {
		if (!r->scan->v[i].hidden)
			put_vulnerability(&w, r, &r->scan->v[i]);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	end_document(out, start);
}
