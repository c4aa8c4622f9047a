// SPDX-License-Identifier: Apache-2.0
// Code Climate's list of issues, as GitLab reads it for the quality of code in a merge request: a
// row each, at the Dockerfile's line that brought the package, if that is known. It has no place
// for what a filter hid.
#include "report/report-int.h"
#include "report/rows.h"

// As Trivy's template has it, so that a threshold stays what it was.
static const char *severity_of(enum severity s)
{
	return s == SEVERITY_CRITICAL ? "critical"
	       : s == SEVERITY_HIGH   ? "major"
	       : s == SEVERITY_MEDIUM ? "minor"
	                              : "info";
}

// GitLab keeps one issue of a fingerprint, so the version counts, too: a lock file may name two.
static void put_fingerprint(struct jw *w, const struct finding *f)
{
	auto_hasher struct hasher *h = hasher_new();
	char hex[HASH_HEX];
	hash_finding(h, f);
	hasher_str(h, f->package->package->version);
	struct hash got = hasher_end(h);
	hash_hex(&got, hex);
	jw_kv(w, "fingerprint", hex);
}

static void put_location(struct jw *w, const struct report *r, const struct finding *f)
{
	struct source_place at = source_place_of(r, f);
	auto_free char *path = xstrndup(at.path, at.n);
	jw_key(w, "location");
	jw_object(w);
	jw_kv(w, "path", path);
	jw_key(w, "lines");
	jw_object(w);
	jw_kv_int(w, "begin", at.line ? at.line : 1);
	jw_object_end(w);
	jw_object_end(w);
}

static void put_issue(struct jw *w, const struct report *r, const struct report_row *row)
{
	const struct finding *f = row->first;
	const char *title = f->flaw->title;
	auto_free char *name = report_row_name(row);
	auto_buf struct buf text = {0};
	put_claim(&text, name, f->version ? f->version : f->package->package->version, f);
	if (title && *title)
		buf_printf(&text, ": %s", title);
	jw_object(w);
	jw_kv(w, "type", "issue");
	jw_kv(w, "check_name", flaw_name(f));
	jw_kv(w, "description", buf_cstr(&text));
	jw_key(w, "categories");
	jw_array(w);
	jw_str(w, "Security");
	jw_array_end(w);
	jw_kv(w, "severity", severity_of(f->severity));
	put_fingerprint(w, f);
	put_location(w, r, f);
	jw_object_end(w);
}

void report_gitlab_codequality(const struct report *r, struct buf *out)
{
	size_t start = out->n;
	struct jw w;
	auto_free struct report_row *rows = NULL;
	size_t n = r->scan ? report_rows(r->scan, false, &rows) : 0;
	jw_begin(&w, out, 2);
	jw_array(&w);
	for (size_t i = 0; i < n; i++)
		put_issue(&w, r, &rows[i]);
	jw_array_end(&w);
	end_document(out, start);
}
