// SPDX-License-Identifier: Apache-2.0
// What was found in a layer, as JSON: what the store keeps of it.
#include "base/json.h"
#include "packages/packages-int.h"

static void write_package(struct jw *w, const struct package *p)
{
	jw_array(w);
	jw_int(w, p->type);
	jw_int(w, p->flags);
	jw_str(w, p->name);
	jw_str(w, p->version);
	jw_str(w, p->arch);
	jw_str(w, p->source);
	jw_str(w, p->source_version);
	jw_str(w, p->module);
	jw_array_end(w);
}

static void write_files(struct jw *w, const struct package_set *s)
{
	jw_key(w, "files");
	jw_array(w);
	for (size_t i = 0; i < s->n_files; i++) {
		const struct package_file *f = &s->files[i];
		jw_object(w);
		jw_kv(w, "path", f->path);
		jw_key(w, "packages");
		jw_array(w);
		for (size_t k = 0; k < f->n; k++)
			write_package(w, &s->packages[f->first + k]);
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void write_releases(struct jw *w, const struct package_set *s)
{
	jw_key(w, "releases");
	jw_array(w);
	for (size_t i = 0; i < s->n_releases; i++) {
		const struct package_release *r = &s->releases[i];
		jw_object(w);
		jw_kv(w, "path", r->path);
		jw_kv(w, "id", r->release.id);
		jw_kv(w, "version", r->release.version);
		jw_kv(w, "codename", r->release.codename);
		jw_kv(w, "pretty", r->release.pretty);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void write_texts(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(w, v->v[i]);
	jw_array_end(w);
}

void packages_write(const struct package_set *s, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv(&w, "op", "packages");
	jw_kv_int(&w, "version", PACKAGES_VERSION);
	write_files(&w, s);
	write_releases(&w, s);
	write_texts(&w, "owned", &s->owned);
	write_texts(&w, "warnings", &s->warnings);
	jw_object_end(&w);
}

static int read_package(struct scan *s, const struct jn *p, struct err *e)
{
	int64_t type = jn_int(jn_at(p, 0), -1);
	const char *name = jn_str(jn_at(p, 2)), *version = jn_str(jn_at(p, 3));
	if (type < 0 || type > PACKAGE_MAVEN || !name || !version)
		return err_set(e, ERR_CORRUPT, "what is kept of a layer's packages is damaged");
	const struct package got = {.type = (enum package_type)type,
	        .flags = (int)jn_int(jn_at(p, 1), 0),
	        .name = name,
	        .version = version,
	        .arch = jn_str(jn_at(p, 4)),
	        .source = jn_str(jn_at(p, 5)),
	        .source_version = jn_str(jn_at(p, 6)),
	        .module = jn_str(jn_at(p, 7))};
	return scan_add(s, &got, e);
}

static int read_files(struct scan *s, const struct jn *files, struct err *e)
{
	for (size_t i = 0; i < jn_len(files); i++) {
		const struct jn *list = jn_get(jn_at(files, i), "packages");
		s->path = jn_get_str(jn_at(files, i), "path");
		for (size_t k = 0; s->path && k < jn_len(list); k++) {
			if (read_package(s, jn_at(list, k), e))
				return -1;
		}
	}
	return 0;
}

static const char *keep(struct package_set *s, const char *text)
{
	return text ? arena_strdup(&s->arena, text) : NULL;
}

static void read_releases(struct package_set *s, const struct jn *list)
{
	s->releases = xcalloc(jn_len(list) + 1, sizeof(*s->releases));
	for (size_t i = 0; i < jn_len(list); i++) {
		const struct jn *r = jn_at(list, i);
		const char *path = jn_get_str(r, "path");
		if (path)
			s->releases[s->n_releases++] = (struct package_release){keep(s, path),
			        {keep(s, jn_get_str(r, "id")), keep(s, jn_get_str(r, "version")),
			                keep(s, jn_get_str(r, "codename")),
			                keep(s, jn_get_str(r, "pretty"))}};
	}
}

int packages_read(const char *p, size_t n, struct package_set *ret, struct err *e)
{
	struct package_set got = {0};
	struct scan s = {.set = &got};
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	if (!doc)
		return -1;
	const struct jn *root = jdoc_root(doc);
	if (jn_int(jn_get(root, "version"), 0) != PACKAGES_VERSION)
		return err_set(
		        e, ERR_CORRUPT, "what is kept of a layer's packages is of another version");
	if (read_files(&s, jn_get(root, "files"), e)) {
		package_set_release(&got);
		return -1;
	}
	read_releases(&got, jn_get(root, "releases"));
	jn_str_list(jn_get(root, "owned"), &got.owned);
	jn_str_list(jn_get(root, "warnings"), &got.warnings);
	*ret = got;
	return 0;
}
