// SPDX-License-Identifier: Apache-2.0
// A document that changes, in a service whose entries do not: each is a new entry "NAME#N", and the
// one with the largest number that can be seen counts.
#include "actions/actions-int.h"
#include "base/event.h"
#include "base/mem.h"
#include <string.h>

#define AGAIN_MS 2000
#define GIVE_UP_NS INT64_C(15000000000) // on a number that somebody has reserved

int actions_load(struct actions *a, const char *name, size_t max, struct patience *p,
        uint64_t *ret_number, struct buf *ret, struct err *e)
{
	auto_free char *prefix = xasprintf("%s#", name), *key = NULL;
	int found = actions_read(a, prefix, max, p, &key, ret, e);
	if (found <= 0)
		return found;
	if (str_to_u64(key + strlen(prefix), ret_number) && *ret_number < UINT64_MAX)
		return 1;
	return err_set(e, ERR_CORRUPT, "the cache has an entry '%.200s', which has no number", key);
}

int actions_save(struct actions *a, const char *name, const struct buf *data, size_t max,
        struct patience *p, struct err *e)
{
	int64_t began = clock_ns();
	for (uint64_t more = 1;;) {
		auto_buf struct buf old = {0};
		uint64_t number = 0;
		int found = actions_load(a, name, max, p, &number, &old, e);
		if (found < 0)
			return -1;
		if (found && old.n == data->n && !memcmp(old.p, data->p, old.n))
			return 0;
		auto_free char *key = xasprintf("%s#%ju", name, (uintmax_t)(number + more));
		int rc = actions_write(a, key, data->p, data->n, p, e);
		if (rc)
			return rc < 0 ? -1 : 0;
		if (patience_ended(p))
			return err_set(e, ERR_NET, "somebody else is writing it: no time is left");
		if (clock_ns() - began > GIVE_UP_NS)
			more++;
		else if (service_wait(AGAIN_MS, e))
			return -1;
	}
}
