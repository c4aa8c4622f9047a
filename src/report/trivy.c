// SPDX-License-Identifier: Apache-2.0
// The JSON that Trivy's users have tools for: a result for the packages of the distribution, one
// for what is installed of each language, one for each program and lock file.
#include "report/report-int.h"
#include "scan/filter.h"

struct result {
	const char *type;   // "node-pkg"
	const char *target; // what all packages of the type stand under; NULL: their file
};

static struct result lock_file(const char *path)
{
	static const struct {
		const char *name, *type;
	} known[] = {{"package-lock.json", "npm"}, {"npm-shrinkwrap.json", "npm"},
	        {"yarn.lock", "yarn"}, {"pnpm-lock.yaml", "pnpm"}, {"requirements.txt", "pip"},
	        {"Pipfile.lock", "pipenv"}, {"poetry.lock", "poetry"}, {"uv.lock", "uv"},
	        {"Cargo.lock", "cargo"}};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!strcmp(known[i].name, name))
			return (struct result){known[i].type, NULL};
	}
	return (struct result){NULL, NULL};
}

static const char *os_family(const struct report *r)
{
	static const char *const other[][2] = {{"rhel", "redhat"}, {"amzn", "amazon"},
	        {"ol", "oracle"}, {"almalinux", "alma"}, {"opensuse-leap", "opensuse.leap"},
	        {"opensuse-tumbleweed", "opensuse.tumbleweed"}, {"mariner", "cbl-mariner"}};
	const char *id = r->packages->release.id;
	for (size_t i = 0; id && i < ARRAY_LEN(other); i++) {
		if (!strcmp(other[i][0], id))
			return other[i][1];
	}
	return id ? id : "none";
}

static const char *os_name(const struct report *r)
{
	const struct release *release = &r->packages->release;
	return release->version ? release->version : release->codename;
}

static struct result result_of(const struct report *r, const struct found_package *f)
{
	struct result lock =
	        f->package->flags & PACKAGE_LOCKED ? lock_file(f->path) : (struct result){0};
	if (lock.type)
		return lock;
	switch (f->package->type) {
	case PACKAGE_DEB:
	case PACKAGE_APK:
	case PACKAGE_RPM:
		break;
	case PACKAGE_NPM:
		return (struct result){"node-pkg", "Node.js"};
	case PACKAGE_PYPI:
		return (struct result){"python-pkg", "Python"};
	case PACKAGE_GOLANG:
		return (struct result){"gobinary", NULL};
	case PACKAGE_CARGO:
		return (struct result){"rustbinary", NULL};
	case PACKAGE_MAVEN:
		return (struct result){"jar", "Java"};
	}
	return (struct result){os_family(r), ""};
}

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
	const char *target = result_of(r, f).target;
	return target && *target && f->path && *f->path;
}

static void put_package(struct jw *w, const struct report *r, const struct found_package *f)
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

static void put_finding(struct jw *w, const struct report *r, const struct finding *f)
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

// ---- results

// Packages in their order, each with what the report says of it.
struct member {
	const struct found_package *package;
	struct result in;
};

static int rank(const struct member *m)
{
	return is_distribution(m->package->package) ? 0 : m->in.target ? 1 : 2;
}

static bool same_result(const struct member *a, const struct member *b)
{
	return !strcmp(a->in.type, b->in.type) &&
	       (a->in.target ? b->in.target != NULL
	                     : !b->in.target && !strcmp(a->package->path, b->package->path));
}

// The order within a result is that of the list.
static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = rank(x) - rank(y);
	if (!order)
		order = strcmp(x->in.type, y->in.type);
	if (!order && !x->in.target)
		order = strcmp(x->package->path, y->package->path);
	return order ? order : (x->package > y->package) - (x->package < y->package);
}

struct results {
	struct member *v; // by result
	size_t n;
	size_t *of; // of each package of the list, the first of v in the same result
};

static void collect(const struct report *r, struct results *ret)
{
	const struct package_list *l = r->packages;
	*ret = (struct results){.v = xcalloc(l->n + 1, sizeof(*ret->v)),
	        .n = l->n,
	        .of = xcalloc(l->n + 1, sizeof(*ret->of))};
	for (size_t i = 0; i < l->n; i++)
		ret->v[i] = (struct member){&l->v[i], result_of(r, &l->v[i])};
	if (l->n)
		qsort(ret->v, l->n, sizeof(*ret->v), compare);
	for (size_t i = 0, first = 0; i < l->n; i++) {
		if (!same_result(&ret->v[first], &ret->v[i]))
			first = i;
		ret->of[ret->v[i].package - l->v] = first;
	}
}

static void put_target(struct jw *w, const struct report *r, const struct member *m)
{
	auto_free char *name = NULL;
	const char *target = m->in.target;
	if (target && !*target) {
		const char *version = os_name(r);
		target = name = version ? xasprintf("%s (%s %s)", r->name, m->in.type, version)
		                        : xasprintf("%s (%s)", r->name, m->in.type);
	}
	jw_kv(w, "Target", target ? target : m->package->path);
	jw_kv(w, "Class", is_distribution(m->package->package) ? "os-pkgs" : "lang-pkgs");
	jw_kv(w, "Type", m->in.type);
}

