// SPDX-License-Identifier: Apache-2.0
// The crash sweep. One sequence of operations is run once with a trace to learn every fault point
// and how often it is passed; then once for each, killed there or told that the disk is full.
// Whatever happened, the next open must give a sound store that can be used, with what had been
// made before still in it.
#include "base/map.h"
#include "store/prune.h"
#include "store_fixture.h"
#include <sys/stat.h>

#define APP "docker.io/library/app:latest"

// ---- the sequence; runs in a process of its own: fault points read the environment once

static int make_images(struct store *s, struct digest *ret_layer, struct err *e)
{
	struct digest gz, manifest, second;
	auto_free char *path = NULL;
	if (fixture_layer(s, "one", ret_layer, e) < 0)
		return -1;
	struct layer_blob b = {.size = 2, .recipe = "gzip6", .media_type = MT_OCI_LAYER_GZIP};
	if (store_blob_put(s, "gz", 2, &gz, e) < 0)
		return -1;
	b.digest = gz;
	if (store_layer_add_blob(s, ret_layer, &b, e) < 0 ||
	        fixture_image(s, APP, ret_layer, 1, &manifest, e) < 0)
		return -1;
	auto_fd int tree = store_temp_dir(s, &path, e);
	if (tree < 0 || store_tree_commit(s, ret_layer, "trusted", path, e) < 0)
		return -1;
	if (store_sync(s, e) < 0 || fixture_layer(s, "two", &second, e) < 0)
		return -1;
	return fixture_image(s, APP, &second, 1, &manifest, e); // moves the name
}

static int use_blob_writer(struct store *s, struct err *e)
{
	struct digest d;
	struct blob_writer *w = blob_writer_new(s, e);
	if (!w)
		return -1;
	int rc = blob_writer_write(w, "streamed", 8, e);
	if (rc == 0)
		rc = blob_writer_finish(w, NULL, UINT64_MAX, &d, e);
	blob_writer_free(w);
	return rc < 0 ? -1 : store_blob_delete(s, &d, e);
}

static int keep_little(struct store *s, struct err *e)
{
	const struct prune_limits limits = {.max_used = 1};
	auto_prune_result struct prune_result r = {0};
	return store_keep_within(s, &limits, NULL, &r, e);
}

static int sequence(struct store *s, struct err *e)
{
	struct digest layer;
	struct hash key = hash_bytes("key", 3);
	uint64_t freed;
	if (make_images(s, &layer, e) < 0 || use_blob_writer(s, e) < 0)
		return -1;
	struct step_record r = {.has_layer = true, .diff_id = layer};
	struct store_lock *l = store_lock(s, "step", e);
	if (!l)
		return -1;
	int rc = store_step_put(s, &key, &r, e);
	store_unlock(l);
	auto_fd int lock = -1;
	auto_fd int cache = store_cache_dir(s, "npm", NULL, "trusted", &lock, e);
	char name[HASH_HEX];
	hash_hex(&key, name);
	if (rc == 0)
		rc = store_context_put(s, name, "index", 5, e);
	if (rc < 0 || cache < 0 || store_resolution_set(s, "base", "linux/amd64", &layer, e) < 0)
		return -1;
	auto_free char *junk = NULL;
	auto_fd int fd = store_temp_dir(s, &junk, e);
	if (fd < 0)
		return -1;
	store_trash(s, junk);
	if (store_name_set(s, "docker.io/library/b:c", &layer, e) == 0)
		return err_set(e, ERR_FAIL, "a layer is no image");
	if (store_name_remove(s, APP, e) < 0 || keep_little(s, e) < 0)
		return -1;
	return store_gc(s, STORE_GC_STEPS, &freed, e);
}

// Exit status: 0 all done, 3 failed with no space left, 1 anything else.
static int run_sequence(const char *root)
{
	struct err err = ERR_INIT;
	struct store *s = store_open(root, STORE_CREATE, &err);
	int rc = !s ? -1 : getenv("TEST_ONLY_OPEN") ? 0 : sequence(s, &err);
	store_close(s);
	if (rc == 0)
		return 0;
	if (err.kind != ERR_SPACE)
		fprintf(stderr, "%s\n", err.msg);
	return err.kind == ERR_SPACE ? 3 : 1;
}

// ---- the sweep

