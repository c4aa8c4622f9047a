// SPDX-License-Identifier: Apache-2.0
// Image configurations: docker's and OCI's are read, nonsense is refused by name, and the bytes
// written are BuildKit's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/manifest.h"
#include <string.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A "sha256:" HEX_A

static void parse(const char *text, struct image_config *c)
{
	struct err e = ERR_INIT;
	if (image_config_parse(text, strlen(text), c, &e) < 0)
		fail_msg("%s", e.msg);
}

static void assert_written(const struct image_config *c, const char *want)
{
	auto_buf struct buf out = {0};
	image_config_write(c, &out);
	assert_string_equal(buf_cstr(&out), want);
}

// Everything hew knows, in the order in which it is written.
static const char full[] =
        "{\"architecture\":\"arm\",\"author\":\"A \\u003ca@b\\u003e\","
        "\"config\":{\"User\":\"app\",\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}},"
        "\"Env\":[\"PATH=/bin\",\"Z=1\",\"A=x \\u0026 "
        "y\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"\"],"
        "\"Volumes\":{\"/a=b\":{},\"/data\":{}},\"WorkingDir\":\"/w\","
        "\"Labels\":{\"a\":\"1\",\"a-b\":\"x=y\",\"ab\":\"\"},\"StopSignal\":\"SIGQUIT\","
        "\"ArgsEscaped\":true,\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":"
        "30000000000,"
        "\"Timeout\":1,\"StartPeriod\":2,\"StartInterval\":3,\"Retries\":4},"
        "\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/sh\",\"-ec\"]},"
        "\"created\":\"2024-01-02T03:04:05.678Z\","
        "\"history\":[{\"created\":\"2024-01-02T03:04:05Z\",\"created_by\":\"COPY a / # buildkit\","
        "\"comment\":\"buildkit.dockerfile.v0\"},{\"created_by\":\"CMD "
        "[\\\"c\\\"]\",\"author\":\"me\","
        "\"comment\":\"buildkit.dockerfile.v0\",\"empty_layer\":true}],"
        "\"os\":\"linux\",\"os.version\":\"1.2\","
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\"]},\"variant\":\"v7\"}";

static void test_round_trip(void **state)
{
	auto_config struct image_config c = {0}, copy = {0};
	parse(full, &c);
	assert_written(&c, full);
	image_config_copy(&copy, &c);
	image_config_release(&c);
	assert_written(&copy, full);
}

static void test_members(void **state)
{
	auto_config struct image_config c = {0};
	parse(full, &c);
	assert_string_equal(c.platform.variant, "v7");
	assert_string_equal(strv_env_get(&c.env, "A"), "x & y");
	assert_true(c.has_cmd && c.has_entrypoint && c.has_shell && c.has_health && c.args_escaped);
	assert_int_equal(c.cmd.n, 2);
	assert_string_equal(c.labels.v[1], "a-b=x=y");
	assert_int_equal(c.health.interval_ns, 30000000000);
	assert_int_equal(c.health.retries, 4);
	assert_int_equal(c.created.nsec, 678000000);
	assert_int_equal(c.n_history, 2);
	assert_false(c.history[0].empty_layer);
	assert_true(c.history[1].empty_layer);
	assert_false(c.history[1].has_created);
	assert_int_equal(c.n_diff_ids, 1);
}

