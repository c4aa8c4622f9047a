// SPDX-License-Identifier: Apache-2.0
// A step's control group from making to removal. The group's folder is locked while somebody uses
// it, so whoever makes one in the same place takes away what a killed process left there.
#include "sandbox/cgroup-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_PREFIX "hew-step-"
#define REMOVAL_TRIES 100 // of 10 ms: an ended process may count for a moment
#define CONTROL_FILE_MAX (64u << 10)

static int write_file(int dir, const char *name, const char *value)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t n = strlen(value);
	return write(fd, value, n) == (ssize_t)n ? 0 : -1;
}

static int refused(const char *what, const char *path, int why, struct err *e)
{
	bool rights = why == EACCES || why == EPERM || why == EROFS;
	return err_set(e, ERR_SANDBOX, "%s the control group '/%s': %s%s", what, path,
	        strerror(why),
	        rights ? " (it is not this user's: have it delegated, or run hew as root)" : "");
}

// ---- names

static void sweep(int parent)
{
	auto_fd int dir = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strv struct strv names = {0};
	struct err ignored = ERR_INIT;
	if (dir < 0 || fs_list_dir(dir, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		if (!str_has_prefix(names.v[i], NAME_PREFIX))
			continue;
		auto_fd int left = openat(dir, names.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (left >= 0 && flock(left, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dir, names.v[i], AT_REMOVEDIR);
	}
}

// A new, locked folder. Between its making and the lock a sweep may take it: then another.
static int make_folder(struct cgroup_part *p, const char *path, struct err *e)
{
	struct stat st;
	for (int i = 0; i < 100; i++) {
		snprintf(p->name, sizeof p->name, NAME_PREFIX "%d-%d", (int)getpid(), i);
		if (mkdirat(p->parent, p->name, 0755) < 0) {
			if (errno == EEXIST)
				continue;
			break;
		}
		p->dir = openat(p->parent, p->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (p->dir >= 0 && flock(p->dir, LOCK_SH | LOCK_NB) == 0 &&
		        fstatat(p->parent, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		close_fd(&p->dir);
		p->dir = -1;
	}
	int why = errno;
	p->name[0] = '\0';
	return refused("make a group in", path, why, e);
}

// ---- limits

// Each folder on the way hands its controllers down only if told to. What cannot be told shows
// below.
static void hand_down(const struct cgroup_hierarchy *h, const char *path, unsigned controllers)
{
	auto_fd int dir = open(h->at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_strv struct strv parts = {0};
	strv_add(&parts, ".");
	if (*path)
		strv_split(&parts, path, '/');
	for (size_t i = 0; i < parts.n && dir >= 0; i++) {
		int next = openat(dir, parts.v[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close_fd(&dir);
		dir = next;
		for (unsigned k = 0; k < CGROUP_CONTROLLERS && dir >= 0; k++) {
			char word[16];
			snprintf(word, sizeof word, "+%s", cgroup_controller_name(1u << k));
			if (controllers & 1u << k)
				(void)write_file(dir, "cgroup.subtree_control", word);
		}
	}
}

static int check_handed_down(int dir, const char *path, unsigned controllers, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_strv struct strv have = {0};
	if (fs_read_file(dir, "cgroup.controllers", CONTROL_FILE_MAX, &text, e) < 0)
		return -1;
	if (text.n && text.p[text.n - 1] == '\n')
		text.p[--text.n] = '\0';
	strv_split(&have, buf_cstr(&text), ' ');
	for (unsigned k = 0; k < CGROUP_CONTROLLERS; k++)
		if (controllers & 1u << k && !strv_has(&have, cgroup_controller_name(1u << k)))
			return err_set(e, ERR_SANDBOX,
			        "the control group '/%s' does not hand down '%s': its "
			        "cgroup.subtree_control lacks it, and cannot be written by this "
			        "user or while it has processes of its own",
			        path, cgroup_controller_name(1u << k));
	return 0;
}

// In version 1 a new group has no processors and no memory until it is told some.
static int inherit_cpuset(const struct cgroup_part *p, struct err *e)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_buf struct buf have = {0}, above = {0};
		if (fs_read_file(p->dir, files[i], CONTROL_FILE_MAX, &have, e) < 0 ||
		        fs_read_file(p->parent, files[i], CONTROL_FILE_MAX, &above, e) < 0)
			return -1;
		if (have.n <= 1 && write_file(p->dir, files[i], buf_cstr(&above)) < 0)
			return err_sys(e, "set '%s' of a control group", files[i]);
	}
	return 0;
}

static int write_limits(const struct cgroup_part *p, const struct cgroup_spec *s, bool v2,
        unsigned controllers, struct err *e)
{
	struct cgroup_setting settings[CGROUP_SETTINGS_MAX];
	size_t n = cgroup_settings(s, v2, settings);
	for (size_t i = 0; i < n; i++) {
		const struct cgroup_setting *t = &settings[i];
		if (!(t->controller & controllers) || write_file(p->dir, t->file, t->value) == 0 ||
		        (errno == ENOENT && t->if_there))
			continue;
		int why = errno;
		return err_set(e, why == EINVAL || why == ERANGE ? ERR_USAGE : ERR_SANDBOX,
		        "set %s of a control group to '%s': %s%s", t->file, t->value, strerror(why),
		        why == ENOENT ? " (this kernel does not count it)" : "");
	}
	return 0;
}

// ---- life

static void part_remove(struct cgroup_part *p)
{
	close_fd(&p->procs);
	if (p->name[0])
		for (int i = 0; i < REMOVAL_TRIES &&
		                unlinkat(p->parent, p->name, AT_REMOVEDIR) < 0 && errno == EBUSY;
		        i++)
			poll(NULL, 0, 10);
	close_fd(&p->dir);
	close_fd(&p->parent);
}

void cgroup_remove(struct cgroup *g)
{
	for (size_t i = 0; i < g->n; i++)
		part_remove(&g->v[i]);
	free(g->v);
	*g = (struct cgroup){0};
}

static int add_part(struct cgroup *g, const struct cgroup_hierarchy *h, int parent,
        const char *path, const struct cgroup_spec *s, unsigned controllers, struct err *e)
{
	g->v = xreallocarray(g->v, g->n + 1, sizeof *g->v);
	struct cgroup_part *p = &g->v[g->n++];
	*p = (struct cgroup_part){.parent = parent, .dir = -1, .procs = -1};
	sweep(parent);
	if (h->v2 && controllers)
		hand_down(h, path, controllers);
	if (make_folder(p, path, e) < 0)
		return -1;
	if (h->v2 && check_handed_down(p->dir, path, controllers, e) < 0)
		return -1;
	if (!h->v2 && h->controllers & CGROUP_CPUSET && inherit_cpuset(p, e) < 0)
		return -1;
	if (write_limits(p, s, h->v2, controllers, e) < 0)
		return -1;
	p->procs = openat(p->dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return p->procs < 0 ? refused("enter a group in", path, errno, e) : 0;
}

// A hierarchy takes part if it has a limit to set, or the parent that was named.
static int add_hierarchy(struct cgroup *g, const struct cgroup_hierarchy *h,
        const struct cgroup_spec *s, unsigned controllers, struct err *e)
{
	if (!controllers && !s->parent)
		return 0;
	auto_free char *path = cgroup_parent_path(h, s->parent);
	if (!path)
		return err_set(e, ERR_SANDBOX,
		        "hew's own control group is not below '%s': name one with --cgroup-parent",
		        h->at);
	auto_fd int top = open(h->at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int parent = top < 0 ? -1 : fs_open_beneath(top, path, O_PATH | O_DIRECTORY, 0);
	if (parent < 0 && errno == ENOENT && !controllers)
		return 0;
	if (parent < 0)
		return err_sys(e, "open the control group '/%s' in '%s'", path, h->at);
	return add_part(g, h, steal_fd(&parent), path, s, controllers, e);
}

static int make_all(struct cgroup *g, const struct cgroup_hierarchies *all,
        const struct cgroup_spec *s, struct err *e)
{
	unsigned wanted = cgroup_controllers_of(s), bound = 0, unified = 0;
	for (size_t i = 0; i < all->n; i++) {
		bound |= all->v[i].controllers;
		unified |= all->v[i].v2 ? wanted : 0;
	}
	unsigned missing = wanted & ~bound & ~unified;
	for (unsigned k = 0; k < CGROUP_CONTROLLERS; k++)
		if (missing & 1u << k)
			return err_set(e, ERR_SANDBOX, "no control groups for '%s' are mounted",
			        cgroup_controller_name(1u << k));
	for (size_t i = 0; i < all->n; i++) {
		const struct cgroup_hierarchy *h = &all->v[i];
		unsigned here = h->v2 ? wanted & ~bound : wanted & h->controllers;
		if (add_hierarchy(g, h, s, here, e) < 0)
			return -1;
	}
	return g->n ? 0
	            : err_set(e, ERR_SANDBOX, "there is no control group '%s'",
	                      s->parent ? s->parent : "");
}

int cgroup_make(const struct cgroup_spec *s, struct cgroup *ret, struct err *e)
{
	struct cgroup_hierarchies all;
	*ret = (struct cgroup){0};
	if (cgroup_hierarchies_find(&all, e) < 0)
		return -1;
	int r = make_all(ret, &all, s, e);
	cgroup_hierarchies_release(&all);
	return r;
}

static int join(const struct cgroup *g, struct err *e)
{
	for (size_t i = 0; i < g->n; i++)
		if (write(g->v[i].procs, "0", 1) != 1)
			return err_set(e, ERR_SANDBOX, "enter the step's control group: %s%s",
			        strerror(errno),
			        errno == EACCES ? " (the group above both hew's and the step's "
			                          "must be delegated to this user too)"
			                        : "");
	return 0;
}

int cgroup_enter(const struct cgroup *g, struct err *e)
{
	if (join(g, e) < 0)
		return -1;
	return unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL
	               ? err_sys(e, "make a namespace of control groups")
	               : 0;
}

// By a process that does nothing else: there is no way back out.
static int try_to_join(const struct cgroup *g, struct err *e)
{
	int said[2], status;
	if (pipe2(said, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		int r = join(g, e);
		_exit(r < 0 && write(said[1], e, sizeof *e) == (ssize_t)sizeof *e ? 1 : 0);
	}
	int why = errno;
	close(said[1]);
	auto_fd int answer = said[0];
	if (pid < 0)
		return err_set(e, ERR_FAIL, "fork: %s", strerror(why));
	struct err theirs;
	bool failed = read(answer, &theirs, sizeof theirs) == (ssize_t)sizeof theirs;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (failed)
		*e = theirs;
	return failed ? -1 : 0;
}

int cgroup_try(const struct cgroup_spec *s, struct err *e)
{
	struct cgroup g;
	int r = cgroup_make(s, &g, e);
	if (r == 0)
		r = try_to_join(&g, e);
	cgroup_remove(&g);
	return r;
}
