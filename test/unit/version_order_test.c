// SPDX-License-Identifier: Apache-2.0
// Each order on chains of versions, oldest first ("=" in front: equal to the one before): every
// pair of a chain is compared, both ways. The chains are the package managers' own descriptions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "version/version.h"
#include <cmocka.h>
#include <string.h>

#define CHAIN_MAX 24
static const struct {
	enum version_scheme scheme;
	const char *chain[CHAIN_MAX];
} rows[] = {
        {VERSION_DPKG,
                {"0~~", "0~~a", "0~", "0", "=0-0", "=0:0", "0a", "0.1", "0.9", "0.10", "=0.010",
                        "1.0~rc1-1", "1.0-0~a", "1.0-0", "=1.0", "1.0-1~bpo12+1", "1.0-1",
                        "1.0-1+b1", "1.0-1.1", "1.0a-1", "1.0+dfsg-1", "1.0-2-1", "2:0.1"}},
        {VERSION_DPKG,
                {"1.18446744073709551615", "1.18446744073709551616", "1.99999999999999999999999"}},
        {VERSION_APK, {"1.0_alpha", "1.0_alpha2", "1.0_beta", "1.0_pre1", "1.0_rc1", "1.0",
                              "1.0-r0", "1.0-r1", "1.0-r10", "1.0_cvs1", "1.0_svn1",
                              "1.0_git20200101", "1.0_hg1", "1.0_p1", "1.0_p1-r1", "1.0a", "1.0b",
                              "1.0.1", "1.001", "1.01", "1.1", "1.10", "2"}},
        {VERSION_APK, {"1.2_unknown", "1.2", "1.2.3"}},
        {VERSION_RPM, {"0:1.0~rc1-1", "1.0~rc1^git1-1", "1.0", "1.0-1", "1.0-1.el9", "1.0-1.el9_2",
                              "1.0-1.10.el9", "1.0^-1", "1.0^20200101-1", "1.0a-1", "1.0.1-1",
                              "=1.0_1-1", "1.01-2", "1.1.a-1", "1.1.1-1", "1:0.1-1", "=01:0.1-1"}},
        {VERSION_SEMVER, {"0.9.9", "1.0.0-0", "1.0.0-9", "1.0.0-alpha", "1.0.0-alpha.1",
                                 "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
                                 "1.0.0-rc.1", "1.0.0", "=1.0.0+build", "=v1.0", "=1", "1.0.1-rc",
                                 "=1.0.1rc", "1.0.1", "1.2.0", "1.10.0", "1.10.0.1"}},
        {VERSION_PEP440,
                {"1.0-something-odd", "0.9", "1.dev0", "1.0.dev456", "1.0a1", "=1.0alpha1",
                        "=1.0.a.1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456",
                        "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1", "=1.0c1", "1.0",
                        "=v1.0.0", "1.0+abc.5", "1.0+5", "1.0.post456.dev34", "1.0-456", "1!0.1"}},
        {VERSION_GO,
                {"v0.0.0-20190101000000-abcdefabcdef", "v1.0.0-pre.0.20200101000000-abcdefabcdef",
                        "v1.0.0", "=v1.0.0+incompatible", "v1.0.1-0.20200101000000-abcdefabcdef",
                        "v1.0.1", "1.20.9", "go1.21rc2", "=1.21.0-rc.2", "go1.21", "=1.21.0",
                        "go1.21.3 X:boringcrypto", "=go1.21.3"}},
        {VERSION_MAVEN,
                {"1.0-alpha-1", "=1.0a1", "1.0-beta-1", "1.0-milestone-1", "1.0-rc-1", "=1.0-CR1",
                        "1.0-SNAPSHOT", "1", "=1.0.0", "=1-GA", "=1.0.Final", "1-sp", "1-abc",
                        "1-xyz", "1-1", "1-1.1", "1.1-rc", "1.1", "1.1.1", "1.10"}},
        {VERSION_GEM,
                {"1.0.0.a.1", "=1.0.a.1", "1.0.a.2", "1.0.b1", "=1.0.b.1", "1.0.b10", "1.0.pre",
                        "=1.0-", "1", "=1.0.0", "1.0.1.rc", "1.0.1", "1.9", "1.10"}},
};

