// SPDX-License-Identifier: Apache-2.0
// Templates: what each prints of one document, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_template.h"
#include "base/mem.h"
#include <string.h>

static const char document[] =
        "{\"name\":\"a/b:1\",\"manifest\":{\"mediaType\":\"x/y\",\"size\":42,\"ok\":true,"
        "\"none\":null,\"manifests\":[{\"digest\":\"sha256:1\",\"platform\":{\"os\":\"linux\"}},"
        "{\"digest\":\"sha256:2\",\"platform\":{\"os\":\"plan9\",\"variant\":\"v2\"}}]},"
        "\"image\":{\"linux/arm64\":{\"config\":{\"Env\":[\"A=1\",\"B=2\"]}}},\"empty\":[]}";

// As Go's text/template gives them for structures with these members.
static const struct {
	const char *text, *want;
} printed[] = {
        {"", ""},
        {"plain }} text", "plain }} text"},
        {"{{.Name}}", "a/b:1"},
        {"{{.name}}|{{ .Name }}|", "a/b:1|a/b:1|"},
        {"{{.Manifest.Size}} {{.Manifest.MediaType}} {{.Manifest.ok}}", "42 x/y true"},
        {"[{{.Manifest.none}}{{.Manifest.nothing.at.all}}]", "[]"},
        {"{{json .Name}}", "\"a/b:1\""},
        {"{{json .Manifest.Manifests}}", "[{\"digest\":\"sha256:1\",\"platform\":{\"os\":\"linux\"}"
                                         "},{\"digest\":\"sha256:2\","
                                         "\"platform\":{\"os\":\"plan9\",\"variant\":\"v2\"}}]"},
        {"{{json .Manifest.nothing}}", "null"},
        {"{{println .Name}}x", "a/b:1\nx"},
        {"{{index .Manifest.Manifests 1}}", NULL},
        {"{{(index .Manifest.Manifests 1).Digest}}", "sha256:2"},
        {"{{(index .Manifest.Manifests 7).Digest}}", ""},
        {"{{(index .Image \"linux/arm64\").Config.Env}}", "[A=1 B=2]"},
        {"{{index .Image \"linux/arm64\" \"config\" \"Env\" 0}}", "A=1"},
        {"{{json (index .Image \"linux/arm64\")}}", "{\"config\":{\"Env\":[\"A=1\",\"B=2\"]}}"},
        {"{{range .Manifest.Manifests}}{{.Platform.OS}}{{.Platform.Variant}} {{end}}.",
                "linux plan9v2 ."},
        {"{{range .Empty}}x{{json .}}{{end}}y", "y"},
        {"{{range .Manifest.nothing}}{{range .x}}{{.a}}{{end}}{{end}}y", "y"},
        {"{{range .Manifest.Manifests}}{{.}}{{end}}", NULL},
        {"a {{- .Name -}} \n b", "aa/b:1b"},
        {"{{.Manifest}}", NULL},
        {"{{.Foo}}", NULL},
        {"{{if .Name}}x{{end}}", NULL},
        {"{{.Name", NULL},
        {"{{.Name | json}}", NULL},
        {"{{range .Name}}x{{end}}", NULL},
        {"{{range .Empty}}x", NULL},
        {"{{end}}", NULL},
        {"{{(.Name}}", NULL},
        {"{{index .Image \"x}}", NULL},
        {"{{$x := .Name}}", NULL},
        {"{{((((((((((((((((((.))))))))))))))))))}}", NULL},
};

static void test_printed(void **state)
{
	struct err e = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(document, strlen(document), &e);
	assert_non_null(doc);
	for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
		auto_buf struct buf out = {0};
		struct err refused = ERR_INIT;
		int rc = template_print(
		        printed[i].text, jdoc_root(doc), TEMPLATE_COMPACT, &out, &refused);
		assert_int_equal(rc, printed[i].want ? 0 : -1);
		if (printed[i].want)
			assert_string_equal(buf_cstr(&out), printed[i].want);
		else
			assert_int_equal(refused.kind, ERR_USAGE);
	}
}

static void test_indented(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"<\"}],\"c\":{},\"d\":[],\"e\":1.5}";
	struct err e = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(text, strlen(text), &e);
	auto_buf struct buf out = {0};
	assert_int_equal(
	        template_print("{{json .}}", jdoc_root(doc), TEMPLATE_INDENTED, &out, &e), 0);
	assert_string_equal(buf_cstr(&out),
	        "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"\\u003c\"\n"
	        "    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": 1.5\n}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_printed),
	        cmocka_unit_test(test_indented),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
