// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/builds.h"
#include "cmd/report.h"
#include "session/record.h"
#include "session/session.h"
#include "ui/ui.h"
#include <inttypes.h>
#include <string.h>

#define TAIL_LINES 12
#define TAIL_LINE_BYTES 300

// The last lines of a step, as a ring.
struct tail {
	char *lines[TAIL_LINES];
	size_t n; // that there were
};

struct reported_build {
	struct record record;
	struct arena arena;
	struct page_build page;
	struct page_step *steps;
	int *of_id; // place in steps + 1 of each id; 0: it is none of them
	size_t n_ids;
	struct tail *tails; // while the log is read
};

static void tails_free(struct reported_build *b)
{
	for (size_t i = 0; b->tails && i < b->page.n_steps; i++)
		for (size_t k = 0; k < TAIL_LINES; k++)
			free(b->tails[i].lines[k]);
	free(b->tails);
	b->tails = NULL;
}

void reported_build_free(struct reported_build *b)
{
	if (!b)
		return;
	tails_free(b);
	record_release(&b->record);
	arena_release(&b->arena);
	free(b->steps);
	free(b->of_id);
	free(b);
}

void reported_build_free_ptr(struct reported_build **b)
{
	reported_build_free(*b);
}

const struct page_build *reported_build_page(const struct reported_build *b)
{
	return &b->page;
}

// ---- steps

static int place_of(const struct reported_build *b, int64_t id)
{
	return id >= 0 && (uint64_t)id < b->n_ids ? b->of_id[id] - 1 : -1;
}

static void note_ids(struct reported_build *b)
{
	const struct jn *steps = b->record.steps;
	int64_t most = -1;
	for (size_t i = 0; i < jn_len(steps); i++) {
		int64_t id = jn_int(jn_get(jn_at(steps, i), "id"), -1);
		most = id > most && id < LOG_STEPS_MAX ? id : most;
	}
	b->n_ids = (size_t)(most + 1);
	b->of_id = xcalloc(b->n_ids + 1, sizeof(*b->of_id));
	for (size_t i = 0; i < jn_len(steps) && i < LOG_STEPS_MAX; i++) {
		int64_t id = jn_int(jn_get(jn_at(steps, i), "id"), -1);
		if (id >= 0 && (uint64_t)id < b->n_ids)
			b->of_id[id] = (int)i + 1;
	}
}

static void take_needs(struct reported_build *b, const struct jn *step, struct page_step *s)
{
	const struct jn *from = jn_get(step, "from");
	int *needs = arena_alloc(&b->arena, (jn_len(from) + 1) * sizeof(*needs));
	int parent = place_of(b, jn_int(jn_get(step, "parent"), -1));
	if (parent >= 0)
		needs[s->n_needs++] = parent;
	for (size_t i = 0; i < jn_len(from); i++) {
		int source = place_of(b, jn_int(jn_at(from, i), -1));
		if (source >= 0)
			needs[s->n_needs++] = source;
	}
	s->needs = needs;
}

static void take_step(struct reported_build *b, const struct jn *step, struct page_step *s)
{
	const struct jn *reason = jn_get(step, "reason"), *took = jn_get(step, "duration_ns");
	int64_t size = jn_int(jn_get(step, "size"), -1), line = jn_int(jn_get(step, "line"), 0);
	*s = (struct page_step){.name = record_text(step, "name"),
	        .stage = record_text(step, "stage"),
	        .state = record_text(step, "state"),
	        .line = line > 0 && line < INT32_MAX ? (int)line : 0,
	        .has_time = took != NULL,
	        .began_ns = jn_int(jn_get(step, "started_ns"), 0),
	        .took_ns = jn_int(took, 0),
	        .bytes = size >= 0 ? (uint64_t)size : PAGE_UNKNOWN,
	        .reason = jn_get_str(reason, "text"),
	        .subject = jn_get_str(reason, "subject"),
	        .before = jn_get_str(reason, "before"),
	        .after = jn_get_str(reason, "after")};
	take_needs(b, step, s);
}

// ---- the log

