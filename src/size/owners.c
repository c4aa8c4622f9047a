// SPDX-License-Identifier: Apache-2.0
#include "size/owners.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/map.h"
#include "layer/view.h"
#include "size/size-int.h"
#include <stdio.h>
#include <string.h>

#define LIST_MAX (16u << 20) // bytes of one package's list of files
#define APK_MAX (64u << 20)
#define LISTS_BYTES_MAX (256u << 20) // of all together
#define FOLDERS_MAX \
	((size_t)64 << 20) // entries in packages' folders, which may lie within each other

struct finding_owners {
	const struct weight *w;
	struct view *view;
	struct owners *o;
	size_t read;   // bytes of lists
	size_t walked; // entries in folders
};

// The entry that can be seen at a path, if it has one.
static bool find_seen(const struct weight *w, const char *path, size_t *ret_layer, size_t *ret_i)
{
	struct entry en;
	for (size_t l = w->n; l-- > 0;) {
		size_t i, end;
		layer_index_range(w->layers[l].from.index, path, &i, &end);
		if (i == end)
			continue;
		layer_index_at(w->layers[l].from.index, i, &en);
		if (strcmp(en.path, path) != 0)
			continue;
		*ret_layer = l;
		*ret_i = i;
		return en.type != ENTRY_WHITEOUT && weight_fate(w, l, i).kind == FATE_STAYS;
	}
	return false;
}

static void own_record(struct finding_owners *f, size_t owner, size_t layer, size_t record)
{
	uint32_t *of = &f->o->of[layer][record];
	if (!*of)
		*of = (uint32_t)owner + 1;
}

// As a list says it: with or without the slash; folders above may be links (usrmerge).
static void own_path(struct finding_owners *f, size_t owner, const char *listed)
{
	struct err ignored = ERR_INIT;
	size_t layer, record;
	auto_free char *clean = fs_clean_rel(listed);
	if (find_seen(f->w, clean, &layer, &record)) {
		own_record(f, owner, layer, record);
		return;
	}
	char *real = NULL;
	if (view_resolve(f->view, clean, VIEW_NOFOLLOW_LAST, &real, NULL, &ignored) == 1 &&
	        strcmp(real, clean) != 0 && find_seen(f->w, real, &layer, &record))
		own_record(f, owner, layer, record);
	free(real);
}

// ---- lists. What cannot be read owns nothing.

static bool read_list(struct finding_owners *f, const char *path, size_t max, struct buf *ret)
{
	struct err ignored = ERR_INIT;
	if (f->read > LISTS_BYTES_MAX || view_read_file(f->view, path, max, ret, &ignored) != 1)
		return false;
	f->read += ret->n;
	return true;
}

// Calls fn for each line, without its end; the text is changed.
static void each_line(struct buf *text, void (*fn)(void *arg, char *line), void *arg)
{
	char *line = text->n ? text->p : NULL;
	while (line && line < text->p + text->n) {
		char *end = memchr(line, '\n', text->n - (size_t)(line - text->p));
		if (end)
			*end = '\0';
		fn(arg, line);
		line = end ? end + 1 : NULL;
	}
}

struct list {
	struct finding_owners *f;
	size_t owner;
	const char *dir; // that paths are relative to
};

static void own_line(void *arg, char *line)
{
	struct list *l = arg;
	if (line[0] == '/' && line[1])
		own_path(l->f, l->owner, line);
}

// "0123456789abcdef0123456789abcdef  usr/bin/x"
static void own_sum(void *arg, char *line)
{
	struct list *l = arg;
	char *path = strstr(line, "  ");
	if (path && path[2])
		own_path(l->f, l->owner, path + 2);
}

