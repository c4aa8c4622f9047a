// SPDX-License-Identifier: Apache-2.0
// WWW-Authenticate headers as registries send them, and the union of scopes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "registry/challenge.h"
#include <cmocka.h>

static const struct {
	const char *name, *input;
	enum challenge_kind kind;
	const char *realm, *service, *scope, *error;
} rows[] = {
        {"hub",
                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
                "scope=\"repository:library/node:pull\"",
                CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
                "repository:library/node:pull", NULL},
        {"error", "Bearer realm=\"https://a/t\",error=\"insufficient_scope\"", CHALLENGE_BEARER,
                "https://a/t", NULL, NULL, "insufficient_scope"},
        {"comma in quotes", "Bearer realm=\"https://a/t\",scope=\"repository:x:pull,push\"",
                CHALLENGE_BEARER, "https://a/t", NULL, "repository:x:pull,push", NULL},
        {"basic", "Basic realm=\"Registry Realm\"", CHALLENGE_BASIC, "Registry Realm", NULL, NULL,
                NULL},
        {"basic without realm", "basic", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
        {"both, basic first", "Basic realm=\"b\", Bearer realm=\"https://a/t\", service=s",
                CHALLENGE_BEARER, "https://a/t", "s", NULL, NULL},
        {"both, bearer first", "Bearer realm=\"https://a/t\", Basic realm=\"b\"", CHALLENGE_BEARER,
                "https://a/t", NULL, NULL, NULL},
        {"case and blanks", "bEARER  Realm = \"https://a/t\" ,\tSERVICE=x", CHALLENGE_BEARER,
                "https://a/t", "x", NULL, NULL},
        {"escapes", "Basic realm=\"a\\\"b\"", CHALLENGE_BASIC, "a\"b", NULL, NULL, NULL},
        {"first value counts", "Basic realm=\"a\",realm=\"b\"", CHALLENGE_BASIC, "a", NULL, NULL,
                NULL},
        {"bearer without realm", "Bearer service=\"x\"", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
        {"other scheme", "Negotiate abc", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
        {"other scheme first", "Digest realm=\"d\", nonce=\"1\", Basic realm=\"b\"",
                CHALLENGE_BASIC, "b", NULL, NULL, NULL},
        {"unclosed quote", "Bearer realm=\"https://a/t", CHALLENGE_BEARER, "https://a/t", NULL,
                NULL, NULL},
        {"controls dropped", "Basic realm=\"a\r\nb\"", CHALLENGE_BASIC, "ab", NULL, NULL, NULL},
        {"empty", "", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
        {"garbage", "=,=;\"", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
};

static void same(const char *row, const char *got, const char *want)
{
	if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
		fail_msg("%s: got '%s', want '%s'", row, got ? got : "(null)",
		        want ? want : "(null)");
}

static void test_parse(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_challenge struct challenge c = {0};
		challenge_parse(rows[i].input, &c);
		if (c.kind != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].name, (int)c.kind);
		same(rows[i].name, c.realm, rows[i].realm);
		same(rows[i].name, c.service, rows[i].service);
		same(rows[i].name, c.scope, rows[i].scope);
		same(rows[i].name, c.error, rows[i].error);
	}
}

static const struct {
	const char *name, *have, *add, *want;
} scopes[] = {
        {"new", "", "repository:a:pull", "repository:a:pull"},
        {"same", "repository:a:pull", "repository:a:pull", "repository:a:pull"},
        {"more actions", "repository:a:pull", "repository:a:pull,push", "repository:a:pull,push"},
        {"fewer actions", "repository:a:pull,push", "repository:a:pull", "repository:a:pull,push"},
        {"other repository", "repository:a:pull", "repository:b:pull",
                "repository:a:pull repository:b:pull"},
        {"port in the name", "repository:h:5000/a:pull", "repository:h:5000/a:push",
                "repository:h:5000/a:pull,push"},
        {"two at once", "repository:a:pull", "repository:a:push registry:catalog:*",
                "repository:a:pull,push registry:catalog:*"},
        {"without colons", "", "aws", "aws"},
        {"prefix is no match", "repository:a:pull", "repository:ab:pull",
                "repository:a:pull repository:ab:pull"},
};

static void test_scopes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		auto_strv struct strv set = {0};
		auto_buf struct buf got = {0};
		scope_add_list(&set, scopes[i].have);
		scope_add_list(&set, scopes[i].add);
		for (size_t k = 0; k < set.n; k++)
			buf_printf(&got, "%s%s", k ? " " : "", set.v[k]);
		same(scopes[i].name, buf_cstr(&got), scopes[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_scopes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
