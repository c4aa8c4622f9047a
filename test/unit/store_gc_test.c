// SPDX-License-Identifier: Apache-2.0
// What collection keeps and takes, beside living processes; and the locks.
#include "base/cancel.h"
#include "base/event.h"
#include "store_fixture.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define APP "docker.io/library/app:latest"

static uint64_t collect(int flags)
{
	uint64_t freed = 0;
	auto_store struct store *s = fixture_open();
	OK(store_gc(s, flags, &freed, e));
	fixture_sound(s);
	return freed;
}

static struct digest step_layer(struct store *s, const char *key)
{
	struct digest d;
	struct hash h = hash_bytes(key, strlen(key));
	OK(fixture_layer(s, key, &d, e));
	struct step_record r = {.has_layer = true, .diff_id = d};
	OK(store_step_put(s, &h, &r, e));
	return d;
}

static void test_keeps_and_takes(void **state)
{
	struct digest named, step, loose, manifest, gz;
	auto_free char *path = NULL;
	struct layer_info info;
	struct store *s = fixture_open();
	OK(fixture_layer(s, "named", &named, e));
	OK(fixture_image(s, APP, &named, 1, &manifest, e));
	step = step_layer(s, "step");
	OK(fixture_layer(s, "loose", &loose, e));
	OK(store_blob_put(s, "gz", 2, &gz, e));
	struct layer_blob b = {.digest = gz, .size = 2, .recipe = "gzip6"};
	OK(store_layer_add_blob(s, &named, &b, e));
	struct err err;
	close(store_temp_dir(s, &path, &err));
	OK(store_tree_commit(s, &loose, "trusted", path, e));
	store_close(s);

	assert_true(collect(0) > 0);
	s = fixture_open();
	assert_true(store_layer_get(s, &named, &info) && info.has_tar && info.has_index);
	assert_true(store_layer_get(s, &step, &info) && info.has_tar && info.has_index);
	assert_false(store_layer_get(s, &loose, &info));
	assert_false(store_blob_has(s, &loose));
	assert_true(store_blob_has(s, &gz));
	assert_int_equal(fixture_count("trees"), 0);
	assert_int_equal(fixture_count("layers"), 2);
	assert_int_equal(fixture_count("trash"), 0);
	store_close(s);

	assert_true(collect(STORE_GC_STEPS) > 0);
	s = fixture_open();
	assert_true(store_layer_get(s, &named, &info));
	assert_false(store_layer_get(s, &step, &info));
	OK(store_image_remove(s, &manifest, e));
	store_close(s);

	collect(0);
	assert_int_equal(fixture_count("blobs/sha256"), 0);
	assert_int_equal(fixture_count("layers"), 0);
	assert_int_equal(collect(0), 0);
}

static struct digest put_index(
        struct store *s, const char *name, const struct digest *children, size_t n)
{
	auto_index struct image_index ix = {.media_type = xstrdup(MT_OCI_INDEX)};
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < n; i++)
		*descriptor_list_add(&ix.manifests) = (struct descriptor){
		        .media_type = xstrdup(MT_OCI_MANIFEST), .digest = children[i], .size = 1};
	image_index_write(&ix, &text);
	struct image_row row = {
	        .name = (char *)(uintptr_t)name, .manifest_size = text.n, .is_index = true};
	OK(store_blob_put(s, text.p, text.n, &row.manifest, e));
	snprintf(row.media_type, sizeof(row.media_type), "%s", MT_OCI_INDEX);
	OK(store_image_put(s, &row, e));
	return row.manifest;
}

// An index keeps its children and what hangs below them.
static void test_index(void **state)
{
	struct digest layer, child, top;
	struct store *s = fixture_open();
	OK(fixture_layer(s, "a", &layer, e));
	OK(fixture_image(s, NULL, &layer, 1, &child, e));
	top = put_index(s, APP, &child, 1);
	store_close(s);
	collect(0);
	assert_int_equal(fixture_count("blobs/sha256"), 4); // index, manifest, config, layer
	s = fixture_open();
	OK(store_name_remove(s, APP, e));
	OK(store_resolution_set(s, "base", "linux/amd64", &top, e));
	store_close(s);
	collect(0);
	assert_int_equal(fixture_count("blobs/sha256"), 4);
	collect(STORE_GC_STEPS);
	assert_int_equal(fixture_count("blobs/sha256"), 0);
}

