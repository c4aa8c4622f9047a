// SPDX-License-Identifier: Apache-2.0
#include "registry/origin.h"

#include "registry/client.h"

void registry_add_origin(struct registry *r, struct blob_origin *o)
{
	pthread_mutex_lock(&r->lock);
	struct blob_origin **last = &r->origins;
	while (*last)
		last = &(*last)->next;
	*last = o;
	pthread_mutex_unlock(&r->lock);
}

struct blob_origin *registry_origin(
        struct registry *r, const char *scheme, const struct blob_origin *after)
{
	size_t n = strcspn(scheme, ":");
	pthread_mutex_lock(&r->lock);
	struct blob_origin *o = after ? after->next : r->origins;
	while (o && (strncmp(o->scheme, scheme, n) != 0 || o->scheme[n]))
		o = o->next;
	pthread_mutex_unlock(&r->lock);
	return o;
}

bool source_is_origin(const char *source)
{
	return strchr(source, ':') && !strchr(source, '/');
}

void origins_free(struct registry *r)
{
	for (struct blob_origin *next; r->origins; r->origins = next) {
		next = r->origins->next;
		r->origins->free(r->origins);
	}
}

struct http *registry_http(struct registry *r)
{
	return r->http;
}
