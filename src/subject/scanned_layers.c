// SPDX-License-Identifier: Apache-2.0
// Which instruction of which Dockerfile brought a layer: the record of the build knows, where the
// image was built here; else the image's history says at least the instruction.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "session/record.h"
#include "session/session.h"
#include "subject/kin.h"
#include "subject/scanned.h"
#include <string.h>

#define RECORDS_MAX 20 // that are read; the newest that speak of the image or a layer of it

static void take_step(struct scanned *t, const char *dockerfile, const struct jn *step)
{
	const char *layer = jn_get_str(step, "layer");
	int64_t line = jn_int(jn_get(step, "line"), 0);
	struct digest d;
	struct err ignored = ERR_INIT;
	if (!layer || line <= 0 || line > INT32_MAX || digest_parse(layer, &d, &ignored))
		return;
	for (size_t i = t->found.base_layers; i < t->config.n_diff_ids; i++) {
		struct report_layer *l = &t->layers[i];
		if (l->line || !digest_eq(&l->diff_id, &d))
			continue;
		l->dockerfile = dockerfile;
		l->line = (int)line;
	}
}

static void take_record(struct scanned *t, struct build_row *row)
{
	auto_record struct record r = {0};
	struct err ignored = ERR_INIT;
	if (record_open(row, &r, &ignored))
		return;
	const char *path = record_text(r.root, "dockerfile");
	strv_add(&t->dockerfiles, *path ? fs_base_name(path) : "Dockerfile");
	const char *dockerfile = t->dockerfiles.v[t->dockerfiles.n - 1];
	for (size_t i = 0; i < jn_len(r.steps); i++)
		take_step(t, dockerfile, jn_at(r.steps, i));
}

static bool speaks_of(const char *json, const struct digest *d)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	return strstr(json, text) != NULL;
}

// A layer whose place is not known yet and that the record names.
static bool speaks_of_layer(const struct scanned *t, const char *json)
{
	for (size_t i = t->found.base_layers; i < t->config.n_diff_ids; i++)
		if (!t->layers[i].line && speaks_of(json, &t->layers[i].diff_id))
			return true;
	return false;
}

// First the builds of this very image, then others that made the same layers.
static void find_lines(struct session *s, struct scanned *t)
{
	struct build_list builds = {0};
	struct err ignored = ERR_INIT;
	int n_read = 0;
	if (t->found.base_layers >= t->config.n_diff_ids ||
	        store_build_list(s->store, &builds, &ignored))
		return;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < builds.n && n_read < RECORDS_MAX; i++) {
			const char *json = builds.v[i].json;
			if (!json || (pass == 0 && !speaks_of(json, &t->manifest.config.digest)) ||
			        !speaks_of_layer(t, json))
				continue;
			n_read++;
			take_record(t, &builds.v[i]);
		}
	build_list_release(&builds);
}

// A layer of ours is a tar in the store's manifest: it may have gone to a registry as a blob.
static void find_blob(struct session *s, struct report_layer *l)
{
	struct layer_blob b;
	struct err ignored = ERR_INIT;
	if (digest_is_zero(&l->blob) &&
	        store_layer_blob(s->store, &l->diff_id, "", &b, &ignored) == 1)
		l->blob = b.digest;
}

static void look_alone(struct scanned *t, size_t n)
{
	size_t base = image_guess_base(&t->config);
	t->alone = xcalloc(n + 1, sizeof(*t->alone));
	for (size_t i = 0; i < n; i++) {
		struct report_layer *l = &t->alone[i];
		*l = (struct report_layer){.diff_id = t->config.diff_ids[i],
		        .created_by = image_instruction(&t->config, i),
		        .base = i < base};
		if (i < t->manifest.layers.n &&
		        !digest_eq(&t->manifest.layers.v[i].digest, &l->diff_id))
			l->blob = t->manifest.layers.v[i].digest;
	}
}

void scanned_find_layers(struct session *s, struct scanned *t)
{
	size_t n = t->config.n_diff_ids;
	look_alone(t, n);
	t->layers = xcalloc(n + 1, sizeof(*t->layers));
	for (size_t i = 0; i < n; i++) {
		t->layers[i] = t->alone[i];
		t->layers[i].base = i < t->found.base_layers;
		find_blob(s, &t->layers[i]);
	}
	find_lines(s, t);
}
