// SPDX-License-Identifier: Apache-2.0
// Lists of files as package managers leave them, and npm's lock file: the same bytes in all of
// their places.
#include "base/err.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "size/owners.h"
#include "size/waste.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	struct tar_source source;
	int fd;
};

static int tar_fd(struct tar_source *self, size_t layer, struct err *e)
{
	(void)layer;
	(void)e;
	return ((struct source *)self)->fd;
}

static struct layer_index *layer_of(size_t size)
{
	static const char *const paths[] = {"lib/apk/db/installed", "var/lib/dpkg/info/x.list",
	        "var/lib/dpkg/status.d/y.md5sums", "p/z.dist-info/RECORD",
	        "node_modules/.package-lock.json", "node_modules/n/package.json", "bin/program"};
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (index_builder_add(b,
		            &(struct entry){.path = paths[i], .type = ENTRY_FILE, .size = size},
		            &e))
			abort();
	return index_builder_finish(b, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct package packages[] = {{.type = PACKAGE_APK, .name = "a", .version = "1"},
	        {.type = PACKAGE_DEB, .name = "x", .version = "1"},
	        {.type = PACKAGE_DEB, .name = "y", .version = "1"},
	        {.type = PACKAGE_PYPI, .name = "z", .version = "1"},
	        {.type = PACKAGE_NPM, .name = "n", .version = "1"},
	        {.type = PACKAGE_GOLANG, .name = "program", .version = "1"}};
	struct found_package found[] = {{&packages[0], "lib/apk/db/installed", 0},
	        {&packages[1], "var/lib/dpkg/status", 0},
	        {&packages[2], "var/lib/dpkg/status.d/y", 0},
	        {&packages[3], "p/z.dist-info/METADATA", 0},
	        {&packages[4], "node_modules/n/package.json", 0}, {&packages[5], "bin/program", 0}};
	const struct package_list list = {.v = found, .n = ARRAY_LEN(found)};
	struct err e = ERR_INIT;
	struct source s = {{tar_fd}, memfd_create("fuzz", MFD_CLOEXEC)};
	if (s.fd < 0 || write(s.fd, data, size) != (ssize_t)size)
		abort();
	struct layer_index *ix = layer_of(size);
	auto_view struct view *v = chain_new(&ix, 1, &s.source);
	const struct weigh_layer layer = {ix, WEIGH_UNKNOWN, NULL};
	auto_weight struct weight w = {0};
	auto_owners struct owners o = {0};
	auto_waste struct waste_list l = {0};
	if (weigh(&layer, 1, &w, &e) || owners_find(&w, v, &list, &o, &e))
		abort();
	uint64_t bytes = o.other_bytes;
	for (size_t i = 0; i < o.n; i++)
		bytes += o.v[i].bytes;
	if (bytes != w.bytes)
		abort();
	waste_find(&w, v, &o, &l);
	weight_release(&w);
	layer_index_close(ix);
	close(s.fd);
	return 0;
}
