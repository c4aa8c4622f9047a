// SPDX-License-Identifier: Apache-2.0
// What hew diff prints for programs.
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/diff.h"
#include <stdio.h>

static void put_side(struct jw *w, const char *key, const struct diff *c, const struct diff_side *s)
{
	char digest[DIGEST_TEXT];
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "name", s->target.name);
	jw_kv_int(w, "packages", (int64_t)s->target.packages->n);
	if (c->has_flaws)
		jw_kv_int(w, "flaws", (int64_t)s->flaws.n);
	if (s->target.kind == REPORT_IMAGE) {
		digest_text(&s->target.digest, digest);
		jw_kv(w, "digest", digest);
		jw_kv_int(w, "layers", (int64_t)s->target.config.n_diff_ids);
		jw_kv_int(w, "bytes", (int64_t)s->bytes);
	}
	jw_object_end(w);
}

static void put_packages(struct jw *w, const struct package_diffs *d)
{
	jw_key(w, "packages");
	jw_array(w);
	for (size_t i = 0; i < d->n; i++) {
		jw_object(w);
		jw_kv(w, "type", package_type_name(d->v[i].type));
		jw_kv(w, "name", d->v[i].name);
		jw_kv(w, "change", package_change_words[d->v[i].change]);
		if (d->v[i].before)
			jw_kv(w, "before", d->v[i].before);
		if (d->v[i].after)
			jw_kv(w, "after", d->v[i].after);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_flaws(
        struct jw *w, const char *change, const struct flaw_set *of, const struct flaw_set *than)
{
	for (size_t i = 0; i < of->n; i++) {
		const struct finding *f = of->v[i].finding;
		if (flaw_set_has(than, &of->v[i]))
			continue;
		jw_object(w);
		jw_kv(w, "flaw", finding_name(f));
		jw_kv(w, "severity", severity_name(f->severity));
		jw_kv(w, "change", change);
		jw_kv(w, "package", f->name);
		jw_kv(w, "version", f->version);
		if (f->fixed)
			jw_kv(w, "fixed", f->fixed);
		jw_object_end(w);
	}
}

static void put_config(struct jw *w, const struct config_diffs *d)
{
	jw_key(w, "config");
	jw_array(w);
	for (size_t i = 0; i < d->n; i++) {
		jw_object(w);
		jw_kv(w, "field", d->v[i].field);
		if (d->v[i].key)
			jw_kv(w, "key", d->v[i].key);
		jw_kv(w, "before", d->v[i].before);
		jw_kv(w, "after", d->v[i].after);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_file(struct jw *w, const struct file_diff *f, bool before, bool after)
{
	auto_free char *path = xasprintf("/%s", f->path);
	jw_object(w);
	jw_kv(w, "path", path);
	if (before && after) {
		jw_kv_int(w, "before", (int64_t)f->before);
		jw_kv_int(w, "after", (int64_t)f->after);
	} else {
		jw_kv_int(w, "size", (int64_t)(before ? f->before : f->after));
	}
	jw_object_end(w);
}

static void put_files(struct jw *w, const struct file_diffs *f, bool all)
{
	static const struct {
		const char *key;
		bool before, after;
	} kinds[] = {{"added", false, true}, {"removed", true, false}, {"changed", true, true}};
	const struct file_list *const lists[] = {&f->added, &f->removed, &f->changed};
	jw_key(w, "files");
	jw_object(w);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		jw_key(w, kinds[k].key);
		if (!all) {
			jw_int(w, (int64_t)lists[k]->n);
			continue;
		}
		jw_array(w);
		for (size_t i = 0; i < lists[k]->n; i++)
			put_file(w, &lists[k]->v[i], kinds[k].before, kinds[k].after);
		jw_array_end(w);
	}
	jw_object_end(w);
}

void diff_print_json(const struct diff *d, bool files)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	put_side(&w, "before", d, &d->a);
	put_side(&w, "after", d, &d->b);
	put_packages(&w, &d->packages);
	if (d->has_flaws) {
		jw_key(&w, "flaws");
		jw_array(&w);
		put_flaws(&w, "gained", &d->b.flaws, &d->a.flaws);
		put_flaws(&w, "lost", &d->a.flaws, &d->b.flaws);
		jw_array_end(&w);
	}
	if (d->has_files) {
		put_config(&w, &d->config);
		put_files(&w, &d->files, files);
	}
	jw_object_end(&w);
	puts(buf_cstr(&out));
}
