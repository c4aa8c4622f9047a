// SPDX-License-Identifier: Apache-2.0
// Emptying the store's trash. What a step of an ordinary user's made may belong to subordinate ids:
// only the holder, in whose namespace they are somebody, can delete it.
#include "exec/exec-int.h"
#include <fcntl.h>

void exec_reap(struct store *s)
{
	struct rung_choice rung;
	struct err ignored = ERR_INIT;
	rung_choose(&rung);
	store_reap(s);
	if (!store_trash_is_foreign(s) || !rung.new_userns)
		return;
	auto_fd int trash = openat(store_root_fd(s), "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct holder *h = trash < 0 ? NULL : holder_start(&ignored);
	auto_buf struct buf reply = {0};
	if (h)
		holder_call(h, "empty", NULL, 0, &trash, 1, -1, &reply, &ignored);
	holder_stop(h);
}
