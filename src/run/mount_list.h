// SPDX-License-Identifier: Apache-2.0
// Mounts of a process that is put together: for RUN, hew run and hew shell. What they need open is
// held until the list is released.
#pragma once

#include "rootfs/engine.h"
#include "sandbox/step.h"

struct mount_list {
	struct step_mount *v;
	size_t n;
	int *binds; // what source_fd of the mounts indexes
	size_t n_binds;
	struct strv scratch; // folders of the store's work, trashed in the end
};
// On `target`, which is borrowed; so is what the caller fills in. Borrowed until the next one.
struct step_mount *mount_list_add(struct mount_list *l, const char *target);
// Takes a descriptor; its number, as source_fd.
int mount_list_hold(struct mount_list *l, int fd);
// HOST:PATH[:ro|rw]; spec is cut into its parts, and borrowed.
int mount_list_volume(struct mount_list *l, char *spec, struct err *e);
// Shows `source` in what n folders make together, top first; they are held from now on, also if
// this fails. What is written to it is thrown away.
struct overlay_mount {
	const char *target, *source;
	bool read_only;
};
int mount_list_overlay(struct mount_list *l, struct engine *g, const struct overlay_mount *m,
        const int *folders, size_t n, struct err *e);
void mount_list_spec(const struct mount_list *l, struct step_spec *spec);
void mount_list_release(struct mount_list *l, struct store *s);