static bool begins(struct jw *w, bool *open, const char *key)
{
	if (!*open) {
		jw_key(w, key);
		jw_array(w);
	}
	return *open = true;
}

static void put_findings(
        struct jw *w, const struct report *r, const struct results *all, size_t first)
{
	bool open = false;
	for (size_t i = 0; i < r->scan->n; i++) {
		const struct finding *f = &r->scan->v[i];
		if (!f->hidden && all->of[f->package - r->packages->v] == first &&
		        begins(w, &open, "Vulnerabilities"))
			put_finding(w, r, f);
	}
	if (open)
		jw_array_end(w);
}

static void put_hidden(
        struct jw *w, const struct report *r, const struct results *all, size_t first)
{
	bool open = false;
	for (size_t i = 0; i < r->scan->n; i++) {
		const struct finding *f = &r->scan->v[i];
		if (!f->hidden || all->of[f->package - r->packages->v] != first ||
		        !begins(w, &open, "ExperimentalModifiedFindings"))
			continue;
		jw_object(w);
		jw_kv(w, "Type", "vulnerability");
		jw_kv(w, "Status", "ignored");
		jw_kv(w, "Statement", f->hidden);
		jw_kv(w, "Source", "hew");
		jw_key(w, "Finding");
		put_finding(w, r, f);
		jw_object_end(w);
	}
	if (open)
		jw_array_end(w);
}

static size_t put_result(
        struct jw *w, const struct report *r, const struct results *all, size_t first)
{
	size_t end = first;
	while (end < all->n && same_result(&all->v[first], &all->v[end]))
		end++;
	jw_object(w);
	put_target(w, r, &all->v[first]);
	if (r->list_packages) {
		jw_key(w, "Packages");
		jw_array(w);
		for (size_t i = first; i < end; i++)
			put_package(w, r, all->v[i].package);
		jw_array_end(w);
	}
	if (r->scan)
		put_findings(w, r, all, first);
	if (r->scan && r->show_hidden)
		put_hidden(w, r, all, first);
	jw_object_end(w);
	return end;
}

// ---- the document

static void put_texts(struct jw *w, const char *key, const struct strv *v)
{
	if (!v || !v->n)
		return;
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(w, v->v[i]);
	jw_array_end(w);
}

static void put_os(struct jw *w, const struct report *r)
{
	const struct scan *s = r->scan;
	char today[TIME_TEXT];
	if (!r->packages->release.id)
		return;
	time_format(r->created, today);
	jw_key(w, "OS");
	jw_object(w);
	jw_kv(w, "Family", os_family(r));
	jw_kv(w, "Name", os_name(r) ? os_name(r) : "");
	if (s && s->has_release && *s->release.end_of_life &&
	        strncmp(s->release.end_of_life, today, strlen("2026-01-01")) < 0)
		jw_kv_bool(w, "EOSL", true);
	jw_object_end(w);
}

static void put_image(struct jw *w, const struct report *r)
{
	struct err e = ERR_INIT;
	auto_jdoc struct jdoc *config = r->config ? jdoc_parse(r->config, r->config_n, &e) : NULL;
	kv_digest(w, "ImageID", r->id);
	if (r->n_layers) {
		jw_key(w, "DiffIDs");
		jw_array(w);
		for (size_t i = 0; i < r->n_layers; i++) {
			char text[DIGEST_TEXT];
			digest_text(&r->layers[i].diff_id, text);
			jw_str(w, text);
		}
		jw_array_end(w);
	}
	put_texts(w, "RepoTags", r->tags);
	put_texts(w, "RepoDigests", r->repo_digests);
	if (config) {
		jw_key(w, "ImageConfig");
		jw_raw(w, jdoc_root(config));
	}
}

void report_trivy(const struct report *r, struct buf *out)
{
	static const char *const types[] = {[REPORT_IMAGE] = "container_image",
	        [REPORT_FOLDER] = "filesystem",
	        [REPORT_SBOM] = "cyclonedx"};
	struct results all;
	struct jw w;
	char created[TIME_TEXT];
	size_t start = out->n;
	time_format(r->created, created);
	collect(r, &all);
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv_int(&w, "SchemaVersion", 2);
	jw_kv(&w, "CreatedAt", created);
	jw_kv(&w, "ArtifactName", r->name);
	jw_kv(&w, "ArtifactType", types[r->kind]);
	jw_key(&w, "Metadata");
	jw_object(&w);
	put_os(&w, r);
	if (r->kind == REPORT_IMAGE)
		put_image(&w, r);
	jw_object_end(&w);
	jw_key(&w, "Results");
	jw_array(&w);
	for (size_t i = 0; i < all.n;)
		i = put_result(&w, r, &all, i);
	jw_array_end(&w);
	jw_object_end(&w);
	end_document(out, start);
	free(all.v);
	free(all.of);
}
