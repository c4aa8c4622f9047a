// SPDX-License-Identifier: Apache-2.0
// hew logout: forgets what login kept. That there was nothing is no failure, as with docker.
#include "base/err.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "registry/credentials.h"
#include <stdio.h>

static const struct option options[] = {OPTION_END};

static int run(void *opts, const struct strv *args, struct err *e)
{
	(void)opts;
	if (need_args(args, 0, 1, "logout [REGISTRY]", e))
		return -1;
	const char *host = args->n ? args->v[0] : "docker.io";
	if (credentials_erase(NULL, host, e) == 0) {
		printf("Removing login credentials for %s\n", host);
		return 0;
	}
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	printf("Not logged in to %s\n", host);
	return 0;
}

const struct command cmd_logout = {
        .name = "logout",
        .args = "[REGISTRY]",
        .summary = "Remove the credentials for a registry",
        .options = options,
        .run = run,
};
