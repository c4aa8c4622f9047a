// SPDX-License-Identifier: Apache-2.0
// The man pages inside the program: all of them, whole; and what is no list of pages is refused.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/man_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void inside(void **state)
{
	auto_buf struct buf text = {0};
	struct err e = ERR_INIT;
	if (man_pages_unpack(&text, &e)) {
		assert_int_equal(ERR_UNSUPPORTED, e.kind);
		skip(); // no scdoc
	}
	auto_strv struct strv names = {0};
	struct str rest = {text.p, text.n};
	struct man_page p;
	int rc;
	while ((rc = man_pages_next(&rest, &p, &e)) > 0) {
		auto_free char *name = xstrndup(p.name.p, p.name.n);
		auto_free char *body = xstrndup(p.text.p, p.text.n);
		auto_free char *title =
		        xasprintf("\n.TH \"%.*s\" \"1\" \"\"\n", (int)strlen(name) - 2, name);
		assert_non_null(strstr(body, title)); // and no day on which it was made
		assert_int_equal('\n', body[p.text.n - 1]);
		assert_false(strv_has(&names, name));
		strv_add(&names, name);
	}
	assert_int_equal(0, rc);
	assert_true(strv_has(&names, "hew.1") && strv_has(&names, "hew-why.1"));
}

static void lists(void **state)
{
	struct str rest = STR("a.1 3\nabcb-c.1 0\n");
	struct man_page p;
	struct err e = ERR_INIT;
	assert_int_equal(1, man_pages_next(&rest, &p, &e));
	assert_true(str_eq(p.name, "a.1") && str_eq(p.text, "abc"));
	assert_int_equal(1, man_pages_next(&rest, &p, &e));
	assert_true(str_eq(p.name, "b-c.1") && str_eq(p.text, ""));
	assert_int_equal(0, man_pages_next(&rest, &p, &e));
}

static void damaged(void **state)
{
	static const char *const texts[] = {"a.1", "a.1 3", "a.1\n", "a.1 \n", " 1\na",
	        "a.1 4\nabc", "a.1 -1\nabc", "a.1 99999999999999999999\nabc", "../a.1 3\nabc",
	        "\n"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str rest = str_of(texts[i]);
		struct man_page p;
		struct err e = ERR_INIT;
		assert_int_equal(-1, man_pages_next(&rest, &p, &e));
		assert_int_equal(ERR_CORRUPT, e.kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(inside),
	        cmocka_unit_test(lists),
	        cmocka_unit_test(damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
