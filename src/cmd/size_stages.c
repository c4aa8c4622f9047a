// SPDX-License-Identifier: Apache-2.0
// What each stage of a build weighed, and how little of it was kept: from the build's record.
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "cmd/size.h"
#include "session/images.h"
#include "session/record.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STAGES_MAX 1000

void size_stages_release(struct size_stages *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].base);
	}
	free(s->v);
	free(s->build);
	*s = (struct size_stages){0};
}

struct finding_stages {
	struct store *store;
	const struct size_image *image;
	const struct record *record;
	struct map chain; // ids of the steps that the image is made of
	struct size_stages *ret;
};

// ---- the record

static int open_record(
        struct session *s, const struct size_image *m, struct record *ret, struct err *e)
{
	struct build_list builds = {0};
	char id[DIGEST_TEXT];
	bool found = false;
	digest_text(&m->manifest.config.digest, id);
	if (store_build_list(s->store, &builds, e))
		return -1;
	for (size_t i = 0; i < builds.n && !found; i++) {
		struct err ignored = ERR_INIT;
		found = builds.v[i].json && strstr(builds.v[i].json, id) &&
		        !record_open(&builds.v[i], ret, &ignored);
	}
	build_list_release(&builds);
	return found ? 0
	             : err_set(e, ERR_NOT_FOUND,
	                       "%s: no build of it is on record here, so nothing is known of its "
	                       "stages (hew builds lists those that are)",
	                       m->name);
}

static const struct jn *step_of(const struct record *r, int64_t id)
{
	for (size_t i = 0; i < jn_len(r->steps); i++)
		if (jn_int(jn_get(jn_at(r->steps, i), "id"), -1) == id)
			return jn_at(r->steps, i);
	return NULL;
}

static const struct jn *base_of(const struct record *r, int64_t id)
{
	const struct jn *bases = jn_get(r->root, "bases");
	for (size_t i = 0; i < jn_len(bases); i++)
		if (jn_int(jn_get(jn_at(bases, i), "id"), -1) == id)
			return jn_at(bases, i);
	return NULL;
}

// ---- adding up

static bool is_of_image(const struct size_image *m, const char *layer)
{
	struct digest d;
	struct err ignored = ERR_INIT;
	if (!layer || digest_parse(layer, &d, &ignored))
		return false;
	for (size_t i = 0; i < m->n; i++)
		if (digest_eq(&m->layers[i].diff_id, &d))
			return true;
	return false;
}

static uint64_t layer_bytes(const struct finding_stages *f, const char *layer)
{
	struct digest d;
	struct layer_info info = {0};
	struct err ignored = ERR_INIT;
	if (digest_parse(layer, &d, &ignored) || !store_layer_get(f->store, &d, &info) ||
	        !info.has_index)
		return WEIGH_UNKNOWN;
	return info.file_bytes;
}

// A layer counts once for a stage: a step that changed nothing shows the one below.
static void add_layer(const struct finding_stages *f, struct size_stage *stage, struct map *seen,
        const char *layer, uint64_t bytes)
{
	if (!layer || map_has(seen, layer))
		return;
	map_set(seen, layer, seen);
	if (bytes == WEIGH_UNKNOWN)
		bytes = layer_bytes(f, layer);
	bool known = bytes != WEIGH_UNKNOWN && stage->bytes != WEIGH_UNKNOWN;
	stage->bytes = known ? stage->bytes + bytes : WEIGH_UNKNOWN;
	if (stage->final && is_of_image(f->image, layer) && bytes != WEIGH_UNKNOWN)
		stage->kept += bytes;
}

static bool is_in_chain(const struct finding_stages *f, const struct jn *step)
{
	char id[24];
	snprintf(id, sizeof(id), "%lld", (long long)jn_int(jn_get(step, "id"), -1));
	return map_has(&f->chain, id);
}

// From its last step down to what it began with.
static void weigh_stage(
        const struct finding_stages *f, struct size_stage *stage, const struct jn *last)
{
	auto_map struct map seen = {0};
	int64_t id = -1;
	size_t steps = jn_len(f->record->steps);
	stage->final = is_in_chain(f, last);
	for (const struct jn *at = last; at && steps-- > 0; at = step_of(f->record, id)) {
		const struct jn *size = jn_get(at, "size");
		int64_t bytes = jn_int(size, -1);
		add_layer(f, stage, &seen, jn_get_str(at, "layer"),
		        bytes >= 0 ? (uint64_t)bytes : WEIGH_UNKNOWN);
		id = jn_int(jn_get(at, "parent"), -1);
	}
	const struct jn *base = base_of(f->record, id);
	const struct jn *layers = jn_get(base, "layers");
	for (size_t i = 0; i < jn_len(layers); i++)
		if (jn_str(jn_at(layers, i)))
			add_layer(f, stage, &seen, jn_str(jn_at(layers, i)), WEIGH_UNKNOWN);
	if (base)
		stage->base = short_name(record_text(base, "image"));
}

