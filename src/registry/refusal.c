// SPDX-License-Identifier: Apache-2.0
// What helps when ghcr.io, Amazon ECR or Docker Hub refuse. Their own words name the rule, not what
// to do: a package that a workflow may not write, a repository that has to be made first, a login
// that has run out, a name that is somebody else's.

#include "base/event.h"
#include "base/mem.h"
#include "registry/client.h"

enum provider { PROVIDER_OTHER, PROVIDER_GHCR, PROVIDER_ECR, PROVIDER_HUB };

// The registry as it was named: hosts.toml may have moved it.
static const char *name_of(const struct endpoint *ep)
{
	const struct host *h = ep->host;
	return h->stands_for && !ep->is_mirror ? h->stands_for : h->cred_name;
}

// <account>.dkr.ecr[-fips].<region>.amazonaws.com[.cn]
static bool is_ecr(const char *name)
{
	return strstr(name, ".dkr.ecr") && strstr(name, ".amazonaws.com");
}

static enum provider provider_of(const char *name)
{
	if (strcmp(name, "ghcr.io") == 0)
		return PROVIDER_GHCR;
	if (strcmp(name, "docker.io") == 0)
		return PROVIDER_HUB;
	return is_ecr(name) ? PROVIDER_ECR : PROVIDER_OTHER;
}

static char *ghcr(const struct endpoint *ep, const struct http_response *rs)
{
	if (rs->status != 401 && rs->status != 403)
		return NULL;
	if (!ep->host->offered)
		return xstrdup("nobody is logged in: run 'hew login ghcr.io' with a token that may "
		               "read (to push: write) packages");
	if (!ep->pushes)
		return xstrdup("the package is private or not there: in a workflow the job needs "
		               "'permissions: packages: read', and the package's settings under "
		               "'Manage Actions access' must name this repository");
	return xstrdup("the token may not write this package: in a workflow the job needs "
	               "'permissions: packages: write', and the settings of a package that exists "
	               "must give this repository the role Write under 'Manage Actions access'");
}

static char *ecr(const struct endpoint *ep, const struct http_response *rs, const char *said)
{
	const char *name = name_of(ep);
	const char *region = strstr(name, ".dkr.ecr");
	region = strchr(region + 5, '.') + 1;
	int n = (int)strcspn(region, ".");
	if (rs->status == 404 && ep->pushes)
		return xasprintf("ECR makes no repository by itself, create it first: 'aws ecr "
		                 "create-repository --region %.*s --repository-name %s'",
		        n, region, ep->repository);
	bool login = rs->status == 401 || strstr(said, "expired") || strstr(said, "no basic auth");
	if (!login || rs->status == 404)
		return NULL;
	return xasprintf("a login to ECR is good for 12 hours: 'aws ecr get-login-password "
	                 "--region %.*s | hew login --username AWS --password-stdin %s'",
	        n, region, name);
}

static char *hub(const struct endpoint *ep, const struct http_response *rs)
{
	if (!ep->pushes || (rs->status != 401 && rs->status != 403))
		return NULL;
	if (str_has_prefix(ep->repository, "library/"))
		return xasprintf("names without a user are Docker's own: name the image USER/%s",
		        ep->repository + strlen("library/"));
	if (!ep->host->offered)
		return xstrdup("nobody is logged in to Docker Hub: run 'hew login'");
	pthread_mutex_lock(&ep->host->lock);
	auto_free char *user = xstrdup(ep->host->user ? ep->host->user : "this one");
	pthread_mutex_unlock(&ep->host->lock);
	return xasprintf(
	        "the user '%s' may not write there: a name on Docker Hub begins with one's "
	        "own user name or an organisation's that lets one write, and the token "
	        "must be for reading and writing",
	        user);
}

char *refusal_advice(const struct endpoint *ep, const struct http_response *rs, const char *said)
{
	switch (provider_of(name_of(ep))) {
	case PROVIDER_GHCR:
		return ghcr(ep, rs);
	case PROVIDER_ECR:
		return ecr(ep, rs, said);
	case PROVIDER_HUB:
		return hub(ep, rs);
	default:
		return NULL;
	}
}

static void put_span(struct buf *out, int64_t seconds)
{
	if (seconds >= 5400)
		buf_printf(out, "%jd h", (intmax_t)((seconds + 1800) / 3600));
	else if (seconds >= 90)
		buf_printf(out, "%jd min", (intmax_t)((seconds + 59) / 60));
	else
		buf_printf(out, "%jd s", (intmax_t)seconds);
}

char *rate_limit_text(const struct http_response *rs)
{
	struct buf out = {0};
	uintmax_t limit, window = 0;
	uint64_t reset;
	int64_t now = clock_real_ns() / 1000000000;
	const char *text = rs->ratelimit_limit;
	bool known = text && sscanf(text, "%ju;w=%ju", &limit, &window) == 2 && window < INT32_MAX;
	if (known) {
		buf_printf(&out, "; %ju are allowed in ", limit);
		put_span(&out, (int64_t)window);
	}
	if (rs->ratelimit_reset && str_to_u64(rs->ratelimit_reset, &reset) && reset < INT64_MAX) {
		// Some say when, some how long.
		int64_t left = (int64_t)reset > now / 2 ? (int64_t)reset - now : (int64_t)reset;
		buf_puts(&out, "; again in ");
		put_span(&out, left > 0 ? left : 0);
	} else if (known) {
		buf_puts(&out, "; again in ");
		put_span(&out, (int64_t)window);
		buf_puts(&out, " at the latest");
	}
	return buf_steal(&out);
}
