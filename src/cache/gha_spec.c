// SPDX-License-Identifier: Apache-2.0
// Where the cache of GitHub Actions is, as buildx finds it: attributes, then the environment.
#include "base/err.h"
#include "base/mem.h"
#include "cache/cache-int.h"
#include "registry/retry.h"
#include <string.h>

#define TIMEOUT_MS (INT64_C(10) * 60 * 1000)
#define SCOPE_MAX 200 // a key has 512 bytes
#define V2_HOST "results-receiver.actions.githubusercontent.com"

void cache_service_release(struct cache_service *s)
{
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->name);
	free(s->url);
	free(s->token);
	free(s->scope);
	*s = (struct cache_service){0};
}

static const char *value_of(const struct strv *values, const char *key, const char *variable)
{
	const char *v = strv_env_get(values, key);
	if (!v || !*v)
		v = variable ? getenv(variable) : NULL;
	return v && *v ? v : NULL;
}

static int take_version(const struct strv *values, int *ret, struct err *e)
{
	const char *v = value_of(values, "version", NULL);
	const char *env = getenv("ACTIONS_CACHE_SERVICE_V2");
	bool on = false;
	struct err ignored = ERR_INIT;
	if (v && strcmp(v, "1") != 0 && strcmp(v, "2") != 0)
		return err_set(e, ERR_USAGE, "cache: version=%s: 1 or 2 is expected", v);
	if (!v && env && *env)
		output_take_bool("ACTIONS_CACHE_SERVICE_V2", env, &on, &ignored);
	*ret = v ? *v - '0' : on ? 2 : 0;
	return 0;
}

static int take_timeout(const struct strv *values, int64_t *ret_ns, struct err *e)
{
	const char *v = value_of(values, "timeout", NULL);
	int64_t ms = v ? retry_after_ms(v, 0) : TIMEOUT_MS;
	if (ms <= 0 || ms > INT64_C(24) * 3600 * 1000)
		return err_set(
		        e, ERR_USAGE, "cache: timeout=%s: a time like 10m or 90s is expected", v);
	*ret_ns = ms * 1000000;
	return 0;
}

static int take_scope(const struct strv *values, struct cache_service *s, struct err *e)
{
	const char *v = value_of(values, "scope", NULL);
	if (v && (strlen(v) > SCOPE_MAX || strpbrk(v, ",#\n\r")))
		return err_set(e, ERR_USAGE,
		        "cache: scope: at most %d bytes without commas, '#' and line breaks",
		        SCOPE_MAX);
	s->scope = xstrdup_null(v);
	s->name = v ? xasprintf("gha (scope %s)", v) : xstrdup("gha");
	return 0;
}

int cache_service_settle(struct cache_service *s, const struct strv *values, struct err *e)
{
	int version;
	if (take_version(values, &version, e) || take_timeout(values, &s->timeout_ns, e) ||
	        take_scope(values, s, e))
		return -1;
	const char *token = value_of(values, "token", "ACTIONS_RUNTIME_TOKEN");
	const char *v2 = value_of(values, "url_v2", version == 2 ? "ACTIONS_RESULTS_URL" : NULL);
	const char *url = value_of(values, "url", "ACTIONS_CACHE_URL");
	if (!url)
		url = value_of(values, "url", "ACTIONS_RESULTS_URL");
	s->v2 = (v2 && version != 1) || (url && strstr(url, V2_HOST));
	if (s->v2 && v2)
		url = v2;
	if (!token || !url)
		return err_set(e, ERR_UNSUPPORTED,
		        "cache type=gha has no credentials: %s is not set. Only actions get the "
		        "runtime's token, a `run:` step does not: build by "
		        "docker/build-push-action, "
		        "or hand ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL on, as "
		        "crazy-max/ghaction-github-runtime does",
		        token ? "ACTIONS_RESULTS_URL" : "ACTIONS_RUNTIME_TOKEN");
	s->url = xstrdup(url);
	s->token = xstrdup(token);
	return 0;
}
