// SPDX-License-Identifier: Apache-2.0
// Files that are known by where they lie.
#include "base/buf.h"
#include "base/fs.h"
#include "base/map.h"
#include "lint/leftovers.h"
#include "size/waste-int.h"
#include <stdio.h>
#include <string.h>

struct place {
	const char *path;
	enum waste_kind kind;
};

static const struct place places[] = {
        {"usr/lib/debug", WASTE_DEBUG},
        {"usr/share/doc", WASTE_DOCUMENTATION},
        {"usr/share/doc-base", WASTE_DOCUMENTATION},
        {"usr/share/gtk-doc", WASTE_DOCUMENTATION},
        {"usr/share/info", WASTE_DOCUMENTATION},
        {"usr/share/man", WASTE_DOCUMENTATION},
        {"usr/local/man", WASTE_DOCUMENTATION},
        {"usr/local/share/doc", WASTE_DOCUMENTATION},
        {"usr/local/share/man", WASTE_DOCUMENTATION},
        {"usr/share/i18n", WASTE_LOCALE},
        {"usr/share/locale", WASTE_LOCALE},
        {"usr/lib/locale", WASTE_LOCALE},
};
// Folders that are what they are wherever they lie.
static const struct place names[] = {
        {".debug", WASTE_DEBUG},
        {".git", WASTE_HISTORY},
        {".hg", WASTE_HISTORY},
        {".svn", WASTE_HISTORY},
};

static const char *advice_of(enum waste_kind kind)
{
	switch (kind) {
	case WASTE_DEBUG:
		return "strip programs in the stage that builds them, and leave out -dbg packages";
	case WASTE_DOCUMENTATION:
		return "have the package manager leave it out (dpkg: path-exclude, dnf: "
		       "--nodocs), or COPY --from a stage only what runs";
	case WASTE_LOCALE:
		return "leave out languages that nobody reads (dpkg: path-exclude "
		       "/usr/share/locale/*, locale-gen only what is needed)";
	case WASTE_HISTORY:
		return "list it in .dockerignore; what has to know the commit gets it by "
		       "--build-arg";
	default:
		return NULL;
	}
}

struct spot {
	size_t len; // of the path that it is about
	enum waste_kind kind;
	const char *advice;
};

// "root/.npm" is also home/anybody/.npm. The length of what matches, or 0.
static size_t leftover_len(const char *path, const char *of)
{
	size_t n = strlen(of);
	if (path[0] == of[0] && !strncmp(path, of, n) && path[n] == '/')
		return n;
	if (strncmp(of, "root/", 5) != 0 || strncmp(path, "home/", 5) != 0)
		return 0;
	const char *rest = strchr(path + 5, '/');
	if (!rest || strncmp(rest + 1, of + 5, n - 5) != 0 || rest[1 + n - 5] != '/')
		return 0;
	return (size_t)(rest - path) + 1 + n - 5;
}

static bool find_leftover(const char *path, struct spot *ret)
{
	const struct leftover *l;
	if (!strchr("vrhgutoe", path[0])) // no path of the table begins otherwise: most end here
		return false;
	for (size_t i = 0; (l = leftover_at(i)); i++)
		for (size_t k = 0; k < LEFTOVER_PATHS && l->paths[k]; k++) {
			size_t len = leftover_len(path, l->paths[k]);
			if (!len)
				continue;
			*ret = (struct spot){len, WASTE_LEFTOVER, l->advice};
			return true;
		}
	return false;
}

static bool find_name(const char *path, struct spot *ret)
{
	for (const char *p = strstr(path, "."); p; p = strchr(p + 1, '.')) {
		if (p > path && p[-1] != '/')
			continue;
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			size_t n = strlen(names[i].path);
			if (strncmp(p, names[i].path, n) != 0 || p[n] != '/')
				continue;
			*ret = (struct spot){
			        (size_t)(p - path) + n, names[i].kind, advice_of(names[i].kind)};
			return true;
		}
	}
	return false;
}

static bool find_place(const char *path, struct spot *ret)
{
	for (size_t i = 0; path[0] == 'u' && i < ARRAY_LEN(places); i++) {
		size_t n = strlen(places[i].path);
		if (strncmp(path, places[i].path, n) != 0 || path[n] != '/')
			continue;
		*ret = (struct spot){n, places[i].kind, advice_of(places[i].kind)};
		return true;
	}
	return find_leftover(path, ret) || find_name(path, ret);
}

// The findings of one layer, by their paths.
static struct waste_finding *finding_at(
        struct search *s, struct map *known, const char *path, const struct spot *at, size_t layer)
{
	auto_free char *key = xstrndup(path, at->len);
	void *slot = map_get(known, key);
	if (slot)
		return &s->list->v[(size_t)(uintptr_t)slot - 1];
	struct waste_finding *f =
	        waste_add(s->list, at->kind, arena_strdup(&s->list->arena, key), layer);
	f->folder = true;
	f->advice = at->advice;
	map_set(known, key, (void *)(uintptr_t)s->list->n);
	return f;
}

static void search_layer(struct search *s, size_t layer)
{
	const struct layer_index *ix = s->w->layers[layer].from.index;
	auto_map struct map known = {0};
	struct entry en;
	struct spot at;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		if (!weight_seen(s->w, layer, i, &en) || !en.size || !find_place(en.path, &at))
			continue;
		struct waste_finding *f = finding_at(s, &known, en.path, &at, layer);
		f->bytes += en.size;
		f->files++;
		s->claimed[layer][i] = 1;
	}
}

void search_places(struct search *s)
{
	for (size_t l = 0; l < s->w->n; l++)
		search_layer(s, l);
}