static void own_dpkg(struct finding_owners *f, size_t owner)
{
	const struct package *p = f->o->v[owner].package;
	struct list l = {.f = f, .owner = owner};
	auto_buf struct buf text = {0};
	auto_free char *plain = xasprintf("var/lib/dpkg/info/%s.list", p->name);
	auto_free char *of_arch =
	        xasprintf("var/lib/dpkg/info/%s:%s.list", p->name, p->arch ? p->arch : "");
	auto_free char *sums = xasprintf("var/lib/dpkg/status.d/%s.md5sums", p->name);
	if (strchr(p->name, '/'))
		return;
	if (read_list(f, plain, LIST_MAX, &text) || read_list(f, of_arch, LIST_MAX, &text))
		each_line(&text, own_line, &l);
	else if (read_list(f, sums, LIST_MAX, &text))
		each_line(&text, own_sum, &l);
}

// "bin/x,sha256=...,123", relative to the folder that holds the .dist-info. Quotes: not ours.
static void own_record_line(void *arg, char *line)
{
	struct list *l = arg;
	char *comma = strchr(line, ',');
	if (!comma || line[0] == '"')
		return;
	*comma = '\0';
	auto_free char *path = line[0] == '/' ? xstrdup(line) : xasprintf("/%s/%s", l->dir, line);
	own_path(l->f, l->owner, path);
}

static void own_python(struct finding_owners *f, size_t owner)
{
	const char *path = f->o->v[owner].path;
	const char *slash = strrchr(path, '/');
	auto_buf struct buf text = {0};
	if (!slash || !strstr(path, ".dist-info/"))
		return;
	auto_free char *info = xstrndup(path, (size_t)(slash - path));
	auto_free char *record = xasprintf("%s/RECORD", info);
	char *up = strrchr(info, '/');
	if (up)
		*up = '\0';
	struct list l = {.f = f, .owner = owner, .dir = up ? info : ""};
	if (read_list(f, record, LIST_MAX, &text))
		each_line(&text, own_record_line, &l);
}

// ---- apk: all packages in one file

struct apk_list {
	struct finding_owners *f;
	const struct map *names; // of apk's packages: place in v + 1
	size_t owner;            // + 1; 0: none
	struct buf dir;
};

static void own_apk_line(void *arg, char *line)
{
	struct apk_list *l = arg;
	if (!line[0])
		l->owner = 0;
	if (!line[0] || line[1] != ':')
		return;
	if (line[0] == 'P')
		l->owner = (size_t)(uintptr_t)map_get(l->names, line + 2);
	if (line[0] == 'F') {
		buf_reset(&l->dir);
		buf_puts(&l->dir, line + 2);
	}
	if (line[0] == 'R' && l->owner) {
		auto_free char *path = xasprintf("/%s/%s", buf_cstr(&l->dir), line + 2);
		own_path(l->f, l->owner - 1, path);
	}
}

static void own_apk(struct finding_owners *f)
{
	static const char *const paths[] = {"lib/apk/db/installed", "usr/lib/apk/db/installed"};
	auto_map struct map names = {0};
	struct apk_list l = {.f = f, .names = &names};
	for (size_t i = 0; i < f->o->n; i++)
		if (f->o->v[i].package->type == PACKAGE_APK)
			map_set(&names, f->o->v[i].package->name, (void *)(uintptr_t)(i + 1));
	for (size_t i = 0; names.n && i < ARRAY_LEN(paths); i++) {
		auto_buf struct buf text = {0};
		if (read_list(f, paths[i], APK_MAX, &text))
			each_line(&text, own_apk_line, &l);
	}
	buf_release(&l.dir);
}

// ---- folders and files

static void own_below(struct finding_owners *f, size_t owner, const char *dir)
{
	for (size_t l = 0; l < f->w->n; l++) {
		size_t i, end;
		layer_index_range(f->w->layers[l].from.index, dir, &i, &end);
		for (; i < end && f->walked < FOLDERS_MAX; i++, f->walked++)
			own_record(f, owner, l, i);
	}
}

// node_modules/x/package.json: the folder, but for the packages in it, which come first.
static void own_npm(struct finding_owners *f, size_t owner)
{
	const char *path = f->o->v[owner].path;
	const char *slash = strrchr(path, '/');
	auto_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
	if (dir && strstr(path, "node_modules/") && !strcmp(slash + 1, "package.json"))
		own_below(f, owner, dir);
}