// A manifest whose digest comes before that of another, which it names as a layer.
static void layer_of_a_manifest(struct store *s, const struct digest *other)
{
	struct image_row row = {.name = (char *)(uintptr_t) "docker.io/library/evil:latest"};
	auto_buf struct buf text = {0};
	OK(store_blob_put(s, "{}", 2, &row.image_id, e));
	for (uint64_t size = 1;; size++) {
		auto_manifest struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
		m.config = (struct descriptor){
		        .media_type = xstrdup(MT_OCI_CONFIG), .digest = row.image_id, .size = 2};
		*descriptor_list_add(&m.layers) = (struct descriptor){
		        .media_type = xstrdup(MT_OCI_LAYER), .digest = *other, .size = size};
		buf_reset(&text);
		manifest_write(&m, &text);
		row.manifest = digest_of(text.p, text.n);
		if (memcmp(&row.manifest, other, sizeof(*other)) < 0)
			break;
	}
	OK(store_blob_put(s, text.p, text.n, &row.manifest, e));
	row.manifest_size = text.n;
	snprintf(row.media_type, sizeof(row.media_type), "%s", MT_OCI_MANIFEST);
	OK(store_image_put(s, &row, e));
}

static void test_manifest_as_a_layer(void **state)
{
	struct digest layer, manifest;
	struct image_row row;
	struct store *s = fixture_open();
	OK(fixture_layer(s, "a", &layer, e));
	OK(fixture_image(s, APP, &layer, 1, &manifest, e));
	layer_of_a_manifest(s, &manifest);
	store_close(s);
	collect(0);
	s = fixture_open();
	OK(store_image_find(s, APP, &row, e));
	image_row_release(&row);
	assert_true(store_blob_has(s, &layer));
	store_close(s);
}

static void test_living_lease(void **state)
{
	struct digest layer, manifest, seen;
	struct image_row row;
	auto_store struct store *s = fixture_open();
	auto_store struct store *other = fixture_open();
	OK(fixture_layer(s, "a", &layer, e));
	OK(fixture_image(s, NULL, &layer, 1, &manifest, e));
	collect(STORE_GC_STEPS); // made by a living process: all stays
	assert_true(store_blob_has(s, &layer));
	store_close(s);
	char text[DIGEST_TEXT];
	digest_text(&manifest, text);
	OK(store_image_find(other, text, &row, e)); // finding leases: the config and layer too
	collect(STORE_GC_STEPS);
	assert_int_equal(fixture_count("blobs/sha256"), 3);
	store_close(other);
	other = NULL;
	collect(STORE_GC_STEPS);
	assert_int_equal(fixture_count("blobs/sha256"), 0);
	s = fixture_open();
	OK(store_blob_put(s, "x", 1, &seen, e));
	image_row_release(&row);
}

static void test_lost_work_folder(void **state)
{
	struct err err;
	auto_store struct store *s = fixture_open();
	OK(fs_mkdir_p(store_root_fd(s), "work/1-nobody", 0700, e));
	assert_int_equal(fixture_check(s, false, NULL, 0), 1);
	uint64_t freed;
	assert_int_equal(store_gc(s, 0, &freed, &err), 0);
	assert_false(fixture_exists("work/1-nobody"));
	fixture_sound(s);
}

// A copy of a store may lack what was empty.
static void test_missing_folders(void **state)
{
	static const char *const folders[] = {"blobs", "layers", "trees", "contexts", "cache",
	        "logs", "work", "leases", "locks", "trash"};
	store_close(fixture_open());
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct err err = ERR_INIT;
		uint64_t freed = 0;
		auto_free char *path = xasprintf("%s/%s", fixture_root, folders[i]);
		OK(fs_remove_tree(AT_FDCWD, path, e));
		struct store *s = store_open(fixture_root, 0, &err);
		if (!s || store_gc(s, STORE_GC_STEPS, &freed, &err) < 0)
			fail_msg("without %s: %s", folders[i], err.msg);
		fixture_sound(s);
		store_close(s);
	}
}