static void compare(enum version_scheme s, const char *a, const char *b, int want)
{
	struct err e = ERR_INIT;
	int got = 9;
	if (version_compare(s, a, b, &got, &e))
		fail_msg("%s", e.msg);
	if ((got > 0) - (got < 0) != want)
		fail_msg("%s: '%s' and '%s': got %d, want %d", version_scheme_name(s), a, b, got,
		        want);
}

static void test_chains(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		int rank[CHAIN_MAX] = {0};
		const char *v[CHAIN_MAX];
		size_t n = 0;
		for (; n < CHAIN_MAX && rows[r].chain[n]; n++) {
			bool equal = rows[r].chain[n][0] == '=';
			v[n] = rows[r].chain[n] + equal;
			rank[n] = n ? rank[n - 1] + !equal : 0;
		}
		for (size_t i = 0; i < n * n; i++) {
			int a = rank[i / n], b = rank[i % n];
			compare(rows[r].scheme, v[i / n], v[i % n], (a > b) - (a < b));
		}
	}
}

static void test_refused(void **state)
{
	static const struct {
		enum version_scheme scheme;
		const char *version, *why;
	} bad[] = {
	        {VERSION_DPKG, "", "empty"},
	        {VERSION_DPKG, "a:1", "colon"},
	        {VERSION_DPKG, "1:-1", "upstream"},
	        {VERSION_DPKG, "1_0", "only"},
	        {VERSION_APK, "abc", "number"},
	        {VERSION_RPM, "1:-3", "version"},
	        {VERSION_SEMVER, "latest", "number"},
	        {VERSION_SEMVER, "1.0/2", "only"},
	        {VERSION_PEP440, "1 .0", "blanks"},
	        {VERSION_GO, "(devel)", "number"},
	        {VERSION_MAVEN, "1\t2", "blanks"},
	        {VERSION_MAVEN, "1\xc3\xa4", "ASCII"},
	        {VERSION_GEM, "a", "number"},
	};
	auto_free char *lengthy = xmalloc(VERSION_TEXT_MAX + 2);
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(version_check(bad[i].scheme, bad[i].version, &e), -1);
		if (!strstr(e.msg, bad[i].why))
			fail_msg("'%s': %s", bad[i].version, e.msg);
	}
	memset(lengthy, '1', VERSION_TEXT_MAX + 1);
	lengthy[VERSION_TEXT_MAX + 1] = '\0';
	assert_int_equal(version_check(VERSION_MAVEN, lengthy, &e), -1);
	lengthy[VERSION_TEXT_MAX] = '\0';
	assert_int_equal(version_check(VERSION_MAVEN, lengthy, &e), 0);
	compare(VERSION_MAVEN, lengthy, lengthy, 0);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum version_scheme want;
	} names[] = {{"Debian:12", VERSION_DPKG}, {"deb", VERSION_DPKG},
	        {"Alpine:v3.19", VERSION_APK}, {"Rocky Linux:9", VERSION_RPM}, {"rpm", VERSION_RPM},
	        {"npm", VERSION_SEMVER}, {"crates.io", VERSION_SEMVER}, {"PyPI", VERSION_PEP440},
	        {"Go", VERSION_GO}, {"golang", VERSION_GO}, {"Maven", VERSION_MAVEN},
	        {"RubyGems", VERSION_GEM}};
	enum version_scheme got;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(version_scheme_find(names[i].name, &got));
		assert_int_equal(got, names[i].want);
	}
	assert_false(version_scheme_find("Hex", &got));
	assert_false(version_scheme_find("", &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_chains),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
