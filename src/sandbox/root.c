// SPDX-License-Identifier: Apache-2.0
// The root of a step: an overlay of the layers, or one directory, nodev in any case; and the change
// into it, after which no path leads to the host. Options keep an upper directory self-contained,
// so that it can be read as a layer without the lowers: kernel documentation,
// filesystems/overlayfs.
#include "base/fault.h"
#include "sandbox/mounts.h"
#include "sandbox/root-int.h"
#include "sandbox/rung-int.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool root_force_legacy;

static int mount_scratch(struct mounts *m, struct err *e)
{
	const struct mount_option plain[] = {{"mode", "0700"}, {"size", "64m"}, {NULL, NULL}};
	const struct mount_option no_swap[] = {
	        {"mode", "0700"}, {"size", "64m"}, {"noswap", NULL}, {NULL, NULL}};
	// Secrets shall not reach a disk: noswap where the kernel has it (6.4, not in user
	// namespaces).
	auto_fd int fd = mount_new("tmpfs", no_swap, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, e);
	if (fd < 0)
		fd = mount_new("tmpfs", plain, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, e);
	if (fd < 0 || mount_attach(fd, AT_FDCWD, "/", e) < 0)
		return -1;
	static const char *const dirs[] = {"root", "files", "up", "work", "empty"};
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(fd, dirs[i], 0755) < 0)
			return err_sys(e, "make '%s' in the sandbox", dirs[i]);
	m->scratch = steal_fd(&fd);
	return 0;
}

static int set(int fs, const char *key, const char *value)
{
	return fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

static int set_fd(int fs, const char *key, int fd)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return set(fs, key, path);
}

static int add_layers(int fs, const struct overlay *o, struct err *e)
{
	for (size_t i = 0; i < o->n; i++)
		if (set_fd(fs, "lowerdir+", o->lowers[i]) < 0)
			return err_set(e, ERR_SANDBOX, "add layer %zu of %zu to the overlay: %s",
			        i + 1, o->n, strerror(errno));
	if (o->upper >= 0 &&
	        (set_fd(fs, "upperdir", o->upper) < 0 || set_fd(fs, "workdir", o->work) < 0))
		return err_set(e, ERR_SANDBOX, "give the overlay its upper directory: %s",
		        strerror(errno));
	return 0;
}

static int overlay_new(const struct overlay *o, struct err *e)
{
	auto_fd int fs =
	        fault_point("sandbox.overlay") < 0 ? -1 : fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_set(
		        e, ERR_SANDBOX, "open file system type 'overlay': %s", strerror(errno));
	if (add_layers(fs, o, e) < 0)
		return -1;
	// userxattr turns the last two off by itself, and takes "off" for "follow"
	// (fs/overlayfs/params.c).
	static const char *const off[] = {"index", "xino", "redirect_dir", "metacopy"};
	for (size_t i = 0; i < (rung_traits()->userxattr ? 2 : ARRAY_LEN(off)); i++)
		if (set(fs, off[i], "off") < 0)
			return err_set(e, ERR_SANDBOX, "set overlay option '%s': %s", off[i],
			        strerror(errno));
	if ((o->is_volatile && set(fs, "volatile", NULL) < 0) ||
	        (rung_traits()->userxattr && set(fs, "userxattr", NULL) < 0))
		return err_set(e, ERR_SANDBOX, "set an overlay option: %s", strerror(errno));
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, ERR_SANDBOX,
		        "mount the overlay of %zu layers: %s; is the store on a file system that "
		        "cannot "
		        "hold overlay directories?",
		        o->n, strerror(errno));
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
	return fd < 0 ? err_set(e, ERR_SANDBOX, "mount the overlay: %s", strerror(errno)) : fd;
}

// Before Linux 6.8 all layers go into one option string, which is a page at most.
static int overlay_legacy(const struct overlay *o, int at, const char *name, struct err *e)
{
	auto_buf struct buf opts = {0};
	buf_puts(&opts, "index=off,xino=off");
	buf_puts(&opts, rung_traits()->userxattr ? ",userxattr" : ",redirect_dir=off,metacopy=off");
	if (o->is_volatile)
		buf_puts(&opts, ",volatile");
	if (o->upper >= 0)
		buf_printf(&opts, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", o->upper,
		        o->work);
	for (size_t i = 0; i < o->n; i++)
		buf_printf(&opts, "%s/proc/self/fd/%d", i ? ":" : ",lowerdir=", o->lowers[i]);
	if (opts.n >= 4096)
		return err_set(e, ERR_SANDBOX,
		        "%zu layers are more than this kernel can stack; Linux 6.8 can do 500",
		        o->n);
	if (fault_point("sandbox.overlay") < 0 || fchdir(at) < 0 ||
	        mount("overlay", name, "overlay", MS_NODEV, opts.p) < 0)
		return err_set(e, ERR_SANDBOX, "mount the overlay of %zu layers: %s", o->n,
		        strerror(errno));
	return 0;
}

