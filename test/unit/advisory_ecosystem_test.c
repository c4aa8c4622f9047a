// SPDX-License-Identifier: Apache-2.0
// Names of ecosystems, releases and packages.
#include "advisory/ecosystem.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_ecosystems(void **state)
{
	static const struct {
		const char *text, *name, *release;
	} rows[] = {{"npm", "npm", ""}, {"Debian:12", "Debian", "12"},
	        {"Alpine:v3.19", "Alpine", "3.19"}, {"Alpine:edge", "Alpine", "edge"},
	        {"Ubuntu:22.04:LTS", "Ubuntu", "22.04"},
	        {"Ubuntu:Pro:20.04:LTS", "Ubuntu", "Pro:20.04"},
	        {"Rocky Linux:9", "Rocky Linux", "9"},
	        {"Red Hat:enterprise_linux:9::appstream", "Red Hat",
	                "enterprise_linux:9::appstream"}};
	struct ecosystem e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(ecosystem_parse(rows[i].text, &e));
		assert_string_equal(e.name, rows[i].name);
		assert_string_equal(e.release, rows[i].release);
	}
	assert_false(ecosystem_parse("", &e));
	assert_false(ecosystem_parse(":12", &e));
	auto_free char *text = xcalloc(1, 1000);
	memset(text, 'x', 999);
	assert_false(ecosystem_parse(text, &e));
	assert_false(ecosystem_debian(text, &e));
	assert_true(ecosystem_debian("bookworm", &e));
	assert_string_equal(e.release, "12");
	assert_true(ecosystem_debian("sid", &e));
	assert_string_equal(e.release, "sid");
}

static void test_packages(void **state)
{
	static const struct {
		const char *ecosystem, *name, *want;
	} rows[] = {{"PyPI", "Zope.Interface__x", "zope-interface-x"}, {"PyPI", "-_.", "-"},
	        {"NuGet", "Newtonsoft.Json", "newtonsoft.json"},
	        {"Packagist", "Monolog/Monolog", "monolog/monolog"},
	        {"npm", "JSONStream", "JSONStream"}, {"Debian", "gtk+3.0", "gtk+3.0"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		package_name(rows[i].ecosystem, rows[i].name, &got);
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ecosystems),
	        cmocka_unit_test(test_packages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
