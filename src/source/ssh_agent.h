// SPDX-License-Identifier: Apache-2.0
// What --ssh names: a running agent by its socket, or key files, for which an agent of our own is
// started (ssh-agent and ssh-add) and ends with us. And the way from a step to it: a socket that
// lets through what signing needs and nothing else.
#pragma once

#include <stddef.h>

struct err;
struct store;
struct strv;

struct ssh_agent;
// paths: one socket, or private keys. Nothing is started yet for keys that cannot be read.
struct ssh_agent *ssh_agent_open(struct store *s, const struct strv *paths, struct err *e);
void ssh_agent_close(struct ssh_agent *a); // NULL is fine
// Its socket, for programs of this user that run while it is open.
const char *ssh_agent_path(const struct ssh_agent *a);

// A socket of that name in a folder, served until stopped.
struct ssh_forward;
struct ssh_forward *ssh_forward_start(
        struct ssh_agent *a, int dirfd, const char *name, struct err *e);
void ssh_forward_stop(struct ssh_forward *f); // NULL is fine
