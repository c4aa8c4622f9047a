// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "image/config.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

struct history_options {
	const char *format, *platform;
	bool no_trunc;
};

static const struct option options[] = {
        {"format", 0, OPT_STRING, offsetof(struct history_options, format), "KIND",
                "table or json"},
        {"no-trunc", 0, OPT_FLAG, offsetof(struct history_options, no_trunc), NULL,
                "Show whole commands"},
        {"platform", 0, OPT_STRING, offsetof(struct history_options, platform), "OS/ARCH",
                "Of an index, the image for this platform"},
        OPTION_END,
};

// Of its files; of a layer that was never unpacked here, of the blob it comes as.
static uint64_t layer_size(struct store *s, const struct digest *diff_id)
{
	struct layer_info info = {0};
	struct layer_blob b;
	struct err ignored = ERR_INIT;
	if (store_layer_get(s, diff_id, &info) && info.has_index)
		return info.file_bytes;
	return store_layer_blob(s, diff_id, "", &b, &ignored) == 1 ? b.size : 0;
}

// Newest first, as docker prints it; sizes[i] is the size of entry i's layer.
static void entry_sizes(struct store *s, const struct image_config *c, uint64_t *sizes)
{
	size_t layer = 0;
	for (size_t i = 0; i < c->n_history; i++) {
		sizes[i] = 0;
		if (!c->history[i].empty_layer && layer < c->n_diff_ids)
			sizes[i] = layer_size(s, &c->diff_ids[layer++]);
	}
}

static void print_table(const struct image_config *c, const uint64_t *sizes, bool whole)
{
	static const char *const heads[] = {"CREATED", "CREATED BY", "SIZE", "COMMENT"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = c->n_history; i-- > 0;) {
		const struct history *h = &c->history[i];
		char age[TIME_TEXT] = "N/A", size[24], cut[64];
		const char *by = h->created_by ? h->created_by : "";
		if (h->has_created)
			time_age(h->created, age);
		size_format(sizes[i], size);
		if (!whole && strlen(by) > 60) {
			snprintf(cut, sizeof(cut), "%.57s...", by);
			by = cut;
		}
		ui_table_row(t, (const char *const[]){age, by, size, h->comment ? h->comment : ""});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_json(const struct image_config *c, const uint64_t *sizes)
{
	for (size_t i = c->n_history; i-- > 0;) {
		const struct history *h = &c->history[i];
		auto_buf struct buf out = {0};
		char created[TIME_TEXT];
		struct jw w;
		time_format(h->created, created);
		jw_begin(&w, &out, 0);
		jw_object(&w);
		jw_kv(&w, "CreatedAt", h->has_created ? created : NULL);
		jw_kv(&w, "CreatedBy", h->created_by);
		jw_kv(&w, "Comment", h->comment);
		jw_kv_bool(&w, "EmptyLayer", h->empty_layer);
		jw_kv_int(&w, "Size", (int64_t)sizes[i]);
		jw_object_end(&w);
		puts(buf_cstr(&out));
	}
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct history_options *o = opts;
	auto_session struct session s = {0};
	auto_config struct image_config c = {0};
	struct image_row row = {0};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 1, 1, "history IMAGE", e) || session_open(&s, false, e) ||
	        find_image_for(s.store, args->v[0], o->platform, &row, e))
		return -1;
	int r = load_config(s.store, &row, &c, NULL, e);
	image_row_release(&row);
	if (r)
		return -1;
	auto_free uint64_t *sizes = xcalloc(c.n_history + 1, sizeof(*sizes));
	entry_sizes(s.store, &c, sizes);
	if (json)
		print_json(&c, sizes);
	else
		print_table(&c, sizes, o->no_trunc);
	return 0;
}

const struct command cmd_history = {
        .name = "history",
        .args = "[OPTIONS] IMAGE",
        .summary = "Show how an image was made, newest step first",
        .options = options,
        .size = sizeof(struct history_options),
        .run = run,
};
