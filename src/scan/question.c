// SPDX-License-Identifier: Apache-2.0
// Packages in the order in which the database is asked: once for each name in a place.
#include "scan/scan-int.h"

#include <string.h>

void questions_release(struct questions *q)
{
	free(q->v);
	arena_release(&q->arena);
	*q = (struct questions){0};
}

static int is_main(const struct question *q)
{
	return q->found->package->flags & PACKAGE_MAIN;
}

bool question_is_same(const struct question *a, const struct question *b)
{
	return !strcmp(a->version, b->version) && is_main(a) == is_main(b) &&
	       a->no_epoch == b->no_epoch;
}

static int by_name(const void *pa, const void *pb)
{
	const struct question *a = pa, *b = pb;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	int order = strcmp(a->key, b->key);
	if (!order)
		order = strcmp(a->version, b->version);
	if (!order)
		order = is_main(a) - is_main(b);
	if (!order)
		order = a->no_epoch - b->no_epoch;
	if (!order)
		order = (a->found > b->found) - (a->found < b->found);
	return order;
}

// Spellings of a name that are the same to its ecosystem are asked for once.
static const char *plain_name(struct questions *q, const struct place *place, const char *name)
{
	if (strcmp(place->eco.name, "PyPI") != 0)
		return name;
	auto_buf struct buf b = {0};
	package_name(place->eco.name, name, &b);
	return strcmp(buf_cstr(&b), name) != 0 ? arena_strdup(&q->arena, buf_cstr(&b)) : name;
}

static const char *key_of(struct questions *q, const struct package *p, const char *name)
{
	auto_buf struct buf b = {0};
	if (p->type != PACKAGE_RPM || !p->module)
		return name;
	package_module_name(p->module, name, &b);
	return arena_strdup(&q->arena, buf_cstr(&b));
}

static struct question question_of(struct questions *q, const struct found_package *f)
{
	const struct package *p = f->package;
	const struct place *place = &q->places[p->type];
	bool source = place->distribution && !place->binary;
	const char *name = source && p->source ? p->source : plain_name(q, place, p->name);
	q->unclear += p->type == PACKAGE_RPM && !p->module && version_is_modular(p->version);
	return (struct question){
	        .found = f,
	        .place = p->type,
	        .name = name,
	        .key = key_of(q, p, name),
	        .version = source && p->source_version ? p->source_version : p->version,
	        .no_epoch = source && p->type == PACKAGE_RPM && p->source_version &&
	                    !strchr(p->source_version, ':'),
	};
}

void questions_make(const struct package_list *l, struct questions *ret)
{
	*ret = (struct questions){.v = xcalloc(l->n + 1, sizeof(*ret->v))};
	for (enum package_type t = PACKAGE_DEB; t <= PACKAGE_MAVEN; t++)
		ret->known[t] = place_of(t, &l->release, &ret->places[t]);
	for (size_t i = 0; i < l->n; i++) {
		enum package_type t = l->v[i].package->type;
		ret->count[t]++;
		if (ret->known[t])
			ret->v[ret->n++] = question_of(ret, &l->v[i]);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
}

size_t questions_alike(const struct questions *q, size_t i)
{
	size_t n = 1;
	while (i + n < q->n && q->v[i + n].place == q->v[i].place &&
	        !strcmp(q->v[i + n].key, q->v[i].key))
		n++;
	return n;
}
