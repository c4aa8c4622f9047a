// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "dockerfile/git_ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHA "0123456789abcdef0123456789abcdef01234567"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		bool is, in_context;
	} rows[] = {
	        {"https://github.com/a/b.git", true, true},
	        {"http://h/b.git#main", true, true},
	        {"https://h/b.git?ref=x", true, true},
	        {"https://h/b.git/c", false, false},
	        {"https://h/b", false, false},
	        {"https://h/x?y=.git", false, false},
	        {"https://.git", false, false},
	        {"HTTPS://h/b.git", true, true},
	        {"ssh://git@h/b", true, true},
	        {"git://h/b", true, true},
	        {"git@h:b", true, true},
	        {"user_1@host.example.org:~/b.git#v1", true, true},
	        {"github.com/a/b", false, true},
	        {"file:///tmp/b.git", false, false},
	        {"ext::sh -c x", false, false},
	        {"./git@h:b", false, false},
	        {"a b@h:c", false, false},
	        {"git@:b", false, false},
	        {"dir/b.git", false, false},
	        {"", false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (git_ref_is(rows[i].text, false) != rows[i].is ||
		        git_ref_is(rows[i].text, true) != rows[i].in_context)
			fail_msg("'%s'", rows[i].text);
	}
}

static const char *shown(const char *s)
{
	return s ? s : "-";
}

