// SPDX-License-Identifier: Apache-2.0
#include "session/images.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

struct images_options {
	const char *format;
	bool quiet, no_trunc, all;
};

#define AT(member) offsetof(struct images_options, member)
static const struct option options[] = {
        {"all", 'a', OPT_FLAG, AT(all), NULL, "Accepted; there are no intermediate images to hide"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"no-trunc", 0, OPT_FLAG, AT(no_trunc), NULL, "Show whole ids"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print only ids"},
        OPTION_END,
};

// "node:20" into "node" and "20"; a digest or no name at all is <none>.
static void split_name(const char *full, char **ret_repository, char **ret_tag)
{
	auto_free char *familiar = full ? short_name(full) : xstrdup("<none>");
	char *slash = strrchr(familiar, '/'), *colon = strrchr(familiar, ':');
	char *at = strchr(familiar, '@');
	if (at)
		*at = '\0';
	bool tagged = !at && colon && (!slash || colon > slash);
	*ret_tag = xstrdup(tagged ? colon + 1 : "<none>");
	if (tagged)
		*colon = '\0';
	*ret_repository = xstrdup(familiar);
}

static void id_text(const struct image_row *r, bool whole, char out[static DIGEST_TEXT])
{
	const struct digest *d = digest_is_zero(&r->image_id) ? &r->manifest : &r->image_id;
	if (whole) {
		digest_text(d, out);
		return;
	}
	char hex[HASH_HEX];
	digest_hex(d, hex);
	snprintf(out, DIGEST_TEXT, "%.12s", hex);
}

static void print_json(const struct image_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct image_row *r = &l->v[i];
		auto_free char *repository = NULL, *tag = NULL;
		auto_buf struct buf out = {0};
		char id[DIGEST_TEXT], digest[DIGEST_TEXT], created[TIME_TEXT];
		struct jw w;
		split_name(r->name, &repository, &tag);
		id_text(r, true, id);
		digest_text(&r->manifest, digest);
		time_format((struct timestamp){r->created, 0}, created);
		jw_begin(&w, &out, 0);
		jw_object(&w);
		jw_kv(&w, "Repository", repository);
		jw_kv(&w, "Tag", tag);
		jw_kv(&w, "ID", id);
		jw_kv(&w, "Digest", digest);
		jw_kv(&w, "CreatedAt", created);
		jw_kv_int(&w, "Size", (int64_t)r->size);
		jw_object_end(&w);
		puts(buf_cstr(&out));
	}
}

static void print_table(const struct image_list *l, const struct images_options *o)
{
	static const char *const heads[] = {"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < l->n; i++) {
		const struct image_row *r = &l->v[i];
		auto_free char *repository = NULL, *tag = NULL;
		char id[DIGEST_TEXT], age[TIME_TEXT] = "N/A", size[24];
		split_name(r->name, &repository, &tag);
		id_text(r, o->no_trunc, id);
		if (r->created > 0)
			time_age((struct timestamp){r->created, 0}, age);
		size_format(r->size, size);
		ui_table_row(t, (const char *const[]){repository, tag, id, age, size});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_ids(const struct image_list *l, const struct images_options *o)
{
	char last[DIGEST_TEXT] = "";
	for (size_t i = 0; i < l->n; i++) {
		char id[DIGEST_TEXT];
		id_text(&l->v[i], o->no_trunc, id);
		if (strcmp(id, last) != 0)
			puts(id);
		memcpy(last, id, sizeof(last));
	}
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct images_options *o = opts;
	auto_session struct session s = {0};
	struct image_list list = {0};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 0, 0, "images", e))
		return -1;
	if (session_look(&s, e)) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
	} else if (store_image_list(s.store, &list, e)) {
		return -1;
	}
	if (o->quiet)
		print_ids(&list, o);
	else if (json)
		print_json(&list);
	else
		print_table(&list, o);
	image_list_release(&list);
	return 0;
}

const struct command cmd_images = {
        .name = "images",
        .args = "[OPTIONS]",
        .summary = "List the images in the store",
        .options = options,
        .size = sizeof(struct images_options),
        .run = run,
};
