// SPDX-License-Identifier: Apache-2.0
// Layers out of bytes, weighed and looked through for waste: what is hidden is in findings, no byte
// in two, and no efficiency beyond its bounds.
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "size/waste.h"
#include <stdint.h>
#include <stdlib.h>

#define LAYERS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *p;
	size_t n;
};

static uint8_t next(struct bytes *b)
{
	if (!b->n)
		return 0;
	b->n--;
	return *b->p++;
}

static void put_path(struct bytes *b, struct buf *out)
{
	static const char *const names[] = {
	        "a", "b", "c", ".git", "tmp", "root", ".npm", "usr", "share", "doc"};
	unsigned shape = next(b);
	buf_reset(out);
	for (unsigned depth = 1 + shape % 4; depth > 0; depth--)
		buf_printf(out, "%s%s", out->n ? "/" : "", names[next(b) % ARRAY_LEN(names)]);
}

static void add_entry(struct bytes *b, struct index_builder *to, struct err *e)
{
	static const enum entry_type types[] = {ENTRY_DIR, ENTRY_FILE, ENTRY_FILE, ENTRY_WHITEOUT,
	        ENTRY_SYMLINK, ENTRY_FILE, ENTRY_DIR};
	auto_buf struct buf path = {0}, link = {0};
	unsigned op = next(b);
	put_path(b, &path);
	put_path(b, &link);
	struct entry en = {.path = buf_cstr(&path),
	        .type = types[op % ARRAY_LEN(types)],
	        .offset = ENTRY_NO_OFFSET};
	en.opaque = en.type == ENTRY_DIR && op % ARRAY_LEN(types) == 6;
	if (en.type == ENTRY_SYMLINK || op % ARRAY_LEN(types) == 5)
		en.link = buf_cstr(&link);
	if (en.type == ENTRY_FILE && !en.link) {
		en.size = next(b);
		en.has_content = true;
		en.content.b[0] = (uint8_t)en.size;
	}
	(void)index_builder_add(to, &en, e);
}

static void check(const struct weight *w)
{
	auto_waste struct waste_list l = {0};
	struct heavy_file *files;
	uint64_t hidden = 0, seen = 0, found = 0;
	waste_find(w, NULL, NULL, &l);
	for (size_t i = 0; i < l.n; i++)
		*(l.v[i].kind <= WASTE_REPEATED ? &hidden : &found) += l.v[i].bytes;
	size_t n = weight_heaviest(w, SIZE_MAX, &files);
	for (size_t i = 0; i < n; i++)
		seen += files[i].bytes;
	free(files);
	if (hidden != w->hidden_bytes || seen + hidden != w->bytes || found > seen)
		abort();
	if (!(w->dive.efficiency >= 0 && w->dive.efficiency <= 1) || w->packed_efficiency > 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = {data, size};
	struct weigh_layer layers[LAYERS];
	struct layer_index *ix[LAYERS];
	struct weight w;
	size_t n = 0;
	while (b.n && n < LAYERS) {
		struct err e = ERR_INIT;
		auto_index_builder struct index_builder *to = index_builder_new();
		for (unsigned entries = next(&b) % 16; entries > 0; entries--)
			add_entry(&b, to, &e);
		ix[n] = index_builder_finish(to, &e);
		if (!ix[n])
			continue;
		layers[n] = (struct weigh_layer){ix[n], 100, NULL};
		n++;
	}
	struct err e = ERR_INIT;
	if (weigh(layers, n, &w, &e))
		abort();
	check(&w);
	weight_release(&w);
	while (n)
		layer_index_close(ix[--n]);
	return 0;
}
