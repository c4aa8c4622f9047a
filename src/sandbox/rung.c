// SPDX-License-Identifier: Apache-2.0
// The rungs: which one this machine allows and how the holder steps on it. R0 (root) is here: a
// mount namespace of its own. A rung with a user namespace adds its id maps in enter_namespaces()
// and turns on two traits; nothing else of the sandbox asks which rung it stands on.
#include "sandbox/rung.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/caps.h"
#include "sandbox/holder-int.h"
#include "sandbox/holder.h"
#include "sandbox/rung-int.h"
#include "sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static struct rung_traits traits;

const struct rung_traits *rung_traits(void)
{
	return &traits;
}

static int enter_namespaces(struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, ERR_SANDBOX,
		        "make a mount namespace: %s; hew needs root (CAP_SYS_ADMIN) on this "
		        "machine",
		        strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make the holder's mounts private");
	return 0;
}

// A descriptor of our program through a read-only mount of just that file; -1 if it cannot be had.
static int read_only_self(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n < 0)
		return -1;
	path[n] = '\0';
	// /proc/self/exe itself leads through the mount namespace we came from, which cannot be
	// cloned.
	auto_fd int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat self, found;
	if (tree < 0 || stat("/proc/self/exe", &self) < 0 || fstat(tree, &found) < 0 ||
	        self.st_dev != found.st_dev || self.st_ino != found.st_ino)
		return -1;
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &ro, sizeof ro) < 0)
		return -1;
	return steal_fd(&tree);
}

static int sealed_copy(void)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_fd int copy = memfd_create("hew-holder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	if (exe < 0 || copy < 0 || fstat(exe, &st) < 0)
		return -1;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t r = sendfile(copy, exe, NULL, (size_t)left);
		if (r <= 0)
			return -1;
		left -= r;
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return steal_fd(&copy);
}

// Runs the same holder again from where it cannot be written. Returns on failure only.
static int reexec_sealed(struct err *e)
{
	auto_fd int fd = read_only_self();
	if (fd < 0)
		fd = sealed_copy();
	if (fd < 0)
		return err_sys(e, "make a write-protected copy of hew for the sandbox");
	static char argv0[] = HOLDER_ARGV0;
	char *argv[] = {argv0, NULL};
	char pid[16];
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv(HOLDER_SEALED_ENV, pid, 1);
	execveat(fd, "", argv, environ, AT_EMPTY_PATH);
	return err_sys(e, "run the write-protected copy of hew");
}

static void raise_nofile(void)
{
	// A step of 500 layers needs more descriptors than the usual soft limit of 1024.
	getrlimit(RLIMIT_NOFILE, &traits.nofile);
	struct rlimit high = {
	        .rlim_cur = traits.nofile.rlim_max, .rlim_max = traits.nofile.rlim_max};
	setrlimit(RLIMIT_NOFILE, &high);
}

// The mark has our process id in it: one that came with the environment from outside is not
// believed.
static bool is_sealed(void)
{
	const char *mark = getenv(HOLDER_SEALED_ENV);
	int64_t pid;
	return mark && str_to_i64(mark, &pid) && pid == getpid();
}

int rung_enter(struct err *e)
{
	if (!is_sealed()) {
		if (enter_namespaces(e) < 0)
			return -1;
		return reexec_sealed(e);
	}
	unsetenv(HOLDER_SEALED_ENV);
	raise_nofile();
	return 0;
}

const char *rung_name(enum rung r)
{
	static const char *const names[] = {
	        [RUNG_ROOT] = "R0 root",
	        [RUNG_SUBIDS] = "R1 user namespace with subordinate ids",
	        [RUNG_SINGLE_ID] = "R2 user namespace with a single id",
	        [RUNG_CHROOT] = "R3 container root without mount rights",
	        [RUNG_NONE] = "R4 no rights at all",
	};
	return (size_t)r < ARRAY_LEN(names) ? names[r] : "unknown";
}
