// SPDX-License-Identifier: Apache-2.0
// Documentation/admin-guide/binfmt-misc.rst. The kernel asks the handlers of the nearest user
// namespace that has any, so the ones of the machine are not seen beside ours.
#include "sandbox/handler.h"

#include "base/err.h"
#include "base/mem.h"
#include "sandbox/foreign.h"
#include "sandbox/idmap.h"
#include "sandbox/mounts.h"
#include "sandbox/step.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool handlers_usable(void)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fs = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0
		                 ? -1
		                 : fsopen("binfmt_misc", FSOPEN_CLOEXEC);
		_exit(fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int handler_emulator(const struct step_emulator *m, struct err *e)
{
	auto_fd int here = mount_reopen(m->fd, "emulator", e);
	return here < 0 ? -1 : mount_copy(here, "", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, e);
}

// P: the program's own argv[0]; O and C: it is passed open, set-user-ID counts; F: the emulator is
// opened now, by a name that the root filesystem need not have.
static int write_handler(int fs, const char *arch, int emulator, struct err *e)
{
	auto_free char *magic = foreign_magic(arch);
	auto_fd int to = openat(fs, "register", O_WRONLY | O_CLOEXEC);
	if (!magic || to < 0)
		return err_sys(e, "open the list of handlers");
	auto_free char *line = xasprintf("%s/proc/self/fd/%d:POCF", magic, emulator);
	return write(to, line, strlen(line)) == (ssize_t)strlen(line)
	               ? 0
	               : err_sys(e, "register the emulator for %s", arch);
}

int handler_enter(const char *arch, int emulator, struct err *e)
{
	// Mounting takes a mount namespace of the user namespace's.
	if (idmap_enter_same(e) < 0)
		return -1;
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "make a mount namespace for the emulator");
	// Not attached: nothing in the step can change it, and it lasts as long as its descriptor.
	auto_fd int fs = mount_new("binfmt_misc", NULL, 0, e);
	if (fs < 0 || write_handler(fs, arch, emulator, e) < 0)
		return err_wrap(e, "emulate %s", arch);
	return steal_fd(&fs);
}
