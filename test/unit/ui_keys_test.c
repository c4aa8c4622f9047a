// SPDX-License-Identifier: Apache-2.0
// Bytes of a terminal to keys: whole, cut anywhere, and broken off.
#include "base/buf.h"
#include "ui/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"none", "char", "ctrl", "enter", "tab", "back-tab", "escape",
        "backspace", "delete", "up", "down", "left", "right", "home", "end", "page-up",
        "page-down"};

static void put_key(struct buf *out, const struct key *k)
{
	if (out->n)
		buf_putc(out, ' ');
	buf_puts(out, names[k->kind]);
	if (k->kind == KEY_CHAR || k->kind == KEY_CTRL)
		buf_printf(out, ":%x", k->c);
}

// As a loop would read them that gets `cut` bytes at once and waits for more until the end.
static void keys_of(const char *bytes, size_t n, size_t cut, struct buf *out)
{
	struct key k;
	size_t from = 0;
	for (size_t have = cut; from < n;) {
		if (have > n)
			have = n;
		size_t used = key_read(bytes + from, have - from, have == n, &k);
		if (used) {
			from += used;
			put_key(out, &k);
		} else {
			assert_true(have < n);
			have += cut;
		}
	}
}

static const struct {
	const char *bytes;
	size_t n;
	const char *want;
} rows[] = {
#define ROW(bytes, want)                       \
	{                                      \
		bytes, sizeof(bytes) - 1, want \
	}
        ROW("aZ ", "char:61 char:5a char:20"),
        ROW("\0\1\3\32\34", "ctrl:20 ctrl:61 ctrl:63 ctrl:7a ctrl:5c"),
        ROW("\r\n\t\b\177", "enter enter tab backspace backspace"),
        ROW("\033[A\033[B\033[C\033[D", "up down right left"),
        ROW("\033OA\033OB\033OC\033OD\033OH\033OF", "up down right left home end"),
        ROW("\033[H\033[F\033[1~\033[4~\033[7~\033[8~", "home end home end home end"),
        ROW("\033[5~\033[6~\033[3~\033[Z", "page-up page-down delete back-tab"),
        ROW("\033[1;5A\033[6;2~", "up page-down"),
        ROW("\033[2~\033[15~\033[99999999999~", "none none none"), ROW("\033OM", "enter"),
        ROW("\033[Mabc", "none char:61 char:62 char:63"), ROW("\033", "escape"),
        ROW("\033\033", "escape escape"), ROW("\033q", "escape char:71"),
        ROW("\033\033[A", "escape up"), ROW("\033[", "none"), ROW("\033[1", "none"),
        ROW("\033O", "none"), ROW("\033[1\033[A", "none up"), ROW("\033[1\r", "none enter"),
        ROW("\033O\r", "none enter"),
        ROW("\303\244\344\270\255\360\237\230\200", "char:e4 char:4e2d char:1f600"),
        ROW("\303", "none"), ROW("\377x", "none char:78"), ROW("\303(", "none char:28"),
        ROW("\342\200\256", "none"),      // a character that shows nothing
        ROW("\302\233A", "none char:41"), // CSI as one character is no way in
#undef ROW
};

static void test_keys(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 1; cut <= rows[i].n; cut++) {
			auto_buf struct buf got = {0};
			keys_of(rows[i].bytes, rows[i].n, cut, &got);
			if (strcmp(buf_cstr(&got), rows[i].want))
				fail_msg("row %zu in pieces of %zu: '%s', not '%s'", i, cut,
				        buf_cstr(&got), rows[i].want);
		}
}

// A sequence that never ends is given up, or nothing after it would count.
static void test_endless(void **state)
{
	char bytes[200];
	struct key k;
	memset(bytes, '1', sizeof(bytes));
	memcpy(bytes, "\033[", 2);
	size_t used = key_read(bytes, sizeof(bytes), false, &k);
	assert_int_equal(k.kind, KEY_NONE);
	assert_in_range(used, 3, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys),
	        cmocka_unit_test(test_endless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
