// SPDX-License-Identifier: Apache-2.0
// The log of a build: lines of whole and of broken output, what is held back, what is left out.
#include "exec/build_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

static size_t passed_on;

static void count(struct event_sink *self, const struct event *ev)
{
	(void)self, (void)ev;
	passed_on++;
}

static void say(struct build_log *l, const struct event *ev)
{
	event_emit(build_log_sink(l), ev);
}

static void output(struct build_log *l, int step, int stream, const char *text)
{
	say(l, &(struct event){
	               .kind = EVENT_STEP_LOG, .step = step, .stream = stream, .text = text});
}

// What the file has, without the times.
static char *read_back(int fd)
{
	auto_buf struct buf all = {0};
	struct buf out = {0};
	struct err e = ERR_INIT;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fs_read_fd(fd, 64u << 20, &all, &e), 0);
	for (const char *p = buf_cstr(&all); *p;) {
		const char *nl = strchr(p, '\n'), *time = strchr(p + 2, ' '),
		           *text = strchr(time + 1, ' ');
		assert_non_null(nl);
		buf_add(&out, p, (size_t)(time - p));
		buf_add(&out, text, (size_t)(nl + 1 - text));
		p = nl + 1;
	}
	close(fd);
	return buf_steal(&out);
}

static int file(void)
{
	int fd = memfd_create("log", 0);
	assert_true(fd >= 0);
	return fd;
}

static void test_lines(void **state)
{
	(void)state;
	struct event_sink next = {.emit = count};
	struct build_log *l = build_log_new(&next);
	int fd = file();
	passed_on = 0;
	say(l, &(struct event){.kind = EVENT_STEP_CACHED, .step = 0, .name = "[1/2] FROM x"});
	assert_false(build_log_has_begun(l));
	build_log_begin(l, dup(fd));
	assert_true(build_log_has_begun(l));
	say(l, &(struct event){.kind = EVENT_STEP_START, .step = 3, .name = "[2/2] RUN y"});
	output(l, 3, 1, "one\ntw");
	output(l, 3, 2, "bad\n\nworse");
	output(l, 3, 1, "o\n  three");
	say(l, &(struct event){.kind = EVENT_WARN, .step = -1, .text = "first\nsecond"});
	say(l, &(struct event){.kind = EVENT_STEP_DONE, .step = 3, .duration_ns = 1500000});
	build_log_free(l);
	auto_free char *text = read_back(fd);
	assert_string_equal(text, "c 0 [1/2] FROM x\n"
	                          "s 3 [2/2] RUN y\n"
	                          "o 3 one\n"
	                          "e 3 bad\ne 3 \n"
	                          "o 3 two\n"
	                          "w -1 first\nw -1 second\n"
	                          "o 3   three\ne 3 worse\n"
	                          "d 3 1500\n");
	assert_int_equal(passed_on, 7);
}

static void test_nothing_is_written_before_it_begins(void **state)
{
	(void)state;
	struct build_log *l = build_log_new(NULL);
	say(l, &(struct event){.kind = EVENT_STEP_CACHED, .step = 0, .name = "x"});
	output(l, 1, 1, "lost");
	build_log_free(l);
	l = build_log_new(NULL);
	build_log_begin(l, -1); // no file could be made
	output(l, 1, 1, "lost\n");
	build_log_free(l);
	build_log_free(NULL);
}

// Beginning and end, whole lines, and how much is missing between them.
static void test_long_output(void **state)
{
	(void)state;
	struct build_log *l = build_log_new(NULL);
	int fd = file();
	char line[1001];
	memset(line, 'x', 999);
	line[999] = '\n';
	line[1000] = '\0';
	build_log_begin(l, dup(fd));
	output(l, 0, 1, "first\n");
	for (int i = 0; i < 3000; i++)
		output(l, 0, 1, line);
	output(l, 0, 1, "last");
	say(l, &(struct event){.kind = EVENT_STEP_FAILED, .step = 0, .text = "because"});
	build_log_free(l);
	auto_free char *text = read_back(fd);
	size_t n = strlen(text);
	assert_true(n > LOG_HEAD_BYTES && n < LOG_HEAD_BYTES + 2 * LOG_TAIL_BYTES + 4096);
	assert_ptr_equal(strstr(text, "o 0 first\n"), text);
	assert_string_equal(
	        text + n - strlen("o 0 last\nf 0 because\n"), "o 0 last\nf 0 because\n");
	const char *mark = strstr(text, "\nm 0 ");
	assert_non_null(mark);
	assert_true(strtol(mark + 5, NULL, 10) > 1500000);
	assert_ptr_equal(strstr(mark + 1, "\nm 0 "), NULL);
	for (const char *p = text; *p; p = strchr(p, '\n') + 1)
		assert_non_null(strchr("ofm", *p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_nothing_is_written_before_it_begins),
	        cmocka_unit_test(test_long_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
