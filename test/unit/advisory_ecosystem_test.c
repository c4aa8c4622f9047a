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
	        {"Red Hat:enterprise_linux:9::appstream", "Red Hat", "9"},
	        {"Red Hat:enterprise_linux:10.0", "Red Hat", "10"},
	        {"Red Hat:enterprise_linux:x", "Red Hat", "enterprise_linux:x"},
	        {"Red Hat:rhel_eus:9.2::baseos", "Red Hat", "rhel_eus:9.2::baseos"},
	        {"SUSE:Linux Enterprise Server 15 SP5-LTSS", "SUSE", "Linux Enterprise 15 SP5"},
	        {"SUSE:Linux Enterprise Module for Python 3 15 SP5", "SUSE",
	                "Linux Enterprise 15 SP5"},
	        {"SUSE:Linux Enterprise Server 12-LTSS", "SUSE", "Linux Enterprise 12"},
	        {"SUSE:Linux Enterprise Micro 5.5", "SUSE", "Linux Enterprise Micro 5.5"},
	        {"SUSE:Manager Server 4.3", "SUSE", "Manager Server 4.3"},
	        {"SUSE:Linux Enterprise Storage", "SUSE", "Linux Enterprise Storage"}};
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

static void test_modules(void **state)
{
	static const struct {
		const char *title, *want;
	} rows[] = {{"Important: php:8.2 security update", "php:8.2 "},
	        {"Red Hat Security Advisory: nodejs:18 security, bug fix, and enhancement update",
	                "nodejs:18 "},
	        {"Moderate: python39:3.9 and python39-devel:3.9 security update",
	                "python39:3.9 python39-devel:3.9 "},
	        {"Low: container-tools:rhel8, go-toolset:rhel8",
	                "container-tools:rhel8 go-toolset:rhel8 "},
	        {"Important: bash security update", ""}, {"a:b:c :d e: 12:30 http://x.y/", ""},
	        {"", ""}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		struct str words[2];
		size_t n = modules_of_title(rows[i].title, words, ARRAY_LEN(words));
		for (size_t k = 0; k < n; k++)
			buf_printf(&got, "%.*s ", (int)words[k].n, words[k].p);
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
	assert_true(version_is_modular("8.2.30-1.module_el9.7.0+205+fe410f10"));
	assert_true(version_is_modular("1:1.22.1-8.module+el9.6.0+32001+2660e3dc.1"));
	assert_false(version_is_modular("1.20.1-14.el9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ecosystems),
	        cmocka_unit_test(test_packages),
	        cmocka_unit_test(test_modules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
