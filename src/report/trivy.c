// SPDX-License-Identifier: Apache-2.0
// The JSON that Trivy's users have tools for: a result for the packages of the distribution, one
// for what is installed of each language, one for each program and lock file.
#include "report/trivy-int.h"

static struct trivy_result lock_file(const char *path)
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
			return (struct trivy_result){known[i].type, NULL};
	}
	return (struct trivy_result){NULL, NULL};
}

static const char *os_family(const struct report *r)
{
	const char *id = r->packages->release.id;
	return id ? release_family(id) : "none";
}

static const char *os_name(const struct report *r)
{
	const struct release *release = &r->packages->release;
	return release->version ? release->version : release->codename;
}

struct trivy_result trivy_result_of(const struct report *r, const struct found_package *f)
{
	struct trivy_result lock =
	        f->package->flags & PACKAGE_LOCKED ? lock_file(f->path) : (struct trivy_result){0};
	if (lock.type)
		return lock;
	switch (f->package->type) {
	case PACKAGE_DEB:
	case PACKAGE_APK:
	case PACKAGE_RPM:
		break;
	case PACKAGE_NPM:
		return (struct trivy_result){"node-pkg", "Node.js"};
	case PACKAGE_PYPI:
		return (struct trivy_result){"python-pkg", "Python"};
	case PACKAGE_GOLANG:
		return (struct trivy_result){"gobinary", NULL};
	case PACKAGE_CARGO:
		return (struct trivy_result){"rustbinary", NULL};
	case PACKAGE_MAVEN:
		return (struct trivy_result){"jar", "Java"};
	}
	return (struct trivy_result){os_family(r), ""};
}

// ---- results

// Packages in their order, each with what the report says of it.
struct member {
	const struct found_package *package;
	struct trivy_result in;
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
		ret->v[i] = (struct member){&l->v[i], trivy_result_of(r, &l->v[i])};
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
			trivy_put_finding(w, r, f);
	}
	if (open)
		jw_array_end(w);
}

static const char *modified_status(const char *reason)
{
	return str_has_prefix(reason, "VEX: not affected") ? "not_affected"
	       : str_has_prefix(reason, "VEX: fixed")      ? "fixed"
	                                                   : "ignored";
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
		jw_kv(w, "Status", modified_status(f->hidden));
		jw_kv(w, "Statement", f->hidden);
		jw_kv(w, "Source", "hew");
		jw_key(w, "Finding");
		trivy_put_finding(w, r, f);
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
			trivy_put_package(w, r, all->v[i].package);
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
	if (!r->packages->release.id)
		return;
	jw_key(w, "OS");
	jw_object(w);
	jw_kv(w, "Family", os_family(r));
	jw_kv(w, "Name", os_name(r) ? os_name(r) : "");
	if (r->scan && r->scan->is_over)
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
