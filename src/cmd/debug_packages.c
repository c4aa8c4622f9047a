// SPDX-License-Identifier: Apache-2.0
// `hew debug packages`: what is installed in an image or a folder, and which layer brought it.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include "cmd/words.h"
#include "session/session.h"
#include "subject/scanned.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

static void print_table(const struct scanned *o)
{
	const struct package_list *l = o->packages;
	static const char *const heads[] = {
	        "TYPE", "PACKAGE", "VERSION", "SOURCE", "LAYER", "FROM", "FILE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < l->n; i++) {
		const struct found_package *f = &l->v[i];
		const struct package *p = f->package;
		char layer[24] = "-";
		const char *from = "-";
		if (o->layers) {
			snprintf(layer, sizeof(layer), "%zu", f->layer + 1);
			from = o->layers[f->layer].base ? "base" : "own";
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

static void put_layer(struct jw *w, const struct report_layer *l, size_t layer)
{
	char diff_id[DIGEST_TEXT];
	digest_text(&l->diff_id, diff_id);
	jw_kv_int(w, "layer", (int64_t)layer + 1);
	jw_kv(w, "diffID", diff_id);
	put_text(w, "createdBy", l->created_by);
	jw_kv_bool(w, "base", l->base);
}

// An object a line.
static void print_json(const struct scanned *o)
{
	const struct package_list *l = o->packages;
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
		put_text(&w, "module", p->module);
		jw_kv(&w, "purl", buf_cstr(&url));
		jw_kv(&w, "path", f->path);
		put_flags(&w, p->flags);
		if (o->layers)
			put_layer(&w, &o->layers[f->layer], f->layer);
		jw_object_end(&w);
		buf_putc(&out, '\n');
		fwrite(out.p, 1, out.n, stdout);
		buf_reset(&out);
	}
}

int debug_packages(const struct strv *args, const char *format, struct err *e)
{
	auto_session struct session s = {0};
	auto_scanned struct scanned t = {0};
	int json = format_is_json(format, e);
	if (json < 0 || need_args(args, 2, 2, "debug packages IMAGE|FOLDER", e))
		return -1;
	const struct subject_ask ask = {.text = args->v[1]};
	if (scanned_open(&s, &ask, &t, e))
		return -1;
	scanned_warn(&t);
	if (json)
		print_json(&t);
	else
		print_table(&t);
	return 0;
}
