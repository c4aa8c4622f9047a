// SPDX-License-Identifier: Apache-2.0
// What is said of files, configurations and outputs, and the documents that tell of it.
#include "base/json.h"
#include "structure_fixture.h"

static const struct {
	uint32_t mode;
	enum entry_type type;
	const char *go, *ls; // Go's os.FileMode.String(), ls -l
} modes[] = {
        {0644, ENTRY_FILE, "-rw-r--r--", "-rw-r--r--"},
        {04755, ENTRY_FILE, "urwxr-xr-x", "-rwsr-xr-x"},
        {04644, ENTRY_FILE, "urw-r--r--", "-rwSr--r--"},
        {06755, ENTRY_FILE, "ugrwxr-xr-x", "-rwsr-sr-x"},
        {01777, ENTRY_DIR, "dtrwxrwxrwx", "drwxrwxrwt"},
        {01770, ENTRY_DIR, "dtrwxrwx---", "drwxrwx--T"},
        {02755, ENTRY_DIR, "dgrwxr-xr-x", "drwxr-sr-x"},
        {0777, ENTRY_SYMLINK, "Lrwxrwxrwx", "lrwxrwxrwx"},
        {0666, ENTRY_CHAR, "Dcrw-rw-rw-", "crw-rw-rw-"},
        {0660, ENTRY_BLOCK, "Drw-rw----", "brw-rw----"},
        {0600, ENTRY_FIFO, "prw-------", "prw-------"},
};

static struct view *view_of_one(uint32_t mode, enum entry_type type, struct layer_index **ret)
{
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	struct entry en = {.path = "f",
	        .type = type,
	        .mode = mode,
	        .uid = 7,
	        .gid = 8,
	        .link = type == ENTRY_SYMLINK ? "nowhere" : NULL,
	        .has_content = type == ENTRY_FILE,
	        .offset = ENTRY_NO_OFFSET};
	MUST(index_builder_add(b, &en, &e), e);
	*ret = index_builder_finish(b, &e);
	assert_non_null(*ret);
	return chain_new(ret, 1, NULL);
}

static void judge(struct view *v, const struct existence_test *t, const char *want)
{
	const struct strv env = {0};
	struct test_result r = {0};
	existence_judge(t, v, &env, &r);
	auto_free char *got = errors_of(&r);
	assert_string_equal(got, want);
	test_result_release(&r);
}

static void test_modes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct layer_index *ix;
		auto_view struct view *v = view_of_one(modes[i].mode, modes[i].type, &ix);
		struct existence_test t = {.name = "n",
		        .path = "/f",
		        .should_exist = true,
		        .uid = 7,
		        .gid = 8,
		        .permissions = modes[i].go};
		judge(v, &t, "");
		t.permissions = modes[i].ls;
		judge(v, &t, "");
		t.permissions = "-rwx------";
		auto_free char *want = xasprintf("/f has incorrect permissions. Expected: "
		                                 "-rwx------, Actual: %s",
		        modes[i].go);
		judge(v, &t, want);
		layer_index_close(ix);
	}
}

static void test_existence(void **state)
{
	static const char tree[] = "d usr;d usr/bin;f usr/bin/sh x;s bin usr/bin;s gone nowhere;"
	                           "s loop loop;s sh bin/sh";
	static const struct {
		struct existence_test t;
		const char *want;
	} all[] = {
	        {{.path = "/", .should_exist = true}, ""},
	        {{.path = "/bin/sh", .should_exist = true}, ""},
	        {{.path = "bin/../bin/sh", .should_exist = true}, ""},
	        {{.path = "/bin/", .should_exist = true, .permissions = "Lrwxrwxrwx"}, ""},
	        {{.path = "/gone", .should_exist = true}, ""},
	        {{.path = "/gone/x"}, ""},
	        {{.path = "/usr/bin/sh/x"}, ""},
	        {{.path = "/loop/x"}, ""},
	        {{.path = "/$D/sh", .should_exist = true}, ""},
	        {{.path = "/bash", .should_exist = true}, "File /bash should exist but does not"},
	        {{.path = "/bin/sh"}, "File /bin/sh should not exist but does"},
	        {{.path = "/bin/sh", .should_exist = true, .uid = 1, .gid = 2},
	                "/bin/sh has incorrect user ownership. Expected: 1, Actual: 0|"
	                "/bin/sh has incorrect group ownership. Expected: 2, Actual: 0"},
	        {{.path = "/sh", .should_exist = true, .executable_by = "any"},
	                "/sh has incorrect executable bit. Expected to be executable by any, "
	                "Actual: -rw-r--r--"},
	        {{.path = "/usr", .should_exist = true, .executable_by = "other"}, ""},
	        {{.path = "/gone", .should_exist = true, .executable_by = "owner"},
	                "/gone is a link that leads nowhere"},
	};
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index(tree, &e);
	assert_non_null(ix);
	auto_view struct view *v = chain_new(&ix, 1, NULL);
	auto_strv struct strv env = {0};
	strv_add(&env, "D=usr/bin");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct existence_test t = all[i].t;
		struct test_result r = {0};
		t.name = "n";
		t.uid = t.uid ? t.uid : -1;
		t.gid = t.gid ? t.gid : -1;
		existence_judge(&t, v, &env, &r);
		auto_free char *got = errors_of(&r);
		assert_string_equal(got, all[i].want);
		assert_string_equal(r.name, "File Existence Test: n");
		test_result_release(&r);
	}
	layer_index_close(ix);
}

