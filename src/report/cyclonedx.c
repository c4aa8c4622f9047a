// SPDX-License-Identifier: Apache-2.0
// CycloneDX 1.5 and 1.6 (ECMA-424) as JSON. A component's reference is the number of its package:
// the same package in two files has one URL.
#include "report/report-int.h"

static void property(struct jw *w, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	jw_object(w);
	jw_kv(w, "name", name);
	jw_kv(w, "value", value);
	jw_object_end(w);
}

static void property_digest(struct jw *w, const char *name, const struct digest *d)
{
	char text[DIGEST_TEXT];
	if (!d || digest_is_zero(d))
		return;
	digest_text(d, text);
	property(w, name, text);
}

static void put_hash(struct jw *w, const struct digest *d)
{
	char hex[HASH_HEX];
	if (!d || digest_is_zero(d))
		return;
	digest_hex(d, hex);
	jw_key(w, "hashes");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "alg", "SHA-256");
	jw_kv(w, "content", hex);
	jw_object_end(w);
	jw_array_end(w);
}

// ---- metadata

static void put_tools(struct jw *w, const struct report *r)
{
	jw_key(w, "tools");
	jw_object(w);
	jw_key(w, "components");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "type", "application");
	jw_kv(w, "name", "hew");
	kv_some(w, "version", r->version);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void put_subject_properties(struct jw *w, const struct report *r)
{
	jw_key(w, "properties");
	jw_array(w);
	property_digest(w, "hew:image:id", r->id);
	property(w, "hew:image:os", r->os);
	property(w, "hew:image:architecture", r->arch);
	property(w, "hew:image:base", r->base);
	for (size_t i = 0; r->tags && i < r->tags->n; i++)
		property(w, "hew:image:tag", r->tags->v[i]);
	for (size_t i = 0; r->repo_digests && i < r->repo_digests->n; i++)
		property(w, "hew:image:repoDigest", r->repo_digests->v[i]);
	for (size_t i = 0; i < r->n_layers; i++)
		property_digest(w, "hew:image:diffID", &r->layers[i].diff_id);
	jw_array_end(w);
}

static void put_subject(struct jw *w, const struct report *r)
{
	auto_buf struct buf url = {0};
	put_image_url(r, &url);
	jw_key(w, "component");
	jw_object(w);
	jw_kv(w, "bom-ref", "subject");
	jw_kv(w, "type", r->kind == REPORT_IMAGE ? "container" : "application");
	jw_kv(w, "name", r->name);
	kv_digest(w, "version", r->manifest ? r->manifest : r->id);
	put_hash(w, r->manifest);
	kv_some(w, "purl", buf_cstr(&url));
	put_subject_properties(w, r);
	jw_object_end(w);
}

static void put_metadata(struct jw *w, const struct report *r)
{
	char created[TIME_TEXT];
	time_format(r->created, created);
	jw_key(w, "metadata");
	jw_object(w);
	jw_kv(w, "timestamp", created);
	put_tools(w, r);
	put_subject(w, r);
	jw_object_end(w);
}

// ---- components

static void put_os(struct jw *w, const struct release *r)
{
	if (!r->id)
		return;
	jw_object(w);
	jw_kv(w, "bom-ref", "os");
	jw_kv(w, "type", "operating-system");
	jw_kv(w, "name", r->id);
	kv_some(w, "version", r->version);
	kv_some(w, "description", r->pretty);
	if (r->codename) {
		jw_key(w, "properties");
		jw_array(w);
		property(w, "hew:os:codename", r->codename);
		jw_array_end(w);
	}
	jw_object_end(w);
}

static void put_flags(struct jw *w, int flags)
{
	property(w, "hew:owned", flags & PACKAGE_OWNED ? "true" : NULL);
	property(w, "hew:kernelHeaders", flags & PACKAGE_HEADERS ? "true" : NULL);
	property(w, "hew:locked", flags & PACKAGE_LOCKED ? "true" : NULL);
	property(w, "hew:main", flags & PACKAGE_MAIN ? "true" : NULL);
}

static void put_properties(struct jw *w, const struct report *r, const struct found_package *f)
{
	const struct report_layer *l = layer_of(r, f);
	const struct package *p = f->package;
	jw_key(w, "properties");
	jw_array(w);
	property(w, "hew:path", f->path);
	property(w, "hew:source", p->source);
	property(w, "hew:sourceVersion", p->source_version);
	put_flags(w, p->flags);
	if (l) {
		property_digest(w, "hew:layer:diffID", &l->diff_id);
		property_digest(w, "hew:layer:digest", &l->blob);
		property(w, "hew:layer:createdBy", l->created_by);
		property(w, "hew:base", l->base ? "true" : "false");
	}
	jw_array_end(w);
}