int overlay_mount(const struct overlay *o, int at, const char *name, struct err *e)
{
	if (root_force_legacy)
		return overlay_legacy(o, at, name, e);
	auto_fd int fd = overlay_new(o, e);
	if (fd >= 0)
		return mount_attach(fd, at, name, e);
	struct err newer = *e;
	if (overlay_legacy(o, at, name, e) == 0)
		return 0;
	*e = newer;
	return -1;
}

// Process 1 lives for one step: the descriptors are closed with all others, the memory goes with
// it.
int overlay_add_lowers(struct overlay *o, const int *lowers, size_t n, struct err *e)
{
	o->lowers = xcalloc(n + 1, sizeof *o->lowers); // and room for one more
	for (o->n = 0; o->n < n; o->n++) {
		o->lowers[o->n] = mount_reopen(lowers[o->n], "layer", e);
		if (o->lowers[o->n] < 0)
			return -1;
	}
	return 0;
}

// A root that cannot be written still needs places to mount on: they are made in an upper directory
// of the scratch file system, and the mount is closed for writing at the end (mounts_set_up).
static int open_upper(struct mounts *m, struct overlay *o, struct err *e)
{
	const struct step_spec *s = &m->plan->s;
	if (s->upper < 0) {
		o->upper = openat(m->scratch, "up", O_PATH | O_DIRECTORY | O_CLOEXEC);
		o->work = openat(m->scratch, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
		m->upper = -1;
		return o->upper < 0 || o->work < 0 ? err_sys(e, "open the sandbox's own upper") : 0;
	}
	o->upper = m->upper = mount_reopen(s->upper, "upper directory", e);
	o->work = o->upper < 0 ? -1 : mount_reopen(s->work, "work directory", e);
	return o->work < 0 ? -1 : 0;
}

static int mount_single(struct mounts *m, struct err *e)
{
	m->upper = mount_reopen(m->plan->s.upper, "root directory", e);
	if (m->upper < 0)
		return -1;
	auto_fd int fd = mount_copy(m->upper, "", MOUNT_ATTR_NODEV, e);
	return fd < 0 ? -1 : mount_attach(fd, m->scratch, "root", e);
}

static int mount_root(struct mounts *m, struct err *e)
{
	const struct step_spec *s = &m->plan->s;
	if (s->n_lowers == 0)
		return mount_single(m, e);
	struct overlay o = {.is_volatile = s->volatile_overlay};
	if (overlay_add_lowers(&o, s->lowers, s->n_lowers, e) < 0 || open_upper(m, &o, e) < 0)
		return -1;
	return overlay_mount(&o, m->scratch, "root", e);
}

int root_build(struct mounts *m, struct err *e)
{
	if (mount_scratch(m, e) < 0 || mount_root(m, e) < 0)
		return -1;
	m->root = openat(m->scratch, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx sx;
	if (m->root < 0 || statx(m->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return err_sys(e, "open the new root");
	m->root_mnt_id = sx.stx_mnt_id;
	return 0;
}

int root_pivot(const struct mounts *m, struct err *e)
{
	auto_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0 || fchdir(m->root) < 0)
		return err_sys(e, "enter the new root");
	if (fault_point("sandbox.pivot") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(e, ERR_SANDBOX, "make the new root the root: %s%s", strerror(errno),
		        errno == EINVAL ? "; the host's own root may be a chroot or an initramfs"
		                        : "");
	// The old root lies over the new one now, and the scratch file system over the old one. "."
	// means the topmost of what is stacked there (umount looks it up so), hence again until
	// nothing of it is in this namespace: the descriptor then leads nowhere, which is EINVAL.
	if (fchdir(old) < 0)
		return err_sys(e, "go to the host's root");
	int n = 0;
	while (umount2(".", MNT_DETACH) == 0)
		n++;
	if (n == 0 || errno != EINVAL || chdir("/") < 0)
		return err_sys(e, "detach the host's root");
	// Bolt and bar: "/.." would step into anything that still lies over the root.
	struct statx sx;
	if (statx(AT_FDCWD, "/..", 0, STATX_MNT_ID, &sx) < 0 || sx.stx_mnt_id != m->root_mnt_id)
		return err_set(
		        e, ERR_SANDBOX, "the host's root is still there after the change of root");
	return 0;
}
