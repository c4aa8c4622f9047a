// SPDX-License-Identifier: Apache-2.0
// The words for places. As with skopeo the first colon ends a path: what comes after it may hold
// more of them.
#include "output/place.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <string.h>

static const struct {
	const char *prefix;
	enum place_kind kind;
} kinds[] = {
        {"docker://", PLACE_REGISTRY},
        {"oci:", PLACE_OCI},
        {"oci-archive:", PLACE_OCI_ARCHIVE},
        {"docker-archive:", PLACE_DOCKER_ARCHIVE},
        {"store:", PLACE_STORE},
};

void place_release(struct place *p)
{
	free(p->text);
	free(p->path);
	free(p->name);
	reference_release(&p->ref);
	*p = (struct place){0};
}

static int take_reference(struct place *p, const char *name, struct err *e)
{
	if (reference_parse(name, &p->ref, e))
		return -1;
	p->has_ref = true;
	return 0;
}

static int take_path(struct place *p, const char *rest, struct err *e)
{
	size_t n = strcspn(rest, ":");
	if (n == 0)
		return err_set(e, ERR_USAGE, "a path is missing");
	p->path = xstrndup(rest, n);
	if (!rest[n])
		return 0;
	if (!rest[n + 1])
		return err_set(e, ERR_USAGE, "a name is missing after the last ':'");
	if (p->kind == PLACE_DOCKER_ARCHIVE)
		return take_reference(p, rest + n + 1, e);
	p->name = xstrdup(rest + n + 1);
	return 0;
}

// An id or a part of one is a name there, too.
static int take_stored(struct place *p, const char *rest, struct err *e)
{
	struct err ignored = ERR_INIT;
	if (!*rest)
		return err_set(e, ERR_USAGE, "a name is missing");
	p->name = xstrdup(rest);
	(void)take_reference(p, rest, &ignored);
	return 0;
}

static int take(struct place *p, const char *rest, struct err *e)
{
	if (p->kind == PLACE_REGISTRY)
		return take_reference(p, rest, e);
	return p->kind == PLACE_STORE ? take_stored(p, rest, e) : take_path(p, rest, e);
}

bool place_is_said(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_has_prefix(text, kinds[i].prefix))
			return true;
	return false;
}

int place_parse(const char *text, struct place *ret, struct err *e)
{
	struct place p = {.kind = PLACE_REGISTRY, .text = xstrdup(text)};
	const char *rest = text;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && rest == text; i++)
		if (str_has_prefix(text, kinds[i].prefix)) {
			p.kind = kinds[i].kind;
			rest += strlen(kinds[i].prefix);
		}
	if (take(&p, rest, e) == 0) {
		*ret = p;
		return 0;
	}
	place_release(&p);
	return err_wrap(e, "'%s'", text);
}
