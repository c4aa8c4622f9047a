// SPDX-License-Identifier: Apache-2.0
// URLs: what is accepted and refused, Location resolving, origins, loopback, download names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "registry/download_name.h"
#include "registry/url.h"
#include <cmocka.h>

static const struct {
	const char *input, *want, *userinfo; // want NULL: refused
} parsed[] = {
        {"https://Registry.Example.com/v2/", "https://registry.example.com/v2/", NULL},
        {"HTTP://h", "http://h/", NULL},
        {"https://h:443/a", "https://h/a", NULL},
        {"http://h:443/a", "http://h:443/a", NULL},
        {"https://h?x=1", "https://h/?x=1", NULL},
        {"https://h/a#frag", "https://h/a", NULL},
        {"https://[::1]:5000/a", "https://[::1]:5000/a", NULL},
        {"https://h:/a", "https://h/a", NULL},
        {"https://u:p%40w@h/a", "https://h/a", "u:p@w"},
        {"https://good@evil.com/", "https://evil.com/", "good"},
        {"https://h\\@evil.com/", NULL, NULL},
        {"https://h evil/", NULL, NULL},
        {"https://h/\r\nX: y", NULL, NULL},
        {"https://", NULL, NULL},
        {"https://h:0/", NULL, NULL},
        {"https://h:70000/", NULL, NULL},
        {"https://h:80x/", NULL, NULL},
        {"https://h%2f/", NULL, NULL},
        {"https://[::1/", NULL, NULL},
        {"https://[]/", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
        {"ftp://h/", NULL, NULL},
        {"h/path", NULL, NULL},
        {"", NULL, NULL},
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(parsed); i++) {
		struct err e = ERR_INIT;
		auto_url struct url u = {0};
		int rc = url_parse(parsed[i].input, &u, &e);
		if ((rc == 0) != (parsed[i].want != NULL))
			fail_msg("'%s': %d %s", parsed[i].input, rc, e.msg);
		if (rc < 0)
			continue;
		auto_free char *text = url_text(&u);
		assert_string_equal(text, parsed[i].want);
		if (parsed[i].userinfo)
			assert_string_equal(u.userinfo, parsed[i].userinfo);
		else
			assert_null(u.userinfo);
	}
}

static const struct {
	const char *base, *location, *want; // NULL: refused
} resolved[] = {
        {"https://h/v2/a/blobs/uploads/", "https://h/v2/a/blobs/uploads/1?state=x",
                "https://h/v2/a/blobs/uploads/1?state=x"},
        {"https://h/v2/a/blobs/uploads/", "/v2/a/up/1?s=x", "https://h/v2/a/up/1?s=x"},
        {"https://h:8443/v2/a/", "up/1", "https://h:8443/v2/a/up/1"},
        {"https://h/v2/a?q=/z", "b", "https://h/v2/b"},
        {"https://h/v2/a?q=1", "?q=2", "https://h/v2/a?q=2"},
        {"https://h/v2/a", "//other/b", "https://other/b"},
        {"http://h/v2/a", "//other/b", "http://other/b"},
        {"https://h/a", "", "https://h/a"},
        {"https://h/a", "b:c/d", NULL},
        {"https://h/a", "./b:c", "https://h/./b:c"},
        {"https://h/a", "gopher://x/", NULL},
        {"https://h/a", "/x y", NULL},
        {"https://u:p@h/a", "/b", "https://h/b"},
};

static void test_resolve(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(resolved); i++) {
		struct err e = ERR_INIT;
		auto_url struct url base = {0}, u = {0};
		assert_int_equal(url_parse(resolved[i].base, &base, &e), 0);
		int rc = url_resolve(&base, resolved[i].location, &u, &e);
		if ((rc == 0) != (resolved[i].want != NULL))
			fail_msg("'%s': %d %s", resolved[i].location, rc, e.msg);
		if (rc < 0)
			continue;
		auto_free char *text = url_text(&u);
		assert_string_equal(text, resolved[i].want);
		assert_null(u.userinfo);
	}
}

static const struct {
	const char *a, *b;
	bool same;
} origins[] = {
        {"https://h/a", "https://H:443/b", true},
        {"https://h/a", "http://h/a", false},
        {"https://h/a", "https://h:444/a", false},
        {"https://h/a", "https://h.evil/a", false},
        {"https://h/a", "https://x@h/a", true},
};

static void test_origin(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		struct err e = ERR_INIT;
		auto_url struct url a = {0}, b = {0};
		assert_int_equal(url_parse(origins[i].a, &a, &e), 0);
		assert_int_equal(url_parse(origins[i].b, &b, &e), 0);
		assert_int_equal(url_same_origin(&a, &b), origins[i].same);
	}
}

static const struct {
	const char *at, *next, *want; // NULL: refused
} kept[] = {
        {"https://h:5/a", "http://h/b", "https://h:5/b"},
        {"https://h/a", "http://h:80/b", "https://h/b"},
        {"https://h/a", "https://other/b", "https://other/b"},
        {"https://h/a", "http://other/b", NULL},
        {"http://h/a", "http://other/b", "http://other/b"},
};

static void test_keep_https(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct err e = ERR_INIT;
		auto_url struct url at = {0}, next = {0};
		assert_int_equal(url_parse(kept[i].at, &at, &e), 0);
		assert_int_equal(url_parse(kept[i].next, &next, &e), 0);
		assert_int_equal(url_keep_https(&at, &next), kept[i].want != NULL);
		auto_free char *text = url_text(&next);
		if (kept[i].want)
			assert_string_equal(text, kept[i].want);
	}
}

static const struct {
	const char *host;
	bool want;
} loopback[] = {
        {"localhost", true},
        {"localhost:5000", true},
        {"127.0.0.1:5000", true},
        {"127.255.0.9", true},
        {"[::1]:5000", true},
        {"reg.localhost:1", true},
        {"128.0.0.1", false},
        {"127.0.0.1.evil.com", false},
        {"127.evil.com", false},
        {"localhost.evil.com", false},
        {"notlocalhost", false},
        {"registry", false},
};

static void test_loopback(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (url_host_is_loopback(loopback[i].host) != loopback[i].want)
			fail_msg("%s", loopback[i].host);
}

static const struct {
	const char *url, *want;
} names[] = {
        {"https://h/dir/file.tar.gz?sig=a/b", "file.tar.gz"},
        {"https://h/a%20b", "a b"},
        {"https://h/a%2fb", NULL},
        {"https://h/%2e%2e", NULL},
        {"https://h/a%00b", NULL},
        {"https://h/dir/", "dir"},
        {"https://h/dir//?x", "dir"},
        {"https://h/..", NULL},
        {"https://h", NULL},
        {"https://h/100%", "100%"},
};

static void test_names(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = ERR_INIT;
		auto_url struct url u = {0};
		assert_int_equal(url_parse(names[i].url, &u, &e), 0);
		auto_free char *got = url_file_name(&u);
		if ((got == NULL) != (names[i].want == NULL) ||
		        (got && strcmp(got, names[i].want) != 0))
			fail_msg("%s: %s", names[i].url, got ? got : "(null)");
	}
}

static void test_escape(void **state)
{
	auto_buf struct buf b = {0};
	url_escape(&b, "repository:a/b:pull,push ~x");
	assert_string_equal(buf_cstr(&b), "repository%3Aa%2Fb%3Apull%2Cpush%20~x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_resolve),
	        cmocka_unit_test(test_origin),
	        cmocka_unit_test(test_keep_https),
	        cmocka_unit_test(test_loopback),
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_escape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
