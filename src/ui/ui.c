// SPDX-License-Identifier: Apache-2.0
// The sink: one lock, the state of every step, and the renderer chosen at the start.
#include "base/err.h"
#include "base/mem.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ui_progress_parse(const char *s, enum ui_progress *ret, struct err *e)
{
	static const struct {
		const char *name;
		enum ui_progress kind;
	} kinds[] = {{"auto", UI_AUTO}, {"tty", UI_TTY}, {"plain", UI_PLAIN},
	        {"rawjson", UI_RAWJSON}, {"quiet", UI_QUIET}, {"none", UI_QUIET}};
	if (!s)
		s = getenv("BUILDKIT_PROGRESS");
	if (!s || !*s)
		s = "auto";
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, s)) {
			*ret = kinds[i].kind;
			return 0;
		}
	return err_set(e, ERR_USAGE,
	        "invalid progress \"%s\": auto, tty, plain, rawjson, quiet or none", s);
}

bool ui_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fd) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

struct ui_step *ui_step_of(struct ui *u, int id)
{
	if (id < 0)
		return NULL;
	if ((size_t)id >= u->n_steps) {
		size_t n = (size_t)id + 1;
		u->steps = xreallocarray(u->steps, n, sizeof(*u->steps));
		memset(u->steps + u->n_steps, 0, (n - u->n_steps) * sizeof(*u->steps));
		u->n_steps = n;
	}
	return &u->steps[id];
}

static void ui_tail_add(struct ui_step *s, const char *p, size_t n)
{
	buf_add(&s->tail, p, n);
	if (s->tail.n <= 2 * UI_TAIL_MAX)
		return;
	size_t drop = s->tail.n - UI_TAIL_MAX;
	memmove(s->tail.p, s->tail.p + drop, UI_TAIL_MAX);
	s->tail.n = UI_TAIL_MAX;
	s->tail.p[UI_TAIL_MAX] = '\0';
}

static void note_progress(struct ui_step *s, const struct event *ev)
{
	auto_free char *text = xstrndup(ev->text ? ev->text : "", ev->len);
	size_t i = 0;
	while (i < s->n_transfers && strcmp(s->transfers[i].text, text) != 0)
		i++;
	if (i == s->n_transfers) {
		s->transfers = xreallocarray(s->transfers, i + 1, sizeof(*s->transfers));
		s->transfers[s->n_transfers++] = (struct ui_transfer){.text = steal_ptr(&text)};
	}
	s->transfers[i].current = ev->current;
	s->transfers[i].total = ev->total;
}

void ui_step_progress(const struct ui_step *s, uint64_t *ret_current, uint64_t *ret_total)
{
	*ret_current = *ret_total = 0;
	for (size_t i = 0; i < s->n_transfers; i++) {
		*ret_current += s->transfers[i].current;
		*ret_total += s->transfers[i].total;
	}
}

static void forget_progress(struct ui_step *s)
{
	for (size_t i = 0; i < s->n_transfers; i++)
		free(s->transfers[i].text);
	free(steal_ptr(&s->transfers));
	s->n_transfers = 0;
}

static void note_state(struct ui *u, const struct event *ev)
{
	struct ui_step *s = ui_step_of(u, ev->step);
	if (!s)
		return;
	if (ev->name && !s->name)
		s->name = xstrdup(ev->name);
	switch (ev->kind) {
	case EVENT_STEP_START:
		s->state = STEP_STARTED;
		s->begun_ns = clock_ns();
		break;
	case EVENT_STEP_LOG:
		ui_tail_add(s, ev->text, ev->len);
		break;
	case EVENT_STEP_CACHED:
	case EVENT_STEP_DONE:
	case EVENT_STEP_FAILED:
	case EVENT_STEP_CANCELLED:
		s->state = STEP_ENDED;
		s->how = ev->kind;
		s->took_ns = ev->duration_ns;
		break;
	case EVENT_PROGRESS:
		note_progress(s, ev);
		break;
	default:
		break;
	}
}

static void *tick(void *arg)
{
	struct ui *u = arg;
	pthread_mutex_lock(&u->lock);
	while (!u->closing) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 100000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_clockwait(&u->wake, &u->lock, CLOCK_MONOTONIC, &until);
		tty_draw(u);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

// The live part is redrawn ten times a second, but only once something takes long enough to be
// watched.
static void tty_event(struct ui *u, const struct event *ev)
{
	if (ev->kind == EVENT_STEP_START && !u->ticking)
		u->ticking = pthread_create(&u->ticker, NULL, tick, u) == 0;
	if (ev->kind != EVENT_NOTE && ev->kind != EVENT_WARN)
		return;
	tty_finish(u);
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < ev->len;) {
		size_t n = strcspn(ev->text + i, "\n");
		n = n > ev->len - i ? ev->len - i : n;
		ui_clean_line(ev->text + i, n, &text);
		buf_putc(&text, '\n');
		i += n + 1;
	}
	fprintf(stderr, "%s%s", ev->kind == EVENT_WARN ? "WARN: " : "", buf_cstr(&text));
}

