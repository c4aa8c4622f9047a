// SPDX-License-Identifier: Apache-2.0
// hew builds logs: the file that src/exec/build_log.c wrote, as the build's plain progress showed
// it. Its lines are KIND STEP MICROSECONDS TEXT; what is none (the end of a killed build's) is left
// out.
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/builds.h"
#include "session/record.h"
#include "ui/ui.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct shown_step {
	int number; // that people see; 0: not yet
	int64_t begun_us;
};

struct reader {
	bool json;
	const struct jn *steps; // of the record: names
	struct shown_step *of;
	size_t n_of;
	int shown;
};

bool log_line_parse(const char *p, size_t n, struct log_line *ret)
{
	int used = 0;
	long long at;
	if (n < 5 || sscanf(p, "%c %d %lld %n", &ret->kind, &ret->step, &at, &used) != 3 || !used ||
	        ret->step >= LOG_STEPS_MAX)
		return false;
	// a blank in front of the text is its own
	const char *third = memchr(p + 2, ' ', n - 2);
	const char *text = third ? memchr(third + 1, ' ', n - (size_t)(third + 1 - p)) : NULL;
	if (!text)
		return false;
	ret->at_us = at;
	ret->text = text + 1;
	ret->n = n - (size_t)(text + 1 - p);
	return true;
}

static struct shown_step *step_of(struct reader *r, int id)
{
	size_t n = (size_t)id + 1;
	if (n > r->n_of) {
		r->of = xreallocarray(r->of, n, sizeof(*r->of));
		memset(r->of + r->n_of, 0, (n - r->n_of) * sizeof(*r->of));
		r->n_of = n;
	}
	return &r->of[id];
}

// ---- as lines of JSON

static void print_json(const struct log_line *l)
{
	static const struct {
		char kind;
		const char *name;
	} kinds[] = {{'s', "start"}, {'c', "cached"}, {'o', "output"}, {'e', "output"},
	        {'d', "done"}, {'f', "failed"}, {'x', "cancelled"}, {'m', "left_out"},
	        {'n', "note"}, {'w', "warning"}};
	auto_buf struct buf out = {0};
	auto_free char *text = xstrndup(l->text, l->n);
	const char *name = NULL;
	struct jw w;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == l->kind)
			name = kinds[i].name;
	if (!name)
		return;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv(&w, "kind", name);
	if (l->step >= 0)
		jw_kv_int(&w, "step", l->step);
	jw_kv_int(&w, "at_us", l->at_us);
	if (l->kind == 'o' || l->kind == 'e')
		jw_kv_int(&w, "stream", l->kind == 'e' ? 2 : 1);
	jw_kv(&w, l->kind == 's' || l->kind == 'c' ? "name" : "text", text);
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

// ---- as people read it

static void print_text(const char *prefix, const struct log_line *l)
{
	auto_buf struct buf clean = {0};
	ui_clean_line(l->text, l->n, &clean);
	printf("%s%s\n", prefix, buf_cstr(&clean));
}

static void show_step(struct reader *r, struct shown_step *s, const struct log_line *l)
{
	auto_buf struct buf name = {0};
	if (s->number)
		return;
	s->number = ++r->shown;
	s->begun_us = l->at_us;
	if (l->kind == 's' || l->kind == 'c')
		ui_clean_line(l->text, l->n, &name);
	printf("#%d %s\n", s->number, buf_cstr(&name));
}

static void print_line(struct reader *r, const struct log_line *l)
{
	char prefix[64];
	if (l->kind == 'n' || l->kind == 'w' || l->step < 0) {
		print_text(l->kind == 'w' ? "WARN: " : "", l);
		return;
	}
	struct shown_step *s = step_of(r, l->step);
	show_step(r, s, l);
	switch (l->kind) {
	case 'c':
		printf("#%d CACHED\n\n", s->number);
		return;
	case 'o':
	case 'e':
		snprintf(prefix, sizeof(prefix), "#%d %.3f ", s->number,
		        (double)(l->at_us - s->begun_us) / 1e6);
		print_text(prefix, l);
		return;
	case 'd':
		printf("#%d DONE %.1fs\n\n", s->number, (double)strtoll(l->text, NULL, 10) / 1e6);
		return;
	case 'f':
		snprintf(prefix, sizeof(prefix), "#%d ERROR: ", s->number);
		print_text(prefix, l);
		return;
	case 'x':
		printf("#%d CANCELED\n", s->number);
		return;
	case 'm':
		printf("#%d [%lld bytes of output are not kept]\n", s->number,
		        strtoll(l->text, NULL, 10));
		return;
	default:
		return;
	}
}

static void take_line(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;
	struct log_line l;
	if (!log_line_parse(p, n, &l))
		return;
	if (r->json)
		print_json(&l);
	else
		print_line(r, &l);
}

// A build of which all was cached has no log: this is what it said.
static void from_record(struct reader *r)
{
	for (size_t i = 0; i < jn_len(r->steps); i++) {
		const struct jn *step = jn_at(r->steps, i);
		auto_free char *line = xasprintf("c %zu 0 %s", i, record_text(step, "name"));
		if (record_step_state_is(step, "cached"))
			take_line(r, line, strlen(line));
	}
}

int log_read(int fd, void (*take)(void *arg, const char *line, size_t n), void *arg, struct err *e)
{
	auto_fd int mine = fd;
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f = fdopen(mine, "r");
	if (!f)
		return err_sys(e, "read the log");
	steal_fd(&mine);
	while ((n = getline(&line, &cap, f)) > 0)
		if (line[n - 1] == '\n') {
			line[n - 1] = '\0';
			take(arg, line, (size_t)n - 1);
		}
	bool failed = ferror(f);
	int sys = errno;
	fclose(f);
	errno = sys;
	return failed ? err_sys(e, "read the log") : 0;
}

int builds_log(struct store *s, const struct record *r, bool json, struct err *e)
{
	struct reader reader = {.json = json, .steps = r->steps};
	int fd = store_log_open(s, r->row.id);
	int status = 0;
	if (fd >= 0)
		status = log_read(fd, take_line, &reader, e);
	else if (jn_bool(jn_get(r->root, "all_cached"), false))
		from_record(&reader);
	else
		status = err_set(e, ERR_NOT_FOUND,
		        "the log of build %s is not here any more: the oldest go when all logs "
		        "together are too large",
		        r->row.id);
	free(reader.of);
	return status;
}
