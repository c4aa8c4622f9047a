// SPDX-License-Identifier: Apache-2.0
// What a terminal would obey is not printed: of names escaped, of output left out.
#include "base/buf.h"
#include "base/mem.h"
#include "ui/ui.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_escape(void **state)
{
	static const char *const rows[][2] = {
	        {"plain \xc3\xa4\xe2\x82\xac", "plain \xc3\xa4\xe2\x82\xac"},
	        {"a\033[31mb\x7f", "a\\x1b[31mb\\x7f"},
	        {"a\nb\tc", "a\\x0ab\\x09c"},
	        // CSI as a character, and as a byte; what follows it can be seen
	        {"a\xc2\x9b"
	         "31mb",
	                "a\\xc2\\x9b31mb"},
	        {"a\x9b"
	         "31mb",
	                "a\\x9b31mb"},
	        {"\xc2\xa0\xe2\x9b\x9b", "\xc2\xa0\xe2\x9b\x9b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		ui_escape(rows[i][0], strlen(rows[i][0]), &got);
		assert_string_equal(buf_cstr(&got), rows[i][1]);
	}
}

static void test_clean_line(void **state)
{
	static const char *const rows[][2] = {
	        {"plain \xc3\xa4\xe2\x9b\x9b", "plain \xc3\xa4\xe2\x9b\x9b"},
	        {"\033[1;31mred\033[0m\033(B", "red"},
	        {"10%\r20%\r", "20%"},
	        {"a\tb\x01", "a    b"},
	        {"a\xc2\x9b\x9b\xc2\x85z", "az"},
	        // titles and hyperlinks, however they end; and one that does not
	        {"a\033]0;title\ab", "ab"},
	        {"\033]8;;http://x\033\\link\033]8;;\033\\ end", "link end"},
	        {"a\033P1$r\033\\b\033_x\033\\c", "abc"},
	        {"a\033]0;title", "a"},
	        {"a\033]0;t\033", "a"},
	        {"a\033]0;t\033[31mb", "ab"},
	        {"a\033", "a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		ui_clean_line(rows[i][0], strlen(rows[i][0]), &got);
		assert_string_equal(buf_cstr(&got), rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_escape),
	        cmocka_unit_test(test_clean_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