// The stage that a COPY names, by its name or number: "[app 2/3] COPY --from=builder /x /y". One
// without a name is called stage-0; of others the record does not know the number, but where they
// stand among those that were built.
static bool copies_from(const struct jn *step, const char *name, size_t place)
{
	const char *from = strstr(record_text(step, "name"), " --from=");
	char digits[24];
	if (!from)
		return false;
	from += strlen(" --from=");
	size_t n = strcspn(from, " ");
	snprintf(digits, sizeof(digits), "%zu", place);
	if (str_has_prefix(name, "stage-"))
		snprintf(digits, sizeof(digits), "%s", name + strlen("stage-"));
	return (strlen(name) == n && !strncasecmp(from, name, n)) ||
	       (strlen(digits) == n && !strncmp(from, digits, n));
}

static void count_copied(const struct finding_stages *f, struct size_stage *stage, size_t place)
{
	for (size_t i = 0; i < jn_len(f->record->steps); i++) {
		const struct jn *step = jn_at(f->record->steps, i);
		int64_t bytes = jn_int(jn_get(step, "size"), 0);
		if (!stage->final && bytes > 0 && copies_from(step, stage->name, place) &&
		        is_of_image(f->image, jn_get_str(step, "layer")))
			stage->kept += (uint64_t)bytes;
	}
}

static struct size_stage *stage_named(struct size_stages *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return &s->v[i];
	if (s->n == STAGES_MAX)
		return NULL;
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n] = (struct size_stage){.name = xstrdup(name)};
	return &s->v[s->n++];
}

static bool is_for(const struct jn *step, const struct platform *p)
{
	char text[80];
	const char *have = record_text(step, "platform");
	platform_text(p, text);
	return !*have || !strcmp(have, text);
}

// With several platforms a stage is there once for each: the image's counts, or else any.
static const struct jn *last_step(const struct finding_stages *f, const char *stage)
{
	const struct jn *last = NULL;
	bool of_platform = false;
	for (size_t i = 0; i < jn_len(f->record->steps); i++) {
		const struct jn *step = jn_at(f->record->steps, i);
		bool is = is_for(step, &f->image->config.platform);
		if (strcmp(record_text(step, "stage"), stage) != 0 || (of_platform && !is))
			continue;
		last = step;
		of_platform |= is;
	}
	return last;
}

static void find_chain(struct finding_stages *f)
{
	size_t steps = jn_len(f->record->steps);
	const struct jn *at = last_step(f, record_text(f->record->root, "stage"));
	for (; at && steps-- > 0; at = step_of(f->record, jn_int(jn_get(at, "parent"), -1))) {
		char id[24];
		snprintf(id, sizeof(id), "%lld", (long long)jn_int(jn_get(at, "id"), -1));
		map_set(&f->chain, id, f);
	}
}

static int by_line(const void *a, const void *b)
{
	const struct size_stage *x = a, *y = b;
	return (x->line > y->line) - (x->line < y->line);
}

static void find(struct finding_stages *f)
{
	find_chain(f);
	for (size_t i = 0; i < jn_len(f->record->steps); i++) {
		const struct jn *step = jn_at(f->record->steps, i);
		int64_t line = jn_int(jn_get(step, "line"), 0);
		struct size_stage *stage = stage_named(f->ret, record_text(step, "stage"));
		if (!stage)
			continue;
		stage->line = stage->steps++ && stage->line < line ? stage->line : line;
	}
	if (f->ret->n)
		qsort(f->ret->v, f->ret->n, sizeof(*f->ret->v), by_line);
	for (size_t i = 0; i < f->ret->n; i++) {
		weigh_stage(f, &f->ret->v[i], last_step(f, f->ret->v[i].name));
		count_copied(f, &f->ret->v[i], i);
	}
}

int size_stages_find(
        struct session *s, const struct size_image *m, struct size_stages *ret, struct err *e)
{
	auto_record struct record r = {0};
	*ret = (struct size_stages){0};
	if (open_record(s, m, &r, e))
		return -1;
	ret->build = xstrdup(r.row.id);
	struct finding_stages f = {.store = s->store, .image = m, .record = &r, .ret = ret};
	find(&f);
	map_release(&f.chain);
	return 0;
}
