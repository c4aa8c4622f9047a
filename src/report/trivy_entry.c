// SPDX-License-Identifier: Apache-2.0
// A package and a finding as Trivy's JSON has them.
#include "report/trivy-int.h"
#include "scan/filter.h"

// ---- packages

// [epoch:]version[-release]; apk's have no parts.
struct version_parts {
	char *epoch, *version, *release;
};

static struct version_parts split(struct arena *a, const struct package *p, const char *text)
{
	struct version_parts v = {.version = arena_strdup(a, text)};
	if (p->type != PACKAGE_DEB && p->type != PACKAGE_RPM)
		return v;
	char *colon = strchr(v.version, ':');
	if (colon && strspn(v.version, "0123456789") == (size_t)(colon - v.version)) {
		*colon = '\0';
		v.epoch = v.version;
		v.version = colon + 1;
	}
	char *dash = strrchr(v.version, '-');
	if (dash) {
		*dash = '\0';
		v.release = dash + 1;
	}
	return v;
}

static void put_epoch(struct jw *w, const char *key, const char *epoch)
{
	uint64_t n;
	if (epoch && str_to_u64(epoch, &n) && n && n <= INT32_MAX)
		jw_kv_int(w, key, (int64_t)n);
}

static void put_source(struct jw *w, struct arena *a, const struct package *p)
{
	if (!is_distribution(p))
		return;
	struct version_parts v = split(a, p, p->source_version ? p->source_version : p->version);
	jw_kv(w, "SrcName", p->source ? p->source : p->name);
	jw_kv(w, "SrcVersion", v.version);
	kv_some(w, "SrcRelease", v.release);
	put_epoch(w, "SrcEpoch", v.epoch);
	kv_some(w, "Modularitylabel", p->module);
}

static void put_id(struct jw *w, const char *key, const struct package *p)
{
	auto_free char *id = p->type == PACKAGE_RPM && p->arch
	                             ? xasprintf("%s@%s.%s", p->name, p->version, p->arch)
	                             : xasprintf("%s@%s", p->name, p->version);
	jw_kv(w, key, id);
}

// UID tells packages of one report apart: the same package in two files has one URL.
static void put_identifier(
        struct jw *w, const char *key, const struct report *r, const struct found_package *f)
{
	auto_buf struct buf url = {0};
	package_url(f->package, &r->packages->release, &url);
	auto_hasher struct hasher *h = hasher_new();
	char hex[HASH_HEX];
	hasher_str(h, buf_cstr(&url));
	hasher_str(h, f->path);
	struct hash uid = hasher_end(h);
	hash_hex(&uid, hex);
	hex[16] = '\0';
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "PURL", buf_cstr(&url));
	jw_kv(w, "UID", hex);
	jw_object_end(w);
}

static void put_layer(struct jw *w, const struct report *r, const struct found_package *f)
{
	const struct report_layer *l = layer_of(r, f);
	jw_key(w, "Layer");
	jw_object(w);
	if (l) {
		kv_digest(w, "Digest", &l->blob);
		kv_digest(w, "DiffID", &l->diff_id);
	}
	jw_object_end(w);
}

static bool has_path(const struct report *r, const struct found_package *f)
{
	const char *target = trivy_result_of(r, f).target;
	return target && *target && f->path && *f->path;
}

void trivy_put_package(struct jw *w, const struct report *r, const struct found_package *f)
{
	auto_arena struct arena a = {0};
	struct version_parts v = split(&a, f->package, f->package->version);
	jw_object(w);
	put_id(w, "ID", f->package);
	jw_kv(w, "Name", f->package->name);
	put_identifier(w, "Identifier", r, f);
	jw_kv(w, "Version", v.version);
	kv_some(w, "Release", v.release);
	put_epoch(w, "Epoch", v.epoch);
	kv_some(w, "Arch", f->package->arch);
	put_source(w, &a, f->package);
	put_layer(w, r, f);
	if (has_path(r, f))
		jw_kv(w, "FilePath", f->path);
	jw_object_end(w);
}

// ---- vulnerabilities

static void put_score(struct jw *w, const struct advisory_rating *v)
{
	const char *major = v->cvss.version == 20 ? "V2" : v->cvss.version == 40 ? "V40" : "V3";
	char key[16];
	snprintf(key, sizeof(key), "%sVector", major);
	jw_kv(w, key, v->vector);
	snprintf(key, sizeof(key), "%sScore", major);
	kv_tenths(w, key, v->cvss.score);
}

static int cvss_kind(const struct advisory_rating *v)
{
	return v->cvss.version == 20 ? 2 : v->cvss.version == 40 ? 4 : 3;
}

static const char *rating_source(const struct advisory_rating *v)
{
	return v->source ? v->source : "unknown";
}

// Whether an earlier rating of the same source says as much: with `kind`, of that CVSS.
static bool is_told(const struct advisory_flaw *flaw, size_t i, int kind)
{
	const struct advisory_rating *v = &flaw->ratings[i];
	for (size_t k = 0; k < i; k++) {
		const struct advisory_rating *u = &flaw->ratings[k];
		if (!strcmp(rating_source(u), rating_source(v)) &&
		        (!kind || (u->vector && cvss_kind(u) == kind)))
			return true;
	}
	return false;
}

