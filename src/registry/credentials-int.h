// SPDX-License-Identifier: Apache-2.0
// Reading and writing of config.json, shared by credentials_find and credentials_store.
#pragma once

#include "base/json.h"
#include "registry/credentials.h"

#define CREDENTIAL_FILE_MAX (1u << 20)

// "docker.io" for all names of Docker Hub, else lower-case host[:port] without scheme and path.
// Caller frees.
char *credential_host(const char *key);
// The key that docker writes and asks helpers for. Caller frees.
char *credential_server(const char *host);
// The config.json of buildx's folders that are for such a need, the most specific first
// (credentials_scoped.c).
void credential_scoped_paths(
        const char *docker_config, const struct credential_need *need, struct strv *ret);
// $DOCKER_CONFIG or ~/.docker; NULL if there is no home. Caller frees.
char *docker_config_dir(const char *docker_config);
// *ret NULL if the file does not exist or is empty.
int credential_file_read(const char *path, struct jdoc **ret, struct err *e);
// The helper for a host: credHelpers, then credsStore; NULL if none.
const char *credential_helper_name(const struct jn *config, const char *host);