static int spawn(const char *variable, const char *value)
{
	pid_t pid = fork();
	if (pid == 0) {
		setenv(variable, value, 1);
		execl("/proc/self/exe", "crash-sequence", fixture_root, (char *)NULL);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// The root starts with one image that is safe on the disk.
static struct digest fresh_root(void)
{
	struct digest layer, manifest;
	struct err err;
	assert_int_equal(fs_remove_tree(AT_FDCWD, fixture_root, &err), 0);
	struct store *s = fixture_open();
	OK(fixture_layer(s, "safe", &layer, e));
	OK(fixture_image(s, "docker.io/library/safe:1", &layer, 1, &manifest, e));
	OK(store_sync(s, e));
	store_close(s);
	return manifest;
}

static void check_after(const char *what, size_t n, const struct digest *safe, bool power_cut)
{
	struct err err = ERR_INIT;
	struct fixture_sink f = {.sink.emit = fixture_emit};
	size_t findings = 0;
	struct image_row row = {0};
	uint64_t freed;
	if (power_cut)
		fixture_sql("UPDATE pending SET boot='another'");
	struct store *s = store_open(fixture_root, STORE_CREATE, &err);
	if (!s || store_check(s, true, &f.sink, &findings, &err) < 0)
		fail_msg("%s: %s", what, err.msg);
	if (findings)
		fail_msg("%s: %zu findings, last: %s", what, findings, f.last);
	if (fixture_count("leases") != 1 || fixture_count("work") > 1)
		fail_msg("%s: the dead process left its lease or work folder", what);
	if (safe && (store_image_find(s, "docker.io/library/safe:1", &row, &err) < 0 ||
	                    !digest_eq(&row.manifest, safe)))
		fail_msg("%s: the image made before is lost: %s", what, err.msg);
	image_row_release(&row);
	if (n == 1 && (sequence(s, &err) < 0 || store_gc(s, 0, &freed, &err) < 0))
		fail_msg("%s: afterwards: %s", what, err.msg);
	fixture_sound(s);
	store_close(s);
	if (fixture_count("work") || fixture_count("leases"))
		fail_msg("%s: the next process left something", what);
}

struct passes {
	struct map count; // point -> number of passes as a pointer
};

static void read_trace(const char *path, struct passes *p)
{
	struct err err;
	auto_buf struct buf text = {0};
	auto_strv struct strv lines = {0};
	assert_int_equal(fs_read_file(AT_FDCWD, path, 1 << 20, &text, &err), 0);
	strv_split(&lines, text.p, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (*lines.v[i]) {
			uintptr_t n = (uintptr_t)map_get(&p->count, lines.v[i]) + 1;
			map_set(&p->count, lines.v[i], (void *)n);
		}
}

static void sweep_point(const char *point, size_t passes, bool fresh, const char *how)
{
	bool making = str_has_prefix(point, "store.init.");
	if (!fresh && !making && passes > 2)
		passes = 2; // later ones are as on a store that was there
	for (size_t n = 1; n <= passes; n++) {
		struct digest safe = {0};
		struct err err;
		auto_free char *fault = xasprintf("%s:%zu%s", point, n, how);
		if (fresh)
			safe = fresh_root();
		else
			assert_int_equal(fs_remove_tree(AT_FDCWD, fixture_root, &err), 0);
		int status = spawn("HEW_FAULT", fault);
		if (status != (*how ? 3 : -SIGKILL) && !(*how && status == 0))
			fail_msg("%s: status %d", fault, status);
		check_after(fault, n, fresh ? &safe : NULL, fresh && n % 2 && !*how);
	}
}

// fresh: on a store that is there already; else the store is made by the sequence, too.
static void sweep(bool fresh, const char *how)
{
	auto_free char *trace = xasprintf("%s.trace", fixture_root);
	struct passes p = {0};
	struct err err;
	const char *point;
	void *count;
	size_t points = 0;
	if (fresh)
		fresh_root();
	else
		assert_int_equal(fs_remove_tree(AT_FDCWD, fixture_root, &err), 0);
	assert_int_equal(spawn("HEW_FAULT_TRACE", trace), 0);
	read_trace(trace, &p);
	unlink(trace);
	for (size_t i = 0; map_next(&p.count, &i, &point, &count); points++)
		if (str_has_prefix(point, "store."))
			sweep_point(point, (uintptr_t)count, fresh, how);
	assert_true(points >= 15); // the sweep must have something to sweep
	map_release(&p.count);
}

// ---- dying again while cleaning up

// A root whose last process was killed at `fault`, or lost its power then.
static struct digest crashed_root(const char *fault, bool power_cut)
{
	struct digest safe = fresh_root();
	unsetenv("TEST_ONLY_OPEN");
	assert_int_equal(spawn("HEW_FAULT", fault), -SIGKILL);
	setenv("TEST_ONLY_OPEN", "1", 1);
	if (power_cut)
		fixture_sql("UPDATE pending SET boot='another'");
	return safe;
}

static void sweep_recovery(const char *first, bool power_cut, const char *how)
{
	auto_free char *trace = xasprintf("%s.trace", fixture_root);
	struct passes p = {0};
	const char *point;
	void *count;
	crashed_root(first, power_cut);
	assert_int_equal(spawn("HEW_FAULT_TRACE", trace), 0);
	read_trace(trace, &p);
	unlink(trace);
	assert_true(map_has(&p.count, "store.trash.rename")); // there was something to clean up
	for (size_t i = 0; map_next(&p.count, &i, &point, &count);) {
		for (size_t n = 1; n <= (uintptr_t)count; n++) {
			struct digest safe = crashed_root(first, power_cut);
			auto_free char *fault = xasprintf("%s:%zu%s", point, n, how);
			spawn("HEW_FAULT", fault);
			check_after(fault, n, &safe, power_cut);
		}
	}
	unsetenv("TEST_ONLY_OPEN");
	map_release(&p.count);
}

static void test_kill_in_recovery(void **state)
{
	sweep_recovery("store.db.commit:9", false, "");
	sweep_recovery("store.db.commit:9", true, "");
	sweep_recovery("store.tree.rename:1", true, ":enospc");
}

static void test_kill(void **state)
{
	sweep(true, "");
}

static void test_kill_making_the_store(void **state)
{
	sweep(false, "");
}

static void test_no_space(void **state)
{
	sweep(true, ":enospc");
}

static void test_no_space_making_the_store(void **state)
{
	sweep(false, ":enospc");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_kill),
	        TEST(test_kill_making_the_store),
	        TEST(test_kill_in_recovery),
	        TEST(test_no_space),
	        TEST(test_no_space_making_the_store),
	};
	if (argc == 2)
		return run_sequence(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
