// SPDX-License-Identifier: Apache-2.0
// The mounts that a step brings: host names and resolver, binds, tmpfs, small files. All nodev.
// Sorted by target, so that one inside another is not hidden by it.
#include "sandbox/mounts.h"
#include "sandbox/step-int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int attach_at(struct mounts *m, const char *target, unsigned flags, int mount, struct err *e)
{
	auto_fd int at = target_open(m, target, flags, e);
	return at < 0 ? -1 : mount_attach(mount, at, "", e);
}

struct file {
	const char *target;
	const void *data;
	size_t n;
	uint32_t mode, uid, gid;
	bool read_only;
	unsigned attributes; // besides nodev
};

static int mount_file(struct mounts *m, const struct file *f, struct err *e)
{
	char name[32];
	snprintf(name, sizeof name, "files/%zu", m->n_files++);
	auto_fd int fd = openat(m->scratch, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make the file for '%s'", f->target);
	if (fs_write_all(fd, f->data, f->n, e) < 0)
		return -1;
	if (fchown(fd, f->uid, f->gid) < 0 || fchmod(fd, f->mode) < 0)
		return err_sys(e, "set owner and mode of '%s'", f->target);
	unsigned attributes =
	        f->attributes | MOUNT_ATTR_NODEV | (f->read_only ? MOUNT_ATTR_RDONLY : 0);
	auto_fd int copy = mount_copy(m->scratch, name, attributes, e);
	return copy < 0 ? -1 : attach_at(m, f->target, TARGET_FILE, copy, e);
}

static int mount_names(struct mounts *m, struct err *e)
{
	const struct step_plan *p = m->plan;
	auto_free char *hostname = xasprintf("%s\n", p->s.hostname);
	const struct file files[] = {
	        {.target = "/etc/resolv.conf", .data = p->resolv_conf, .n = strlen(p->resolv_conf)},
	        {.target = "/etc/hosts", .data = p->hosts, .n = strlen(p->hosts)},
	        {.target = "/etc/hostname", .data = hostname, .n = strlen(hostname)},
	};
	for (size_t i = 0; i < (p->s.etc_writable ? 3 : 2); i++) {
		struct file f = files[i];
		f.mode = 0644;
		f.read_only = !p->s.etc_writable;
		f.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
		if (mount_file(m, &f, e) < 0)
			return -1;
	}
	return 0;
}

static int own_source(int source, const struct step_mount *u, struct err *e)
{
	char link[32]; // fchmod takes no O_PATH descriptor
	snprintf(link, sizeof link, "/proc/self/fd/%d", source);
	if (fchownat(source, "", u->uid, u->gid, AT_EMPTY_PATH) < 0 || chmod(link, u->mode) < 0)
		return err_sys(e, "give the source to %u:%u", u->uid, u->gid);
	return 0;
}

static int mount_bind(struct mounts *m, const struct step_mount *u, struct err *e)
{
	auto_fd int source = mount_reopen(m->plan->s.bind_fds[u->source_fd], "mount source", e);
	if (source < 0)
		return -1;
	struct stat st;
	if (fstat(source, &st) < 0)
		return err_sys(e, "look at the source");
	if (u->own && own_source(source, u, e) < 0)
		return -1;
	auto_fd int copy = mount_copy_all(
	        source, "", MOUNT_ATTR_NODEV | (u->read_only ? MOUNT_ATTR_RDONLY : 0), e);
	return copy < 0 ? -1
	                : attach_at(m, u->target, S_ISDIR(st.st_mode) ? 0 : TARGET_FILE, copy, e);
}

// Where nobody looks: a part of it is what is shown. An empty directory goes below all layers, for
// an overlay that cannot be written takes two.
static int put_together(struct mounts *m, const struct step_mount *u, struct err *e)
{
	const int *fds = m->plan->s.bind_fds + u->source_fd;
	struct overlay o = {.upper = -1, .work = -1, .is_volatile = true};
	char name[32];
	snprintf(name, sizeof name, "files/%zu", m->n_files++);
	if (overlay_add_lowers(&o, fds, u->n_lowers, e) < 0)
		return -1;
	o.lowers[o.n++] = m->empty_dir;
	if (!u->read_only) {
		o.upper = mount_reopen(fds[u->n_lowers], "upper directory", e);
		o.work = o.upper < 0 ? -1 : mount_reopen(fds[u->n_lowers + 1], "work directory", e);
		if (o.work < 0)
			return -1;
	}
	if (u->read_only && o.n == 1) // an image of no layers
		return fcntl(m->empty_dir, F_DUPFD_CLOEXEC, 0);
	if (mkdirat(m->scratch, name, 0700) < 0)
		return err_sys(e, "make a place for an overlay");
	if (overlay_mount(&o, m->scratch, name, e) < 0)
		return -1;
	int top = openat(m->scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? err_sys(e, "open an overlay") : top;
}

static int mount_overlay(struct mounts *m, const struct step_mount *u, struct err *e)
{
	auto_fd int top = put_together(m, u, e);
	if (top < 0)
		return -1;
	auto_free char *rel = fs_clean_rel(u->source);
	auto_fd int source = fs_open_in_root(top, rel[0] ? rel : ".", O_PATH | O_CLOEXEC, 0);
	struct stat st;
	if (source < 0 || fstat(source, &st) < 0)
		return err_set(e, ERR_CONTEXT, "\"/%s\": %s", rel,
		        errno == ENOENT ? "not found" : strerror(errno));
	auto_fd int copy = mount_copy(
	        source, "", MOUNT_ATTR_NODEV | (u->read_only ? MOUNT_ATTR_RDONLY : 0), e);
	return copy < 0 ? -1
	                : attach_at(m, u->target, S_ISDIR(st.st_mode) ? 0 : TARGET_FILE, copy, e);
}

// Over a directory of the image it has that one's permissions, as docker's.
static int mount_tmpfs(struct mounts *m, const struct step_mount *u, struct err *e)
{
	char size[32], mode[16], uid[16], gid[16];
	uint32_t bits = u->mode ? u->mode : target_mode(m, u->target);
	snprintf(size, sizeof size, "%llu", (unsigned long long)u->size);
	snprintf(mode, sizeof mode, "%o", bits ? bits : 01777);
	snprintf(uid, sizeof uid, "%u", u->uid);
	snprintf(gid, sizeof gid, "%u", u->gid);
	const struct mount_option options[] = {{"mode", mode}, {"uid", uid}, {"gid", gid},
	        {u->size ? "size" : NULL, size}, {NULL, NULL}};
	auto_fd int fd = mount_new("tmpfs", options,
	        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (u->read_only ? MOUNT_ATTR_RDONLY : 0), e);
	return fd < 0 ? -1 : attach_at(m, u->target, 0, fd, e);
}

static int mount_one(struct mounts *m, const struct step_mount *u, struct err *e)
{
	switch (u->type) {
	case STEP_BIND:
		return mount_bind(m, u, e);
	case STEP_TMPFS:
		return mount_tmpfs(m, u, e);
	case STEP_OVERLAY:
		return mount_overlay(m, u, e);
	case STEP_FILE: {
		const struct file f = {.target = u->target,
		        .data = u->data,
		        .n = u->data_len,
		        .mode = u->mode,
		        .uid = u->uid,
		        .gid = u->gid,
		        .read_only = u->read_only,
		        .attributes = MOUNT_ATTR_NOSUID};
		return mount_file(m, &f, e);
	}
	}
	return err_set(e, ERR_SANDBOX, "unknown type of mount");
}

struct ordered {
	char *path; // cleaned
	const struct step_mount *u;
	size_t i;
};

static int by_target(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int c = fs_path_cmp(x->path, y->path);
	return c ? c : (x->i > y->i) - (x->i < y->i);
}

int user_mount(struct mounts *m, struct err *e)
{
	const struct step_spec *s = &m->plan->s;
	if (mount_names(m, e) < 0)
		return -1;
	// Process 1 lives for one step: what it allocates here goes with it.
	struct ordered *v = xcalloc(s->n_mounts + 1, sizeof *v);
	for (size_t i = 0; i < s->n_mounts; i++)
		v[i] = (struct ordered){fs_clean_rel(s->mounts[i].target), &s->mounts[i], i};
	qsort(v, s->n_mounts, sizeof *v, by_target);
	for (size_t i = 0; i < s->n_mounts; i++) {
		if (!v[i].path[0])
			return err_set(e, ERR_SANDBOX, "nothing can be mounted on '/'");
		if (mount_one(m, v[i].u, e) < 0)
			return err_wrap(e, "mount '%s'", v[i].u->target);
	}
	return 0;
}
