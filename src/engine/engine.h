// SPDX-License-Identifier: Apache-2.0
// A docker or podman that runs here: found as docker's command line finds it, asked over its socket
// (Docker Engine API, which podman serves too), given images.
#pragma once

#include "image/digest.h"
#include <stdbool.h>
#include <stddef.h>

struct err;

struct engine; // of one thread
// context: of docker, by name; NULL: DOCKER_HOST, the current context, then the usual sockets of
// docker and podman. Nobody there: ERR_NOT_FOUND, with all that was tried.
struct engine *engine_open(const char *context, struct err *e);
void engine_free(struct engine *g); // NULL is fine
void engine_free_ptr(struct engine **g);
#define auto_engine __attribute__((cleanup(engine_free_ptr)))
const char *engine_name(const struct engine *g); // "docker 20.10.24 (unix:///var/run/docker.sock)"

// How many of these layers, from the bottom, an archive for this engine may leave out, because it
// has them under one of its images.
int engine_has_layers(
        struct engine *g, const struct digest *diff_ids, size_t n, size_t *ret, struct err *e);
// Loads the docker archive that write puts into the descriptor (a pipe), while it does.
int engine_load(
        struct engine *g, int (*write)(void *arg, int fd, struct err *e), void *arg, struct err *e);
