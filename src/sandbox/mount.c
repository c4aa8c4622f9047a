// SPDX-License-Identifier: Apache-2.0
// The new mount API (fsopen, open_tree, move_mount, mount_setattr; Linux 5.12) with errors that
// name the thing. No path is ever looked up twice: mounts are made detached and moved onto
// descriptors.
#include "sandbox/mounts.h"

#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "sandbox/rung-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mount_new(
        const char *type, const struct mount_option *options, unsigned attributes, struct err *e)
{
	auto_fd int fs = fault_point("sandbox.mount.new") < 0 ? -1 : fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_set(
		        e, ERR_SANDBOX, "open file system type '%s': %s", type, strerror(errno));
	for (const struct mount_option *o = options; o && o->key; o++) {
		int how = o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
		if (fsconfig(fs, (unsigned)how, o->key, o->value, 0) < 0)
			return err_set(e, ERR_SANDBOX, "set option '%s' of a new %s: %s", o->key,
			        type, strerror(errno));
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, ERR_SANDBOX, "make a new %s: %s", type, strerror(errno));
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? err_set(e, ERR_SANDBOX, "mount a new %s: %s", type, strerror(errno)) : fd;
}

static int copy(int at, const char *path, unsigned recursive, unsigned attributes, struct err *e)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive |
	                 (path[0] ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH);
	auto_fd int fd = fault_point("sandbox.mount.copy") < 0 ? -1 : open_tree(at, path, flags);
	if (fd < 0)
		return err_sys(e, "copy the mount of '%s'", path);
	struct mount_attr a = {.attr_set = attributes};
	if (attributes && mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &a, sizeof a) < 0)
		return err_sys(e, "set attributes of the copied mount of '%s'", path);
	return steal_fd(&fd);
}

int mount_copy(int at, const char *path, unsigned attributes, struct err *e)
{
	return copy(at, path, 0, attributes, e);
}

int mount_copy_all(int at, const char *path, unsigned attributes, struct err *e)
{
	return copy(at, path, AT_RECURSIVE, attributes, e);
}

int mount_attach(int mount, int at, const char *path, struct err *e)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (path[0] ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
	if (fault_point("sandbox.mount.attach") < 0 || move_mount(mount, "", at, path, flags) < 0)
		return err_set(e, ERR_SANDBOX, "mount on '%s': %s", path, strerror(errno));
	return 0;
}

int mount_set(int at, const char *path, unsigned attributes, struct err *e)
{
	struct mount_attr a = {.attr_set = attributes};
	unsigned flags = path[0] ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	if (fault_point("sandbox.mount.set") < 0 ||
	        mount_setattr(at, path, flags, &a, sizeof a) < 0)
		return err_sys(e, "set attributes of the mount at '%s'", path);
	return 0;
}

int mount_path(int fd, char ret[static PATH_MAX], struct err *e)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, ret, PATH_MAX - 1);
	if (n < 0)
		return err_sys(e, "find where a descriptor leads");
	ret[n] = '\0';
	return 0;
}

// The path of a file of hew's mount namespace, as it is in that of the sandbox.
static const char *path_inside(const char *path)
{
	const char *root = rung_traits()->outer_root;
	size_t n = root ? strlen(root) : 0;
	return n > 1 && !strncmp(path, root, n) && path[n] == '/' ? path + n : path;
}

int mount_reopen(int fd, const char *what, struct err *e)
{
	char outer[PATH_MAX];
	if (mount_path(fd, outer, e) < 0)
		return -1;
	const char *path = path_inside(outer);
	auto_fd int again = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	struct stat a, b;
	if (again < 0)
		return err_sys(e, "open the %s '%s' in the sandbox", what, path);
	if (fstat(fd, &a) < 0 || fstat(again, &b) < 0 || a.st_dev != b.st_dev ||
	        a.st_ino != b.st_ino)
		return err_set(e, ERR_SANDBOX,
		        "the %s '%s' is something else in the sandbox's mount namespace; was it "
		        "mounted over after hew started?",
		        what, path);
	return steal_fd(&again);
}
