// SPDX-License-Identifier: Apache-2.0
// What `hew doctor` says about the machine. Everything is tried in a child with namespaces of its
// own and forgotten with it: no mount, file or process stays.
#include "sandbox/rung.h"

#include "base/mem.h"
#include "sandbox/caps.h"
#include "sandbox/rung-int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

// Statuses of the probing child; 0 is success.
enum { CANNOT_UNSHARE = 10, CANNOT_MOUNT, CANNOT_OVERLAY };

static int try_overlay(const char *extra)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return CANNOT_MOUNT;
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	        fchdir(fd) < 0)
		return CANNOT_MOUNT;
	if (mkdir("l", 0700) < 0 || mkdir("u", 0700) < 0 || mkdir("w", 0700) < 0 ||
	        mkdir("m", 0700) < 0)
		return CANNOT_MOUNT;
	char options[128];
	snprintf(options, sizeof options, "lowerdir=l,upperdir=u,workdir=w%s", extra);
	return mount("overlay", "m", "overlay", MS_NODEV, options) < 0 ? CANNOT_OVERLAY : 0;
}

static bool write_file(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static int probe_child(int namespaces, const char *extra)
{
	char uids[32], gids[32];
	snprintf(uids, sizeof uids, "0 %u 1", geteuid());
	snprintf(gids, sizeof gids, "0 %u 1", getegid());
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(namespaces) < 0)
		return CANNOT_UNSHARE;
	if ((namespaces & CLONE_NEWUSER) && !(write_file("/proc/self/setgroups", "deny") &&
	                                            write_file("/proc/self/uid_map", uids) &&
	                                            write_file("/proc/self/gid_map", gids)))
		return CANNOT_UNSHARE;
	if (rung_own_mounts() < 0)
		return CANNOT_MOUNT;
	return try_overlay(extra);
}

// Not vfork: the child changes its namespaces. Not threaded in a way that matters: it only makes
// raw calls.
static int probe(int namespaces, const char *extra)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(probe_child(namespaces, extra));
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return CANNOT_UNSHARE;
	return WEXITSTATUS(status);
}

static bool is_fs(const char *path, unsigned long magic)
{
	struct statfs st;
	return statfs(path, &st) == 0 && (unsigned long)st.f_type == magic;
}

static bool has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static const char *why_single(const struct idmap *ids)
{
	if (!idmap_helpers())
		return ", and newuidmap is missing: install the package uidmap";
	return ids->subuids.n && ids->subgids.n
	               ? ""
	               : ", and has no subordinate ids: let root run 'usermod --add-subuids "
	                 "100000-165535 --add-subgids 100000-165535 USER'";
}

static void choose(struct rung_report *r, int as_root, int in_userns)
{
	struct rung_choice c;
	struct idmap ids;
	rung_choose(&c);
	idmap_of_caller(&ids);
	bool root = geteuid() == 0;
	r->rung = c.rung;
	if (as_root == 0 && root) {
		snprintf(r->why, sizeof r->why, "%s",
		        c.rung == RUNG_ROOT
		                ? "this is the best there is"
		                : "hew is root in a user namespace that somebody else made");
		return;
	}
	const char *because = !root                       ? "hew does not run as root"
	                      : as_root == CANNOT_UNSHARE ? "root has no CAP_SYS_ADMIN here"
	                                                  : "root may not mount an overlay here";
	if (in_userns == 0) {
		snprintf(r->why, sizeof r->why, "%s%s", because,
		        c.rung == RUNG_SUBIDS ? "" : why_single(&ids));
		return;
	}
	bool may_chroot = caps_permitted() & CAP_BIT(CAP_SYS_CHROOT);
	r->rung = root && may_chroot ? RUNG_CHROOT : RUNG_NONE;
	snprintf(r->why, sizeof r->why, "%s, and %s", because,
	        in_userns == CANNOT_UNSHARE ? "user namespaces are not allowed"
	                                    : "a user namespace may not mount an overlay");
}

void rung_probe(struct rung_report *ret)
{
	*ret = (struct rung_report){.rung = RUNG_NONE};
	struct utsname u;
	if (uname(&u) == 0)
		snprintf(ret->kernel, sizeof ret->kernel, "%.63s", u.release);
	int as_root = probe(CLONE_NEWNS, "");
	int in_userns = probe(CLONE_NEWUSER | CLONE_NEWNS, ",userxattr");
	ret->overlay = as_root == 0 || in_userns == 0;
	ret->overlay_userxattr = in_userns == 0;
	ret->seccomp = has_seccomp();
	const unsigned long cgroup2 = 0x63677270;
	ret->cgroup_v2 = is_fs("/sys/fs/cgroup", cgroup2);
	ret->cgroup_hybrid = !ret->cgroup_v2 && is_fs("/sys/fs/cgroup/unified", cgroup2);
	choose(ret, as_root, in_userns);
}
