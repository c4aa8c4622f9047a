// SPDX-License-Identifier: Apache-2.0
// Compressed streams. The pieces that are asked for do not change what comes out, nor whether it is
// an error.
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "layer/compress.h"
#include <assert.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX ((size_t)8 << 20) // a small stream may well be a bomb

// Length of the output, or -1.
static ssize_t inflate_in_steps(int fd, size_t step, struct hash *ret)
{
	struct err e = ERR_INIT;
	auto_hasher struct hasher *h = hasher_new();
	auto_free uint8_t *p = xmalloc(step);
	size_t total = 0;
	ssize_t n = -1;
	struct inflater *z = inflater_new(fd, &e);
	while (z && total < OUTPUT_MAX && (n = inflater_read(z, p, step, &e)) > 0) {
		assert((size_t)n <= step);
		hasher_add(h, p, (size_t)n);
		total += (size_t)n;
	}
	inflater_free(z);
	assert(n >= 0 || e.kind == ERR_CORRUPT);
	*ret = hasher_end(h);
	return n < 0 ? -1 : (ssize_t)total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	auto_fd int fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(fd >= 0 && fs_pwrite_all(fd, data, size, 0, &e) == 0);
	struct hash a, b;
	ssize_t large = inflate_in_steps(fd, 1 << 20, &a), small = inflate_in_steps(fd, 4096, &b);
	if (large < (ssize_t)OUTPUT_MAX && small < (ssize_t)OUTPUT_MAX) {
		assert(large == small);
		assert(large < 0 || hash_eq(&a, &b));
	}
	return 0;
}
