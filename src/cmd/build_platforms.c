// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_platforms.h"

#include "base/err.h"
#include "base/mem.h"
#include "exec/build.h"

#define PLATFORMS_MAX 64

int build_take_platforms(const struct strv *words, struct build_request *r, struct err *e)
{
	auto_strv struct strv list = {0};
	struct platform p = platform_host();
	const char *usual = getenv("DOCKER_DEFAULT_PLATFORM");
	for (size_t i = 0; i < words->n; i++)
		strv_split(&list, words->v[i], ',');
	if (!list.n && usual && *usual)
		strv_split(&list, usual, ',');
	if (list.n > PLATFORMS_MAX)
		return err_set(e, ERR_USAGE, "more than %d platforms are asked for", PLATFORMS_MAX);
	r->platform_given = list.n > 0;
	if (!list.n)
		build_request_add_platform(r, &p);
	for (size_t i = 0; i < list.n; i++) {
		if (platform_parse(list.v[i], &p, e))
			return -1;
		build_request_add_platform(r, &p);
	}
	return 0;
}