static void put_name(struct jw *w, const struct package *p)
{
	const char *end = NULL;
	if (p->type == PACKAGE_MAVEN)
		end = strchr(p->name, ':');
	else if (p->type == PACKAGE_NPM && *p->name == '@')
		end = strchr(p->name, '/');
	if (end && end > p->name && end[1]) {
		auto_free char *group = xstrndup(p->name, (size_t)(end - p->name));
		jw_kv(w, "group", group);
		jw_kv(w, "name", end + 1);
	} else {
		jw_kv(w, "name", p->name);
	}
}

static void put_reference(struct jw *w, size_t i)
{
	char text[32];
	snprintf(text, sizeof(text), "package-%zu", i + 1);
	jw_str(w, text);
}

static void put_component(struct jw *w, const struct report *r, size_t i)
{
	const struct found_package *f = &r->packages->v[i];
	auto_buf struct buf url = {0};
	package_url(f->package, &r->packages->release, &url);
	jw_object(w);
	jw_key(w, "bom-ref");
	put_reference(w, i);
	jw_kv(w, "type", "library");
	put_name(w, f->package);
	jw_kv(w, "version", f->package->version);
	jw_kv(w, "purl", buf_cstr(&url));
	put_properties(w, r, f);
	jw_object_end(w);
}

// ---- dependencies: what is installed by the distribution, and what beside it

