// SPDX-License-Identifier: Apache-2.0
// resolv.conf of a step behind pasta: what is on the host's loopback is asked through it.
#include "sandbox/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void test_resolv_conf(void **state)
{
	static const struct {
		const char *host, *want;
		bool forwards;
	} rows[] = {
	        {"", "", false},
	        {"nameserver 9.9.9.9\n", "nameserver 9.9.9.9\n", false},
	        {"nameserver 9.9.9.9", "nameserver 9.9.9.9\n", false},
	        {"# 127.0.0.1\nsearch a b\noptions edns0\nnameserver 10.0.0.1\n",
	                "# 127.0.0.1\nsearch a b\noptions edns0\nnameserver 10.0.0.1\n", false},
	        {"nameserver 127.0.0.53\noptions x\n", "nameserver 169.254.1.1\noptions x\n", true},
	        {"nameserver\t127.0.0.1\n  nameserver ::1\nnameserver 1.1.1.1\n",
	                "nameserver 169.254.1.1\nnameserver 1.1.1.1\n", true},
	        {"nameserver fe80::1%eth0\n", "nameserver fe80::1%eth0\n", false},
	        {"nameservers 127.0.0.1\n", "nameservers 127.0.0.1\n", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf out = {0};
		assert_int_equal(network_resolv_conf(rows[i].host, &out), rows[i].forwards);
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_resolv_conf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
