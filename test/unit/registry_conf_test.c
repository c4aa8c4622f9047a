// SPDX-License-Identifier: Apache-2.0
// registries.conf: the TOML subset, rules, longest prefix, rewriting.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "registry/registries_conf.h"
#include <cmocka.h>

static const char example[] =
        "# a comment\n"
        "unqualified-search-registries = [\"docker.io\", # inside\n  'quay.io']\n"
        "short-name-mode = \"enforcing\"\n"
        "[aliases]\n\"a.b\" = \"c\"\n"
        "[[registry]]\n"
        "prefix = \"docker.io\"\n"
        "location = \"hub.example.com/proxy/\"\n"
        "[[registry.mirror]]\n"
        "location = \"127.0.0.1:5001\" # first\n"
        "insecure = true\n"
        "pull-from-mirror = \"digest-only\"\n"
        "[[registry.mirror]]\n"
        "location = 'mirror.example.com/hub'\n"
        "[[registry]]\n"
        "location = \"docker.io/private\"\n"
        "blocked = true\n"
        "[[registry]]\r\n"
        "prefix = \"*.example.org\"\r\n"
        "insecure = true\r\n"
        "[other]\ninsecure = false\nlocation = \"x\"\n";

static void test_example(void **state)
{
	struct registries_conf c = {0};
	struct err e = ERR_INIT;
	if (registries_conf_parse(example, strlen(example), &c, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(c.n, 3);
	const struct registry_rule *hub = registries_conf_find(&c, "docker.io/library/node");
	assert_non_null(hub);
	assert_int_equal(hub->n_mirrors, 2);
	assert_true(hub->mirrors[0].insecure);
	assert_false(hub->mirrors[1].insecure);
	assert_true(hub->mirrors[0].digest_only);
	assert_false(hub->mirrors[1].digest_only);
	assert_false(hub->insecure);
	auto_free char *moved = registry_rule_rewrite(hub, hub->location, "docker.io/library/node");
	assert_string_equal(moved, "hub.example.com/proxy/library/node");
	const struct registry_rule *private = registries_conf_find(&c, "docker.io/private/a");
	assert_true(private && private->blocked);
	assert_ptr_equal(registries_conf_find(&c, "docker.io/privateer/a"), hub);
	const struct registry_rule *wild = registries_conf_find(&c, "a.b.example.org/x");
	assert_true(wild && wild->insecure && !wild->location);
	auto_free char *wild_moved = registry_rule_rewrite(wild, "new.host/p", "a.example.org/x");
	assert_string_equal(wild_moved, "new.host/p/x");
	assert_null(registries_conf_find(&c, "example.org/x"));
	assert_null(registries_conf_find(&c, "quay.io/x"));
	registries_conf_release(&c);
}

static void test_digest_only(void **state)
{
	static const char text[] = "[[registry]]\nlocation = \"a\"\nmirror-by-digest-only = true\n"
	                           "[[registry.mirror]]\nlocation = \"m\"\n"
	                           "[[registry]]\nlocation = \"b\"\n"
	                           "[[registry.mirror]]\nlocation = \"m\"\n"
	                           "pull-from-mirror = \"tag-only\"\n";
	struct registries_conf c = {0};
	struct err e = ERR_INIT;
	assert_int_equal(registries_conf_parse(text, strlen(text), &c, &e), 0);
	assert_true(c.v[0].mirrors[0].digest_only);
	assert_false(c.v[1].mirrors[0].digest_only);
	registries_conf_release(&c);
}

static void test_replace(void **state)
{
	static const char first[] =
	        "[[registry]]\nlocation = \"a\"\n[[registry.mirror]]\nlocation = \"m\"\n";
	static const char second[] = "[[registry]]\nlocation = \"a\"\ninsecure = true\n";
	struct registries_conf c = {0};
	struct err e = ERR_INIT;
	assert_int_equal(registries_conf_parse(first, strlen(first), &c, &e), 0);
	assert_int_equal(registries_conf_parse(second, strlen(second), &c, &e), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.v[0].n_mirrors, 0);
	assert_true(c.v[0].insecure);
	registries_conf_release(&c);
}

static const struct {
	const char *name, *input, *message; // NULL: accepted
} syntax[] = {
        {"empty", "", NULL},
        {"nested arrays", "a = [[1, 2], [{x = 1, y = [2]}], # c\n]\n", NULL},
        {"multi-line string", "a = \"\"\"x\ny\"\"\"\nb = '''\n'''\n", NULL},
        {"numbers and dates", "a = 1_000\nb = 1979-05-27T07:32:00Z\nc = 1.5 # x\n", NULL},
        {"dotted key", "a.b.\"c d\" = true\n", NULL},
        {"escapes", "a = \"\\u00e9\\n\\\\\"\n", NULL},
        {"no value", "a =\n", "line 1: expected a value"},
        {"no equals", "\n\na\n", "line 3: expected '='"},
        {"open string", "a = \"x\nb = 1\n", "not closed"},
        {"open array", "a = [1, 2\n", "expected ','"},
        {"open header", "[[registry]\n", "table header"},
        {"bad escape", "a = \"\\q\"\n", "bad escape"},
        {"bad unicode", "a = \"\\ud800\"\n", "\\u escape"},
        {"text after", "a = \"x\" y\n", "end of the line"},
        {"too deep", "a = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", "too deep"},
        {"mirror alone", "[[registry.mirror]]\nlocation = \"x\"\n", "without a [[registry]]"},
        {"no location", "[[registry]]\ninsecure = true\n", "neither prefix nor location"},
        {"mirror without location", "[[registry]]\nlocation=\"x\"\n[[registry.mirror]]\n",
                "no location"},
        {"scheme", "[[registry]]\nlocation = \"https://x\"\n", "without a scheme"},
        {"inline mirrors", "[[registry]]\nlocation=\"x\"\nmirror = [{location=\"y\"}]\n",
                "[[registry.mirror]]"},
        {"garbage", "\x01\x02", "expected a key"},
};

static void test_syntax(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(syntax); i++) {
		struct registries_conf c = {0};
		struct err e = ERR_INIT;
		int rc = registries_conf_parse(syntax[i].input, strlen(syntax[i].input), &c, &e);
		if ((rc == 0) != (syntax[i].message == NULL) ||
		        (rc < 0 && !strstr(e.msg, syntax[i].message)))
			fail_msg("%s: %d '%s'", syntax[i].name, rc, e.msg);
		registries_conf_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_example),
	        cmocka_unit_test(test_digest_only),
	        cmocka_unit_test(test_replace),
	        cmocka_unit_test(test_syntax),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
