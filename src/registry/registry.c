// SPDX-License-Identifier: Apache-2.0
// The client object: configuration, known hosts, and what all operations share (progress, parallel
// work, login). Making one touches neither the network nor libcurl.

#include "registry/registry.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/pool.h"
#include "registry/client.h"
#include "registry/credentials-int.h"

#define PARALLEL_DEFAULT 6
#define PARALLEL_MAX 64
#define PROGRESS_NS 100000000
#define STALL_DEFAULT 60
#define STALL_MAX 86400

static int stall_seconds(long *ret, struct err *e)
{
	const char *text = getenv("HEW_HTTP_TIMEOUT");
	uint64_t seconds = STALL_DEFAULT;
	if (text && *text && (!str_to_u64(text, &seconds) || seconds < 1 || seconds > STALL_MAX))
		return err_set(e, ERR_USAGE,
		        "HEW_HTTP_TIMEOUT is '%s': a number of seconds from 1 to %d is expected",
		        text, STALL_MAX);
	*ret = (long)seconds;
	return 0;
}

struct registry *registry_new(struct store *s, const struct registry_options *o, struct err *e)
{
	struct registries_conf conf = {0};
	long stall;
	if (stall_seconds(&stall, e) < 0 || registries_conf_load(o->registries_conf, &conf, e) < 0)
		return NULL;
	struct registry *r = xcalloc(1, sizeof(*r));
	r->store = s;
	r->sink = o->sink;
	r->docker_config = o->docker_config ? xstrdup(o->docker_config) : NULL;
	r->insecure = o->insecure;
	r->parallel = o->parallel > 0 ? o->parallel : PARALLEL_DEFAULT;
	if (r->parallel > PARALLEL_MAX)
		r->parallel = PARALLEL_MAX;
	r->conf = conf;
	r->http = http_new(stall);
	pthread_mutex_init(&r->lock, NULL);
	slots_init(&r->ranges);
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (struct host *next; r->hosts; r->hosts = next) {
		next = r->hosts->next;
		host_free(r->hosts);
	}
	hosts_entries_free(r->hosts_tomls);
	origins_free(r);
	http_free(r->http);
	registries_conf_release(&r->conf);
	strv_release(&r->trusted);
	pthread_mutex_destroy(&r->lock);
	map_release(&r->wrong);
	slots_release(&r->ranges);
	free(r->docker_config);
	free(r);
}

void registry_trust(struct registry *r, const char *domain)
{
	if (!strv_has(&r->trusted, domain))
		strv_add(&r->trusted, domain);
}

void resolved_image_release(struct resolved_image *res)
{
	descriptor_release(&res->root);
	descriptor_release(&res->manifest);
	*res = (struct resolved_image){0};
}

void progress_init(struct progress *p, struct registry *r, int step, const struct descriptor *d,
        const char *what)
{
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	*p = (struct progress){.sink = r->sink, .step = step, .total = d->size};
	snprintf(p->text, sizeof(p->text), "%s %s", digest, what);
}

void progress_tick(struct progress *p, uint64_t current)
{
	int64_t now = clock_ns();
	bool at_end = p->total > 0 && current >= p->total;
	if (!p->sink || (!at_end && now - p->last_ns < PROGRESS_NS))
		return;
	p->last_ns = now;
	event_emit(p->sink, &(struct event){.kind = EVENT_PROGRESS,
	                            .step = p->step,
	                            .text = p->text,
	                            .len = strlen(p->text),
	                            .current = current,
	                            .total = p->total});
}

int repository_split(const char *name, char **ret_domain, char **ret_repository, struct err *e)
{
	const char *slash = strchr(name, '/');
	if (!slash || slash == name || !slash[1])
		return err_set(e, ERR_CORRUPT, "'%s' is not a repository", name);
	*ret_domain = xstrndup(name, (size_t)(slash - name));
	*ret_repository = xstrdup(slash + 1);
	return 0;
}

int parallel_run(struct registry *r, const struct parallel_work *w, struct err *e)
{
	return pool_run_each(
	        &(struct pool_each){
	                .n = w->n, .threads = (size_t)r->parallel, .arg = w->arg, .fn = w->fn},
	        e);
}

int registry_check_login(
        struct registry *r, const char *host, const char *user, const char *password, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_free char *name = xstrdup(user), *secret = xstrdup(password);
	auto_free char *domain = credential_host(host);
	const struct credentials given = {.username = name, .password = secret};
	struct host *own = host_copy(host_of_name(r, domain));
	own->fixed = &given;
	struct endpoint ep = {.host = own};
	struct api_call call = {.ep = &ep, .rq = {.method = "GET"}, .ping = ""};
	int rc = api_perform(r, &call, &rs, e);
	if (rc == 0 && rs.status == 401)
		rc = err_set(e, ERR_AUTH, "'%s' refuses the user name or password", own->cred_name);
	else if (rc == 0 && rs.status != 200)
		rc = api_refused(&ep, &rs, "the registry", e);
	api_call_release(&call);
	host_free(own);
	explicit_bzero(secret, strlen(secret));
	return rc;
}
