// SPDX-License-Identifier: Apache-2.0
// registries.conf: the TOML subset, rules, longest prefix, rewriting; hosts.toml.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "registry/buildkitd_toml.h"
#include "registry/hosts_toml.h"
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

static const char hosts[] = "server = \"https://own.example\"\n"
                            "ca = \"own.crt\"\n"
                            "[header]\nX-Own = \"1\"\n"
                            "[host.\"https://a.example:5000/x\"]\n"
                            "capabilities = [\"pull\", # by digest\n \"resolve\"]\n"
                            "ca = [\"/abs.crt\", \"rel.crt\"]\n"
                            "client = [[\"a.crt\", \"a.key\"], [\"b.crt\", \"\"]]\n"
                            "skip_verify = true\noverride_path = true\ndial_timeout = \"1500ms\"\n"
                            "[host.\"https://a.example:5000/x\".header]\n"
                            "X-Meta = [\"a\", \"b\"]\n"
                            "[host.'http://b.example']\n"
                            "client = \"both.pem\"\nunknown = {server = \"x\", ca = [\"y\"]}\n"
                            "[other]\nca = \"nobody's\"\n";

static void expect_list(const struct strv *got, const char *want)
{
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < got->n; i++)
		buf_printf(&text, "%s%s", i ? "|" : "", got->v[i]);
	assert_string_equal(buf_cstr(&text), want);
}

static void test_hosts(void **state)
{
	struct hosts_toml h = {0};
	struct err e = ERR_INIT;
	if (hosts_toml_parse(hosts, strlen(hosts), "/d", &h, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(h.server.url, "https://own.example");
	expect_list(&h.server.ca, "/d/own.crt");
	expect_list(&h.server.headers, "X-Own: 1");
	assert_int_equal(h.n, 2);
	const struct hosts_server *a = &h.v[0], *b = &h.v[1];
	assert_string_equal(a->url, "https://a.example:5000/x");
	assert_int_equal(a->capabilities, HOSTS_PULL | HOSTS_RESOLVE);
	expect_list(&a->ca, "/abs.crt|/d/rel.crt");
	expect_list(&a->clients, "/d/a.crt|/d/a.key|/d/b.crt|");
	expect_list(&a->headers, "X-Meta: a|X-Meta: b");
	assert_true(a->skip_verify && a->override_path);
	assert_int_equal(a->dial_seconds, 1);
	assert_int_equal(b->capabilities, HOSTS_PULL | HOSTS_RESOLVE | HOSTS_PUSH);
	expect_list(&b->clients, "/d/both.pem|");
	assert_int_equal(b->ca.n, 0);
	hosts_toml_release(&h);
}

static void test_bad_hosts(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	        {"[host.\"https://a\"]\ncapabilities = [\"fly\"]\n", "line 2"},
	        {"[host.\"https://a\"]\ndial_timeout = \"soon\"\n", "dial_timeout"},
	        {"[host.\"https://a\"]\ndial_timeout = \"-1s\"\n", "dial_timeout"},
	        {"[host.\"https://a\".header]\n\"a:b\" = \"c\"\n", "not a header"},
	        {"[host.\"https://a\".header]\na = \"b\\r\\nc\"\n", "not a header"},
	        {"[host.\"https://a\"\n", "not closed"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hosts_toml h = {0};
		struct err e = ERR_INIT;
		int rc = hosts_toml_parse(rows[i].text, strlen(rows[i].text), "/d", &h, &e);
		assert_int_equal(rc, -1);
		if (!strstr(e.msg, rows[i].says))
			fail_msg("%zu: %s", i, e.msg);
	}
}

static void test_buildkitd(void **state)
{
	static const char text[] = "debug = true\n[worker.oci]\nmax-parallelism = 4\n"
	                           "[registry.\"docker.io\"]\n"
	                           "  mirrors = [\"mirror.example/hub/\", \"http://127.0.0.1:5\"]\n"
	                           "[registry.\"mirror.example\"]\n  http = true\n"
	                           "[[registry.\"mirror.example\".keypair]]\n  insecure = true\n"
	                           "[registry.\"other.example:5000\"]\n  insecure = true\n"
	                           "[registry]\n[registry.\"strict.example\"]\n  http = false\n";
	struct registries_conf c = {0};
	struct err e = ERR_INIT;
	assert_int_equal(registries_conf_parse(example, strlen(example), &c, &e), 0);
	if (buildkitd_toml_parse(text, strlen(text), &c, &e))
		fail_msg("%s", e.msg);
	const struct registry_rule *hub = registries_conf_find(&c, "docker.io/library/node");
	assert_non_null(hub);
	assert_null(hub->location); // that of registries.conf is replaced
	assert_int_equal(hub->n_mirrors, 2);
	assert_string_equal(hub->mirrors[0].location, "mirror.example/hub");
	assert_true(hub->mirrors[0].insecure);
	assert_string_equal(hub->mirrors[1].location, "127.0.0.1:5");
	assert_true(hub->mirrors[1].insecure);
	assert_false(hub->insecure);
	assert_true(registries_conf_find(&c, "other.example:5000/x")->insecure);
	assert_false(registries_conf_find(&c, "strict.example/x")->insecure);
	assert_true(registries_conf_find(&c, "docker.io/private/a")->blocked);
	assert_int_equal(buildkitd_toml_parse("[registry", 9, &c, &e), -1);
	registries_conf_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_example),
	        cmocka_unit_test(test_buildkitd),
	        cmocka_unit_test(test_digest_only),
	        cmocka_unit_test(test_replace),
	        cmocka_unit_test(test_syntax),
	        cmocka_unit_test(test_hosts),
	        cmocka_unit_test(test_bad_hosts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
