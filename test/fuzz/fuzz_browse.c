// SPDX-License-Identifier: Apache-2.0
// Names of files and keys of a terminal: whatever they are, what is written to the terminal are the
// sequences of the screen's own, and characters that take columns.
//
// The first byte chooses the screen; up to a byte 0xff each line is a path, of the lower layer or
// the upper; the rest are keys.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/unicode.h"
#include "browse/browser.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct layer_index *index_of(const char *text, size_t n, bool upper)
{
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	for (size_t from = 0, line = 0; from < n; line++) {
		const char *end = memchr(text + from, '\n', n - from);
		size_t len = end ? (size_t)(end - text) - from : n - from;
		auto_free char *raw = xstrndup(text + from, len);
		auto_free char *path = fs_clean_rel(raw);
		struct entry en = {.path = path,
		        .type = upper && line % 3 == 0 ? ENTRY_WHITEOUT : ENTRY_FILE,
		        .mode = (uint32_t)line & 07777,
		        .size = line,
		        .offset = ENTRY_NO_OFFSET};
		if (*path && (line % 2 == 0 || upper) && index_builder_add(b, &en, &e))
			return NULL;
		from += len + 1;
	}
	return index_builder_finish(b, &e);
}

static void check_bytes(const char *p, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		if (p[i] != '\033') {
			uint32_t c = utf8_next(p + i, n - i, &len);
			assert(rune_width(c) >= 0);
			continue;
		}
		assert(i + 2 < n && p[i + 1] == '[');
		len = 2 + strspn(p + i + 2, "0123456789;?");
		assert(strchr("HJmhl", p[i + len]));
		len++;
	}
}

static void draw(struct browser *b, struct screen *s)
{
	struct err e = ERR_INIT;
	auto_buf struct buf out = {0};
	assert(browser_draw(b, s, &e) == 0);
	screen_flush(s, &out);
	check_bytes(buf_cstr(&out), out.n);
}

static void press_keys(struct browser *b, struct screen *s, const char *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		struct key k;
		size_t used = key_read(p + at, n - at, true, &k);
		assert(used > 0 && used <= n - at);
		at += used;
		browser_key(b, &k);
		draw(b, s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	if (size < 2 || size > 4096)
		return 0;
	const char *mark = memchr(text, 0xff, size - 1);
	size_t n = mark ? (size_t)(mark - text) : size - 1;
	struct layer_index *indexes[] = {index_of(text, n, false), index_of(text, n, true)};
	if (indexes[0] && indexes[1]) {
		struct browse_layer layers[] = {{text[0] ? "COPY" : NULL, "sha256:0", 1, 0, 1},
		        {"RUN", "sha256:1", 2, 3, 1}};
		const struct browse_image image = {"name", "sha256:2", layers, indexes, 2, NULL};
		struct browse_waste waste = {"some/where", "deleted", "do not", 0, 5};
		const struct browse_figures figures = {0.5, 7, &waste, 1};
		struct browser *b = browser_new(&image);
		struct screen *s = screen_new(40 + data[0] % 80, 10 + data[0] % 30,
		        data[0] & 1 ? SCREEN_UTF8 | SCREEN_COLOUR : 0);
		draw(b, s);
		browser_set_figures(b, &figures);
		if (mark)
			press_keys(b, s, mark + 1, size - n - 2);
		screen_free(s);
		browser_free(b);
	}
	layer_index_close(indexes[0]);
	layer_index_close(indexes[1]);
	return 0;
}
