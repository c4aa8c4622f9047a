// SPDX-License-Identifier: Apache-2.0
#include "cmd/test_run.h"

#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/scan_run.h"
#include "cmd/test_commands.h"
#include "image/reference.h"
#include "rootfs/rootfs.h"
#include "rootfs/stored_image.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 1000

struct test_work {
	const struct test_ask *ask;
	struct structure *files;
	size_t n_files;
	struct test_results results;
	struct engine engine;
	struct digest manifest;
	struct image_config config;
	struct rootfs root;
	struct view *view;
	struct test_text text;
	char *file_text; // of a report in a file, which is written when all of it is there
	size_t file_n;
};

int test_format_parse(const char *text, enum test_format *ret, struct err *e)
{
	static const char *const names[] = {
	        [TEST_TEXT] = "text", [TEST_JSON] = "json", [TEST_JUNIT] = "junit"};
	*ret = TEST_TEXT;
	for (size_t i = 0; text && i < ARRAY_LEN(names); i++)
		if (!strcmp(text, names[i])) {
			*ret = (enum test_format)i;
			return 0;
		}
	return text ? err_set(e, ERR_USAGE, "unknown format '%s': text, json or junit", text) : 0;
}

// ---- files of tests

static size_t count_tests(const struct structure *s)
{
	return s->n_commands + s->n_existences + s->n_contents + s->n_licences +
	       !metadata_is_empty(&s->metadata);
}

static int read_text(const char *path, struct buf *ret, struct err *e)
{
	if (!strcmp(path, "-"))
		return fs_read_fd(STDIN_FILENO, STRUCTURE_FILE_MAX, ret, e)
		               ? err_wrap(e, "read the tests from standard input")
		               : 0;
	if (fs_read_file(AT_FDCWD, path, STRUCTURE_FILE_MAX, ret, e) == 0)
		return 0;
	return e->sys == ENOENT ? err_set(e, ERR_NOT_FOUND, "there is no file of tests '%s'", path)
	                        : -1;
}

static int read_file(struct test_work *w, const char *path, struct err *e)
{
	auto_buf struct buf text = {0};
	struct structure *s = &w->files[w->n_files++];
	const char *name = strcmp(path, "-") != 0 ? path : "standard input";
	if (read_text(path, &text, e) || structure_read(name, buf_cstr(&text), text.n, s, e))
		return -1;
	w->results.n += count_tests(s);
	return 0;
}

// All of them, before anything is fetched or run.
static int read_files(struct test_work *w, struct err *e)
{
	const struct strv *paths = w->ask->files;
	if (!paths->n)
		return err_set(e, ERR_USAGE, "no file of tests: -f FILE names one");
	if (paths->n > FILES_MAX)
		return err_set(e, ERR_USAGE, "more than %d files of tests", FILES_MAX);
	w->files = xcalloc(paths->n, sizeof(*w->files));
	for (size_t i = 0; i < paths->n; i++)
		if (read_file(w, paths->v[i], e))
			return -1;
	if (!w->results.n)
		return err_set(e, ERR_USAGE, "%s: there is no test in %s", paths->v[0],
		        paths->n > 1 ? "this file and the others" : "it");
	w->results.v = xcalloc(w->results.n, sizeof(*w->results.v));
	return 0;
}

// ---- the image

static int fetch_anew(struct test_work *w, struct err *e)
{
	const struct subject_ask *ask = &w->ask->target;
	auto_reference struct reference ref = {0};
	auto_config struct image_config ignored = {0};
	struct platform p = platform_host();
	if ((ask->platform && platform_parse(ask->platform, &p, e)) ||
	        reference_parse(ask->text ? ask->text : "", &ref, e) ||
	        stored_image_find(
	                &w->engine, &ref, &p, IMAGE_LOOKUP_PULL, &w->manifest, &ignored, e) < 0)
		return err_wrap(e, "--pull");
	return 0;
}

static bool has_commands(const struct test_work *w)
{
	for (size_t i = 0; i < w->n_files; i++)
		if (w->files[i].n_commands)
			return true;
	return false;
}

// With its indexes and trees: from here on nothing is fetched.
static int open_image(struct test_work *w, struct session *s, struct err *e)
{
	const struct subject_ask *ask = &w->ask->target;
	const char *name = ask->text ? ask->text : ask->input;
	if ((w->ask->pull ? fetch_anew(w, e)
	                  : image_target_find(s, &w->engine, ask, &w->manifest, NULL, e)) ||
	        stored_image_load(&w->engine, &w->manifest, &w->config, e) ||
	        rootfs_of_image(&w->engine, &w->config, &w->root, e))
		return -1;
	auto_free char *title = xasprintf("fetch and unpack %s", name);
	if (image_layers_prepare(&w->engine, &w->root, title, has_commands(w), e))
		return -1;
	w->view = rootfs_view(&w->engine, &w->root, -1, e);
	return w->view ? 0 : -1;
}

static int prepare(struct test_work *w, struct session *s, struct err *e)
{
	if (session_open(s, true, e))
		return -1;
	s->ui = ui_new(w->ask->quiet || w->ask->target.silent ? UI_QUIET : UI_AUTO, "Looking into");
	session_engine(s, &w->engine);
	int rc = open_image(w, s, e);
	w->engine.sink = NULL;
	w->engine.registry = NULL;
	session_end_progress(s, rc != 0);
	return rc;
}

// ---- the tests

static void tell(void *arg, const struct test_result *r)
{
	const struct test_work *w = arg;
	if (w->text.to)
		test_text_result(&w->text, r);
}

