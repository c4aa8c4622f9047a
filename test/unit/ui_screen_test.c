// SPDX-License-Identifier: Apache-2.0
// The screen in memory against a terminal of a few lines, which knows just the sequences that a
// screen writes, takes no other, and finds out for itself how wide characters are.
#include "base/buf.h"
#include "base/mem.h"
#include "ui/screen.h"
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#define COLUMNS 20
#define ROWS 4

struct terminal {
	wchar_t cell[ROWS][COLUMNS]; // 0: the right half of a wide one
	char style[ROWS][COLUMNS];   // of each cell: 'r' reverse, a digit for a colour, else ' '
	int x, y;
	char now;
};

static void erase(struct terminal *t)
{
	for (int y = 0; y < ROWS; y++)
		for (int x = 0; x < COLUMNS; x++) {
			t->cell[y][x] = L' ';
			t->style[y][x] = ' ';
		}
}

static void set_style(struct terminal *t, const char *p)
{
	for (t->now = ' '; *p && *p != 'm'; p += strcspn(p, ";m")) {
		p += *p == ';';
		if (*p == '7')
			t->now = 'r';
		else if (*p == '3' && t->now != 'r')
			t->now = p[1];
	}
}

static const char *sequence(struct terminal *t, const char *p)
{
	size_t n = strspn(p, "0123456789;?");
	int row, column;
	if (p[n] == 'H') {
		assert_int_equal(sscanf(p, "%d;%d", &row, &column), 2);
		t->y = row - 1;
		t->x = column - 1;
	} else if (p[n] == 'J') {
		erase(t);
	} else if (p[n] == 'm') {
		set_style(t, p);
	} else if (p[n] != 'h' && p[n] != 'l') {
		fail_msg("a terminal is told '%.10s'", p);
	}
	return p + n + 1;
}

static void feed(struct terminal *t, const char *p)
{
	while (*p) {
		wchar_t c;
		if (p[0] == '\033' && p[1] == '[') {
			p = sequence(t, p + 2);
			continue;
		}
		int len = mbtowc(&c, p, MB_CUR_MAX);
		assert_true(len > 0);
		int width = wcwidth(c);
		assert_in_range(width, 0, 2); // a control character is -1
		if (width) {
			assert_true(t->y < ROWS && t->x + width <= COLUMNS);
			t->cell[t->y][t->x] = c;
			t->style[t->y][t->x] = t->now;
			if (width == 2)
				t->cell[t->y][t->x + 1] = 0;
			t->x += width;
		}
		p += len;
	}
}

static void show(struct screen *s, struct terminal *t, size_t *ret_bytes)
{
	auto_buf struct buf out = {0};
	screen_flush(s, &out);
	feed(t, buf_cstr(&out));
	if (ret_bytes)
		*ret_bytes = out.n;
}

static void line_is(const struct terminal *t, int y, const wchar_t *want)
{
	wchar_t got[COLUMNS + 1] = {0};
	int n = 0;
	for (int x = 0; x < COLUMNS; x++)
		if (t->cell[y][x])
			got[n++] = t->cell[y][x];
	while (n && got[n - 1] == L' ')
		got[--n] = 0;
	if (wcscmp(got, want) != 0)
		fail_msg("line %d is '%ls', not '%ls'", y, got, want);
}