static void own_file(struct finding_owners *f, size_t owner)
{
	size_t layer, record;
	if (find_seen(f->w, f->o->v[owner].path, &layer, &record))
		own_record(f, owner, layer, record);
}

static int deeper(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;
	size_t na = strlen(a->path), nb = strlen(b->path);
	if (na != nb)
		return na < nb ? 1 : -1;
	return strcmp(a->path, b->path);
}

static void give(struct finding_owners *f)
{
	for (size_t i = 0; i < f->o->n; i++)
		if (f->o->v[i].package->type == PACKAGE_DEB)
			own_dpkg(f, i);
	own_apk(f);
	for (size_t i = 0; i < f->o->n; i++) {
		enum package_type t = f->o->v[i].package->type;
		if (t == PACKAGE_NPM)
			own_npm(f, i);
		else if (t == PACKAGE_PYPI)
			own_python(f, i);
		else if (t == PACKAGE_GOLANG || t == PACKAGE_CARGO || t == PACKAGE_MAVEN)
			own_file(f, i);
	}
}

// ---- adding up

static void count(const struct weight *w, struct owners *o)
{
	struct entry en;
	for (size_t l = 0; l < w->n; l++) {
		const struct layer_index *ix = w->layers[l].from.index;
		for (size_t i = 0; i < layer_index_count(ix); i++) {
			if (!weight_seen(w, l, i, &en))
				continue;
			struct owner *by = o->of[l][i] ? &o->v[o->of[l][i] - 1] : NULL;
			*(by ? &by->bytes : &o->other_bytes) += en.size;
			*(by ? &by->files : &o->other_files) += 1;
		}
	}
}

struct placed {
	struct owner owner;
	size_t was;
};

static int heavier(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;
	if (a->owner.bytes != b->owner.bytes)
		return a->owner.bytes < b->owner.bytes ? 1 : -1;
	int order = strcmp(a->owner.package->name, b->owner.package->name);
	return order ? order : deeper(&a->owner, &b->owner);
}

static void sort(const struct weight *w, struct owners *o)
{
	auto_free struct placed *v = xcalloc(o->n + 1, sizeof(*v));
	auto_free uint32_t *now = xcalloc(o->n + 1, sizeof(*now));
	for (size_t i = 0; i < o->n; i++)
		v[i] = (struct placed){o->v[i], i};
	if (o->n)
		qsort(v, o->n, sizeof(*v), heavier);
	for (size_t i = 0; i < o->n; i++) {
		o->v[i] = v[i].owner;
		now[v[i].was + 1] = (uint32_t)i + 1;
	}
	for (size_t l = 0; l < w->n; l++)
		for (size_t i = 0; i < layer_index_count(w->layers[l].from.index); i++)
			o->of[l][i] = now[o->of[l][i]];
}

int owners_find(const struct weight *w, struct view *v, const struct package_list *packages,
        struct owners *ret, struct err *e)
{
	if (packages->n >= UINT32_MAX)
		return err_set(
		        e, ERR_CORRUPT, "%zu packages are more than are told apart", packages->n);
	*ret = (struct owners){.n = packages->n};
	struct finding_owners f = {.w = w, .view = v, .o = ret};
	ret->v = xcalloc(packages->n + 1, sizeof(*ret->v));
	ret->of = xcalloc(w->n + 1, sizeof(*ret->of));
	ret->n_layers = w->n;
	for (size_t l = 0; l < w->n; l++)
		ret->of[l] =
		        xcalloc(layer_index_count(w->layers[l].from.index) + 1, sizeof(**ret->of));
	for (size_t i = 0; i < packages->n; i++)
		ret->v[i] = (struct owner){.package = packages->v[i].package,
		        .path = packages->v[i].path,
		        .layer = packages->v[i].layer};
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), deeper);
	give(&f);
	count(w, ret);
	sort(w, ret);
	return 0;
}

void owners_release(struct owners *o)
{
	for (size_t l = 0; l < o->n_layers; l++)
		free(o->of[l]);
	free(o->of);
	free(o->v);
	*o = (struct owners){0};
}
