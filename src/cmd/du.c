// SPDX-License-Identifier: Apache-2.0
// hew du: what the store takes up on the disk, by kind and by image; and record by record who holds
// it.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/care.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "rootfs/engine.h"
#include "session/images.h"
#include "session/session.h"
#include "store/usage_filter.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

struct du_options {
	bool verbose, why;
	struct strv filters;
	const char *format;
};

#define AT(member) offsetof(struct du_options, member)
static const struct option options[] = {
        {"filter", 0, OPT_LIST, AT(filters), "KEY=VALUE",
                "List the records that match: until=24h, id, type, inuse, ..."},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"verbose", 0, OPT_FLAG, AT(verbose), NULL, "List every record: its forms, who holds it"},
        {"why", 0, OPT_FLAG, AT(why), NULL, "The same"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct du_options *)p)->filters);
}

// ---- records in order: the largest first

static int by_size(const void *a, const void *b)
{
	const struct usage_record *x = *(const struct usage_record *const *)a;
	const struct usage_record *y = *(const struct usage_record *const *)b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->id, y->id);
}

// Caller frees the list, not what it points to. Of what has no form here only the name is known.
static const struct usage_record **matching(
        const struct usage *u, const struct usage_filter *f, size_t *ret_n)
{
	const struct usage_record **v = xcalloc(u->n_records + 1, sizeof(*v));
	*ret_n = 0;
	for (size_t i = 0; i < u->n_records; i++)
		if (u->records[i].kinds && usage_filter_matches(f, &u->records[i]))
			v[(*ret_n)++] = &u->records[i];
	qsort(v, *ret_n, sizeof(*v), by_size);
	return v;
}

// ---- as text

