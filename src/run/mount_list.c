// SPDX-License-Identifier: Apache-2.0
#include "run/mount_list.h"

#include "base/err.h"
#include "base/mem.h"
#include "rootfs/rootfs.h"

struct step_mount *mount_list_add(struct mount_list *l, const char *target)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	struct step_mount *m = &l->v[l->n++];
	*m = (struct step_mount){.target = target, .source_fd = -1};
	return m;
}

int mount_list_hold(struct mount_list *l, int fd)
{
	l->binds = xreallocarray(l->binds, l->n_binds + 1, sizeof(*l->binds));
	l->binds[l->n_binds] = fd;
	return (int)l->n_binds++;
}

int mount_list_overlay(struct mount_list *l, struct engine *g, const struct overlay_mount *m,
        const int *folders, size_t n, struct err *e)
{
	struct step_mount *to = mount_list_add(l, m->target);
	to->type = STEP_OVERLAY;
	to->source = m->source;
	to->source_fd = (int)l->n_binds;
	to->n_lowers = n;
	to->read_only = m->read_only;
	for (size_t i = 0; i < n; i++)
		mount_list_hold(l, folders[i]);
	if (m->read_only)
		return 0;
	struct upper_dirs dirs = UPPER_DIRS_NONE;
	int failed = upper_dirs_open(g, &dirs, e);
	if (dirs.base)
		strv_take(&l->scratch, steal_ptr(&dirs.base));
	mount_list_hold(l, steal_fd(&dirs.upper));
	mount_list_hold(l, steal_fd(&dirs.work));
	return failed;
}

void mount_list_spec(const struct mount_list *l, struct step_spec *spec)
{
	spec->mounts = l->v;
	spec->n_mounts = l->n;
	spec->bind_fds = l->binds;
	spec->n_bind_fds = l->n_binds;
}

void mount_list_release(struct mount_list *l, struct store *s)
{
	for (size_t i = 0; i < l->n_binds; i++)
		close_fd(&l->binds[i]);
	for (size_t i = 0; i < l->scratch.n; i++)
		store_trash(s, l->scratch.v[i]);
	strv_release(&l->scratch);
	free(l->binds);
	free(l->v);
	*l = (struct mount_list){0};
}