static bool has_earlier_vector(const struct advisory_flaw *flaw, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (flaw->ratings[k].vector &&
		        !strcmp(rating_source(&flaw->ratings[k]), rating_source(&flaw->ratings[i])))
			return true;
	}
	return false;
}

static void put_cvss(struct jw *w, const struct advisory_flaw *flaw)
{
	if (!rating_of(flaw))
		return;
	jw_key(w, "CVSS");
	jw_object(w);
	for (size_t i = 0; i < flaw->n_ratings; i++) {
		const struct advisory_rating *v = &flaw->ratings[i];
		if (!v->vector || has_earlier_vector(flaw, i))
			continue;
		jw_key(w, rating_source(v));
		jw_object(w);
		for (size_t k = i; k < flaw->n_ratings; k++) {
			const struct advisory_rating *u = &flaw->ratings[k];
			if (u->vector && !strcmp(rating_source(u), rating_source(v)) &&
			        !is_told(flaw, k, cvss_kind(u)))
				put_score(w, u);
		}
		jw_object_end(w);
	}
	jw_object_end(w);
}

// 1 LOW to 4 CRITICAL.
static void put_vendor_severity(struct jw *w, const struct advisory_flaw *flaw)
{
	if (!flaw->n_ratings)
		return;
	jw_key(w, "VendorSeverity");
	jw_object(w);
	for (size_t i = 0; i < flaw->n_ratings; i++) {
		const struct advisory_rating *v = &flaw->ratings[i];
		if (is_told(flaw, i, 0))
			continue;
		jw_kv_int(w, rating_source(v),
		        v->severity == SEVERITY_UNKNOWN      ? 0
		        : v->severity == SEVERITY_NEGLIGIBLE ? 1
		                                             : (int)v->severity - 1);
	}
	jw_object_end(w);
}

static void put_day(struct jw *w, const char *key, const char *day)
{
	auto_free char *text = *day ? xasprintf("%sT00:00:00Z", day) : NULL;
	kv_some(w, key, text);
}

static void put_names(struct jw *w, const struct finding *f)
{
	const struct advisory_flaw *flaw = f->flaw;
	bool advisory = f->record && strcmp(f->record, flaw_name(f)) != 0;
	jw_kv(w, "VulnerabilityID", flaw_name(f));
	if (!advisory && flaw->n_names < 2)
		return;
	jw_key(w, "VendorIDs");
	jw_array(w);
	for (size_t i = 1; i < flaw->n_names; i++) {
		jw_str(w, flaw->names[i]);
		advisory = advisory && strcmp(flaw->names[i], f->record) != 0;
	}
	if (advisory)
		jw_str(w, f->record);
	jw_array_end(w);
}

static void put_urls(struct jw *w, const struct advisory_flaw *flaw, const char *first)
{
	auto_buf struct buf url = {0};
	jw_key(w, "References");
	jw_array(w);
	put_flaw_url(&url, first);
	jw_str(w, buf_cstr(&url));
	for (size_t i = 1; i < flaw->n_names; i++) {
		buf_reset(&url);
		put_flaw_url(&url, flaw->names[i]);
		jw_str(w, buf_cstr(&url));
	}
	jw_array_end(w);
}

static void put_origin(struct jw *w, const struct finding *f)
{
	if (!f->ecosystem || !*f->ecosystem)
		return;
	auto_free char *id = xstrdup(f->ecosystem);
	for (char *c = id; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	jw_key(w, "DataSource");
	jw_object(w);
	jw_kv(w, "ID", id);
	jw_kv(w, "Name", f->ecosystem);
	jw_object_end(w);
}

static void put_description(struct jw *w, const struct finding *f)
{
	auto_buf struct buf text = {0};
	if (f->flaw->title)
		buf_puts(&text, f->flaw->title);
	if (f->note)
		buf_printf(&text, "%s%s", text.n ? "\n\n" : "", f->note);
	kv_some(w, "Description", buf_cstr(&text));
}

void trivy_put_finding(struct jw *w, const struct report *r, const struct finding *f)
{
	const struct found_package *p = f->package;
	auto_buf struct buf url = {0};
	jw_object(w);
	put_names(w, f);
	put_id(w, "PkgID", p->package);
	jw_kv(w, "PkgName", p->package->name);
	if (has_path(r, p))
		jw_kv(w, "PkgPath", p->path);
	put_identifier(w, "PkgIdentifier", r, p);
	jw_kv(w, "InstalledVersion", p->package->version);
	kv_some(w, "FixedVersion", f->fixed);
	jw_kv(w, "Status", status_word(f->status));
	put_layer(w, r, p);
	kv_some(w, "SeveritySource", f->severity_source);
	put_flaw_url(&url, flaw_name(f));
	jw_kv(w, "PrimaryURL", buf_cstr(&url));
	put_origin(w, f);
	kv_some(w, "Title", f->flaw->title);
	put_description(w, f);
	jw_kv(w, "Severity", severity_word(f->severity));
	put_vendor_severity(w, f->flaw);
	put_cvss(w, f->flaw);
	put_urls(w, f->flaw, flaw_name(f));
	put_day(w, "PublishedDate", f->flaw->published);
	put_day(w, "LastModifiedDate", f->flaw->modified);
	jw_object_end(w);
}