struct file_tests {
	struct test_work *w;
	const struct structure *s;
	struct strv env;
	struct test_result *next;
};

static void ended(struct file_tests *f, int64_t began)
{
	f->next->ns = clock_ns() - began;
	tell(f->w, f->next++);
}

// In the order of container-structure-test; these take no time.
static void run_pure(struct file_tests *f)
{
	const struct structure *s = f->s;
	struct view *view = f->w->view;
	for (size_t i = 0; i < s->n_existences; i++) {
		int64_t began = clock_ns();
		existence_judge(&s->existences[i], view, &f->env, f->next);
		ended(f, began);
	}
	for (size_t i = 0; i < s->n_contents; i++) {
		int64_t began = clock_ns();
		content_judge(&s->contents[i], view, &f->env, f->next);
		ended(f, began);
	}
	for (size_t i = 0; i < s->n_licences; i++) {
		int64_t began = clock_ns();
		licence_judge(&s->licences[i], view, f->next);
		ended(f, began);
	}
	if (!metadata_is_empty(&s->metadata)) {
		int64_t began = clock_ns();
		metadata_judge(&s->metadata, &f->w->config, f->next);
		ended(f, began);
	}
}

static int run_file(struct file_tests *f, struct err *e)
{
	struct test_work *w = f->w;
	auto_strv struct strv image = {0};
	const struct test_commands all = {.ask = w->ask,
	        .tests = f->s,
	        .engine = &w->engine,
	        .config = &w->config,
	        .root = &w->root,
	        .env = &image,
	        .results = f->next,
	        .done = tell,
	        .arg = w};
	if (w->text.to && (w->n_files > 1 || w->text.banners))
		test_text_file(&w->text, f->s->file);
	if (test_options_environment(&f->s->options, &w->config, &image, e) ||
	        command_environment(f->s, NULL, &image, &f->env, e) || test_commands_run(&all, e))
		return err_wrap(e, "%s", f->s->file);
	f->next += f->s->n_commands;
	run_pure(f);
	return 0;
}

static int run_files(struct test_work *w, struct err *e)
{
	struct test_result *next = w->results.v;
	int rc = 0;
	for (size_t i = 0; i < w->n_files && !rc; i++) {
		struct file_tests f = {.w = w, .s = &w->files[i], .next = next};
		rc = run_file(&f, e);
		next = f.next;
		strv_release(&f.env);
	}
	return rc;
}

// ---- what came of them

static int write_report(const struct test_work *w, struct err *e)
{
	const struct test_ask *a = w->ask;
	auto_buf struct buf out = {0};
	if (a->format == TEST_JSON)
		test_results_json(&w->results, &out);
	else if (a->format == TEST_JUNIT)
		test_results_junit(&w->results, a->suite, &out);
	else
		return 0;
	return scan_write(a->report, &out, e);
}

// The first of those that failed says what is wrong, where a service shows only this line.
static int verdict(const struct test_work *w, struct err *e)
{
	size_t failed = test_results_failed(&w->results);
	for (size_t i = 0; failed && i < w->results.n; i++) {
		const struct test_result *r = &w->results.v[i];
		if (r->errors.n)
			return err_set(e, ERR_FAIL, "%zu of %zu tests failed%s%.100s: %.500s",
			        failed, w->results.n, failed > 1 ? "; the first: " : ": ", r->name,
			        r->errors.v[0]);
	}
	return 0;
}

// Beside a report in a file people get the text, too.
static int open_text(struct test_work *w, struct err *e)
{
	const struct test_ask *a = w->ask;
	bool to_file = a->format == TEST_TEXT && a->report;
	w->text.banners = a->banners;
	if (to_file)
		w->text.to = open_memstream(&w->file_text, &w->file_n);
	if (to_file && !w->text.to)
		return err_sys(e, "keep a report");
	if (to_file || a->quiet || (a->format != TEST_TEXT && !a->report))
		return 0;
	w->text.to = stdout;
	w->text.colour = !a->no_colour && ui_colour(STDOUT_FILENO);
	return 0;
}

// wanted: of a report in a file; else it is dropped.
static int close_text(struct test_work *w, bool wanted, struct err *e)
{
	FILE *to = w->text.to;
	if (!to || to == stdout)
		return to ? command_flush(e) : 0;
	bool bad = ferror(to);
	if (fclose(to) || bad)
		return err_sys(e, "keep a report");
	const struct buf out = {.p = w->file_text, .n = w->file_n};
	return wanted ? scan_write(w->ask->report, &out, e) : 0;
}

static int work(struct test_work *w, struct session *s, struct err *e)
{
	struct err ignored = ERR_INIT;
	if (read_files(w, e) || prepare(w, s, e) || open_text(w, e))
		return -1;
	if (run_files(w, e)) {
		close_text(w, false, &ignored);
		return -1;
	}
	if (w->text.to)
		test_text_end(&w->text, &w->results);
	return close_text(w, true, e) || write_report(w, e) || verdict(w, e) ? -1 : 0;
}

int test_run(struct session *s, const struct test_ask *a, struct err *e)
{
	struct test_work w = {.ask = a, .engine = {.stop_fd = -1}};
	int rc = work(&w, s, e);
	view_free(w.view);
	rootfs_release(&w.root);
	image_config_release(&w.config);
	if (w.engine.store)
		engine_release(&w.engine);
	test_results_release(&w.results);
	free(w.file_text);
	for (size_t i = 0; i < w.n_files; i++)
		structure_release(&w.files[i]);
	free(w.files);
	return rc;
}