static void test_metadata(void **state)
{
	static const char config[] =
	        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
	        "\"diff_ids\":[]},\"config\":{\"User\":\"app\",\"Env\":[\"A=1\",\"B=\"],"
	        "\"Labels\":{\"v\":\"1.2\"},\"Cmd\":[\"x\",\"y "
	        "z\"],\"ExposedPorts\":{\"80/tcp\":{},"
	        "\"53/udp\":{},\"9000\":{}},\"Volumes\":{\"/d\":{}}}}";
	static const struct {
		const char *test, *want;
	} all[] = {
	        {"envVars: [{key: A, value: 1}, {key: B}]", ""},
	        {"envVars: [{key: A, value: '^\\d$', isRegex: true}]", ""},
	        {"envVars: [{key: A, value: '\\d'}]",
	                "env var A value 1 does not match expected value: \\d"},
	        {"envVars: [{key: C}]", "env var C not found in image metadata"},
	        {"unboundEnvVars: [{key: C}]", ""},
	        {"unboundEnvVars: [{key: B}]",
	                "env variable B should not be present in image metadata"},
	        {"labels: [{key: v, value: '1.2'}]", ""},
	        {"labels: [{key: v, value: '^2', isRegex: true}]",
	                "label v value 1.2 does not match expected value: ^2"},
	        {"cmd: [x, y z]", ""},
	        {"cmd: [x, y, z]", "Image Cmd [\"x\", \"y z\"] does not match expected Cmd: "
	                           "[\"x\", \"y\", \"z\"]"},
	        {"cmd: []", "Image Cmd [\"x\", \"y z\"] does not match expected Cmd: []"},
	        {"entrypoint: []", ""},
	        {"entrypoint: [a]",
	                "Image Entrypoint [] does not match expected Entrypoint: [\"a\"]"},
	        {"exposedPorts: ['80', 80/tcp, '53', 53/udp, '9000', 9000/tcp]", ""},
	        {"exposedPorts: ['8', 53/tcp]",
	                "Port 8 not found in config|Port 53/tcp not found in config"},
	        {"unexposedPorts: ['8', 53/tcp]", ""},
	        {"unexposedPorts: ['80']", "Port 80 should not be exposed"},
	        {"volumes: [/d]", ""},
	        {"volumes: [/e]", "Volume /e not found in config"},
	        {"unmountedVolumes: [/d, /e]", "Volume /d should not be mounted"},
	        {"workdir: /", ""},
	        {"workdir: /app", "Image workdir / does not match config workdir: /app"},
	        {"user: app", ""},
	        {"user: root", "Image user app does not match config user: root"},
	};
	struct err e = ERR_INIT;
	auto_config struct image_config c = {0};
	MUST(image_config_parse(config, strlen(config), &c, &e), e);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		auto_structure struct structure s = {0};
		struct test_result r = {0};
		auto_free char *text = xasprintf(HEAD "metadataTest:\n  %s\n", all[i].test);
		must_read(&s, text);
		metadata_judge(&s.metadata, &c, &r);
		auto_free char *got = errors_of(&r);
		assert_string_equal(got, all[i].want);
		test_result_release(&r);
	}
}

