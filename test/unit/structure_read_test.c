// SPDX-License-Identifier: Apache-2.0
// Files of structure tests: what is read, and what is refused with which words on which line.
#include "structure_fixture.h"

#include "base/cancel.h"
#include <signal.h>

static const struct {
	const char *text, *want; // NULL: it is taken
} rows[] = {
        {HEAD, NULL},
        {"schemaVersion: \"2.0.0\"\nlicenseTests:\n", NULL},
        {"{\"schemaVersion\": \"2.0.0\",\n\t\"commandTests\": [\n\t\t{\"name\": \"a\", "
         "\"command\": "
         "\"b\"}\n\t]\n}\n",
                NULL},
        {"", "t.yaml:1: the file is empty"},
        {"# nothing\n", "t.yaml:1: the file is empty"},
        {"commandTests: []\n", "t.yaml:1: 'schemaVersion: \"2.0.0\"' is missing"},
        {"schemaVersion: 3.0.0\nnew: x\n",
                "t.yaml:1: schema version 3.0.0 is not read, only 2.0.0"},
        {"schemaVersion: 1.0.0\ncommandTests:\n- name: a\n  command: [a, b]\n",
                "t.yaml:1: schema version 1.0.0 is not read, only 2.0.0 (in which 'command' is one "
                "text, and what follows it 'args')"},
        {HEAD "commandTest: []\n", "t.yaml:2: 'commandTest' is no key here: did you mean "
                                   "commandTests?"},
        {HEAD "commandTests:\n- name: a\n  command: b\n  expectOutput: [x]\n",
                "t.yaml:5: 'expectOutput' is no key here: did you mean expectedOutput?"},
        {HEAD "xyz: 1\n", "t.yaml:2: 'xyz' is no key here"},
        {HEAD "metadataTest:\n  user: a\n  user: b\n", "t.yaml:4: user: given twice"},
        {HEAD "metadataTest:\n  env: []\n  envVars: []\n", "t.yaml:4: envVars: given twice"},
        {HEAD "commandTests:\n- command: b\n", "t.yaml:3: a test without 'name'"},
        {HEAD "commandTests:\n- name: a\n", "t.yaml:3: a test without 'command'"},
        {HEAD "commandTests:\n- {name: a, command: [b]}\n", "t.yaml:3: command: a text is wanted"},
        {HEAD "commandTests:\n- {name: a, command: b, setup: [[]]}\n",
                "t.yaml:3: setup: a command without a word"},
        {HEAD "commandTests:\n- {name: a, command: b, setup: [x]}\n",
                "t.yaml:3: setup: a list of texts is wanted"},
        {HEAD "commandTests:\n- {name: a, command: b, exitCode: x}\n",
                "t.yaml:3: exitCode: a number is wanted"},
        {HEAD "commandTests:\n- {name: a, command: b, exitCode: 256}\n",
                "t.yaml:3: exitCode: 0 to 255 is wanted"},
        {HEAD "commandTests:\n- {name: a, command: b, envVars: [{key: A=B}]}\n",
                "t.yaml:3: 'A=B' cannot be the name of a variable"},
        {HEAD "commandTests:\n- {name: a, command: b, envVars: [{value: B}]}\n",
                "t.yaml:3: an entry without 'key'"},
        {HEAD "commandTests:\n  name: a\n", "t.yaml:3: commandTests: a list is wanted"},
        {HEAD "commandTests:\n- {name: a, command: b, expectedOutput:\n  [ok, '(']}\n",
                "t.yaml:4: the regular expression '(': missing closing parenthesis (at byte 1)"},
        {HEAD "fileExistenceTests:\n- {name: a, path: b, shouldExist: \"no\"}\n",
                "t.yaml:3: shouldExist: true or false is wanted"},
        {HEAD "fileExistenceTests:\n- {name: a, path: b, isExecutableBy: root}\n",
                "t.yaml:3: isExecutableBy 'root': owner, group, other or any is wanted"},
        {HEAD "fileExistenceTests:\n- {name: a, path: b, shouldExist: false, uid: 0}\n",
                "t.yaml:3: a file that should not exist has no owner and no permissions: take them "
                "out"},
        {HEAD "fileExistenceTests:\n- {name: a}\n", "t.yaml:3: a test without 'path'"},
        {HEAD "fileContentTests:\n- {name: a, path: b}\n",
                "t.yaml:3: a test of contents with neither 'expectedContents' nor "
                "'excludedContents'"},
        {HEAD "metadataTest: [a]\n", "t.yaml:2: metadataTest: keys and values are wanted"},
        {HEAD "metadataTest:\n  labels: [{key: a, value: '[', isRegex: true}]\n",
                "t.yaml:3: the regular expression '[': missing terminating ] for character class "
                "(at byte 1)"},
        {HEAD "---\nschemaVersion: 2.0.0\n", "t.yaml:3: a second document in one file"},
        {HEAD "a: [\n", "t.yaml:3: did not find expected node content"},
        {HEAD "metadataTest: {user: \"a\\0b\"}\n", "t.yaml:2: user: a text is wanted"},
        // an alias may be a node that it lies in
        {HEAD "commandTests: &a [*a]\n", "t.yaml:2: commandTests: keys and values are wanted"},
        {HEAD "metadataTest: &a\n  <<: *a\n", "t.yaml:2: metadataTest: '<<' too deep"},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_structure struct structure s = {0};
		int rc = structure_read("t.yaml", rows[i].text, strlen(rows[i].text), &s, &e);
		if (!rows[i].want && rc)
			fail_msg("%s\n%s", rows[i].text, e.msg);
		if (!rows[i].want)
			continue;
		assert_int_equal(rc, -1);
		assert_string_equal(e.msg, rows[i].want);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void test_values(void **state)
{
	auto_structure struct structure s = {0};
	must_read(&s, HEAD "commandTests:\n"
	                   "- &first\n"
	                   "  name: a\n"
	                   "  command: b\n"
	                   "  args: [1, true, '', \"two words\"]\n"
	                   "  envVars: [{key: A, value: 8080}, {key: B}]\n"
	                   "  exitCode: 0x7f\n"
	                   "  setup: [[x, y], [z]]\n"
	                   "- <<: *first\n"
	                   "  name: c\n"
	                   "fileExistenceTests:\n"
	                   "- {name: d, path: /d}\n"
	                   "- {name: e, path: /e, shouldExist: off}\n"
	                   "- {name: f, path: /f, uid: 0, gid: 0755}\n"
	                   "metadataTest:\n"
	                   "  cmd: []\n"
	                   "  entrypoint:\n"
	                   "  env: [{key: P, value: '^x', isRegex: yes}]\n"
	                   "licenseTests: [{debian: true, files: }]\n");
	assert_int_equal(s.n_commands, 2);
	const struct command_test *c = &s.commands[0];
	assert_int_equal(c->args.n, 4);
	assert_string_equal(c->args.v[0], "1");
	assert_string_equal(c->args.v[1], "true");
	assert_string_equal(c->args.v[2], "");
	assert_string_equal(c->env.v[0].value, "8080");
	assert_string_equal(c->env.v[1].value, "");
	assert_int_equal(c->exit_code, 127);
	assert_int_equal(c->setup.n, 2);
	assert_string_equal(c->setup.v[0].v[1], "y");
	// merged, but for what it says itself
	assert_string_equal(s.commands[1].name, "c");
	assert_string_equal(s.commands[1].command, "b");
	assert_int_equal(s.commands[1].exit_code, 127);
	assert_true(s.existences[0].should_exist && s.existences[0].uid == -1);
	assert_false(s.existences[1].should_exist);
	assert_int_equal(s.existences[2].uid, 0);
	assert_int_equal(s.existences[2].gid, 0755);
	assert_true(s.metadata.cmd.given && !s.metadata.cmd.n);
	assert_false(s.metadata.entrypoint.given);
	assert_non_null(s.metadata.env.v[0].pattern);
	assert_false(metadata_is_empty(&s.metadata));
	assert_true(s.licences[0].debian && !s.licences[0].files.n);
}

// As programs write JSON: not a byte beyond ASCII.
static void test_escapes(void **state)
{
	auto_structure struct structure s = {0};
	must_read(&s, "{\"schemaVersion\": \"2.0.0\", \"fileExistenceTests\": [{\"name\": "
	              "\"\\u00e9\\uD83D\\ude80\\\\ud83d\", \"path\": \"\\/a\"}]}");
	assert_string_equal(s.existences[0].name, "\xc3\xa9\xf0\x9f\x9a\x80\\ud83d");
	assert_string_equal(s.existences[0].path, "/a");
}

// Each alias of a list of lists counts as what it stands for.
static void test_growth(void **state)
{
	struct err e = ERR_INIT;
	auto_structure struct structure s = {0};
	auto_buf struct buf b = {0};
	buf_puts(&b, HEAD "licenseTests:\n- files: &f [");
	for (int i = 0; i < 5000; i++)
		buf_puts(&b, "x,");
	buf_puts(&b, "]\n");
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, "- files: *f\n");
	assert_int_equal(structure_read("t.yaml", b.p, b.n, &s, &e), -1);
	assert_non_null(strstr(e.msg, "too many values in one file"));
}

