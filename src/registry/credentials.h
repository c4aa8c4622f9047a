// SPDX-License-Identifier: Apache-2.0
// Docker's config.json: auths, credsStore, credHelpers (docker-credential-*), DOCKER_AUTH_CONFIG,
// buildx's folders for single repositories; then podman's auth.json; then what GitLab gives a job.
#pragma once

#include <stdbool.h>

struct err;

struct credentials {
	char *username, *password; // NULL: anonymous
	char *identity_token, *registry_token;
};
void credentials_release(struct credentials *c);
struct credential_need {
	const char *host;       // "docker.io", "127.0.0.1:5000"
	const char *repository; // for keys that are prefixes, of which the longest counts; or NULL
	bool push;              // not only pull
};
// Never an error when there are none. docker_config: the folder, NULL: docker's.
int credentials_find(const char *docker_config, const struct credential_need *need,
        struct credentials *ret, struct err *e);
// Stores through the helper if one is configured, else into config.json (mode 0600, replaced
// atomically). *ret_where: the file or helper, for the message. Caller frees.
int credentials_store(const char *docker_config, const char *host, const char *user,
        const char *password, char **ret_where, struct err *e);
// ERR_NOT_FOUND if there are none for the host.
int credentials_erase(const char *docker_config, const char *host, struct err *e);