static void test_parts(void **state)
{
	static const struct {
		const char *text, *want; // remote shown host ref commit subdir flags
	} rows[] = {
	        {"https://h/b.git", "https://h/b.git https://h/b.git h - - - http"},
	        {"https://h:8443/b.git#v1:sub/dir",
	                "https://h:8443/b.git https://h:8443/b.git h:8443 v1 - sub/dir http"},
	        {"https://h/b.git#:/x/../y/", "https://h/b.git https://h/b.git h - - y http"},
	        {"https://h/b.git#:..", "https://h/b.git https://h/b.git h - - - http"},
	        {"https://u:p@h/b.git", "https://h/b.git https://h/b.git h - - - http"},
	        {"https://u@h/b.git#a%2Fb", "https://h/b.git https://h/b.git h a/b - - http"},
	        {"ssh://u:p@h/b", "ssh://u:p@h/b ssh://u:xxxxx@h/b h - - - ssh"},
	        {"git@h:a/b.git#v1", "git@h:a/b.git git@h:a/b.git h v1 - - ssh"},
	        {"git@h:b?tag=v1&subdir=d", "git@h:b git@h:b h refs/tags/v1 - d ssh"},
	        {"ssh://git@h:22/b", "ssh://git@h:22/b ssh://git@h:22/b h:22 - - - ssh"},
	        {"git://h/b?branch=x", "git://h/b git://h/b h refs/heads/x - -"},
	        {"git://h/b?branch=refs/heads/x", "git://h/b git://h/b h refs/heads/x - -"},
	        {"git://h/b?commit=" SHA, "git://h/b git://h/b h " SHA " " SHA " -"},
	        {"git://h/b?checksum=ABCDEF&ref=m", "git://h/b git://h/b h m abcdef -"},
	        {"git://h/b?keep-git-dir&submodules=0&mtime=commit",
	                "git://h/b git://h/b h - - - keep nosub mtime"},
	        {"git://h/b?keep-git-dir=false&mtime=checkout",
	                "git://h/b git://h/b h - - - unkeep"},
	        {"git://h/b?ref=v1#v1", "git://h/b git://h/b h v1 - -"},
	        {"git://h/b?fetch-by-commit&ref=m&commit=" SHA,
	                "git://h/b git://h/b h m " SHA " - bycommit"},
	        {"github.com/a/b#m",
	                "https://github.com/a/b https://github.com/a/b github.com m - - "
	                "http"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_git_ref struct git_ref r = {0};
		struct err e = ERR_INIT;
		if (git_ref_parse(rows[i].text, &r, &e))
			fail_msg("'%s': %s", rows[i].text, e.msg);
		auto_free char *got = xasprintf("%s %s %s %s %s %s%s%s%s%s%s%s%s", r.remote,
		        r.shown, r.host, shown(r.ref), shown(r.commit), shown(r.subdir),
		        r.is_http ? " http" : "", r.is_ssh ? " ssh" : "",
		        r.keep_git_dir       ? " keep"
		        : r.has_keep_git_dir ? " unkeep"
		                             : "",
		        r.no_submodules ? " nosub" : "", r.mtime_of_commit ? " mtime" : "",
		        r.fetch_by_commit ? " bycommit" : "", "");
		assert_string_equal(got, rows[i].want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	        {"https://h/b.git#-x", "cannot be the name"},
	        {"https://h/b.git#+x", "cannot be the name"},
	        {"https://h/b.git#a..b", "cannot be the name"},
	        {"https://h/b.git#a%20b", "cannot be the name"},
	        {"https://h/b.git#a%0Ab", "control characters"},
	        {"https://h/b.git#a:b:c^{}", ""}, // a folder's name may be anything
	        {"https://h/b.git?ref=a*", "cannot be the name"},
	        {"https://h/b.git?ref=a&ref=b", "multiple values"},
	        {"https://h/b.git?ref=a#b", "ref conflicts: \"b\" vs \"a\""},
	        {"https://h/b.git?subdir=a#m:b", "subdir conflicts"},
	        {"https://h/b.git?tag=a&branch=b", "branch conflicts with tag"},
	        {"https://h/b.git?tag=a&ref=b", "ref conflicts"},
	        {"https://h/b.git?ref", "query \"ref\" has no value"},
	        {"https://h/b.git?reff=x", "unexpected query \"reff\" (did you mean \"ref\"?)"},
	        {"https://h/b.git?keep-git-dir=maybe", "invalid keep-git-dir value"},
	        {"https://h/b.git?mtime=now", "invalid mtime value"},
	        {"https://h/b.git?commit=xyz", "not a commit"},
	        {"https://h/b.git?commit=abc", "not a commit"},
	        {"https://h/b.git?fetch-by-commit=1&commit=abcdef", "needs a full commit"},
	        {"https://-h/b.git", "names no host"},
	        {"ssh://-oProxyCommand=x@h/b", "names no host"},
	        {"ssh://h", "names no repository"},
	        {"ssh://h/", "names no repository"},
	        {"git@h:", "names no repository"},
	        {"git@h:-x", "names no repository"},
	        {"git@-h:x", "names no host"},
	        {"-u@h:x", "names no host"},
	        {"https://h/b c.git", "blanks or control"},
	        {"https://h/b\\c.git", "blanks or control"},
	        {"https://h/b\n.git", "blanks or control"},
	        {"https://h/b", "it is none"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_git_ref struct git_ref r = {0};
		struct err e = ERR_INIT;
		int rc = git_ref_parse(rows[i].text, &r, &e);
		if (*rows[i].why ? rc == 0 || !strstr(e.msg, rows[i].why) : rc != 0)
			fail_msg("'%s': %d %s", rows[i].text, rc, e.msg);
		assert_null(strstr(e.msg, "secret"));
	}
}

static void test_password_is_not_told(void **state)
{
	struct git_ref r = {0};
	struct err e = ERR_INIT;
	assert_int_equal(git_ref_parse("https://u:secret@h/b.git?x=1", &r, &e), -1);
	assert_null(strstr(e.msg, "secret"));
	assert_non_null(strstr(e.msg, "\"https://h/b.git\""));
	e = ERR_INIT;
	assert_int_equal(git_ref_parse("https://u:secret@h/b.git#-x", &r, &e), -1);
	assert_null(strstr(e.msg, "secret"));
	assert_int_equal(git_ref_parse("https://u%40x:se%63ret@h/b.git", &r, &e), 0);
	assert_string_equal(r.userinfo, "u@x:secret");
	assert_string_equal(r.remote, "https://h/b.git");
	git_ref_release(&r);
}

static void test_checksum(void **state)
{
	auto_git_ref struct git_ref r = {0};
	struct err e = ERR_INIT;
	assert_int_equal(git_ref_parse("git@h:b", &r, &e), 0);
	assert_int_equal(git_ref_set_commit(&r, "ABCD12", &e), 0);
	assert_string_equal(r.commit, "abcd12");
	assert_null(r.ref);
	assert_int_equal(git_ref_set_commit(&r, "abcd13", &e), -1);
	assert_int_equal(git_ref_set_commit(&r, "sha256:12", &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_forms),
	        cmocka_unit_test(test_parts),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_password_is_not_told),
	        cmocka_unit_test(test_checksum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
