// SPDX-License-Identifier: Apache-2.0
// The order in which a step's file system is put together: root, system, user, working directory,
// and then the change into it. All of it happens in the step's own mount namespace; when init dies
// it is gone.
#include "sandbox/mounts.h"

#include "base/fs.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Made as BuildKit makes a WORKDIR, and stays. Anything else that is wrong with it is found when
// the command enters it, and told there.
static int make_working_directory(struct mounts *m, struct err *e)
{
	const char *cwd = m->plan->s.cwd;
	auto_fd int fd = fs_open_in_root(m->root, cwd, O_PATH | O_CLOEXEC, 0);
	if (fd >= 0 || errno != ENOENT)
		return 0;
	fd = target_open(m, cwd, TARGET_KEEP, e);
	if (fd < 0) {
		e->kind = ERR_STEP;
		return err_wrap(e, "make the working directory");
	}
	return 0;
}

int mounts_set_up(const struct step_plan *p, int report, struct err *e)
{
	struct mounts m = {.plan = p, .report = report, .upper = -1};
	if (root_build(&m, e) < 0 || system_mount(&m, e) < 0 || user_mount(&m, e) < 0)
		return -1;
	if (make_working_directory(&m, e) < 0)
		return -1;
	if (p->s.upper < 0 && mount_set(m.root, "", MOUNT_ATTR_RDONLY, e) < 0)
		return -1;
	return root_pivot(&m, e);
}
