// SPDX-License-Identifier: Apache-2.0
#include "run/shell.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "layer/view.h"
#include <sys/stat.h>
#include <unistd.h>

int shell_find(struct view *root, struct strv *ret, struct err *e)
{
	static const char *const shells[] = {"bin/bash", "usr/bin/bash", "usr/local/bin/bash",
	        "bin/sh", "usr/bin/sh", "busybox/sh"};
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		struct entry en;
		int found = view_resolve(root, shells[i], 0, NULL, &en, e);
		if (found < 0)
			return -1;
		if (found && en.type == ENTRY_FILE) {
			strv_addf(ret, "/%s", shells[i]);
			return 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND,
	        "there is no shell in this root filesystem (no bash, no sh): name another command");
}

int shell_terminal(void)
{
	if (!isatty(STDIN_FILENO))
		return -1;
	return isatty(STDOUT_FILENO) ? STDOUT_FILENO : isatty(STDERR_FILENO) ? STDERR_FILENO : -1;
}