// What goes in, and what is written after it.
static void test_rewrite(void **state)
{
#define HEAD "{\"architecture\":\"\",\"config\":{"
#define TAIL "},\"history\":[],\"os\":\"\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"
	static const struct {
		const char *name, *input, *want;
	} rows[] = {
	        {"nothing", "{}", HEAD TAIL},
	        {"null members",
	                "{\"architecture\":null,\"os\":null,\"author\":null,\"created\":null,"
	                "\"config\":null,"
	                "\"rootfs\":null,\"history\":null,\"variant\":null}",
	                HEAD TAIL},
	        {"null inside",
	                "{\"config\":{\"User\":null,\"Env\":null,\"Cmd\":null,\"Entrypoint\":null,"
	                "\"Labels\":null,\"Volumes\":null,\"ExposedPorts\":null,\"Healthcheck\":"
	                "null,"
	                "\"OnBuild\":null,\"Shell\":null,\"ArgsEscaped\":null,\"StopSignal\":null},"
	                "\"rootfs\":{\"type\":null,\"diff_ids\":null}}",
	                HEAD TAIL},
	        {"empty lists",
	                "{\"config\":{\"Env\":[],\"Cmd\":[],\"Entrypoint\":[],\"Labels\":{},"
	                "\"Volumes\":{},"
	                "\"OnBuild\":[],\"Shell\":[]}}",
	                HEAD TAIL},
	        {"docker's other members are dropped",
	                "{\"container\":\"x\",\"container_config\":{\"Hostname\":\"h\"},"
	                "\"docker_version\":\"18\",\"id\":\"y\",\"config\":{\"Hostname\":\"h\","
	                "\"AttachStdin\":false,\"Image\":\"sha256:z\",\"WorkingDir\":\"\"}}",
	                HEAD TAIL},
	        {"null in a list is empty",
	                "{\"config\":{\"Cmd\":[\"a\",null],\"Labels\":{\"k\":null}}}",
	                HEAD "\"Cmd\":[\"a\",\"\"],\"Labels\":{\"k\":\"\"}" TAIL},
	        {"an empty health check stays", "{\"config\":{\"Healthcheck\":{}}}",
	                HEAD "\"Healthcheck\":{}" TAIL},
	        {"maps are sorted",
	                "{\"config\":{\"ExposedPorts\":{\"9/tcp\":{},\"80/tcp\":null,\"8080/"
	                "tcp\":{}},"
	                "\"Labels\":{\"b\":\"1\",\"a\":\"2\"}}}",
	                HEAD "\"ExposedPorts\":{\"80/tcp\":{},\"8080/tcp\":{},\"9/tcp\":{}},"
	                     "\"Labels\":{\"a\":\"2\",\"b\":\"1\"}" TAIL},
	        {"created comes from history",
	                "{\"history\":[{\"created\":\"2024-01-02T03:04:05+01:00\"},{\"comment\":"
	                "\"\"}]}",
	                "{\"architecture\":\"\",\"config\":{},\"created\":\"2024-01-02T02:04:05Z\","
	                "\"history\":[{\"created\":\"2024-01-02T02:04:05Z\"},{}],\"os\":\"\","
	                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"},
	        {"docker's zero time", "{\"created\":\"0001-01-01T00:00:00Z\"}",
	                "{\"architecture\":\"\",\"config\":{},\"created\":\"0001-01-01T00:00:00Z\","
	                "\"history\":[],\"os\":\"\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]"
	                "}}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_config struct image_config c = {0};
		print_message("%s\n", rows[i].name);
		parse(rows[i].input, &c);
		assert_written(&c, rows[i].want);
	}
}

static void test_empty_is_not_absent(void **state)
{
	auto_config struct image_config c = {0}, none = {0};
	parse("{\"config\":{\"Cmd\":[],\"Entrypoint\":[]}}", &c);
	assert_true(c.has_cmd && c.has_entrypoint && !c.has_shell);
	parse("{\"config\":{\"Cmd\":null}}", &none);
	assert_false(none.has_cmd || none.has_entrypoint);
}

static void test_refused(void **state)
{
	static const struct {
		const char *input;
		enum err_kind want;
		const char *says;
	} rows[] = {
	        {"", ERR_CORRUPT, "read image config"},
	        {"[]", ERR_CORRUPT, "not a JSON object"},
	        {"{\"os\":7}", ERR_CORRUPT, "'os' is not a string"},
	        {"{\"architecture\":\"" HEX_A "\"}", ERR_CORRUPT,
	                "'architecture' is longer than 23"},
	        {"{\"created\":\"yesterday\"}", ERR_CORRUPT, "'created' is not a time"},
	        {"{\"created\":7}", ERR_CORRUPT, "'created' is not a time"},
	        {"{\"config\":[]}", ERR_CORRUPT, "'config' is not an object"},
	        {"{\"config\":{\"Env\":\"a\"}}", ERR_CORRUPT, "'Env' is not an array"},
	        {"{\"config\":{\"Env\":[1]}}", ERR_CORRUPT, "entry 1 of 'Env' is not a string"},
	        {"{\"config\":{\"Volumes\":[]}}", ERR_CORRUPT, "'Volumes' is not an object"},
	        {"{\"config\":{\"Labels\":{\"a\":[]}}}", ERR_CORRUPT, "label 'a' is not a string"},
	        {"{\"config\":{\"Labels\":{\"a=b\":\"c\"}}}", ERR_UNSUPPORTED,
	                "'a=b' contains '='"},
	        {"{\"config\":{\"ArgsEscaped\":1}}", ERR_CORRUPT,
	                "'ArgsEscaped' is not true or false"},
	        {"{\"config\":{\"Healthcheck\":{\"Retries\":-1}}}", ERR_CORRUPT,
	                "'Retries' is not a whole"},
	        {"{\"config\":{\"Healthcheck\":{\"Interval\":0.5}}}", ERR_CORRUPT, "'Interval'"},
	        {"{\"config\":{\"Healthcheck\":{\"Retries\":4294967296}}}", ERR_CORRUPT,
	                "'Retries'"},
	        {"{\"rootfs\":{\"type\":\"windows\"}}", ERR_UNSUPPORTED, "'windows'"},
	        {"{\"rootfs\":{\"diff_ids\":\"x\"}}", ERR_CORRUPT, "'diff_ids' is not an array"},
	        {"{\"rootfs\":{\"diff_ids\":[\"" A "\",\"sha256:\"]}}", ERR_CORRUPT,
	                "diff id of layer 2"},
	        {"{\"rootfs\":{\"diff_ids\":[null]}}", ERR_CORRUPT, "digest is missing"},
	        {"{\"history\":{}}", ERR_CORRUPT, "'history' is not an array"},
	        {"{\"history\":[1]}", ERR_CORRUPT, "history entry 1"},
	        {"{\"history\":[{},{\"empty_layer\":\"yes\"}]}", ERR_CORRUPT, "history entry 2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image_config c = {0};
		struct err e = ERR_INIT;
		assert_int_equal(
		        image_config_parse(rows[i].input, strlen(rows[i].input), &c, &e), -1);
		if (e.kind != rows[i].want || !strstr(e.msg, rows[i].says))
			fail_msg("%s: kind %d, '%s'", rows[i].input, (int)e.kind, e.msg);
		assert_null(c.history);
	}
}

// A document of `count` entries around `entry`; with one entry more than allowed it is refused.
static void test_bounds(void **state)
{
	static const struct {
		const char *before, *entry, *after;
		int max;
	} rows[] = {
	        {"{\"history\":[", "{}", "]}", CONFIG_LIST_MAX},
	        {"{\"config\":{\"Env\":[", "\"\"", "]}}", CONFIG_LIST_MAX},
	        {"{\"config\":{\"OnBuild\":[", "\"\"", "]}}", CONFIG_LIST_MAX},
	        {"{\"rootfs\":{\"diff_ids\":[", "\"" A "\"", "]}}", MANIFEST_LAYERS_MAX},
	        {"{\"config\":{\"Labels\":{", NULL, "}}}", CONFIG_LIST_MAX},
	        {"{\"config\":{\"Volumes\":{", NULL, "}}}", CONFIG_LIST_MAX},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int extra = 0; extra <= 1; extra++) {
			auto_config struct image_config c = {0};
			auto_buf struct buf b = {0};
			struct err e = ERR_INIT;
			buf_puts(&b, rows[i].before);
			for (int j = 0; j < rows[i].max + extra; j++) {
				buf_puts(&b, j ? "," : "");
				if (rows[i].entry)
					buf_puts(&b, rows[i].entry);
				else
					buf_printf(&b, "\"k%d\":\"\"", j);
			}
			buf_puts(&b, rows[i].after);
			assert_int_equal(image_config_parse(b.p, b.n, &c, &e), extra ? -1 : 0);
			if (extra)
				assert_non_null(strstr(e.msg, "at most"));
		}
	}
}

static void test_edit(void **state)
{
	auto_config struct image_config c = {0};
	image_config_set_label(&c, "b", "1");
	image_config_set_label(&c, "a-b", "2");
	image_config_set_label(&c, "a", "3");
	image_config_set_label(&c, "b", "4=5");
	assert_int_equal(c.labels.n, 3);
	assert_string_equal(c.labels.v[0], "a=3");
	assert_string_equal(c.labels.v[1], "a-b=2");
	assert_string_equal(c.labels.v[2], "b=4=5");
	assert_null(c.labels.v[3]);
	image_config_add_port(&c, "80/tcp");
	image_config_add_port(&c, "53/udp");
	image_config_add_port(&c, "80/tcp");
	assert_int_equal(c.exposed_ports.n, 2);
	assert_string_equal(c.exposed_ports.v[0], "53/udp");
	image_config_add_volume(&c, "/b");
	image_config_add_volume(&c, "/a=1");
	image_config_add_volume(&c, "/a=2");
	assert_int_equal(c.volumes.n, 3);
	assert_string_equal(c.volumes.v[2], "/b");
}

static void test_grow(void **state)
{
	auto_config struct image_config c = {0};
	for (int i = 0; i < 100; i++) {
		struct history *h = image_config_add_history(&c);
		assert_null(h->created_by);
		h->created_by = xasprintf("%d", i);
		struct digest d = digest_of(&i, sizeof(i));
		image_config_add_diff_id(&c, &d);
	}
	int last = 99;
	struct digest want = digest_of(&last, sizeof(last));
	assert_int_equal(c.n_history, 100);
	assert_string_equal(c.history[99].created_by, "99");
	assert_true(digest_eq(&c.diff_ids[99], &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_members),
	        cmocka_unit_test(test_rewrite),
	        cmocka_unit_test(test_empty_is_not_absent),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_edit),
	        cmocka_unit_test(test_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
