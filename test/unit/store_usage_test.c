// SPDX-License-Identifier: Apache-2.0
// What is measured, which filters match, how much the limits let stay, and what goes first.
#include "base/event.h"
#include "store/prune.h"
#include "store/usage_filter.h"
#include "store_fixture.h"
#include <sys/stat.h>

#define APP "docker.io/library/app:latest"
#define NOW 1700000000

// ---- the size of a tree

static uint64_t measured(const char *name)
{
	struct fs_usage u = {0};
	auto_fd int fd = open(fixture_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OK(fs_measure(fd, name, &u, e));
	uint64_t bytes = u.bytes;
	fs_usage_release(&u);
	return bytes;
}

static uint64_t said_by_du(const char *name)
{
	char line[64] = "";
	int out[2];
	auto_free char *path = xasprintf("%s/%s", fixture_root, name);
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		execlp("du", "du", "-s", "--block-size=1", path, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	int status;
	ssize_t n = read(out[0], line, sizeof(line) - 1);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(n > 0 && status == 0);
	line[strcspn(line, "\t")] = '\0';
	uint64_t bytes;
	assert_true(str_to_u64(line, &bytes));
	return bytes;
}

static void write_file(int dirfd, const char *name, size_t n)
{
	struct err err;
	auto_free char *text = xcalloc(1, n + 1);
	auto_fd int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, n, &err), 0);
}

