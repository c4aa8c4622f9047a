// SPDX-License-Identifier: Apache-2.0
// What layers cost. Each measurement is one line: wall and processor seconds, peak memory.
//     layer_bench import FILE             a layer blob, to a tar in memory
//     layer_bench compress FILE [THREADS] a tar, by the default recipe and by zstd
//     layer_bench write MB                a layer of files of 64 KiB
//     layer_bench unpack FILES DIR        files of 4 KiB into a new directory below DIR
//     layer_bench index ENTRIES           build, open, find
//     layer_bench chain LAYERS ENTRIES    walk and look up
#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "layer/chain.h"
#include "layer/compress.h"
#include "layer/import.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void must(int rc, const char *what, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "layer_bench: %s: %s\n", what, e->msg);
	exit(1);
}

struct watch {
	int64_t wall;
	double cpu;
};

static double cpu_seconds(struct rusage *u)
{
	getrusage(RUSAGE_SELF, u);
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static struct watch start(void)
{
	struct rusage u;
	return (struct watch){clock_ns(), cpu_seconds(&u)};
}

static void stop(const struct watch *w, const char *what, double units, const char *unit)
{
	struct rusage u;
	double wall = (double)(clock_ns() - w->wall) / 1e9, cpu = cpu_seconds(&u) - w->cpu;
	printf("%-18s %8.3f s wall %8.3f s cpu %6ld MiB", what, wall, cpu, u.ru_maxrss / 1024);
	printf("   %.3f us wall, %.3f us cpu a %s\n", wall * 1e6 / units, cpu * 1e6 / units, unit);
}

static int scratch(void)
{
	return memfd_create("layer-bench", MFD_CLOEXEC);
}

static int open_input(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void bench_import(const char *path)
{
	struct err e = ERR_INIT;
	auto_fd int blob = open_input(path), tar = scratch();
	struct layer_result r = {0};
	struct watch w = start();
	must(layer_import(blob, tar, 0, 0, &r, &e), "import", &e);
	stop(&w, "import", (double)r.tar_size / 1e6, "MB of tar");
	printf("%llu bytes, %zu entries\n", (unsigned long long)r.tar_size,
	        layer_index_count(r.index));
	layer_result_release(&r);
}

static void bench_compress(const char *path, size_t threads)
{
	static const struct recipe recipes[] = {{COMPRESSION_GZIP, 6}, {COMPRESSION_ZSTD, 3}};
	struct err e = ERR_INIT;
	auto_fd int in = open_input(path);
	off_t size = lseek(in, 0, SEEK_END);
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		auto_fd int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct pool *pool = pool_new(threads);
		char name[RECIPE_TEXT];
		recipe_text(&recipes[i], name);
		struct digest d;
		uint64_t made;
		struct watch w = start();
		must(layer_compress(in, (uint64_t)size, out, &recipes[i], pool, &d, &made, &e),
		        name, &e);
		stop(&w, name, (double)size / 1e6, "MB of tar");
		printf("ratio %.4f\n", (double)made / (double)size);
		pool_free(pool);
	}
}

static void write_files(struct layer_writer *w, size_t n, size_t size, int body)
{
	struct err e = ERR_INIT;
	char path[64];
	for (size_t i = 0; i < n; i++) {
		if (i % 100 == 0) {
			snprintf(path, sizeof(path), "d%06zu", i / 100);
			struct entry dir = {.path = path, .type = ENTRY_DIR, .mode = 0755};
			must(layer_writer_add(w, &dir, NULL, &e), path, &e);
		}
		snprintf(path, sizeof(path), "d%06zu/file%02zu", i / 100, i % 100);
		struct entry en = {.path = path, .type = ENTRY_FILE, .mode = 0644, .size = size};
		struct content c = {.fd = body, .size = size};
		must(layer_writer_add(w, &en, &c, &e), path, &e);
	}
}

static int body_of(size_t size)
{
	int fd = scratch();
	auto_free char *p = xcalloc(1, size);
	struct err e = ERR_INIT;
	must(fs_pwrite_all(fd, p, size, 0, &e), "body", &e);
	return fd;
}

static void make_layer(size_t n, size_t size, int tar, struct layer_result *ret)
{
	struct err e = ERR_INIT;
	auto_fd int body = body_of(size);
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
	write_files(w, n, size, body);
	must(layer_writer_finish(w, ret, &e), "finish", &e);
}

static void bench_write(size_t mb)
{
	auto_fd int tar = scratch();
	struct layer_result r = {0};
	struct watch w = start();
	make_layer(mb * 16, 64 << 10, tar, &r);
	stop(&w, "write", (double)r.tar_size / 1e6, "MB of tar");
	layer_result_release(&r);
}

static void bench_unpack(size_t n, const char *parent)
{
	struct err e = ERR_INIT;
	auto_fd int tar = scratch();
	struct layer_result r = {0};
	make_layer(n, 4096, tar, &r);
	auto_free char *dir = xasprintf("%s/layer-bench-XXXXXX", parent);
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(1);
	}
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct watch w = start();
	must(tree_unpack(r.index, NULL, tar, fd, TREE_USER, &e), "unpack", &e);
	stop(&w, "unpack", (double)n, "file");
	auto_fd int back = scratch();
	struct layer_result again = {0};
	w = start();
	must(layer_write_upper(fd, back, NULL, &again, &e), "upper", &e);
	stop(&w, "upper to tar", (double)n, "file");
	if (!hash_eq(&again.content_id, &r.content_id))
		printf("the layer came back different\n");
	layer_result_release(&again);
	layer_result_release(&r);
	must(fs_remove_tree(AT_FDCWD, dir, &e), dir, &e);
}