static void print_kinds(const struct usage *u)
{
	static const char *const heads[] = {"KIND", "COUNT", "SIZE", "RECLAIMABLE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (int k = 0; k < USAGE_KINDS; k++) {
		uint64_t free_bytes = k == USAGE_TRASH ? u->kinds[k] : 0;
		size_t n = 0;
		char count[24] = "", size[24], reclaimable[24];
		for (size_t i = 0; i < u->n_parts; i++)
			if (u->parts[i].kind == (enum usage_kind)k) {
				n++;
				free_bytes += u->parts[i].held ? 0 : u->parts[i].bytes;
			}
		if (k <= USAGE_CONTEXT)
			snprintf(count, sizeof(count), "%zu", n);
		size_format(u->kinds[k], size);
		size_format(free_bytes, reclaimable);
		ui_table_row(t, (const char *const[]){usage_kind_name((enum usage_kind)k), count,
		                        size, reclaimable});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_images(const struct usage *u)
{
	static const char *const heads[] = {"IMAGE", "OWN", "SHARED"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < u->n_images; i++) {
		const struct usage_image *m = &u->images[i];
		char id[DIGEST_TEXT], own[24], shared[24];
		digest_text(digest_is_zero(&m->image_id) ? &m->manifest : &m->image_id, id);
		id[19] = '\0';
		auto_free char *name = m->name ? short_name(m->name) : xstrdup(id);
		size_format(m->own, own);
		size_format(m->shared, shared);
		ui_table_row(t, (const char *const[]){name, own, shared});
	}
	if (u->n_images > 0) {
		puts("");
		ui_table_print(t);
	}
	ui_table_free(t);
}

static void age_of(int64_t at, char out[static TIME_TEXT])
{
	snprintf(out, TIME_TEXT, "never");
	if (at > 0)
		time_age((struct timestamp){at, 0}, out);
}

static void print_list(const struct usage_record *const *v, size_t n)
{
	static const char *const heads[] = {
	        "ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED", "DESCRIPTION"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < n; i++) {
		char size[24], age[TIME_TEXT];
		auto_free char *id = short_id(v[i]->id);
		auto_free char *what = short_text(v[i]->what);
		size_format(v[i]->bytes, size);
		age_of(v[i]->used, age);
		ui_table_row(t, (const char *const[]){
		                        id, v[i]->reclaimable ? "true" : "false", size, age, what});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_line(const char *head, const char *text)
{
	auto_buf struct buf safe = {0};
	ui_escape(text, strlen(text), &safe);
	printf("%-13s %s\n", head, buf_cstr(&safe));
}

static void print_forms(const struct usage *u, const struct usage_record *r)
{
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < u->n_parts; i++) {
		const struct usage_part *p = &u->parts[i];
		char size[24];
		if (&u->records[p->record] != r)
			continue;
		size_format(p->bytes, size);
		buf_printf(&text, "%s%s %s%s", text.n ? ", " : "", usage_kind_name(p->kind), size,
		        p->held ? " (held)" : "");
	}
	print_line("Forms:", buf_cstr(&text));
}

static void print_record(const struct usage *u, const struct usage_record *r)
{
	char size[24], reclaimable[24], age[TIME_TEXT], took[32];
	size_format(r->bytes, size);
	size_format(r->reclaimable, reclaimable);
	age_of(r->used, age);
	print_line("ID:", r->id);
	print_line("Type:", usage_type_name(r->type));
	print_line("Description:", r->what);
	print_line("Size:", size);
	print_line("Reclaimable:", reclaimable);
	print_forms(u, r);
	print_line("Last used:", age);
	if (r->cost_ns > 0) {
		snprintf(took, sizeof(took), "%.1f s", (double)r->cost_ns / 1e9);
		print_line("Took:", took);
	}
	for (size_t i = 0; i < r->holders.n; i++)
		print_line(i ? "" : "Held by:", r->holders.v[i]);
	if (r->holders.n == 0)
		print_line("Held by:", r->leased ? "a running step" : "nothing");
	puts("");
}

static void print_text(
        const struct usage *u, const struct usage_filter *f, const struct du_options *o)
{
	char total[24], reclaimable[24];
	size_t n;
	const struct usage_record **v = matching(u, f, &n);
	if (o->verbose || o->why) {
		for (size_t i = 0; i < n; i++)
			print_record(u, v[i]);
	} else if (o->filters.n) {
		print_list(v, n);
	} else {
		print_kinds(u);
		print_images(u);
	}
	free(v);
	size_format(u->total, total);
	size_format(u->reclaimable, reclaimable);
	printf("%sReclaimable:  %s\nTotal:        %s\n", o->verbose || o->why ? "" : "\n",
	        reclaimable, total);
}

// ---- as JSON

static void record_json(struct jw *w, const struct usage *u, const struct usage_record *r)
{
	jw_object(w);
	jw_kv(w, "id", r->id);
	jw_kv(w, "type", usage_type_name(r->type));
	jw_kv(w, "description", r->what);
	jw_kv_int(w, "size", (int64_t)r->bytes);
	jw_kv_int(w, "reclaimable", (int64_t)r->reclaimable);
	jw_kv_bool(w, "inUse", r->leased);
	jw_kv_bool(w, "shared", r->is_image || r->n_images > 0);
	jw_kv_bool(w, "mutable", r->type == USAGE_CACHE_MOUNT);
	jw_kv_int(w, "created", r->created);
	jw_kv_int(w, "lastUsed", r->used);
	jw_kv_int(w, "tookNs", r->cost_ns);
	jw_key(w, "heldBy");
	jw_array(w);
	for (size_t i = 0; i < r->holders.n; i++)
		jw_str(w, r->holders.v[i]);
	jw_array_end(w);
	jw_key(w, "forms");
	jw_array(w);
	for (size_t i = 0; i < u->n_parts; i++) {
		const struct usage_part *p = &u->parts[i];
		if (&u->records[p->record] != r)
			continue;
		jw_object(w);
		jw_kv(w, "kind", usage_kind_name(p->kind));
		jw_kv_int(w, "size", (int64_t)p->bytes);
		jw_kv_bool(w, "held", p->held);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void images_json(struct jw *w, const struct usage *u)
{
	jw_key(w, "images");
	jw_array(w);
	for (size_t i = 0; i < u->n_images; i++) {
		const struct usage_image *m = &u->images[i];
		auto_free char *name = m->name ? short_name(m->name) : NULL;
		char id[DIGEST_TEXT];
		digest_text(digest_is_zero(&m->image_id) ? &m->manifest : &m->image_id, id);
		jw_object(w);
		jw_kv(w, "name", name);
		jw_kv(w, "id", id);
		jw_kv_int(w, "own", (int64_t)m->own);
		jw_kv_int(w, "shared", (int64_t)m->shared);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void print_json(const struct usage *u, const struct usage_filter *f)
{
	auto_buf struct buf out = {0};
	struct jw w;
	size_t n;
	const struct usage_record **v = matching(u, f, &n);
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv_int(&w, "total", (int64_t)u->total);
	jw_kv_int(&w, "reclaimable", (int64_t)u->reclaimable);
	jw_key(&w, "kinds");
	jw_object(&w);
	for (int k = 0; k < USAGE_KINDS; k++)
		jw_kv_int(&w, usage_kind_name((enum usage_kind)k), (int64_t)u->kinds[k]);
	jw_object_end(&w);
	images_json(&w, u);
	jw_key(&w, "records");
	jw_array(&w);
	for (size_t i = 0; i < n; i++)
		record_json(&w, u, v[i]);
	jw_array_end(&w);
	jw_object_end(&w);
	puts(buf_cstr(&out));
	free(v);
}

static int measure(struct usage *ret, struct err *e)
{
	auto_session struct session s = {0};
	if (session_open(&s, false, e)) // no store: nothing
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	struct engine g = {.store = s.store, .stop_fd = -1};
	const struct usage_helper helper = {engine_measure, &g};
	engine_init(&g);
	int rc = store_usage(s.store, &helper, ret, e);
	engine_release(&g);
	return rc;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct du_options *o = opts;
	auto_usage struct usage u = {0};
	auto_usage_filter struct usage_filter f = {0};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 0, 0, "du [OPTIONS]", e))
		return -1;
	for (size_t i = 0; i < o->filters.n; i++)
		if (usage_filter_add(&f, o->filters.v[i], time_now().sec, e) < 0)
			return -1;
	if (measure(&u, e) < 0)
		return -1;
	if (json)
		print_json(&u, &f);
	else
		print_text(&u, &f, o);
	return 0;
}

const struct command cmd_du = {
        .name = "du",
        .args = "[OPTIONS]",
        .summary = "Show what the store takes up on the disk",
        .details = "Sizes are those of du(1). Reclaimable is what hew prune -a would remove.\n",
        .options = options,
        .size = sizeof(struct du_options),
        .run = run,
        .release = release,
};
