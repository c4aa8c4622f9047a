// SPDX-License-Identifier: Apache-2.0
// What is needed to make a program, and not to run it: packages that npm's lock file calls dev, and
// compilers.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "layer/view.h"
#include "lint/leftovers.h"
#include "size/owners.h"
#include "size/waste-int.h"
#include <string.h>

// Entries that are looked at for one lock file: it may name folders within each other as often as
// it likes.
#define CLAIMS_MAX ((size_t)16 << 20)

static bool claim(struct search *s, size_t layer, size_t record, struct waste_finding *f)
{
	struct entry en;
	if (s->claimed[layer][record] || !weight_seen(s->w, layer, record, &en))
		return false;
	s->claimed[layer][record] = 1;
	f->bytes += en.size;
	f->files++;
	return true;
}

// ---- npm

static void claim_below(struct search *s, const char *dir, struct waste_finding *f, size_t *left)
{
	for (size_t l = 0; l < s->w->n; l++) {
		size_t i, end;
		layer_index_range(s->w->layers[l].from.index, dir, &i, &end);
		for (; i < end && *left; i++, --*left)
			if (claim(s, l, i, f))
				f->layer = f->by = l;
	}
}

// lock: of lockfileVersion 2 or 3, whose members are folders relative to root.
static void take_lock(struct search *s, const char *root, const struct jn *lock)
{
	const struct jn *packages = jn_get(lock, "packages"), *p;
	const char *key;
	auto_free char *title =
	        root[0] ? xasprintf("%s/node_modules", root) : xstrdup("node_modules");
	struct waste_finding sum = {0};
	size_t left = CLAIMS_MAX;
	for (size_t i = 0; jn_member(packages, i, &key, &p); i++) {
		if (!str_has_prefix(key, "node_modules/") || fs_path_climbs(key) ||
		        !(jn_bool(jn_get(p, "dev"), false)))
			continue;
		auto_free char *joined = xasprintf("%s/%s", root, key);
		auto_free char *dir = fs_clean_rel(joined);
		claim_below(s, dir, &sum, &left);
	}
	if (!sum.files)
		return;
	struct waste_finding *f = waste_add(
	        s->list, WASTE_DEVELOPMENT, arena_strdup(&s->list->arena, title), sum.layer);
	f->folder = true;
	f->bytes = sum.bytes;
	f->files = sum.files;
	f->advice = "npm ci --omit=dev, or npm prune --omit=dev before COPY --from takes it";
}

static int read_lock(struct search *s, struct view *v, const char *root, const char *name)
{
	auto_free char *path = root[0] ? xasprintf("%s/%s", root, name) : xstrdup(name);
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	if (view_read_file(v, path, JSON_MAX, &text, &ignored) != 1)
		return 0;
	auto_jdoc struct jdoc *doc = jdoc_parse(text.p, text.n, &ignored);
	if (doc)
		take_lock(s, root, jdoc_root(doc));
	return doc != NULL;
}

// The folders in which npm installed something: those that have a node_modules.
static void find_projects(const struct owners *o, struct strv *ret)
{
	auto_map struct map seen = {0};
	for (size_t i = 0; i < o->n; i++) {
		const char *p = o->v[i].package->type == PACKAGE_NPM
		                        ? strstr(o->v[i].path, "node_modules/")
		                        : NULL;
		if (!p || (p > o->v[i].path && p[-1] != '/'))
			continue;
		size_t n = (size_t)(p - o->v[i].path);
		auto_free char *root = xstrndup(o->v[i].path, n ? n - 1 : 0);
		if (map_has(&seen, root))
			continue;
		map_set(&seen, root, &seen);
		strv_add(ret, root);
	}
}

// ---- compilers

static bool is_build_tool(const struct package *p)
{
	return (p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM) &&
	       package_is_build_tool(p->name);
}

static void find_tools(struct search *s, const struct owners *o)
{
	auto_free struct waste_finding *of = xcalloc(o->n + 1, sizeof(*of));
	for (size_t l = 0; l < s->w->n; l++)
		for (size_t i = 0; i < layer_index_count(s->w->layers[l].from.index); i++) {
			uint32_t k = o->of[l][i];
			if (k && is_build_tool(o->v[k - 1].package) && claim(s, l, i, &of[k - 1]))
				of[k - 1].layer = l;
		}
	for (size_t k = 0; k < o->n; k++) {
		if (!of[k].bytes)
			continue;
		struct waste_finding *f =
		        waste_add(s->list, WASTE_DEVELOPMENT, o->v[k].path, of[k].layer);
		f->package = o->v[k].package->name;
		f->bytes = of[k].bytes;
		f->files = of[k].files;
		f->advice = "build in a stage of its own, and COPY --from what it makes";
	}
}

void search_development(struct search *s, struct view *v, const struct owners *owners)
{
	auto_strv struct strv projects = {0};
	find_projects(owners, &projects);
	for (size_t i = 0; i < projects.n; i++)
		if (!read_lock(s, v, projects.v[i], "node_modules/.package-lock.json"))
			read_lock(s, v, projects.v[i], "package-lock.json");
	find_tools(s, owners);
}