static void entry_at(size_t i, char *path, size_t size, struct entry *ret)
{
	snprintf(path, size, "usr/share/package%05zu/some/directory/file%02zu.txt", i / 40, i % 40);
	*ret = (struct entry){.path = path, .type = ENTRY_FILE, .mode = 0644, .has_content = true};
	memcpy(ret->content.b, &i, sizeof(i));
}

static struct layer_index *make_index(size_t n)
{
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	char path[128];
	struct entry en;
	for (size_t i = 0; i < n; i++) {
		entry_at(i, path, sizeof(path), &en);
		must(index_builder_add(b, &en, &e), path, &e);
	}
	struct layer_index *ix = index_builder_finish(b, &e);
	must(ix ? 0 : -1, "index", &e);
	return ix;
}

static void bench_index(size_t n)
{
	struct err e = ERR_INIT;
	struct watch w = start();
	struct layer_index *ix = make_index(n);
	stop(&w, "index build", (double)n, "entry");
	auto_fd int fd = scratch();
	must(layer_index_write(ix, fd, &e), "write", &e);
	layer_index_close(ix);
	w = start();
	ix = layer_index_open(fd, &e);
	must(ix ? 0 : -1, "open", &e);
	stop(&w, "index open", (double)n, "entry");
	char path[128];
	struct entry en, found;
	w = start();
	size_t hits = 0;
	for (size_t i = 0; i < n; i++) {
		entry_at(i * 7919 % n, path, sizeof(path), &en);
		hits += layer_index_find(ix, path, &found);
	}
	stop(&w, "index find", (double)n, "entry");
	printf("%zu found\n", hits);
	layer_index_close(ix);
}

static int count_one(void *arg, const struct entry *en, struct err *e)
{
	++*(size_t *)arg;
	return 0;
}

static void bench_chain(size_t layers, size_t n)
{
	struct err e = ERR_INIT;
	struct layer_index **ix = xcalloc(layers, sizeof(struct layer_index *));
	for (size_t l = 0; l < layers; l++)
		ix[l] = make_index(n);
	struct view *v = chain_new(ix, layers, NULL);
	size_t count = 0;
	struct watch w = start();
	must(v->ops->walk(v, "", count_one, &count, &e), "walk", &e);
	stop(&w, "chain walk", (double)(layers * n), "entry of a layer");
	char path[128];
	struct entry en, found;
	w = start();
	for (size_t i = 0; i < 10000; i++) {
		entry_at(i * 7919 % n, path, sizeof(path), &en);
		must(v->ops->lookup(v, path, &found, &e) == 1 ? 0 : -1, path, &e);
	}
	stop(&w, "chain lookup", 10000, "lookup");
	view_free(v);
	for (size_t l = 0; l < layers; l++)
		layer_index_close(ix[l]);
	free(ix);
}

static size_t number(const char *s)
{
	uint64_t v;
	if (!s || !str_to_u64(s, &v)) {
		fprintf(stderr, "layer_bench: '%s' is not a number\n", s ? s : "");
		exit(2);
	}
	return (size_t)v;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	if (strcmp(what, "import") == 0)
		bench_import(argv[2]);
	else if (strcmp(what, "compress") == 0)
		bench_compress(argv[2], argc > 3 ? number(argv[3]) : 0);
	else if (strcmp(what, "write") == 0)
		bench_write(number(argv[2]));
	else if (strcmp(what, "unpack") == 0 && argc > 3)
		bench_unpack(number(argv[2]), argv[3]);
	else if (strcmp(what, "index") == 0)
		bench_index(number(argv[2]));
	else if (strcmp(what, "chain") == 0 && argc > 3)
		bench_chain(number(argv[2]), number(argv[3]));
	else
		return fprintf(stderr, "usage: see the head of layer_bench.c\n"), 2;
	return 0;
}
