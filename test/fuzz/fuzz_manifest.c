// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes from a registry. What is accepted must be accepted again after it was
// written, with the same bytes the second time.
#include "base/err.h"
#include "image/manifest.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_manifest(const char *p, size_t n)
{
	auto_manifest struct manifest m = {0}, again = {0};
	auto_buf struct buf first = {0}, second = {0};
	struct err e = ERR_INIT;
	if (manifest_parse(p, n, NULL, &m, &e) < 0) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return;
	}
	assert(m.layers.n <= MANIFEST_LAYERS_MAX);
	manifest_write(&m, &first);
	assert(manifest_parse(first.p, first.n, m.media_type, &again, &e) == 0);
	manifest_write(&again, &second);
	assert(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
}

static void one_index(const char *p, size_t n)
{
	auto_index struct image_index ix = {0}, again = {0};
	auto_buf struct buf first = {0}, second = {0};
	struct err e = ERR_INIT;
	if (image_index_parse(p, n, NULL, &ix, &e) < 0) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return;
	}
	struct platform host = platform_host();
	(void)image_index_select(&ix, &host);
	image_index_write(&ix, &first);
	assert(image_index_parse(first.p, first.n, ix.media_type, &again, &e) == 0);
	image_index_write(&again, &second);
	assert(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct err e = ERR_INIT;
	(void)manifest_sniff(p, size, NULL, &e);
	one_manifest(p, size);
	one_index(p, size);
	return 0;
}
