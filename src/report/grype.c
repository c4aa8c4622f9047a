// SPDX-License-Identifier: Apache-2.0
// Grype's own JSON, as far as scripts read it: matches with vulnerability, fix and artifact, the
// source and the distribution. What hew does not know of is not there.
#include "base/json.h"
#include "base/mem.h"
#include "packages/packages.h"
#include "report/report-int.h"
#include <stdio.h>
#include <string.h>

// "Critical"
static void put_severity(struct jw *w, enum severity s)
{
	char word[16];
	snprintf(word, sizeof(word), "%s", severity_name(s));
	for (char *p = word + 1; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	jw_kv(w, "severity", word);
}

static void put_fix(struct jw *w, const struct finding *f)
{
	auto_strv struct strv versions = {0};
	jw_key(w, "fix");
	jw_object(w);
	jw_key(w, "versions");
	jw_array(w);
	strv_split(&versions, f->fixed ? f->fixed : "", ',');
	for (size_t i = 0; f->fixed && i < versions.n; i++)
		jw_str(w, versions.v[i] + strspn(versions.v[i], " "));
	jw_array_end(w);
	jw_kv(w, "state",
	        f->fixed                         ? "fixed"
	        : f->status == ADVISORY_IGNORED  ? "wont-fix"
	        : f->status == ADVISORY_AFFECTED ? "not-fixed"
	                                         : "unknown");
	jw_object_end(w);
}

static void put_cvss(struct jw *w, const struct advisory_flaw *flaw)
{
	jw_key(w, "cvss");
	jw_array(w);
	for (size_t i = 0; i < flaw->n_ratings; i++) {
		const struct advisory_rating *r = &flaw->ratings[i];
		char version[32], score[32];
		if (!r->vector)
			continue;
		snprintf(version, sizeof(version), "%d.%d", r->cvss.version / 10,
		        r->cvss.version % 10);
		snprintf(score, sizeof(score), "%d.%d", r->cvss.score / 10, r->cvss.score % 10);
		jw_object(w);
		jw_kv(w, "source", r->source);
		jw_kv(w, "version", version);
		jw_kv(w, "vector", r->vector);
		jw_key(w, "metrics");
		jw_object(w);
		jw_key(w, "baseScore");
		jw_text(w, score, strlen(score));
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_vulnerability(struct jw *w, const struct finding *f)
{
	jw_key(w, "vulnerability");
	jw_object(w);
	jw_kv(w, "id", flaw_name(f));
	jw_kv(w, "namespace", f->ecosystem);
	put_severity(w, f->severity);
	if (f->flaw->title)
		jw_kv(w, "description", f->flaw->title);
	put_cvss(w, f->flaw);
	put_fix(w, f);
	jw_object_end(w);
	jw_key(w, "relatedVulnerabilities");
	jw_array(w);
	for (size_t i = 1; i < f->flaw->n_names; i++) {
		jw_object(w);
		jw_kv(w, "id", f->flaw->names[i]);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static const char *type_name(enum package_type t)
{
	switch (t) {
	case PACKAGE_PYPI:
		return "python";
	case PACKAGE_GOLANG:
		return "go-module";
	case PACKAGE_CARGO:
		return "rust-crate";
	case PACKAGE_MAVEN:
		return "java-archive";
	default:
		return package_type_name(t);
	}
}

static void put_artifact(struct jw *w, const struct report *r, const struct found_package *f)
{
	auto_buf struct buf url = {0};
	package_url(f->package, &r->packages->release, &url);
	jw_key(w, "artifact");
	jw_object(w);
	jw_kv(w, "name", f->package->name);
	jw_kv(w, "version", f->package->version);
	jw_kv(w, "type", type_name(f->package->type));
	jw_kv(w, "purl", buf_cstr(&url));
	jw_key(w, "locations");
	jw_array(w);
	jw_object(w);
	auto_free char *path = xasprintf("/%s", f->path);
	jw_kv(w, "path", path);
	if (f->layer < r->n_layers) {
		char layer[DIGEST_TEXT];
		digest_text(&r->layers[f->layer].diff_id, layer);
		jw_kv(w, "layerID", layer);
	}
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void put_matches(struct jw *w, const struct report *r, const char *key, bool hidden)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; r->scan && i < r->scan->n; i++) {
		const struct finding *f = &r->scan->v[i];
		if (!!f->hidden != hidden)
			continue;
		jw_object(w);
		put_vulnerability(w, f);
		put_artifact(w, r, f->package);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_source(struct jw *w, const struct report *r)
{
	static const char *const types[] = {"image", "directory", "sbom-file"};
	jw_key(w, "source");
	jw_object(w);
	jw_kv(w, "type", types[r->kind]);
	jw_key(w, "target");
	if (r->kind == REPORT_IMAGE) {
		char digest[DIGEST_TEXT];
		jw_object(w);
		jw_kv(w, "userInput", r->name);
		digest_text(r->id, digest);
		jw_kv(w, "imageID", digest);
		digest_text(r->manifest, digest);
		jw_kv(w, "manifestDigest", digest);
		jw_object_end(w);
	} else {
		jw_str(w, r->name);
	}
	jw_object_end(w);
}

void report_grype(const struct report *r, struct buf *out)
{
	const struct release *release = &r->packages->release;
	size_t start = out->n;
	struct jw w;
	jw_begin(&w, out, 1);
	jw_object(&w);
	put_matches(&w, r, "matches", false);
	put_matches(&w, r, "ignoredMatches", true);
	put_source(&w, r);
	jw_key(&w, "distro");
	jw_object(&w);
	jw_kv(&w, "name", release->id ? release->id : "");
	jw_kv(&w, "version", release->version ? release->version : "");
	jw_object_end(&w);
	jw_key(&w, "descriptor");
	jw_object(&w);
	jw_kv(&w, "name", "hew");
	jw_kv(&w, "version", r->version);
	jw_object_end(&w);
	jw_object_end(&w);
	end_document(out, start);
}
