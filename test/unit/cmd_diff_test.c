// SPDX-License-Identifier: Apache-2.0
// hew diff: two lists of packages, compared name by name.
#include "base/mem.h"
#include "cmd/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N 8

struct side {
	struct package packages[N];
	struct found_package found[N];
	struct package_list list;
};

// "npm a 1.0, npm a 2.0": in order.
static void fill(struct side *s, const char *text, struct arena *a)
{
	auto_strv struct strv parts = {0};
	*s = (struct side){.list = {.v = s->found}};
	strv_split(&parts, text, ',');
	for (size_t i = 0; *text && i < parts.n; i++) {
		char type[16], name[64], version[64];
		assert_int_equal(3, sscanf(parts.v[i], "%15s %63s %63s", type, name, version));
		s->packages[i] =
		        (struct package){.type = !strcmp(type, "deb") ? PACKAGE_DEB : PACKAGE_NPM,
		                .name = arena_strdup(a, name),
		                .version = arena_strdup(a, version)};
		s->found[i] = (struct found_package){.package = &s->packages[i], .path = "x"};
		s->list.n++;
	}
}

static char *changes(const struct package_diffs *d)
{
	static const char marks[] = {'+', '-', '^', 'v'};
	struct buf out = {0};
	for (size_t i = 0; i < d->n; i++)
		buf_printf(&out, "%s%c%s %s>%s", i ? ", " : "", marks[d->v[i].change], d->v[i].name,
		        d->v[i].before ? d->v[i].before : "", d->v[i].after ? d->v[i].after : "");
	return buf_steal(&out);
}

static void test_lists(void **state)
{
	static const struct {
		const char *before, *after, *want;
	} rows[] = {
	        {"", "", ""},
	        {"npm a 1.0.0", "npm a 1.0.0", ""},
	        {"", "npm a 1.0.0", "+a >1.0.0"},
	        {"npm a 1.0.0", "", "-a 1.0.0>"},
	        // by the order of each kind, not of letters
	        {"npm a 1.9.0", "npm a 1.10.0", "^a 1.9.0>1.10.0"},
	        {"deb a 1.0", "deb a 1.0~rc1", "va 1.0>1.0~rc1"},
	        {"deb a 1.0,npm a 1.0.0", "npm a 1.0.0", "-a 1.0>"},
	        {"deb a 1.0", "npm a 1.0.0", "-a 1.0>, +a >1.0.0"},
	        {"npm b 1.0.0", "npm a 1.0.0,npm c 1.0.0", "+a >1.0.0, -b 1.0.0>, +c >1.0.0"},
	        // several versions of a name: those of both count for nothing
	        {"npm a 1.0.0,npm a 2.0.0", "npm a 2.0.0,npm a 3.0.0", "^a 1.0.0>3.0.0"},
	        {"npm a 1.0.0,npm a 2.0.0", "npm a 3.0.0", "^a 1.0.0>3.0.0, -a 2.0.0>"},
	        {"npm a 1.0.0,npm a 1.0.0", "npm a 1.0.0", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_arena struct arena arena = {0};
		struct side before, after;
		struct package_diffs d;
		fill(&before, rows[i].before, &arena);
		fill(&after, rows[i].after, &arena);
		package_diffs_make(&before.list, &after.list, &d);
		auto_free char *got = changes(&d);
		assert_string_equal(got, rows[i].want);
		package_diffs_release(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