// ---- collection beside builders

struct racer {
	struct store *store;
	int number;
	atomic_bool *stop;
	char why[300];
};

static int build_once(struct store *s, int number, int round, struct err *e)
{
	char text[40], name[80];
	struct digest layer, manifest;
	struct hash key;
	struct step_record r = {.has_layer = true};
	struct layer_index *ix;
	snprintf(text, sizeof(text), "layer %d", round % 7);
	key = hash_bytes(text, strlen(text));
	int hit = store_step_get(s, &key, &r, e);
	if (hit < 0)
		return -1;
	layer = r.diff_id;
	step_record_release(&r);
	if (!hit) {
		if (fixture_layer(s, text, &layer, e) < 0)
			return -1;
		r = (struct step_record){.has_layer = true, .diff_id = layer};
		if (store_step_put(s, &key, &r, e) < 0)
			return -1;
	}
	snprintf(name, sizeof(name), "docker.io/library/app%d:latest", number);
	if (store_layer_index(s, &layer, &ix, e) < 0 ||
	        fixture_image(s, name, &layer, 1, &manifest, e) < 0)
		return err_wrap(e, "%s (hit %d)", text, hit);
	return store_name_remove(s, name, e);
}

static void *race(void *arg)
{
	struct racer *r = arg;
	for (int round = r->number; !*r->stop; round++) {
		struct err err = ERR_INIT;
		struct store *s = store_open(fixture_root, STORE_CREATE, &err);
		if (!s || build_once(s, r->number, round, &err) < 0)
			snprintf(r->why, sizeof(r->why), "round %d: %.250s", round, err.msg);
		store_close(s);
		if (*r->why)
			break;
	}
	return NULL;
}

static void test_beside_builders(void **state)
{
	atomic_bool stop = false;
	struct racer racers[3];
	pthread_t threads[3];
	store_close(fixture_open());
	for (int i = 0; i < 3; i++) {
		racers[i] = (struct racer){.number = i, .stop = &stop};
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < 30; i++)
		collect(i % 2 ? STORE_GC_STEPS : 0);
	stop = true;
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_string_equal(racers[i].why, "");
	}
	collect(STORE_GC_STEPS);
	assert_int_equal(fixture_count("blobs/sha256"), 0);
	assert_int_equal(fixture_count("leases"), 0);
}

// ---- locks

struct locker {
	struct store *store;
	atomic_int *inside;
	char why[100];
};

static void *lock_often(void *arg)
{
	struct locker *l = arg;
	for (int i = 0; i < 20; i++) {
		struct err err = ERR_INIT;
		struct store_lock *lock = store_lock(l->store, "step", &err);
		if (!lock)
			snprintf(l->why, sizeof(l->why), "%.90s", err.msg);
		else if (atomic_fetch_add(l->inside, 1) != 0)
			snprintf(l->why, sizeof(l->why), "two hold the lock");
		usleep(200);
		atomic_fetch_sub(l->inside, 1);
		store_unlock(lock);
	}
	return NULL;
}

