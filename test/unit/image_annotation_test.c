// SPDX-License-Identifier: Apache-2.0
// Annotations: how their places are written, and whom each is for.
#include "base/err.h"
#include "base/mem.h"
#include "image/annotation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
// after the standard headers it needs
#include <cmocka.h>

static void show(const struct annotation *a, const char *name, char *out, size_t size)
{
	static const char *const levels[] = {"manifest", "index", "manifest-entry", "index-entry"};
	char platform[80] = "all";
	if (a->has_platform)
		platform_text(&a->platform, platform);
	snprintf(out, size, "%s %s %s", levels[a->level], platform, name);
}

static const struct {
	const char *key, *want; // want NULL: refused
} keys[] = {
        {"annotation.org.x", "manifest all org.x"},
        {"annotation-manifest.a", "manifest all a"},
        {"annotation[linux/amd64].a", "manifest linux/amd64 a"},
        {"annotation-index.a.b", "index all a.b"},
        {"annotation-manifest-descriptor[linux/arm/7].a", "manifest-entry linux/arm/v7 a"},
        {"annotation-index-descriptor.a[b]", "index-entry all a[b]"},
        {"annotation", NULL},
        {"annotation.", NULL},
        {"annotation-.a", NULL},
        {"annotation-layer.a", NULL},
        {"annotationmanifest.a", NULL},
        {"annotation[].a", NULL},
        {"annotation[linux/amd64.a", NULL},
        {"annotation[linux/amd64]x.a", NULL},
        {"annotation-manifest[a b].a", NULL},
};

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err e = ERR_INIT;
		struct annotation a;
		char got[200] = "";
		const char *name = annotation_parse_key(keys[i].key, &a, &e);
		if (!name != !keys[i].want)
			fail_msg("%s: %s", keys[i].key, name ? "taken" : e.msg);
		if (!name) {
			assert_int_equal(e.kind, ERR_USAGE);
			continue;
		}
		show(&a, name, got, sizeof(got));
		assert_string_equal(got, keys[i].want);
	}
}

static void add(struct annotation_list *l, const char *place, const char *key, const char *value)
{
	struct annotation a;
	assert_int_equal(annotation_parse_level(place, &a), 0);
	annotation_list_set(l, &a, key, value);
}

// What is for one platform goes before what is for all, in whatever order they came.
static void test_apply(void **state)
{
	(void)state;
	struct annotation_list l = {0};
	auto_strv struct strv to = {0};
	const struct platform arm = {.os = "linux", .arch = "arm64", .variant = "v8"},
	                      amd = {.os = "linux", .arch = "amd64"};
	add(&l, "manifest[linux/arm64]", "k", "arm");
	add(&l, "manifest", "k", "first");
	add(&l, "manifest", "k", "all");
	add(&l, "index", "i", "1");
	add(&l, "manifest", "ke", "=");
	assert_int_equal(l.n, 4);
	assert_true(annotation_list_has(&l, ANNOTATE_INDEX));
	assert_false(annotation_list_has(&l, ANNOTATE_INDEX_DESCRIPTOR));
	assert_true(annotation_list_apply(&l, ANNOTATE_MANIFEST, &arm, &to));
	assert_string_equal(strv_env_get(&to, "k"), "arm");
	assert_string_equal(strv_env_get(&to, "ke"), "=");
	assert_int_equal(to.n, 2);
	assert_false(annotation_list_apply(&l, ANNOTATE_MANIFEST_DESCRIPTOR, &arm, &to));
	assert_true(annotation_list_apply(&l, ANNOTATE_MANIFEST, &amd, &to));
	assert_string_equal(strv_env_get(&to, "k"), "all");
	assert_false(annotation_list_apply(&l, ANNOTATE_MANIFEST, NULL, &to));
	annotation_list_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys),
	        cmocka_unit_test(test_apply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