// Go's syntax page (RE2), line by line where PCRE2 could differ.
static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		int want;
	} all[] = {
	        {"b", "abc", 1}, {"^b", "abc", 0}, {"c$", "abc\n", 0}, // of Go's, $ is \z
	        {"(?m)c$", "abc\n", 1}, {"(?m)^$", "a\n", 1}, // after the last line end, too
	        {"a.b", "a\nb", 0}, {"(?s)a.b", "a\nb", 1}, {"a.b", "a\rb", 1},
	        {"a.b",
	                "a\xc3\xa9"
	                "b",
	                1},             // one character, two bytes
	        {"\\d", "\xd9\xa3", 0}, // an Arabic digit
	        {"(?i)STRASSE", "strasse", 1}, {"(?i)\xc3\x89", "\xc3\xa9", 1},
	        {"\\p{Greek}", "\xce\xb1", 1}, {"[[:alpha:]]+\\.", "1a.", 1},
	        {"(?P<name>x)", "x", 1}, {"\\Qa.b\\E", "a.b", 1}, {"\\Qa.b\\E", "axb", 0},
	        {"(?U)a+", "aa", 1}, {"x{2,3}", "xx", 1}, {"", "", 1},
	        {"\xff", "x", -2}, // no UTF-8: not a pattern
	        {"(a)\\1", "aa", -2}, {"\\C", "x", -2},
	        {"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", -1}, // given up
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct err e = ERR_INIT;
		struct pattern p = {0};
		int rc = pattern_compile(all[i].pattern, &p, &e) ? -2 : 0;
		if (!rc)
			rc = pattern_find(&p, all[i].text, strlen(all[i].text), &e);
		if (rc != all[i].want)
			fail_msg("%s in %s: %d, wanted %d %s", all[i].pattern, all[i].text, rc,
			        all[i].want, e.msg);
		pattern_release(&p);
	}
}

// Bytes that are no text, and NUL, hide nothing of what lies behind them.
static void test_binary(void **state)
{
	static const char text[] = "\xff\xfe\0\x80 needle \0 end";
	struct err e = ERR_INIT;
	struct pattern p = {0};
	MUST(pattern_compile("needle .* ?end$", &p, &e), e);
	assert_int_equal(pattern_find(&p, text, sizeof(text) - 1, &e), 1);
	pattern_release(&p);
}

// A search that would take days ends with the process.
static void test_long_search(void **state)
{
	auto_buf struct buf text = {0};
	struct err e = ERR_INIT;
	struct pattern p = {0};
	for (int i = 0; i < 1000000; i++)
		buf_putc(&text, 'a');
	MUST(pattern_compile("[a-z]+[0-9]", &p, &e), e);
	cancel_trigger(SIGINT);
	assert_int_equal(pattern_find(&p, text.p, text.n, &e), -1);
	pattern_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refused), cmocka_unit_test(test_values),
	        cmocka_unit_test(test_escapes), cmocka_unit_test(test_growth),
	        cmocka_unit_test(test_patterns), cmocka_unit_test(test_binary),
	        cmocka_unit_test(test_long_search), // the last: it cancels
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
