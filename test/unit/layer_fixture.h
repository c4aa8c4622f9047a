// SPDX-License-Identifier: Apache-2.0
// Layers written down as text, for the tests of src/layer: statements separated by ';'.
//   d PATH [MODE]   directory        o PATH          opaque directory
//   f PATH [TEXT]   regular file     h PATH TARGET   hard link
//   s PATH TARGET   symbolic link    w PATH          whiteout
//   c PATH MAJ:MIN  device           p PATH          fifo
// PATH "." is the root.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "layer/import.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call, e)                                       \
	do {                                                \
		if ((call) != 0)                            \
			fail_msg("%s: %s", #call, (e).msg); \
	} while (0)

static inline int scratch_fd(void)
{
	int fd = memfd_create("layer-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

struct scratch_dir {
	char path[64];
	int fd;
};

static inline struct scratch_dir scratch_dir(void)
{
	struct scratch_dir d = {.path = "/dev/shm/hew-layer-XXXXXX"};
	if (!mkdtemp(d.path)) {
		memcpy(d.path, "/tmp/hew-layer-XXXXXX", sizeof("/tmp/hew-layer-XXXXXX"));
		assert_non_null(mkdtemp(d.path));
	}
	d.fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d.fd >= 0);
	return d;
}

static inline void scratch_remove(struct scratch_dir *d)
{
	struct err e = ERR_INIT;
	close(d->fd);
	MUST(fs_remove_tree(AT_FDCWD, d->path, &e), e);
}

// Runs a program; its exit status, 127 if there is none.
static inline int run(const char *const argv[])
{
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		if (!getenv("HEW_TEST_NOISE"))
			dup2(null, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

// One statement of the text, as an entry. The strings live in the arena.
static inline struct entry spec_entry(struct arena *a, char *statement, const char **ret_text)
{
	while (*statement == ' ')
		statement++;
	char *path = statement + 2, *detail = strchr(path, ' ');
	if (detail)
		*detail++ = '\0';
	struct entry en = {.path = strcmp(path, ".") == 0 ? "" : path,
	        .mode = 0644,
	        .mtime_sec = 1000,
	        .offset = ENTRY_NO_OFFSET};
	*ret_text = NULL;
	switch (statement[0]) {
	case 'o':
		en.opaque = true;
		__attribute__((fallthrough));
	case 'd':
		en.type = ENTRY_DIR;
		en.mode = 0755;
		if (detail)
			assert_true(str_to_octal(detail, &en.mode));
		break;
	case 'f':
		en.type = ENTRY_FILE;
		*ret_text = detail ? detail : "";
		en.size = strlen(*ret_text);
		en.content = hash_bytes(*ret_text, (size_t)en.size);
		en.has_content = true;
		break;
	case 'h':
		en.type = ENTRY_FILE;
		en.link = detail;
		break;
	case 's':
		en.type = ENTRY_SYMLINK;
		en.mode = 0777;
		en.link = detail;
		break;
	case 'c':
		en.type = ENTRY_CHAR;
		en.dev_major = 1;
		en.dev_minor = 3;
		break;
	case 'p':
		en.type = ENTRY_FIFO;
		break;
	case 'w':
		en.type = ENTRY_WHITEOUT;
		break;
	default:
		fail_msg("bad statement '%s'", statement);
	}
	(void)a;
	return en;
}

static inline int spec_each(struct arena *a, const char *spec,
        int (*fn)(void *arg, const struct entry *en, const char *text, struct err *e), void *arg,
        struct err *e)
{
	char *copy = arena_strdup(a, spec);
	while (copy && *copy) {
		char *next = strchr(copy, ';');
		if (next)
			*next++ = '\0';
		const char *text;
		struct entry en = spec_entry(a, copy, &text);
		if (fn(arg, &en, text, e) != 0)
			return -1;
		copy = next;
	}
	return 0;
}

static inline int spec_to_builder(
        void *arg, const struct entry *en, const char *text, struct err *e)
{
	return index_builder_add(arg, en, e);
}

static inline struct layer_index *spec_index(const char *spec, struct err *e)
{
	auto_arena struct arena a = {0};
	auto_index_builder struct index_builder *b = index_builder_new();
	if (spec_each(&a, spec, spec_to_builder, b, e) != 0)
		return NULL;
	return index_builder_finish(b, e);
}

static inline int spec_to_writer(void *arg, const struct entry *en, const char *text, struct err *e)
{
	auto_fd int fd = scratch_fd();
	struct content c = {.fd = fd, .size = en->size};
	if (text)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return layer_writer_add(arg, en, text ? &c : NULL, e);
}

// Writes the layer to tar_fd.
static inline int spec_write(const char *spec, int tar_fd, struct layer_result *ret, struct err *e)
{
	auto_arena struct arena a = {0};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar_fd, NULL);
	if (spec_each(&a, spec, spec_to_writer, w, e) != 0)
		return -1;
	return layer_writer_finish(w, ret, e);
}

static inline void dump_entry(struct buf *out, const struct entry *en)
{
	static const char letter[] = "dfscbpxw";
	char c = letter[en->type];
	if (en->type == ENTRY_FILE && en->link)
		c = 'h';
	if (en->type == ENTRY_DIR && en->opaque)
		c = 'o';
	buf_printf(out, "%s%c %s", out->n ? ";" : "", c, en->path[0] ? en->path : ".");
	if (en->link)
		buf_printf(out, " %s", en->link);
	else if (en->type == ENTRY_FILE)
		buf_printf(out, " %llu", (unsigned long long)en->size);
	else if (en->type == ENTRY_DIR && en->mode != 0755)
		buf_printf(out, " %o", en->mode);
}

static inline char *dump_index(const struct layer_index *ix)
{
	struct buf out = {0};
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		dump_entry(&out, &en);
	}
	return buf_steal(&out);
}
