// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/xml.h"

static void texts(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want;
	} rows[] = {
	        {"", 0, ""},
	        {"plain, caf\xc3\xa9 \xf0\x9f\x90\x8b 'x'", 21,
	                "plain, caf\xc3\xa9 \xf0\x9f\x90\x8b 'x'"},
	        {"<a b=\"c\">&amp;]]>", 17, "&lt;a b=&#34;c&#34;&gt;&amp;amp;]]&gt;"},
	        {"a\n\t\rb", 5, "a&#xA;&#x9;&#xD;b"},
	        {"\x1b[31m\0x\x01", 8, "\xef\xbf\xbd[31m\xef\xbf\xbdx\xef\xbf\xbd"},
	        {"\x7f\xc2\x80\xc2\x9b\xc2\xa0", 7, "&#x7F;&#x80;&#x9B;\xc2\xa0"},
	        {"\xff"
	         "a\xc3",
	                3,
	                "\xef\xbf\xbd"
	                "a\xef\xbf\xbd"},
	        {"\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", 9, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = {0};
		xml_text(&out, rows[i].text, rows[i].n);
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
