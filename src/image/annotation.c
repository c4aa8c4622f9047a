// SPDX-License-Identifier: Apache-2.0
#include "image/annotation.h"

#include "base/err.h"
#include "base/mem.h"
#include <string.h>

#define PREFIX "annotation"

static const char *const levels[] = {
        [ANNOTATE_MANIFEST] = "manifest",
        [ANNOTATE_INDEX] = "index",
        [ANNOTATE_MANIFEST_DESCRIPTOR] = "manifest-descriptor",
        [ANNOTATE_INDEX_DESCRIPTOR] = "index-descriptor",
};

void annotation_list_release(struct annotation_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	*l = (struct annotation_list){0};
}

static bool same_place(const struct annotation *a, const struct annotation *b)
{
	return a->level == b->level && a->has_platform == b->has_platform &&
	       (!a->has_platform || platform_eq(&a->platform, &b->platform));
}

void annotation_list_set(
        struct annotation_list *l, const struct annotation *a, const char *key, const char *value)
{
	size_t n = strlen(key), i = 0;
	while (i < l->n && !(same_place(&l->v[i], a) && !strncmp(l->v[i].text, key, n) &&
	                           l->v[i].text[n] == '='))
		i++;
	if (i == l->n) {
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = *a;
	} else {
		free(l->v[i].text);
	}
	l->v[i].text = xasprintf("%s=%s", key, value);
}

// The n bytes of a level's name and, in brackets, a platform.
static int parse_place(const char *p, size_t n, struct annotation *ret)
{
	struct err ignored = ERR_INIT;
	const char *open = memchr(p, '[', n);
	size_t name = open ? (size_t)(open - p) : n, i = 0;
	while (i < ARRAY_LEN(levels) &&
	        (strlen(levels[i]) != name || strncmp(levels[i], p, name) != 0))
		i++;
	if (i == ARRAY_LEN(levels))
		return -1;
	*ret = (struct annotation){.level = (enum annotation_level)i, .has_platform = open};
	if (!open)
		return 0;
	if (n < name + 2 || p[n - 1] != ']')
		return -1;
	auto_free char *platform = xstrndup(open + 1, n - name - 2);
	return platform_parse(platform, &ret->platform, &ignored);
}

int annotation_parse_level(const char *word, struct annotation *ret)
{
	return parse_place(word, strlen(word), ret);
}

const char *annotation_parse_key(const char *text, struct annotation *ret, struct err *e)
{
	const char *at = text + strlen(PREFIX);
	const char *dot = strchr(at, '.');
	auto_free char *place = NULL;
	if (dot)
		place = xasprintf("%s%.*s", *at == '-' ? "" : levels[ANNOTATE_MANIFEST],
		        (int)(dot - at) - (*at == '-'), at + (*at == '-'));
	if (!place || annotation_parse_level(place, ret)) {
		err_set(e, ERR_USAGE,
		        "output: %s: annotation[-LEVEL][[PLATFORM]].KEY is expected, where LEVEL "
		        "is manifest, manifest-descriptor, index or index-descriptor",
		        text);
		return NULL;
	}
	if (dot[1])
		return dot + 1;
	err_set(e, ERR_USAGE, "output: %s: the annotation has no name", text);
	return NULL;
}

bool annotation_list_has(const struct annotation_list *l, enum annotation_level level)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].level == level)
			return true;
	return false;
}

static bool set(struct strv *to, const char *text)
{
	const char *eq = strchr(text, '=');
	auto_free char *key = xstrndup(text, (size_t)(eq - text));
	const char *was = strv_env_get(to, key);
	if (was && !strcmp(was, eq + 1))
		return false;
	strv_env_set(to, key, eq + 1);
	return true;
}

bool annotation_list_apply(const struct annotation_list *l, enum annotation_level level,
        const struct platform *p, struct strv *to)
{
	bool changed = false;
	for (int own = 0; own <= (p ? 1 : 0); own++)
		for (size_t i = 0; i < l->n; i++) {
			const struct annotation *a = &l->v[i];
			if (a->level == level && a->has_platform == own &&
			        (!own || platform_eq(&a->platform, p)))
				changed |= set(to, a->text);
		}
	return changed;
}