static void test_put(void **state)
{
	static const struct {
		const char *text;
		int room;
		const wchar_t *want;
		int used;
	} rows[] = {
	        {"plain", 20, L"plain", 5},
	        {"exactly", 7, L"exactly", 7},
	        {"too long", 4, L"too…", 4},
	        {"a\033[31mb\n", 20, L"a\\x1b[31mb\\x0a", 14},
	        {"\302\233", 20, L"\\xc2\\x9b", 8},             // CSI in one character
	        {"\342\200\256x", 20, L"\\xe2\\x80\\xaex", 13}, // right-to-left override
	        {"\377\376", 20, L"\\xff\\xfe", 8},             // not UTF-8
	        {"中文", 20, L"中文", 4},
	        {"中文", 3, L"中…", 3},
	        {"中文", 2, L"…", 1}, // half a character is none
	        {"ä", 20, L"ä", 1},
	        {"a\314\201b", 20, L"ab", 2}, // an accent that combines (the terminal drops it)
	        {"\314\201", 20, L"\\xcc\\x81", 8},
	        {"", 20, L"", 0},
	        {"x", 0, L"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct terminal t = {0};
		struct screen *s = screen_new(COLUMNS, ROWS, SCREEN_UTF8);
		int used = screen_put(s, 0, 1, rows[i].room, rows[i].text, STYLE_PLAIN);
		show(s, &t, NULL);
		if (used != rows[i].used)
			fail_msg("row %zu took %d columns, not %d", i, used, rows[i].used);
		line_is(&t, 0, L"");
		line_is(&t, 1, rows[i].want);
		screen_free(s);
	}
}

static void test_ascii(void **state)
{
	struct terminal t = {0};
	struct screen *s = screen_new(COLUMNS, ROWS, 0);
	screen_put(s, 0, 0, 20, "ä", STYLE_PLAIN);
	screen_put(s, 0, 1, 4, "longer", STYLE_PLAIN);
	show(s, &t, NULL);
	line_is(&t, 0, L"\\xc3\\xa4");
	line_is(&t, 1, L"lon~");
	screen_free(s);
}

static void test_edges(void **state)
{
	struct terminal t = {0};
	struct screen *s = screen_new(COLUMNS, ROWS, SCREEN_UTF8);
	screen_put(s, 18, 0, 20, "abcd", STYLE_PLAIN); // over the edge
	screen_put(s, 19, 1, 20, "中", STYLE_PLAIN);   // half over it
	screen_put(s, -1, 2, 20, "xyz", STYLE_PLAIN);
	screen_put(s, 0, ROWS, 20, "below", STYLE_PLAIN);
	screen_put(s, 0, -1, 20, "above", STYLE_PLAIN);
	screen_put(s, 4, 3, 20, "中文", STYLE_PLAIN);
	screen_put(s, 5, 3, 1, "x", STYLE_PLAIN); // over its right half
	screen_put(s, 6, 3, 1, "y", STYLE_PLAIN); // over its left half
	show(s, &t, NULL);
	line_is(&t, 0, L"                  ab");
	line_is(&t, 1, L"");
	line_is(&t, 2, L"yz");
	line_is(&t, 3, L"     xy");
	screen_free(s);
}

static void test_styles(void **state)
{
	for (int colour = 0; colour < 2; colour++) {
		struct terminal t = {0};
		struct screen *s = screen_new(COLUMNS, ROWS, colour ? SCREEN_COLOUR : 0);
		screen_put(s, 0, 0, 20, "r", STYLE_RED);
		screen_put(s, 1, 0, 20, "x", STYLE_PLAIN);
		screen_put(s, 2, 0, 20, "v", STYLE_REVERSE);
		screen_put(s, 3, 0, 20, "p", STYLE_PLAIN);
		screen_paint(s, 3, 0, 1, STYLE_GREEN);
		show(s, &t, NULL);
		char got[5];
		memcpy(got, t.style[0], 4);
		got[4] = '\0';
		assert_string_equal(got, colour ? "1 r2" : "  r ");
		screen_free(s);
	}
}

// Anything after anything else: what the terminal shows is what was drawn.
static void test_changes(void **state)
{
	static const char *const words[] = {"a", "中", "文字", "xyz", "…", "é", "e\314\201", "─"};
	struct terminal t = {0}, fresh;
	struct screen *s = screen_new(COLUMNS, ROWS, SCREEN_UTF8);
	unsigned seed = 7;
	for (int round = 0; round < 2000; round++) {
		struct screen *anew = screen_new(COLUMNS, ROWS, SCREEN_UTF8);
		screen_clear(s);
		for (int i = 0; i < 12; i++) {
			seed = seed * 1103515245 + 12345;
			const char *word = words[(seed >> 16) % ARRAY_LEN(words)];
			int x = (int)((seed >> 8) % COLUMNS), y = (int)((seed >> 20) % ROWS);
			screen_put(s, x, y, 4, word, STYLE_PLAIN);
			screen_put(anew, x, y, 4, word, STYLE_PLAIN);
		}
		show(s, &t, NULL);
		memset(&fresh, 0, sizeof(fresh));
		show(anew, &fresh, NULL);
		assert_memory_equal(t.cell, fresh.cell, sizeof(t.cell));
		screen_free(anew);
	}
	screen_free(s);
}

static void test_only_what_changed(void **state)
{
	struct terminal t = {0};
	size_t whole, again, one;
	struct screen *s = screen_new(COLUMNS, ROWS, SCREEN_UTF8);
	for (int i = 0; i < 2; i++) {
		screen_clear(s);
		screen_put(s, 0, 1, 20, "some words in a line", STYLE_PLAIN);
		show(s, &t, i ? &again : &whole);
	}
	screen_put(s, 5, 1, 1, "W", STYLE_PLAIN);
	show(s, &t, &one);
	line_is(&t, 1, L"some Words in a line");
	assert_true(again < whole - 20);
	assert_true(one < again + 16);
	screen_resize(s, 5, 1);
	screen_put(s, 0, 0, 5, "small", STYLE_PLAIN);
	show(s, &t, NULL);
	line_is(&t, 0, L"small");
	line_is(&t, 1, L"");
	screen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_put),
	        cmocka_unit_test(test_ascii),
	        cmocka_unit_test(test_edges),
	        cmocka_unit_test(test_styles),
	        cmocka_unit_test(test_changes),
	        cmocka_unit_test(test_only_what_changed),
	};
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
