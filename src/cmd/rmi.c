// SPDX-License-Identifier: Apache-2.0
// hew rmi: names and images go at once, files when nothing needs them any more (hew prune).
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/images.h"
#include "session/session.h"
#include <stdio.h>

struct rmi_options {
	bool force;
};

static const struct option rmi_options[] = {
        {"force", 'f', OPT_FLAG, offsetof(struct rmi_options, force), NULL,
                "Take all names of an id; ignore what does not exist"},
        OPTION_END,
};

static void say_deleted(const struct image_row *row)
{
	char text[DIGEST_TEXT];
	digest_text(digest_is_zero(&row->image_id) ? &row->manifest : &row->image_id, text);
	printf("Deleted: %s\n", text);
}

static bool same_image(const struct image_row *a, const struct image_row *b)
{
	return digest_is_zero(&a->image_id) ? digest_eq(&a->manifest, &b->manifest)
	                                    : digest_eq(&a->image_id, &b->image_id);
}

// An id stands for all manifests of one image; more than one name would go with it unseen.
static int remove_image(
        struct store *s, const struct image_row *row, const char *text, bool force, struct err *e)
{
	struct image_list all = {0};
	size_t names = 0;
	if (store_image_list(s, &all, e))
		return -1;
	for (size_t i = 0; i < all.n; i++)
		names += all.v[i].name && same_image(&all.v[i], row);
	int r = names < 2 || force ? 0
	                           : err_set(e, ERR_USAGE,
	                                     "image %s has %zu names: give the names to remove, or "
	                                     "-f for all of them",
	                                     text, names);
	for (size_t i = 0; i < all.n && !r; i++) {
		if (!same_image(&all.v[i], row))
			continue;
		auto_free char *name = all.v[i].name ? short_name(all.v[i].name) : NULL;
		if (name)
			printf("Untagged: %s\n", name);
		if (store_image_remove(s, &all.v[i].manifest, e) && e->kind != ERR_NOT_FOUND)
			r = -1; // the second name of a manifest finds it gone
	}
	if (!r)
		say_deleted(row);
	image_list_release(&all);
	return r;
}

// A name takes the name away, and the image with its last one; an id or digest takes the image.
static int remove_one(struct store *s, const char *text, bool force, struct err *e)
{
	struct image_row row = {0};
	struct err not_a_name = ERR_INIT;
	auto_free char *name = full_name(text, &not_a_name);
	if (find_image(s, text, &row, e))
		return -1;
	int r = name ? store_name_remove(s, name, e) : 0;
	if (name && r >= 0) {
		auto_free char *shown = short_name(name);
		printf("Untagged: %s\n", shown);
		if (r > 0)
			say_deleted(&row);
		r = 0;
	} else if (!name || e->kind == ERR_NOT_FOUND) {
		r = remove_image(s, &row, text, force, e);
	}
	image_row_release(&row);
	return r;
}

static int rmi_run(void *opts, const struct strv *args, struct err *e)
{
	struct rmi_options *o = opts;
	auto_session struct session s = {0};
	if (need_args(args, 1, 1000, "rmi [OPTIONS] IMAGE...", e))
		return -1;
	if (session_open(&s, false, e))
		return o->force && e->kind == ERR_NOT_FOUND ? 0 : -1;
	int r = 0;
	for (size_t i = 0; i < args->n && !r; i++) {
		r = remove_one(s.store, args->v[i], o->force, e);
		if (r && e->kind == ERR_SPACE && store_reserve_use(s.store))
			r = remove_one(s.store, args->v[i], o->force, e);
		if (r && o->force && e->kind == ERR_NOT_FOUND)
			r = 0;
	}
	return r;
}

const struct command cmd_rmi = {
        .name = "rmi",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Remove images or names from the store",
        .details = "A name takes the name away, and the image with its last one. An id takes the "
                   "image; if "
                   "it\nhas several names, -f is needed.\n"
                   "Layers that other images or the build cache use stay; hew prune removes what "
                   "nothing needs.\n",
        .options = rmi_options,
        .size = sizeof(struct rmi_options),
        .run = rmi_run,
};
