// SPDX-License-Identifier: Apache-2.0
// What every step has: /proc, /sys and /dev as docker makes them (moby daemon/pkg/oci/defaults.go,
// runc libcontainer rootfs_linux.go), with the same paths masked and read-only. Device nodes are
// bound one by one from the host: every writable file system is nodev, so mknod makes nodes that do
// not open.
#include "sandbox/mounts.h"
#include "sandbox/rung-int.h"
#include "sandbox/step-int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NO_SUID_DEV_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const masked[] = {
        "/proc/acpi",
        "/proc/asound",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/sys/devices/virtual/powercap",
        "/sys/firmware",
};

static const char *const read_only[] = {
        "/proc/bus",
        "/proc/fs",
        "/proc/irq",
        "/proc/sys",
        "/proc/sysrq-trigger",
};

static int mount_at(struct mounts *m, const char *path, int mount, struct err *e)
{
	auto_fd int to_close = mount;
	auto_fd int at = target_open(m, path, TARGET_NO_LINKS, e);
	if (at < 0)
		return -1;
	if (mount_attach(to_close, at, "", e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

// -1 with errno; not there is for the caller to overlook.
static int existing(const struct mounts *m, const char *path)
{
	return fs_open_in_root(m->root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

static int cover(const struct mounts *m, int at, struct err *e)
{
	struct stat st;
	if (fstat(at, &st) < 0)
		return err_sys(e, "look at a path to mask");
	auto_fd int with = S_ISDIR(st.st_mode) ? mount_copy(m->empty_dir, "",
	                                                 MOUNT_ATTR_RDONLY | NO_SUID_DEV_EXEC, e)
	                                       : mount_copy(m->dev_null, "", 0, e);
	return with < 0 ? -1 : mount_attach(with, at, "", e);
}

static int mask(const struct mounts *m, const char *path, struct err *e)
{
	auto_fd int at = existing(m, path);
	if (at < 0)
		return errno == ENOENT ? 0 : err_sys(e, "mask '%s'", path);
	return cover(m, at, e) < 0 ? err_wrap(e, "mask '%s'", path) : 0;
}

static int make_read_only(const struct mounts *m, const char *path, struct err *e)
{
	auto_fd int at = existing(m, path);
	if (at < 0)
		return errno == ENOENT ? 0 : err_sys(e, "protect '%s'", path);
	auto_fd int copy = mount_copy(at, "", MOUNT_ATTR_RDONLY | NO_SUID_DEV_EXEC, e);
	if (copy < 0 || mount_attach(copy, at, "", e) < 0)
		return err_wrap(e, "protect '%s'", path);
	return 0;
}

// moby GHSA-6fw5-f8r9-fgfm: what the processor's temperature tells about the neighbours.
static int mask_thermal(const struct mounts *m, struct err *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	for (long i = 0; i < cpus; i++) {
		char path[80];
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%ld/thermal_throttle", i);
		if (mask(m, path, e) < 0)
			return -1;
	}
	return 0;
}

static int hide_paths(const struct mounts *m, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(read_only); i++)
		if (make_read_only(m, read_only[i], e) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		if (mask(m, masked[i], e) < 0)
			return -1;
	return mask_thermal(m, e);
}

// A new one shows the step's network and needs rights over it, which a user namespace has only over
// networks of its own.
static int sys_new(const struct mounts *m, unsigned attributes, struct err *e)
{
	if (rung_traits()->bind_sys && m->plan->s.network == STEP_NET_HOST)
		return mount_copy_all(AT_FDCWD, "/sys", attributes, e);
	return mount_new("sysfs", NULL, attributes, e);
}

static int mount_sys(struct mounts *m, struct err *e)
{
	unsigned ro = m->plan->s.insecure ? 0 : MOUNT_ATTR_RDONLY;
	int sys = sys_new(m, ro | NO_SUID_DEV_EXEC, e);
	if (sys < 0 || mount_at(m, "/sys", sys, e) < 0)
		return -1;
	auto_fd int at = existing(m, "/sys/fs/cgroup");
	if (at < 0)
		return 0;
	// The namespace's own part of the unified hierarchy, also where the host is hybrid; or else
	// nothing.
	struct err ignored = ERR_INIT;
	auto_fd int cgroup = mount_new("cgroup2", NULL, ro | NO_SUID_DEV_EXEC, &ignored);
	if (cgroup >= 0 && mount_attach(cgroup, at, "", &ignored) == 0)
		return 0;
	return cover(m, at, e);
}

struct node {
	const char *name;
	unsigned major, minor;
	bool needed;
};

static int bind_node(const struct node *n, int dev, struct err *e)
{
	char path[64];
	snprintf(path, sizeof path, "/dev/%s", n->name);
	auto_fd int node = mount_copy(AT_FDCWD, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	struct stat st;
	bool right = node >= 0 && fstat(node, &st) == 0 &&
	             (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) &&
	             st.st_rdev == makedev(n->major, n->minor);
	if (!right)
		return n->needed ? err_set(e, ERR_SANDBOX, "the host has no usable '%s'", path) : 0;
	auto_fd int at = openat(dev, n->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (at < 0)
		return err_sys(e, "make '%s'", path);
	return mount_attach(node, dev, n->name, e);
}

static int bind_nodes(const struct mounts *m, int dev, struct err *e)
{
	static const struct node nodes[] = {{"null", 1, 3, true}, {"zero", 1, 5, true},
	        {"full", 1, 7, false}, {"random", 1, 8, false}, {"urandom", 1, 9, true},
	        {"tty", 5, 0, false}};
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (bind_node(&nodes[i], dev, e) < 0)
			return -1;
	if (!m->plan->s.insecure)
		return 0;
	// As BuildKit's insecure mode, for steps that make file systems in files.
	if (bind_node(&(struct node){"loop-control", 10, 237, false}, dev, e) < 0)
		return -1;
	for (unsigned i = 0; i < 8; i++) {
		char name[16];
		snprintf(name, sizeof name, "loop%u", i);
		if (bind_node(&(struct node){name, 7, i, false}, dev, e) < 0)
			return -1;
	}
	return 0;
}

static int bind_console(const struct mounts *m, int dev, struct err *e)
{
	if (!m->plan->s.tty)
		return 0;
	// The terminal is in a devpts of the host's; its path is good in this namespace too.
	auto_fd int tty = mount_reopen(0, "terminal", e);
	if (tty < 0)
		return -1;
	auto_fd int copy = mount_copy(tty, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	auto_fd int at = openat(dev, "console", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (copy < 0 || at < 0)
		return copy < 0 ? -1 : err_sys(e, "make '/dev/console'");
	return mount_attach(copy, dev, "console", e);
}

static int make_links(int dev, struct err *e)
{
	static const char *const links[][2] = {{"/proc/self/fd", "fd"},
	        {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
	        {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"}, {"pts/ptmx", "ptmx"}};
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0)
			return err_sys(e, "make '/dev/%s'", links[i][1]);
	return 0;
}

static int mount_below_dev(int dev, const char *name, int mount, struct err *e)
{
	auto_fd int to_close = mount;
	if (mount < 0)
		return -1;
	if (mkdirat(dev, name, 0755) < 0)
		return err_sys(e, "make '/dev/%s'", name);
	return mount_attach(to_close, dev, name, e);
}

static int fill_dev(struct mounts *m, int dev, struct err *e)
{
	if (bind_nodes(m, dev, e) < 0 || bind_console(m, dev, e) < 0 || make_links(dev, e) < 0)
		return -1;
	// Where there is one group only, terminals are its own.
	const struct mount_option pts[] = {{"ptmxmode", "0666"}, {"mode", "0620"},
	        {rung_traits()->no_groups ? NULL : "gid", "5"}, {NULL, NULL}};
	char size[32];
	uint64_t shm = m->plan->s.shm_size;
	snprintf(size, sizeof size, "%llu", (unsigned long long)(shm ? shm : UINT64_C(64) << 20));
	const struct mount_option shm_options[] = {{"mode", "1777"}, {"size", size}, {NULL, NULL}};
	if (mount_below_dev(dev, "pts",
	            mount_new("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e), e) < 0 ||
	        mount_below_dev(
	                dev, "shm", mount_new("tmpfs", shm_options, NO_SUID_DEV_EXEC, e), e) < 0)
		return -1;
	return mount_below_dev(dev, "mqueue", mount_new("mqueue", NULL, NO_SUID_DEV_EXEC, e), e);
}

static int mount_dev(struct mounts *m, struct err *e)
{
	const struct mount_option options[] = {{"mode", "0755"}, {"size", "65536k"}, {NULL, NULL}};
	unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME;
	if (!m->plan->s.insecure)
		attributes |= MOUNT_ATTR_NODEV;
	int dev = mount_new("tmpfs", options, attributes, e);
	if (dev < 0 || mount_at(m, "/dev", dev, e) < 0)
		return -1;
	// Things can be mounted in it only now that it is attached.
	auto_fd int at = existing(m, "/dev");
	if (at < 0)
		return err_sys(e, "open '/dev'");
	return fill_dev(m, at, e);
}

int system_mount(struct mounts *m, struct err *e)
{
	m->dev_null = mount_copy(AT_FDCWD, "/dev/null", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	m->empty_dir = openat(m->scratch, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->dev_null < 0)
		return -1;
	int proc = mount_new("proc", NULL, NO_SUID_DEV_EXEC, e);
	if (proc < 0 || mount_at(m, "/proc", proc, e) < 0)
		return -1;
	if (mount_sys(m, e) < 0 || mount_dev(m, e) < 0)
		return -1;
	return m->plan->s.insecure ? 0 : hide_paths(m, e);
}
