// SPDX-License-Identifier: Apache-2.0
#include "run/mount_list.h"

#include "base/err.h"
#include "base/mem.h"
#include "rootfs/rootfs.h"
#include <fcntl.h>
#include <string.h>

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

int mount_list_volume(struct mount_list *l, char *spec, struct err *e)
{
	char *target = strchr(spec, ':');
	if (!target || target[1] != '/')
		return err_set(
		        e, ERR_USAGE, "invalid volume \"%s\": HOST:PATH[:ro] is expected", spec);
	*target++ = '\0';
	char *mode = strchr(target, ':');
	if (mode)
		*mode++ = '\0';
	if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		return err_set(e, ERR_USAGE, "invalid volume mode \"%s\": ro or rw", mode);
	int fd = open(spec, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "volume '%s'", spec);
	struct step_mount *m = mount_list_add(l, target);
	m->type = STEP_BIND;
	m->read_only = mode && !strcmp(mode, "ro");
	m->source_fd = mount_list_hold(l, fd);
	return 0;
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