static void test_measure(void **state)
{
	auto_fd int root = open(fixture_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "tree", 0755), 0);
	auto_fd int tree = openat(root, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(tree, "a", 100000);
	write_file(tree, "b", 1);
	assert_int_equal(linkat(tree, "a", tree, "again", 0), 0);
	assert_int_equal(symlinkat("/etc", tree, "link"), 0);
	assert_int_equal(measured("tree"), said_by_du("tree"));
	assert_true(measured("tree") >= 100000 && measured("tree") < 200000);
	assert_int_equal(measured("tree/b"), said_by_du("tree/b"));
	assert_int_equal(measured("missing"), 0);
	// deeper than there may be descriptors, or bytes in a path
	int at = dup(tree);
	for (int i = 0; i < 2500; i++) {
		assert_int_equal(mkdirat(at, "deep", 0755), 0);
		int next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	write_file(at, "bottom", 50000);
	close(at);
	assert_int_equal(measured("tree"), said_by_du("tree"));
}

// ---- filters

static const struct usage_record npm = {.type = USAGE_CACHE_MOUNT,
        .id = (char[]){"d79677188687e7b32b43de9d2365a1ff"},
        .what = (char[]){"cache mount npm"},
        .used = NOW - 7200,
        .leased = true};
static const struct usage_record layer = {.type = USAGE_REGULAR,
        .id = (char[]){"sha256:f7ae3e49b85e"},
        .what = (char[]){"[2/3] RUN make"},
        .used = NOW - 60,
        .n_images = 1};

static void test_filter_matches(void **state)
{
	static const struct {
		const char *text;
		bool npm, layer;
	} rows[] = {
	        {"type=exec.cachemount", true, false},
	        {"type!=exec.cachemount", false, true},
	        {"type~=^(regular|source)", false, true},
	        {"until=1h", true, false},
	        {"unused-for=1m", true, false},
	        {"until=59.5s", true, true},
	        {"until=1h59m59s", true, false},
	        {"until=2h0m1s", false, false},
	        {"until=1699999000", true, false},
	        {"until=2023-11-14T22:13:20Z", true, true},
	        {"until=2023-11-14T00:00:00+01:00", false, false},
	        {"id=d7967718", true, false},
	        {"id=f7ae", false, true},
	        {"id=sha256:f7ae3e49b85e", false, true},
	        {"id=7ae3", false, false},
	        {"id=", false, false},
	        {"id~=7ae3", false, true},
	        {"description=cache mount npm", true, false},
	        {"description~=RUN ma", false, true},
	        {"inuse", true, false},
	        {"inuse=false", false, true},
	        {"inuse!=true", false, true},
	        {"mutable", true, false},
	        {"immutable=true", false, true},
	        {"shared", false, true},
	        {"private", true, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_usage_filter struct usage_filter f = {0};
		OK(usage_filter_add(&f, rows[i].text, NOW, e));
		if (usage_filter_matches(&f, &npm) != rows[i].npm ||
		        usage_filter_matches(&f, &layer) != rows[i].layer)
			fail_msg("%s", rows[i].text);
	}
	auto_usage_filter struct usage_filter both = {0};
	OK(usage_filter_add(&both, "mutable", NOW, e));
	OK(usage_filter_add(&both, "until=3h", NOW, e));
	assert_false(usage_filter_matches(&both, &npm));
}

static void test_filter_refused(void **state)
{
	static const char *const rows[] = {"", "=", "colour=red", "type", "type=layer", "until",
	        "until=", "until=soon", "until=5", "until=5x", "until!=5h", "until=-5h", "id!5",
	        "id~", "description~=(", "inuse=1", "inuse~=true", "private=yes"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		auto_usage_filter struct usage_filter f = {0};
		int rc = usage_filter_add(&f, rows[i], NOW, &err);
		if (!strcmp(rows[i], "until=5")) // seconds since 1970
			assert_int_equal(rc, 0);
		else if (rc == 0 || err.kind != ERR_USAGE)
			fail_msg("%s was taken", rows[i]);
	}
}

// ---- limits, as BuildKit counts

static void test_limits(void **state)
{
	static const struct {
		struct prune_limits limits;
		uint64_t total, free_bytes, want;
	} rows[] = {
	        {{0, 0, 0}, 100, 50, 0},
	        {{60, 0, 0}, 100, 50, 60},
	        {{0, 30, 0}, 100, 50, 30},         // --keep-storage
	        {{60, 80, 0}, 100, 50, 80},        // reserved counts more
	        {{0, 0, 40}, 100, 50, UINT64_MAX}, // enough is free
	        {{0, 0, 70}, 100, 50, 80},         // 20 more have to be free
	        {{60, 0, 70}, 100, 50, 60},        // the stricter of both
	        {{90, 0, 70}, 100, 50, 80},
	        {{90, 85, 70}, 100, 50, 85},
	        {{0, 0, 500}, 100, 50, 0}, // it cannot be reached: all that may go
	        {{0, 10, 500}, 100, 50, 10},
	        {{0, 10, 40}, 100, 50, UINT64_MAX},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (prune_keeps(rows[i].total, rows[i].free_bytes, &rows[i].limits) != rows[i].want)
			fail_msg("row %zu", i);
}

// ---- records and choosing

static struct digest add_step(struct store *s, const char *name, size_t size, int64_t seconds)
{
	struct digest d;
	struct hash key = hash_bytes(name, strlen(name));
	auto_free char *text = xcalloc(1, size + 1);
	memset(text, name[0], size);
	OK(fixture_layer(s, text, &d, e));
	struct step_record r = {.has_layer = true,
	        .diff_id = d,
	        .duration_ns = seconds * 1000000000,
	        .name = (char *)(uintptr_t)name};
	OK(store_step_put(s, &key, &r, e));
	return d;
}

static const struct usage_record *record_of(const struct usage *u, const struct digest *d)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	for (size_t i = 0; i < u->n_records; i++)
		if (!strcmp(u->records[i].id, text))
			return &u->records[i];
	fail_msg("%s is missing", text);
	return NULL;
}

static void test_holders(void **state)
{
	struct digest named, step, leased, manifest;
	struct store *s = fixture_open();
	named = add_step(s, "named", 20000, 1);
	step = add_step(s, "step", 20000, 2);
	OK(fixture_image(s, APP, &named, 1, &manifest, e));
	store_close(s);
	s = fixture_open();
	auto_store struct store *other = fixture_open();
	OK(fixture_layer(other, "leased", &leased, e));
	auto_usage struct usage u = {0};
	OK(store_usage(s, NULL, &u, e));
	const struct usage_record *r = record_of(&u, &named);
	assert_true(r->is_image && !r->leased && r->n_images == 1);
	assert_int_equal(r->holders.n, 2);
	assert_true(strv_has(&r->holders, "name " APP) && strv_has(&r->holders, "step named"));
	assert_int_equal(r->reclaimable, 0); // tar and index are all there is of it
	r = record_of(&u, &step);
	assert_true(!r->is_image && !r->leased && r->reclaimable == r->bytes && r->bytes > 20000);
	assert_int_equal(r->cost_ns, 2000000000);
	r = record_of(&u, &leased);
	assert_true(r->leased && r->reclaimable == 0 && r->bytes > 0);
	assert_int_equal(u.n_images, 1);
	assert_true(u.images[0].own > 20000 && u.images[0].shared == 0);
	store_close(s);
}

static bool has_layer(struct store *s, const struct digest *d)
{
	struct layer_info info;
	return store_layer_get(s, d, &info) && info.has_tar && info.has_index;
}

static void prune_to(struct store *s, uint64_t keep)
{
	auto_prune_result struct prune_result r = {0};
	const struct prune_options o = {.limits.max_used = keep};
	OK(store_prune(s, &o, &r, e));
}

static uint64_t total(struct store *s)
{
	auto_usage struct usage u = {0};
	OK(store_usage(s, NULL, &u, e));
	return u.total;
}

// By seconds a byte: a large quick one, a small quick one, a large slow one, a small slow one; but
// what a name or a process holds stays.
static void test_order(void **state)
{
	static const struct {
		const char *name;
		size_t size;
		int64_t seconds;
	} steps[] = {{"a", 400000, 1}, {"b", 100000, 1}, {"c", 400000, 60}, {"d", 100000, 600}};
	struct digest d[ARRAY_LEN(steps)], named, manifest;
	struct store *s = fixture_open();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		d[i] = add_step(s, steps[i].name, steps[i].size, steps[i].seconds);
	named = add_step(s, "named", 400000, 0);
	OK(fixture_image(s, APP, &named, 1, &manifest, e));
	store_close(s);
	for (size_t gone = 1; gone <= ARRAY_LEN(steps); gone++) {
		s = fixture_open();
		prune_to(s, total(s) - 1);
		fixture_sound(s);
		store_close(s);
		auto_store struct store *look = fixture_open();
		for (size_t i = 0; i < ARRAY_LEN(steps); i++)
			assert_int_equal(has_layer(look, &d[i]), i >= gone);
		assert_true(has_layer(look, &named));
	}
	s = fixture_open();
	prune_to(s, 1);
	assert_true(has_layer(s, &named));
	store_close(s);
}

// What was made last week is worth half.
static void test_age(void **state)
{
	struct store *s = fixture_open();
	struct digest fresh = add_step(s, "fresh", 100000, 10);
	struct digest old = add_step(s, "old", 100000, 30);
	store_close(s);
	fixture_sql(
	        "UPDATE steps SET used = used - 14 * 86400 WHERE name = 'old';"
	        "UPDATE layers SET created = created - 14 * 86400;"
	        "DELETE FROM uses WHERE digest IN (SELECT diff_id FROM steps WHERE name = 'old')");
	s = fixture_open();
	prune_to(s, total(s) - 1);
	assert_true(has_layer(s, &fresh));
	assert_false(has_layer(s, &old));
	store_close(s);
}

// A process that lets go of what it used, beside one that does not.
static void test_keep_within(void **state)
{
	struct digest mine, theirs;
	const struct prune_limits limits = {.max_used = 1};
	auto_prune_result struct prune_result r = {0};
	auto_store struct store *other = fixture_open();
	auto_store struct store *s = fixture_open();
	mine = add_step(s, "mine", 50000, 1);
	theirs = add_step(other, "theirs", 50000, 1);
	prune_to(s, 1);
	assert_true(has_layer(s, &mine) && has_layer(s, &theirs));
	store_close(s);
	s = fixture_open();
	assert_true(has_layer(s, &mine)); // leased by looking
	OK(store_keep_within(s, &limits, NULL, &r, e));
	assert_true(r.n > 0 && r.freed >= 50000);
	assert_false(has_layer(s, &mine));
	assert_true(has_layer(other, &theirs));
	fixture_sound(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_measure),
	        cmocka_unit_test(test_filter_matches),
	        cmocka_unit_test(test_filter_refused),
	        cmocka_unit_test(test_limits),
	        TEST(test_holders),
	        TEST(test_order),
	        TEST(test_age),
	        TEST(test_keep_within),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
