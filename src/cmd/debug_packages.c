// SPDX-License-Identifier: Apache-2.0
// `hew debug packages`: what is installed in an image or a folder, and which layer brought it.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include "cmd/image_packages.h"
#include "cmd/session.h"
#include "context/local.h"
#include "image/config.h"
#include <stdio.h>
#include <string.h>

// Where a package comes from, for people.
struct origin {
	const struct image_config *config; // NULL: a folder
	size_t base_layers;
};

// The instruction that made a layer.
static const char *instruction(const struct image_config *c, size_t layer)
{
	for (size_t i = 0; i < c->n_history; i++) {
		if (!c->history[i].empty_layer && layer-- == 0)
			return c->history[i].created_by;
	}
	return NULL;
}

static void print_table(const struct package_list *l, const struct origin *o)
{
	static const char *const heads[] = {
	        "TYPE", "PACKAGE", "VERSION", "SOURCE", "LAYER", "FROM", "FILE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < l->n; i++) {
		const struct found_package *f = &l->v[i];
		const struct package *p = f->package;
		char layer[24] = "-";
		const char *from = "-";
		if (o->config) {
			snprintf(layer, sizeof(layer), "%zu", f->layer + 1);
			from = f->layer < o->base_layers ? "base" : "own";
		}
		ui_table_row(
		        t, (const char *const[]){package_type_name(p->type), p->name, p->version,
		                   p->source ? p->source : "-", layer, from, f->path});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void put_flags(struct jw *w, int flags)
{
	if (flags & PACKAGE_OWNED)
		jw_kv_bool(w, "owned", true);
	if (flags & PACKAGE_HEADERS)
		jw_kv_bool(w, "headers", true);
	if (flags & PACKAGE_LOCKED)
		jw_kv_bool(w, "locked", true);
}

static void put_text(struct jw *w, const char *key, const char *value)
{
	if (value)
		jw_kv(w, key, value);
}

static void put_layer(struct jw *w, const struct origin *o, size_t layer)
{
	char diff_id[DIGEST_TEXT];
	digest_text(&o->config->diff_ids[layer], diff_id);
	jw_kv_int(w, "layer", (int64_t)layer + 1);
	jw_kv(w, "diffID", diff_id);
	put_text(w, "createdBy", instruction(o->config, layer));
	jw_kv_bool(w, "base", layer < o->base_layers);
}

// An object a line.
static void print_json(const struct package_list *l, const struct origin *o)
{
	auto_buf struct buf out = {0}, url = {0};
	for (size_t i = 0; i < l->n; i++) {
		const struct found_package *f = &l->v[i];
		const struct package *p = f->package;
		struct jw w;
		buf_reset(&url);
		package_url(p, &l->release, &url);
		jw_begin(&w, &out, 0);
		jw_object(&w);
		jw_kv(&w, "type", package_type_name(p->type));
		jw_kv(&w, "name", p->name);
		jw_kv(&w, "version", p->version);
		put_text(&w, "arch", p->arch);
		put_text(&w, "source", p->source);
		put_text(&w, "sourceVersion", p->source_version);
		jw_kv(&w, "purl", buf_cstr(&url));
		jw_kv(&w, "path", f->path);
		put_flags(&w, p->flags);
		if (o->config)
			put_layer(&w, o, f->layer);
		jw_object_end(&w);
		buf_putc(&out, '\n');
		fwrite(out.p, 1, out.n, stdout);
		buf_reset(&out);
	}
}

static void print(const struct package_list *l, const struct origin *o, bool json)
{
	if (json)
		print_json(l, o);
	else
		print_table(l, o);
}

static void warn_line(const char *text)
{
	auto_buf struct buf safe = {0};
	ui_escape(text, strlen(text), &safe);
	fprintf(stderr, "warning: %s\n", buf_cstr(&safe));
}

static void warn(const struct package_set *s)
{
	for (size_t i = 0; i < s->warnings.n; i++)
		warn_line(s->warnings.v[i]);
}

static int of_folder(const char *path, bool json, struct err *e)
{
	auto_package_set struct package_set set = {0};
	auto_package_list struct package_list list = {0};
	auto_view struct view *v = context_open(path, NULL, -1, NULL, e);
	if (!v || packages_scan(v, PACKAGES_LOCK_FILES, &set, e))
		return -1;
	packages_list(&set, &list);
	warn(&set);
	print(&list, &(struct origin){0}, json);
	return 0;
}

static int of_image(const char *name, bool json, struct err *e)
{
	auto_session struct session s = {0};
	auto_config struct image_config c = {0};
	auto_image_packages struct image_packages p = {0};
	struct image_row row = {0};
	if (session_open(&s, false, e) || find_image(s.store, name, &row, e))
		return -1;
	int status = load_config(s.store, &row, &c, NULL, e) || image_packages_find(&s, &c, &p, e);
	image_row_release(&row);
	if (status)
		return -1;
	for (size_t i = 0; i < p.n; i++)
		warn(&p.sets[i]);
	print(&p.list, &(struct origin){&c, p.base_layers}, json);
	return 0;
}

int debug_packages(const struct strv *args, const char *format, struct err *e)
{
	int json = format_is_json(format, e);
	if (json < 0 || need_args(args, 2, 2, "debug packages IMAGE|FOLDER", e))
		return -1;
	const char *what = args->v[1];
	return *what == '.' || *what == '/' ? of_folder(what, json, e) : of_image(what, json, e);
}
