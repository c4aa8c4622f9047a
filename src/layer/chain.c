// SPDX-License-Identifier: Apache-2.0
// The stack of layers as overlayfs would show it, asked path by path. A layer hides what is below
// it at a path by a whiteout, by anything that is no directory, and inside an opaque directory; a
// directory that several layers have takes its metadata from the topmost that has an entry for it.
// Immutable but for the interned names of implied directories, which a mutex guards.
#include "layer/chain-int.h"
#include "layer/sparse.h"

#include "base/err.h"
#include "base/fs.h"
#include <assert.h>
#include <string.h>

static const struct view_ops chain_ops;

static struct chain *chain_of(struct view *v)
{
	assert(v->ops == &chain_ops);
	return (struct chain *)v;
}

// The path of a directory that no layer has an entry for must outlive the call.
static const char *intern(struct chain *c, const char *path, size_t len)
{
	pthread_mutex_lock(&c->lock);
	char *copy = arena_strndup(&c->names, path, len);
	char *known = map_get(&c->known, copy);
	if (!known)
		map_set(&c->known, copy, known = copy);
	pthread_mutex_unlock(&c->lock);
	return known;
}

// The entry of a directory that no layer has one for.
static void chain_implied(struct chain *c, const char *path, size_t len, struct entry *ret)
{
	*ret = (struct entry){.path = len > 0 ? intern(c, path, len) : "",
	        .type = ENTRY_DIR,
	        .mode = 0755,
	        .offset = ENTRY_NO_OFFSET};
}

bool chain_meld(
        struct chain_sight *s, const struct layer_index *ix, int layer, size_t i, bool explicit)
{
	if (!explicit) {
		s->dir = true;
		return true;
	}
	const struct index_record *r = &ix->records[i];
	bool is_dir = r->type == ENTRY_DIR;
	s->floor = layer + 1;
	if (r->type == ENTRY_WHITEOUT || (!is_dir && s->dir))
		return false;
	if (s->layer < 0) {
		s->layer = layer;
		s->record = i;
	}
	if (!is_dir)
		return false;
	s->dir = true;
	s->floor = (r->flags & RECORD_OPAQUE) ? layer : 0;
	return !(r->flags & RECORD_OPAQUE);
}

// What layers [floor, n) show at exactly this path; its ancestors have been looked at.
static void sight_at(const struct chain *c, const char *path, size_t len, struct chain_sight *s)
{
	int bottom = s->floor;
	*s = (struct chain_sight){.layer = -1, .floor = 0};
	for (int l = (int)c->n - 1; l >= bottom; l--) {
		const struct layer_index *ix = c->layers[l];
		bool exact;
		size_t i = index_search(ix, path, len, &exact), at_len;
		if (i == ix->n)
			continue;
		const char *at = index_path(ix, i, &at_len);
		bool below = exact || len == 0 ||
		             (at_len > len && at[len] == '/' && memcmp(at, path, len) == 0);
		if (below && !chain_meld(s, ix, l, i, exact))
			break;
	}
	if (s->floor < bottom)
		s->floor = bottom;
}

// The directory that a path lies in; who asks for one path there soon asks for the next.
static bool recall_dir(struct chain *c, const char *path, size_t len, struct chain_sight *s)
{
	pthread_mutex_lock(&c->lock);
	bool known = c->last_dir && c->last_dir_len == len && memcmp(c->last_dir, path, len) == 0;
	if (known)
		*s = c->last_sight;
	pthread_mutex_unlock(&c->lock);
	return known;
}

static void remember_dir(struct chain *c, const char *path, size_t len, const struct chain_sight *s)
{
	char *copy = xstrndup(path, len);
	pthread_mutex_lock(&c->lock);
	char *old = c->last_dir;
	c->last_dir = copy;
	c->last_dir_len = len;
	c->last_sight = *s;
	pthread_mutex_unlock(&c->lock);
	free(old);
}

// From the root to the directory of the path. False: it is none.
static bool see_dir(struct chain *c, const char *path, size_t dir_len, struct chain_sight *s)
{
	if (recall_dir(c, path, dir_len, s))
		return s->dir;
	*s = (struct chain_sight){.layer = -1};
	sight_at(c, "", 0, s);
	s->dir = true; // there is always a root
	for (size_t at = 0; s->dir && at < dir_len;) {
		const char *slash = memchr(path + at + 1, '/', dir_len - at - 1);
		at = slash ? (size_t)(slash - path) : dir_len;
		sight_at(c, path, at, s);
	}
	remember_dir(c, path, dir_len, s);
	return s->dir;
}