static void test_expand(void **state)
{
	static const struct {
		const char *text, *want;
	} all[] = {
	        {"$A", "1"},
	        {"${A}b", "1b"},
	        {"$Ab", "$Ab"},
	        {"$i $1 $$ $ ${ ${A ${} $", "$i $1 $$ $ ${ ${A ${} $"},
	        {"a$A$B-", "a12-"},
	        {"", ""},
	};
	auto_strv struct strv env = {0};
	strv_add(&env, "A=1");
	strv_add(&env, "B=2");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		auto_buf struct buf got = {0};
		structure_expand(all[i].text, &env, &got);
		assert_string_equal(buf_cstr(&got), all[i].want);
	}
}

static void test_environment(void **state)
{
	auto_structure struct structure s = {0};
	auto_strv struct strv image = {0}, env = {0};
	struct err e = ERR_INIT;
	must_read(&s,
	        HEAD "globalEnvVars:\n- {key: PATH, value: '/opt:$PATH'}\n- {key: G, value: "
	             "'<$NONE>'}\ncommandTests:\n- {name: a, command: b, envVars: [{key: L, value: "
	             "'${G}$PATH'}]}\n");
	strv_add(&image, "PATH=/bin");
	MUST(command_environment(&s, &s.commands[0], &image, &env, &e), e);
	assert_int_equal(env.n, 3);
	assert_string_equal(env.v[0], "PATH=/opt:/bin");
	assert_string_equal(env.v[1], "G=<>");
	assert_string_equal(env.v[2], "L=<>/opt:/bin");
}

static void test_command(void **state)
{
	auto_structure struct structure s = {0};
	struct test_result r = {0};
	must_read(&s,
	        HEAD "commandTests:\n- {name: n, command: b, exitCode: 3, expectedOutput: [a, b], "
	             "excludedOutput: [a, x], expectedError: [e], excludedError: [f]}\n");
	buf_puts(&r.out, "ab");
	command_judge(&s.commands[0], 0, &r);
	auto_free char *got = errors_of(&r);
	assert_string_equal(got,
	        "Expected string 'e' not found in error ''|"
	        "Excluded string 'a' found in output|"
	        "Test 'n' exited with incorrect error code. Expected: 3, Actual: 0");
	test_result_release(&r);
}

static void test_documents(void **state)
{
	struct err e = ERR_INIT;
	auto_buf struct buf json = {0}, xml = {0};
	auto_test_results struct test_results all = {.v = xcalloc(2, sizeof(*all.v)), .n = 2};
	all.v[0] = (struct test_result){.name = xstrdup("a<&\">\n"), .ns = 1500000000};
	all.v[1] = (struct test_result){.name = xstrdup("b"), .ns = 7};
	buf_add(&all.v[1].out, "\xff\0\x1b[1m]]>", 9);
	test_result_fail(&all.v[1], "no %s", "x\x01");
	test_results_json(&all, &json);
	auto_jdoc struct jdoc *d = jdoc_parse(json.p, json.n, &e);
	assert_non_null(d);
	const struct jn *second = jn_at(jn_get(jdoc_root(d), "Results"), 1);
	assert_int_equal(jn_int(jn_get(jdoc_root(d), "Duration"), 0), 1500000007);
	assert_int_equal(jn_int(jn_get(jdoc_root(d), "Pass"), 0), 1);
	assert_false(jn_bool(jn_get(second, "Pass"), true));
	assert_string_equal(jn_get_str(second, "Stdout"), "\xef\xbf\xbd\xef\xbf\xbd\x1b[1m]]>");
	assert_null(jn_get(jn_at(jn_get(jdoc_root(d), "Results"), 0), "Errors"));
	test_results_junit(&all, "s", &xml);
	assert_string_equal(xml.p,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuites failures=\"1\" tests=\"2\" "
	        "time=\"1.500000007\"><testsuite name=\"s\" failures=\"1\" tests=\"2\" "
	        "time=\"1.500000007\"><testcase name=\"a&lt;&amp;&#34;&gt;&#xA;\" "
	        "time=\"1.500000000\"></testcase><testcase name=\"b\" "
	        "time=\"0.000000007\"><failure>no "
	        "x\xef\xbf\xbd</failure><system-out>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd[1m]]&gt;"
	        "</system-out></testcase></testsuite></testsuites>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_modes),
	        cmocka_unit_test(test_existence),
	        cmocka_unit_test(test_metadata),
	        cmocka_unit_test(test_expand),
	        cmocka_unit_test(test_environment),
	        cmocka_unit_test(test_command),
	        cmocka_unit_test(test_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