static void test_lock_excludes(void **state)
{
	atomic_int inside = 0;
	struct locker lockers[4];
	pthread_t threads[4];
	auto_store struct store *a = fixture_open();
	auto_store struct store *b = fixture_open(); // as another process would
	for (int i = 0; i < 4; i++) {
		lockers[i] = (struct locker){i % 2 ? a : b, &inside, ""};
		pthread_create(&threads[i], NULL, lock_often, &lockers[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_string_equal(lockers[i].why, "");
	}
	struct err err;
	struct store_lock *x = store_lock(a, "x", &err), *y = store_lock(a, "y", &err);
	assert_true(x && y); // names do not exclude each other
	store_unlock(x);
	store_unlock(y);
	store_unlock(NULL);
	assert_int_equal(fixture_count("locks"), 2); // .boot-... and .reserve, no lock
}

static bool is_free(struct store *s)
{
	struct err err;
	bool taken = false;
	struct store_lock *l = store_trylock(s, "x", &taken, &err);
	assert_int_equal(taken, l == NULL);
	store_unlock(l);
	return l != NULL;
}

static void test_lock_is_shared(void **state)
{
	struct err err;
	auto_store struct store *a = fixture_open();
	auto_store struct store *b = fixture_open();
	struct store_lock *one = store_lock_shared(a, "x", &err);
	struct store_lock *two = store_lock_shared(b, "x", &err);
	assert_true(one && two);
	assert_false(is_free(a));
	store_unlock(one); // its file stays, or the next would not meet the other
	assert_int_equal(fixture_count("locks"), 3);
	assert_false(is_free(a));
	store_unlock(two);
	assert_int_equal(fixture_count("locks"), 2);
	assert_true(is_free(a));
	struct store_lock *alone = store_lock(a, "x", &err);
	assert_non_null(alone);
	assert_false(is_free(b));
	store_unlock(alone);
	assert_int_equal(fixture_count("locks"), 2);
}

struct waiter {
	struct store *store;
	int64_t got_ns;
};

static void *wait_for_lock(void *arg)
{
	struct waiter *w = arg;
	struct err err = ERR_INIT;
	struct store_lock *lock = store_lock(w->store, "x", &err);
	w->got_ns = lock ? clock_ns() : 0;
	store_unlock(lock);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

// The longest pause of a waiter has come after 120 ms; what it loses is far below what was waited
// for.
static void test_lock_is_handed_over(void **state)
{
	enum { ROUNDS = 9 };
	int64_t took[ROUNDS];
	auto_store struct store *a = fixture_open();
	struct waiter w = {.store = fixture_open()};
	for (int i = 0; i < ROUNDS; i++) {
		struct err err = ERR_INIT;
		pthread_t thread;
		struct store_lock *held = store_lock(a, "x", &err);
		assert_non_null(held);
		pthread_create(&thread, NULL, wait_for_lock, &w);
		usleep(120000);
		int64_t released = clock_ns();
		store_unlock(held);
		pthread_join(thread, NULL);
		assert_true(w.got_ns >= released);
		took[i] = w.got_ns - released;
	}
	store_close(w.store);
	qsort(took, ROUNDS, sizeof(*took), by_size);
	print_message("handed over in %lld us, at most %lld us\n",
	        (long long)took[ROUNDS / 2] / 1000, (long long)took[ROUNDS - 1] / 1000);
	assert_true(took[ROUNDS / 2] < 12000000);
}

static void test_lock_dies_with_its_process(void **state)
{
	int ready[2];
	store_close(fixture_open());
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		struct store *s = store_open(fixture_root, 0, &err);
		if (s && store_lock(s, "x", &err))
			(void)!write(ready[1], "r", 1);
		pause();
		_exit(0);
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	auto_store struct store *s = fixture_open();
	kill(pid, SIGKILL);
	struct err err = ERR_INIT;
	struct store_lock *l = store_lock(s, "x", &err);
	assert_non_null(l);
	store_unlock(l);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

static void *cancel_soon(void *arg)
{
	usleep(20000);
	cancel_trigger(SIGINT);
	return NULL;
}

// Runs last: a cancelled process stays so.
static void test_lock_is_interruptible(void **state)
{
	struct err err = ERR_INIT;
	pthread_t thread;
	auto_store struct store *s = fixture_open();
	struct store_lock *held = store_lock(s, "x", &err);
	assert_non_null(held);
	assert_int_equal(cancel_install(&err), 0);
	pthread_create(&thread, NULL, cancel_soon, NULL);
	assert_null(store_lock(s, "x", &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	pthread_join(thread, NULL);
	store_unlock(held);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_keeps_and_takes),
	        TEST(test_index),
	        TEST(test_manifest_as_a_layer),
	        TEST(test_living_lease),
	        TEST(test_lost_work_folder),
	        TEST(test_missing_folders),
	        TEST(test_beside_builders),
	        TEST(test_lock_excludes),
	        TEST(test_lock_is_shared),
	        TEST(test_lock_is_handed_over),
	        TEST(test_lock_dies_with_its_process),
	        TEST(test_lock_is_interruptible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
