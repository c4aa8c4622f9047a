// SPDX-License-Identifier: Apache-2.0
// Stores for tests: a fresh root that goes away, small layers and images, and a sink that remembers
// what store_check said.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/config.h"
#include "layer/writer.h"
#include "store/store.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call)                                             \
	do {                                                 \
		struct err ok_e = ERR_INIT;                  \
		struct err *e = &ok_e;                       \
		if ((call) < 0)                              \
			fail_msg("%s: %s", #call, ok_e.msg); \
	} while (0)

#define FAILS(want, call)                               \
	do {                                            \
		struct err fails_e = ERR_INIT;          \
		struct err *e = &fails_e;               \
		assert_int_equal((call), -1);           \
		assert_int_equal(fails_e.kind, (want)); \
	} while (0)

static char fixture_root[64];

static inline int fixture_setup(void **state)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(fixture_root, sizeof(fixture_root), "%s/store-test.XXXXXX", base);
	return mkdtemp(fixture_root) ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
	struct err e;
	if (fs_remove_tree(AT_FDCWD, fixture_root, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static inline struct store *fixture_open(void)
{
	struct err e = ERR_INIT;
	struct store *s = store_open(fixture_root, STORE_CREATE, &e);
	if (!s)
		fail_msg("store_open: %s", e.msg);
	return s;
}

static inline bool fixture_exists(const char *path)
{
	char full[256];
	snprintf(full, sizeof(full), "%s/%s", fixture_root, path);
	return access(full, F_OK) == 0;
}

static inline size_t fixture_count(const char *folder)
{
	struct err e;
	char full[256];
	auto_strv struct strv names = {0};
	snprintf(full, sizeof(full), "%s/%s", fixture_root, folder);
	auto_fd int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fs_list_dir(fd, &names, &e), 0);
	return names.n;
}

// Runs SQL on the closed store's database, through a second process's eyes as it were.
static inline void fixture_sql(const char *sql)
{
	char command[64];
	auto_free char *path = xasprintf("%s/hew.db", fixture_root);
	snprintf(command, sizeof(command), "sqlite3");
	pid_t pid = fork();
	if (pid == 0) {
		execlp(command, command, path, sql, (char *)NULL);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

// ---- content

// A layer of one directory and one file that holds `text`.
static inline int fixture_layer(
        struct store *s, const char *text, struct digest *ret, struct err *e)
{
	auto_fd int tar = store_temp_file(s, e);
	auto_fd int body = store_temp_file(s, e);
	if (tar < 0 || body < 0 || fs_write_all(body, text, strlen(text), e) < 0)
		return -1;
	struct layer_writer_options o = {0};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, &o);
	struct entry dir = {.path = "dir", .type = ENTRY_DIR, .mode = 0755};
	struct entry file = {
	        .path = "dir/file", .type = ENTRY_FILE, .mode = 0644, .size = strlen(text)};
	struct content content = {.fd = body, .size = strlen(text)};
	struct layer_result r = {0};
	if (layer_writer_add(w, &dir, NULL, e) < 0 || layer_writer_add(w, &file, &content, e) < 0 ||
	        layer_writer_finish(w, &r, e) < 0)
		return -1;
	int rc = store_layer_commit(s, tar, &r, e);
	*ret = r.diff_id;
	layer_result_release(&r);
	return rc;
}

// A local image of the given layers under a name (NULL: none).
static inline int fixture_image(struct store *s, const char *name, const struct digest *layers,
        size_t n, struct digest *ret, struct err *e)
{
	auto_config struct image_config config = {.platform = platform_host(), .created.sec = 1000};
	auto_manifest struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
	auto_buf struct buf config_text = {0}, text = {0};
	struct image_row row = {.name = name ? xstrdup(name) : NULL, .created = 1000};
	for (size_t i = 0; i < n; i++) {
		struct layer_info info;
		struct descriptor *d = descriptor_list_add(&m.layers);
		if (!store_layer_get(s, &layers[i], &info))
			return err_set(e, ERR_NOT_FOUND, "layer %zu", i);
		*d = (struct descriptor){.media_type = xstrdup(MT_OCI_LAYER),
		        .digest = layers[i],
		        .size = info.tar_size};
		image_config_add_diff_id(&config, &layers[i]);
	}
	image_config_write(&config, &config_text);
	int rc = store_blob_put(s, config_text.p, config_text.n, &row.image_id, e);
	m.config = (struct descriptor){.media_type = xstrdup(MT_OCI_CONFIG),
	        .digest = row.image_id,
	        .size = config_text.n};
	manifest_write(&m, &text);
	if (rc == 0)
		rc = store_blob_put(s, text.p, text.n, &row.manifest, e);
	row.manifest_size = text.n;
	snprintf(row.media_type, sizeof(row.media_type), "%s", MT_OCI_MANIFEST);
	if (rc == 0)
		rc = store_image_put(s, &row, e);
	*ret = row.manifest;
	image_row_release(&row);
	return rc;
}

// ---- checking

struct fixture_sink {
	struct event_sink sink;
	char last[300];
};

static inline void fixture_emit(struct event_sink *self, const struct event *ev)
{
	struct fixture_sink *f = (struct fixture_sink *)self;
	snprintf(f->last, sizeof(f->last), "%.*s", ev->len ? (int)ev->len : 250, ev->text);
}

static inline size_t fixture_check(struct store *s, bool deep, char *ret_last, size_t n)
{
	struct fixture_sink f = {.sink.emit = fixture_emit};
	size_t findings = 0;
	OK(store_check(s, deep, &f.sink, &findings, e));
	if (ret_last)
		snprintf(ret_last, n, "%s", f.last);
	return findings;
}

static inline void fixture_sound(struct store *s)
{
	char last[300];
	size_t n = fixture_check(s, true, last, sizeof(last));
	if (n)
		fail_msg("%zu findings, last: %s", n, last);
}
