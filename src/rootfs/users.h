// SPDX-License-Identifier: Apache-2.0
// Users and groups as a root filesystem names them.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct view;

struct user_ids {
	uint32_t uid, gid;
	char home[256]; // of /etc/passwd, else "/"
	uint32_t groups[64];
	size_t n_groups;
};
// USER of RUN (groups from /etc/group) and --chown. An unknown name is ERR_STEP in docker's words.
int user_lookup(struct view *root, const char *spec, struct user_ids *ret, struct err *e);
int chown_lookup(
        struct view *root, const char *spec, uint32_t *ret_uid, uint32_t *ret_gid, struct err *e);
// USER, for the folders that WORKDIR makes: a name that is not there is root, as with BuildKit.
int workdir_lookup(
        struct view *root, const char *spec, uint32_t *ret_uid, uint32_t *ret_gid, struct err *e);