bool chain_see(struct chain *c, const char *path, struct chain_sight *s)
{
	if (path[0] == '\0')
		return see_dir(c, path, 0, s);
	const char *slash = strrchr(path, '/');
	if (!see_dir(c, path, slash ? (size_t)(slash - path) : 0, s))
		return false;
	sight_at(c, path, strlen(path), s);
	return s->dir || s->layer >= 0;
}

// What a hard link's other name stands for may be hidden or replaced by a higher layer: then the
// link is a file of its own.
static bool shows(struct chain *c, const char *path, int layer)
{
	struct chain_sight s;
	return chain_see(c, path, &s) && s.layer == layer;
}

void chain_entry(struct chain *c, const struct chain_sight *s, const char *path, size_t len,
        struct entry *ret)
{
	if (s->layer < 0) {
		chain_implied(c, path, len, ret);
		return;
	}
	layer_index_at(c->layers[s->layer], s->record, ret);
	ret->opaque = false; // there is nothing left to hide in a whole view
	if (ret->type == ENTRY_FILE && ret->link && !shows(c, ret->link, s->layer))
		ret->link = NULL;
}

static int chain_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct chain *c = chain_of(v);
	struct chain_sight s;
	if (!chain_see(c, path, &s))
		return 0;
	if (ret)
		chain_entry(c, &s, path, strlen(path), ret);
	return 1;
}

int chain_layer_of(struct view *chain, const char *path)
{
	struct chain_sight s;
	return chain_see(chain_of(chain), path, &s) ? s.layer : -1;
}

static int chain_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct chain *c = chain_of(v);
	struct chain_sight s;
	if (en->type != ENTRY_FILE || !chain_see(c, en->path, &s) || s.layer < 0)
		return err_set(e, ERR_FAIL, "open '%s': no such file in the image", en->path);
	struct entry real;
	layer_index_at(c->layers[s.layer], s.record, &real);
	*ret = (struct content){.fd = -1, .offset = real.offset, .size = real.size};
	if (real.size == 0)
		return 0; // nothing to fetch a layer for
	if (real.offset == ENTRY_NO_OFFSET || !c->src)
		return err_set(e, ERR_CORRUPT, "open '%s': its layer has no tar", en->path);
	ret->fd = c->src->tar_fd(c->src, (size_t)s.layer, e);
	if (ret->fd < 0)
		return err_wrap(e, "open '%s'", en->path);
	return entry_is_sparse(&real) ? sparse_open(ret->fd, &real, ret, e) : 0;
}

static int chain_digest(struct view *v, struct entry *en, struct err *e)
{
	if (en->type != ENTRY_FILE || en->has_content)
		return 0;
	auto_content struct content c = CONTENT_NONE;
	if (chain_open(v, en, &c, e) != 0)
		return -1;
	auto_hasher struct hasher *h = hasher_new();
	auto_free char *p = xmalloc(DIGEST_CHUNK);
	for (uint64_t at = 0; at < c.size;) {
		size_t n = c.size - at < DIGEST_CHUNK ? (size_t)(c.size - at) : DIGEST_CHUNK;
		if (fs_pread_full(c.fd, p, n, (off_t)(c.offset + at), e) != 0)
			return err_wrap(e, "read '%s'", en->path);
		hasher_add(h, p, n);
		at += n;
	}
	en->content = hasher_end(h);
	en->has_content = true;
	return 0;
}

static void chain_free(struct view *v)
{
	struct chain *c = chain_of(v);
	pthread_mutex_destroy(&c->lock);
	map_release(&c->known);
	arena_release(&c->names);
	free(c->last_dir);
	free(c->layers);
	free(c);
}

static const struct view_ops chain_ops = {
        .lookup = chain_lookup,
        .list = chain_list,
        .walk = chain_walk,
        .open = chain_open,
        .digest = chain_digest,
        .free = chain_free,
};

struct view *chain_new(struct layer_index *const *layers, size_t n, struct tar_source *src)
{
	struct chain *c = xcalloc(1, sizeof(*c));
	c->view.ops = &chain_ops;
	c->layers = xcalloc(n + 1, sizeof(struct layer_index *));
	for (size_t i = 0; i < n; i++)
		c->layers[i] = layers[i];
	c->n = n;
	c->src = src;
	pthread_mutex_init(&c->lock, NULL);
	return &c->view;
}

struct hash chain_id_next(const struct hash *parent, const struct hash *content_id)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "chain");
	hasher_hash(h, parent);
	hasher_hash(h, content_id);
	return hasher_end(h);
}