static void take_line(void *arg, const char *p, size_t n)
{
	struct reported_build *b = arg;
	struct log_line l;
	if (!log_line_parse(p, n, &l) || (l.kind != 'o' && l.kind != 'e'))
		return;
	int place = place_of(b, l.step);
	if (place < 0)
		return;
	struct tail *t = &b->tails[place];
	char **line = &t->lines[t->n++ % TAIL_LINES];
	auto_buf struct buf clean = {0};
	ui_clean_line(l.text, l.n, &clean);
	free(*line);
	*line = clean.n > TAIL_LINE_BYTES ? xasprintf("%.*s\xe2\x80\xa6", TAIL_LINE_BYTES, clean.p)
	                                  : xstrdup(buf_cstr(&clean));
}

static void keep_tail(struct reported_build *b, size_t step)
{
	const struct tail *t = &b->tails[step];
	auto_buf struct buf text = {0};
	if (!t->n)
		return;
	for (size_t i = t->n > TAIL_LINES ? t->n - TAIL_LINES : 0; i < t->n; i++)
		buf_printf(&text, "%s\n", t->lines[i % TAIL_LINES]);
	b->steps[step].log = arena_strdup(&b->arena, buf_cstr(&text));
}

// The oldest logs go before their records do: then the page has none.
static void read_log(struct session *s, struct reported_build *b)
{
	struct err ignored = ERR_INIT;
	int fd = store_log_open(s->store, b->record.row.id);
	if (fd < 0)
		return;
	b->tails = xcalloc(b->page.n_steps + 1, sizeof(*b->tails));
	(void)log_read(fd, take_line, b, &ignored);
	for (size_t i = 0; i < b->page.n_steps; i++)
		keep_tail(b, i);
	tails_free(b);
}

// ---- a build

struct reported_build *reported_build_new(struct session *s, struct record *r, struct err *e)
{
	struct reported_build *b = xcalloc(1, sizeof(*b));
	char when[TIME_TEXT];
	b->record = *r;
	*r = (struct record){0};
	const struct jn *root = b->record.root;
	size_t n = jn_len(b->record.steps);
	if (!strcmp(record_status(&b->record), "running") || n > LOG_STEPS_MAX) {
		err_set(e, ERR_USAGE, "build %s still runs: a page is made of one that is over",
		        b->record.row.id);
		reported_build_free(b);
		return NULL;
	}
	time_format((struct timestamp){jn_int(jn_get(root, "time"), 0), 0}, when);
	const char *path = record_text(root, "dockerfile");
	b->page = (struct page_build){.id = b->record.row.id,
	        .status = record_status(&b->record),
	        .dockerfile = *path == '/' ? fs_base_name(path) : path,
	        .when = arena_strdup(&b->arena, when),
	        .error = jn_get_str(root, "error"),
	        .took_ns = jn_int(jn_get(root, "duration_ns"), 0),
	        .n_steps = n};
	b->steps = xcalloc(n + 1, sizeof(*b->steps));
	b->page.steps = b->steps;
	note_ids(b);
	for (size_t i = 0; i < n; i++)
		take_step(b, jn_at(b->record.steps, i), &b->steps[i]);
	read_log(s, b);
	return b;
}

// ---- which one made an image

static bool is_of(const struct record *r, const char *image_id)
{
	return !strcmp(record_text(r->root, "image_id"), image_id);
}

int reported_build_find(
        struct session *s, const struct digest *image_id, struct record *ret, struct err *e)
{
	struct build_list all = {0};
	char id[DIGEST_TEXT];
	bool found = false, ran = false;
	if (store_build_list(s->store, &all, e))
		return -1;
	digest_text(image_id, id);
	for (size_t i = 0; i < all.n && !ran; i++) {
		struct err ignored = ERR_INIT;
		auto_record struct record r = {0};
		if (!all.v[i].json || !strstr(all.v[i].json, id) ||
		        record_open(&all.v[i], &r, &ignored) || !is_of(&r, id))
			continue;
		ran = !jn_bool(jn_get(r.root, "all_cached"), false);
		if (found && !ran)
			continue;
		record_release(ret);
		*ret = r;
		r = (struct record){0};
		found = true;
	}
	build_list_release(&all);
	return found;
}