// A warning about a line of the Dockerfile waits for the end, where it is seen.
static bool keep_warning(struct ui *u, const struct event *ev)
{
	if (ev->kind != EVENT_WARN || ev->line <= 0 || u->kind == UI_RAWJSON)
		return false;
	auto_buf struct buf text = {0};
	ui_clean_line(ev->text, ev->len, &text);
	u->warning_lines =
	        xreallocarray(u->warning_lines, u->warnings.n + 1, sizeof(*u->warning_lines));
	u->warning_lines[u->warnings.n] = ev->line;
	strv_addf(&u->warnings, "%s (line %d)", buf_cstr(&text), ev->line);
	return true;
}

static void print_warnings(struct ui *u)
{
	size_t n = u->warnings.n;
	if (n == 0 || u->kind == UI_QUIET)
		return;
	if (u->service == CI_GITHUB) {
		ci_warnings(u);
		return;
	}
	fprintf(stderr, "\n %s%zu warning%s found (use hew build --check to expand):%s\n",
	        u->colour ? "\033[33m" : "", n, n == 1 ? "" : "s", u->colour ? "\033[0m" : "");
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, " - %s\n", u->warnings.v[i]);
}

static void emit(struct event_sink *sink, const struct event *ev)
{
	struct ui *u = (struct ui *)sink;
	pthread_mutex_lock(&u->lock);
	note_state(u, ev);
	if (keep_warning(u, ev)) {
		pthread_mutex_unlock(&u->lock);
		return;
	}
	switch (u->kind) {
	case UI_RAWJSON:
		raw_event(u, ev);
		break;
	case UI_TTY:
		tty_event(u, ev);
		break;
	case UI_QUIET:
		break;
	default:
		plain_event(u, ev);
	}
	pthread_mutex_unlock(&u->lock);
}

struct ui *ui_new(enum ui_progress kind, const char *doing)
{
	struct ui *u = xcalloc(1, sizeof(*u));
	const char *term = getenv("TERM");
	bool terminal = isatty(2) && !(term && !strcmp(term, "dumb"));
	u->kind = kind == UI_AUTO ? terminal ? UI_TTY : UI_PLAIN : kind;
	u->sink.emit = emit;
	u->doing = doing;
	u->begun_ns = clock_ns();
	u->colour = ui_colour(2);
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	return u;
}

struct event_sink *ui_sink(struct ui *u)
{
	return &u->sink;
}

static void print_failed_tail(struct ui *u)
{
	for (size_t i = 0; i < u->n_steps; i++) {
		struct ui_step *s = &u->steps[i];
		if (s->state != STEP_ENDED || s->how != EVENT_STEP_FAILED || !s->tail.n)
			continue;
		auto_buf struct buf name = {0};
		ui_clean_line(s->name ? s->name : "", s->name ? strlen(s->name) : 0, &name);
		fprintf(stderr, "------\n > %s:\n", buf_cstr(&name));
		const char *p = s->tail.p;
		size_t lines = 0, n = s->tail.n;
		while (n && lines < 20)
			lines += p[--n] == '\n';
		for (p += n + (n > 0); *p;) {
			size_t len = strcspn(p, "\n");
			auto_buf struct buf line = {0};
			ui_clean_line(p, len, &line);
			// ahead of a line from outside, so that no service takes it for a command
			fprintf(stderr, "%s%s\n", u->service == CI_NONE ? "" : "| ",
			        buf_cstr(&line));
			p += len + (p[len] == '\n');
		}
		fputs("------\n", stderr);
	}
}

void ui_finish(struct ui *u, bool failed)
{
	pthread_mutex_lock(&u->lock);
	u->closing = true;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	if (u->ticking)
		pthread_join(u->ticker, NULL);
	u->ticking = false;
	if (u->finished)
		return;
	u->finished = true;
	if (u->kind == UI_TTY) {
		tty_draw(u);
		tty_finish(u);
	}
	bool hidden = u->kind == UI_TTY || u->service != CI_NONE;
	ui_section_end(u);
	if (failed && hidden)
		print_failed_tail(u);
	print_warnings(u);
	fflush(stderr);
}

void ui_free(struct ui *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_steps; i++) {
		free(u->steps[i].name);
		forget_progress(&u->steps[i]);
		buf_release(&u->steps[i].lines[0]);
		buf_release(&u->steps[i].lines[1]);
		buf_release(&u->steps[i].tail);
	}
	free(u->steps);
	strv_release(&u->warnings);
	free(u->warning_lines);
	free(u->source);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->wake);
	free(u);
}
