// SPDX-License-Identifier: Apache-2.0
// The stat indexes of build contexts: what makes a build faster and may be lost.

#include "base/err.h"
#include "base/hash.h"
#include "store/db-int.h"
#include <stdio.h>

int context_collect(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "contexts/%.64s", name);
	return trash_move(s, path, e);
}

int store_context_put(struct store *s, const char *name, const void *p, size_t n, struct err *e)
{
	char path[STORE_PATH];
	struct digest key;
	if (!hash_parse(name, &key.h))
		return err_set(e, ERR_FAIL, "'%s' is no name for the index of a context", name);
	snprintf(path, sizeof(path), "contexts/%s", name);
	if (db_begin(s, e) < 0)
		return -1;
	if (pending_add(s, PENDING_CONTEXT, &key, NULL, e) < 0 ||
	        root_file_replace(s, path, p, n, "store.context.write", e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
