// SPDX-License-Identifier: Apache-2.0
// Widths of characters: by hand, and all of them against the C library's.
#include "base/unicode.h"
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#include <cmocka.h>

static void test_by_hand(void **state)
{
	static const struct {
		uint32_t c;
		int want;
	} rows[] = {
	        {'a', 1},
	        {' ', 1},
	        {'\n', -1},
	        {0x1b, -1},
	        {0x7f, -1},
	        {0x9b, -1},   // CSI in one character
	        {0xad, -1},   // soft hyphen
	        {0xe9, 1},    // e with acute accent
	        {0x301, 0},   // combining acute accent
	        {0x4e2d, 2},  // a Chinese character
	        {0xff21, 2},  // full-width A
	        {0x1f600, 2}, // a face
	        {0x202e, -1}, // right-to-left override
	        {0x200b, -1}, // zero width space
	        {0x200d, -1}, // joiner
	        {0xfe0f, -1}, // variation selector
	        {0xd800, -1}, // half of a pair
	        {0xac00, 2},  // Hangul syllable
	        {0x2500, 1},  // line drawing
	        {0xe0b0, 1},  // private use
	        {RUNE_INVALID + 0xff, -1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rune_width(rows[i].c) != rows[i].want)
			fail_msg("U+%04X: %d, not %d", rows[i].c, rune_width(rows[i].c),
			        rows[i].want);
}

// glibc shows format characters as nothing; hew does not show them at all. Beyond that a
// character here and there is another matter in another edition of Unicode.
static void test_as_libc(void **state)
{
	size_t differ = 0, wide = 0, n = 0;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (uint32_t c = 0x20; c < 0x30000; c++) {
		int ours = rune_width(c), theirs = wcwidth((wchar_t)c);
		if (ours < 0 || theirs < 0)
			continue;
		n++;
		wide += theirs == 2;
		differ += ours != theirs;
	}
	assert_true(n > 100000 && wide > 50000);
	if (differ > 16)
		fail_msg("%zu of %zu characters have another width than glibc says", differ, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_by_hand),
	        cmocka_unit_test(test_as_libc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
