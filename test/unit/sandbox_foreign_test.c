// SPDX-License-Identifier: Apache-2.0
// What the kernel is told of programs for other processors: as Debian's package qemu-user-static
// has it in /usr/lib/binfmt.d, but for those bits of its masks that no program has set.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/foreign.h"

static void handlers_match_as_debian_s(void **state)
{
	static const struct {
		const char *arch, *magic;
	} rows[] = {
	        {"arm64",
	                ":qemu-aarch64:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00"
	                "\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:"
	                "\\xff\\xff\\xff\\xff\\xff\\xff"
	                "\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:"},
	        {"arm", ":qemu-arm:M::\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x00\\x00\\x00\\x00"
	                "\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00:"
	                "\\xff\\xff\\xff\\xff\\xff\\xff"
	                "\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:"},
	        {"s390x",
	                ":qemu-s390x:M::\\x7f\\x45\\x4c\\x46\\x02\\x02\\x01\\x00\\x00\\x00\\x00"
	                "\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x16:"
	                "\\xff\\xff\\xff\\xff\\xff\\xff"
	                "\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff:"},
	        {"vax", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *magic = foreign_magic(rows[i].arch);
		if (rows[i].magic)
			assert_string_equal(magic, rows[i].magic);
		else
			assert_null(magic);
	}
}

static void programs_are_told_by_their_heads(void **state)
{
	static const struct {
		const char *arch;
		const char head[21];
	} rows[] = {
	        {"arm64", "\x7f"
	                  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\xb7\0"},
	        {"amd64", "\x7f"
	                  "ELF\2\1\1\3\0\0\0\0\0\0\0\0\2\0\x3e\0"},
	        {"386", "\x7f"
	                "ELF\1\1\1\3\0\0\0\0\0\0\0\0\3\0\3\0"},
	        {"s390x", "\x7f"
	                  "ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x16"},
	        {NULL, "\x7f"
	               "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0"}, // x32
	        {NULL, "#!/bin/sh\necho hello"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *arch = foreign_arch_of(rows[i].head, 20);
		if (rows[i].arch)
			assert_string_equal(arch, rows[i].arch);
		else
			assert_null(arch);
		assert_null(foreign_arch_of(rows[i].head, 19));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(handlers_match_as_debian_s),
	        cmocka_unit_test(programs_are_told_by_their_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
