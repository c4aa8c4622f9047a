// SPDX-License-Identifier: Apache-2.0
// hew.lock: what is read can be written, and is the same when it is read again.
#include "base/buf.h"
#include "base/err.h"
#include "lock/lock.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_lock struct lock l = {0}, again = {0};
	auto_buf struct buf out = {0};
	struct err e = ERR_INIT;
	if (lock_parse((const char *)data, size, &l, &e) < 0) {
		assert(e.kind == ERR_CORRUPT && e.msg[0]);
		return 0;
	}
	lock_write(&l, &out);
	assert(lock_parse(out.p, out.n, &again, &e) == 0);
	struct lock_change *changes = calloc(2 * l.n + 1, sizeof(*changes));
	assert(again.n == l.n && lock_compare(&l, &again, true, changes) == 0);
	for (size_t i = 0; i < l.n; i++)
		assert(lock_find(&again, l.v[i].kind, l.v[i].name));
	free(changes);
	return 0;
}
