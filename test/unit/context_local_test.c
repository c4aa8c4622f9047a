// SPDX-License-Identifier: Apache-2.0
// A folder as a build context: what the ignore file leaves, and which files the stat index vouches
// for.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "context/local.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
// after the standard headers it needs
#include <cmocka.h>

struct fixture {
	char path[64], cache[64];
	int fd, cache_fd;
};

static void put(struct fixture *f, const char *name, const char *text)
{
	struct err e = ERR_INIT;
	const char *slash = strrchr(name, '/');
	if (slash) {
		auto_free char *dir = xstrndup(name, (size_t)(slash - name));
		assert_int_equal(fs_mkdir_p(f->fd, dir, 0755, &e), 0);
	}
	assert_int_equal(fs_replace_file(f->fd, name, text, strlen(text), 0644, &e), 0);
}

// Times well in the past, so that the racy rule lets the index vouch for the file.
static void age(struct fixture *f, const char *name)
{
	struct timespec t[2] = {{1000000000, 0}, {1000000000, 0}};
	assert_int_equal(utimensat(f->fd, name, t, 0), 0);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/hew-context-XXXXXX");
	snprintf(f->cache, sizeof(f->cache), "/tmp/hew-contextix-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	assert_non_null(mkdtemp(f->cache));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->cache_fd = open(f->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err e;
	close(f->fd);
	close(f->cache_fd);
	fs_remove_tree(AT_FDCWD, f->path, &e);
	fs_remove_tree(AT_FDCWD, f->cache, &e);
	free(f);
	return 0;
}

static int list_entry(void *arg, const struct entry *en, struct err *e)
{
	(void)e;
	buf_printf(arg, "%s%s%s%s ", en->path, en->type == ENTRY_DIR ? "/" : "",
	        en->link ? "=" : "", en->link ? en->link : "");
	return 0;
}

static void walk(struct fixture *f, const char *ignore_text, const char *want)
{
	struct err e = ERR_INIT;
	struct ignore *ig = ignore_parse(ignore_text, strlen(ignore_text), &e);
	auto_view struct view *v = context_open(f->path, ig, -1, NULL, &e);
	auto_buf struct buf got = {0};
	assert_non_null(v);
	assert_int_equal(v->ops->walk(v, "", list_entry, &got, &e), 0);
	if (strcmp(buf_cstr(&got), want))
		fail_msg("ignore \"%s\": got \"%s\", want \"%s\"", ignore_text, buf_cstr(&got),
		        want);
	ignore_free(ig);
}

static void test_walk(void **state)
{
	struct fixture *f = *state;
	put(f, "a.txt", "1");
	put(f, "a/b.txt", "2");
	put(f, "a/c/d.log", "3");
	put(f, "node_modules/x/y.js", "4");
	assert_int_equal(symlinkat("a/b.txt", f->fd, "link"), 0);
	assert_int_equal(linkat(f->fd, "a.txt", f->fd, "z-hard", 0), 0);
	walk(f, "",
	        "a/ a/b.txt a/c/ a/c/d.log a.txt link=a/b.txt node_modules/ node_modules/x/ "
	        "node_modules/x/y.js "
	        "z-hard=a.txt ");
	walk(f, "node_modules\n*.txt\n", "a/ a/b.txt a/c/ a/c/d.log link=a/b.txt z-hard ");
	walk(f, "**/*.log\nnode_modules\n", "a/ a/b.txt a/c/ a.txt link=a/b.txt z-hard=a.txt ");
	walk(f, "*\n!a/c/d.log\n", "a/ a/c/ a/c/d.log ");
	walk(f, "*\n!nothing\n", "");
}

static void digest(struct fixture *f, const char *path, size_t want_hashed, size_t want_known,
        struct hash *ret)
{
	struct err e = ERR_INIT;
	struct entry en;
	struct context_stats stats;
	auto_view struct view *v = context_open(f->path, NULL, f->cache_fd, "index", &e);
	assert_int_equal(v->ops->lookup(v, path, &en, &e), 1);
	assert_int_equal(v->ops->digest(v, &en, &e), 0);
	assert_true(en.has_content);
	*ret = en.content;
	context_stats_get(v, &stats);
	assert_int_equal(stats.files_hashed, want_hashed);
	assert_int_equal(stats.files_known, want_known);
	auto_buf struct buf index = {0};
	assert_int_equal(context_learnt(v, &index), want_hashed > 0);
	if (index.n > 0)
		assert_int_equal(
		        fs_replace_file(f->cache_fd, "index", index.p, index.n, 0600, &e), 0);
}

static void test_index(void **state)
{
	struct fixture *f = *state;
	struct hash first, second, changed;
	put(f, "f", "one");
	age(f, "f"); // sets ctime to now: the index may not vouch for a file changed a moment ago
	digest(f, "f", 1, 0, &first);
	digest(f, "f", 1, 0, &second);
	assert_true(hash_eq(&first, &second));
	nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
	digest(f, "f", 1, 0, &second); // hashed later than it changed: from now on it is known
	digest(f, "f", 0, 1, &second);
	assert_true(hash_eq(&first, &second));
	put(f, "f", "two"); // same size
	age(f, "f");
	digest(f, "f", 1, 0, &changed);
	assert_false(hash_eq(&first, &changed));
}

static void test_damaged_index(void **state)
{
	struct fixture *f = *state;
	struct hash h;
	struct err e = ERR_INIT;
	put(f, "f", "one");
	assert_int_equal(
	        fs_replace_file(f->cache_fd, "index",
	                "HEWCXTX1 and then rubbish, long enough for a header", 48, 0600, &e),
	        0);
	digest(f, "f", 1, 0, &h);
}

static void test_outside(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct entry en;
	put(f, "in/file", "x");
	assert_int_equal(symlinkat("/etc", f->fd, "out"), 0);
	auto_view struct view *v = context_open(f->path, NULL, -1, NULL, &e);
	assert_int_equal(v->ops->lookup(v, "out/passwd", &en, &e), 0);
	assert_int_equal(v->ops->lookup(v, "in/file", &en, &e), 1);
	assert_int_equal(en.uid, 0);
	auto_free char *path = NULL;
	assert_int_equal(view_resolve(v, "out/passwd", 0, &path, &en, &e),
	        0); // means /etc/passwd of the context
}

static void test_hidden_by(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	put(f, "x.log", "x");
	struct ignore *ig = ignore_parse("# c\n*.log\n", 10, &e);
	auto_view struct view *v = context_open(f->path, ig, -1, NULL, &e);
	assert_int_equal(context_hidden_by(v, "x.log"), 2);
	assert_int_equal(context_hidden_by(v, "absent.log"), 0);
	view_free(v);
	v = NULL;
	ignore_free(ig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_walk, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_damaged_index, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_outside, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_hidden_by, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