static void put_depending(struct jw *w, const struct report *r, const char *ref, bool os)
{
	const struct package_list *l = r->packages;
	jw_object(w);
	jw_kv(w, "ref", ref);
	jw_key(w, "dependsOn");
	jw_array(w);
	if (!os && l->release.id)
		jw_str(w, "os");
	for (size_t i = 0; i < l->n; i++) {
		if (os == (l->release.id && is_distribution(l->v[i].package)))
			put_reference(w, i);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void put_dependencies(struct jw *w, const struct report *r)
{
	jw_key(w, "dependencies");
	jw_array(w);
	put_depending(w, r, "subject", false);
	if (r->packages->release.id)
		put_depending(w, r, "os", true);
	jw_array_end(w);
}

// ---- vulnerabilities

static const char *rating_word(enum severity s)
{
	static const char *const words[] = {[SEVERITY_UNKNOWN] = "unknown",
	        [SEVERITY_NEGLIGIBLE] = "info",
	        [SEVERITY_LOW] = "low",
	        [SEVERITY_MEDIUM] = "medium",
	        [SEVERITY_HIGH] = "high",
	        [SEVERITY_CRITICAL] = "critical"};
	return words[s];
}

static void put_source(struct jw *w, const char *name)
{
	if (!name || !*name)
		return;
	jw_key(w, "source");
	jw_object(w);
	jw_kv(w, "name", name);
	jw_object_end(w);
}

static void put_rating(struct jw *w, const struct advisory_rating *v)
{
	jw_object(w);
	put_source(w, v->source);
	if (v->vector)
		kv_tenths(w, "score", v->cvss.score);
	jw_kv(w, "severity", rating_word(v->severity));
	if (v->vector) {
		jw_kv(w, "method", cvss_method(&v->cvss));
		jw_kv(w, "vector", v->vector);
	}
	jw_object_end(w);
}

// First what counts.
static void put_ratings(struct jw *w, const struct finding *f)
{
	const struct advisory_rating decided = {
	        .source = f->severity_source, .severity = f->severity};
	jw_key(w, "ratings");
	jw_array(w);
	put_rating(w, &decided);
	for (size_t i = 0; i < f->flaw->n_ratings; i++)
		put_rating(w, &f->flaw->ratings[i]);
	jw_array_end(w);
}

static void put_flaw_source(struct jw *w, const struct finding *f)
{
	auto_buf struct buf url = {0};
	const char *name = flaw_name(f);
	put_flaw_url(&url, name);
	jw_key(w, "source");
	jw_object(w);
	jw_kv(w, "name",
	        str_has_prefix(name, "CVE-")    ? "NVD"
	        : str_has_prefix(name, "GHSA-") ? "GitHub"
	                                        : "OSV");
	jw_kv(w, "url", buf_cstr(&url));
	jw_object_end(w);
}

static void put_other_names(struct jw *w, const struct advisory_flaw *flaw)
{
	if (flaw->n_names < 2)
		return;
	jw_key(w, "references");
	jw_array(w);
	for (size_t i = 1; i < flaw->n_names; i++) {
		auto_buf struct buf url = {0};
		put_flaw_url(&url, flaw->names[i]);
		jw_object(w);
		jw_kv(w, "id", flaw->names[i]);
		jw_key(w, "source");
		jw_object(w);
		jw_kv(w, "url", buf_cstr(&url));
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_affects(
        struct jw *w, const struct report *r, const struct flaw_groups *g, size_t group)
{
	jw_key(w, "affects");
	jw_array(w);
	for (size_t i = g->v[group].first; i != SIZE_MAX; i = g->next[i]) {
		const struct finding *f = &r->scan->v[i];
		jw_object(w);
		jw_key(w, "ref");
		put_reference(w, (size_t)(f->package - r->packages->v));
		jw_key(w, "versions");
		jw_array(w);
		jw_object(w);
		jw_kv(w, "version", f->package->package->version);
		jw_kv(w, "status", "affected");
		jw_object_end(w);
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_advice(
        struct jw *w, const struct report *r, const struct flaw_groups *g, size_t group)
{
	auto_buf struct buf text = {0};
	for (size_t i = g->v[group].first; i != SIZE_MAX; i = g->next[i]) {
		const struct finding *f = &r->scan->v[i];
		if (f->fixed)
			buf_printf(&text, "%s%s: %s",
			        text.n ? "; " : "Fixed versions: ", f->package->package->name,
			        f->fixed);
	}
	kv_some(w, "recommendation", buf_cstr(&text));
}

static void put_day(struct jw *w, const char *key, const char *day)
{
	auto_free char *text = *day ? xasprintf("%sT00:00:00Z", day) : NULL;
	kv_some(w, key, text);
}

// What a VEX document says of it; else nobody has judged the flaw itself.
static const char *analysis_state(const char *reason)
{
	return str_has_prefix(reason, "VEX: not affected") ? "not_affected"
	       : str_has_prefix(reason, "VEX: fixed")      ? "resolved"
	                                                   : "in_triage";
}

static void put_vulnerability(
        struct jw *w, const struct report *r, const struct flaw_groups *g, size_t group)
{
	const struct finding *f = &r->scan->v[g->v[group].first];
	char ref[32];
	snprintf(ref, sizeof(ref), "flaw-%zu", group + 1);
	jw_object(w);
	jw_kv(w, "bom-ref", ref);
	jw_kv(w, "id", flaw_name(f));
	put_flaw_source(w, f);
	put_other_names(w, f->flaw);
	put_ratings(w, f);
	kv_some(w, "description", f->flaw->title);
	put_advice(w, r, g, group);
	put_day(w, "published", f->flaw->published);
	put_day(w, "updated", f->flaw->modified);
	if (f->hidden) {
		jw_key(w, "analysis");
		jw_object(w);
		jw_kv(w, "state", analysis_state(f->hidden));
		jw_kv(w, "detail", f->hidden);
		jw_object_end(w);
	}
	put_affects(w, r, g, group);
	jw_object_end(w);
}

static void put_vulnerabilities(struct jw *w, const struct report *r)
{
	auto_flaw_groups struct flaw_groups g;
	flaw_groups_of(r, true, &g);
	jw_key(w, "vulnerabilities");
	jw_array(w);
	for (size_t i = 0; i < g.n; i++)
		put_vulnerability(w, r, &g, i);
	jw_array_end(w);
}

// ---- the document

void report_cyclonedx(const struct report *r, int version, struct buf *out)
{
	size_t start = out->n, uuid;
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv(&w, "$schema",
	        version == 15 ? "http://cyclonedx.org/schema/bom-1.5.schema.json"
	                      : "http://cyclonedx.org/schema/bom-1.6.schema.json");
	jw_kv(&w, "bomFormat", "CycloneDX");
	jw_kv(&w, "specVersion", version == 15 ? "1.5" : "1.6");
	jw_kv(&w, "serialNumber", "urn:uuid:" UUID_ZEROS);
	uuid = out->n - sizeof(UUID_ZEROS);
	jw_kv_int(&w, "version", 1);
	put_metadata(&w, r);
	jw_key(&w, "components");
	jw_array(&w);
	put_os(&w, &r->packages->release);
	for (size_t i = 0; i < r->packages->n; i++)
		put_component(&w, r, i);
	jw_array_end(&w);
	put_dependencies(&w, r);
	if (r->scan)
		put_vulnerabilities(&w, r);
	jw_object_end(&w);
	settle_uuid(out, start, uuid);
	end_document(out, start);
}
