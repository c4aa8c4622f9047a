// SPDX-License-Identifier: Apache-2.0
// The stack of layers as overlayfs would show it, asked path by path. A layer hides what is below
// it at a path by a whiteout, by anything that is no directory, and inside an opaque directory; a
// directory that several layers have takes its metadata from the topmost that has an entry for it.
// Immutable but for the interned names of implied directories, which a mutex guards.
#include "layer/chain-int.h"

#include "base/err.h"
#include "base/fs.h"
#include <string.h>

static struct chain *chain_of(struct view *v)
{
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

void chain_implied(struct chain *c, const char *path, size_t len, struct entry *ret)
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
static void sight_at(const struct chain *c, const char *path, struct chain_sight *s)
{
	size_t len = strlen(path);
	int bottom = s->floor;
	*s = (struct chain_sight){.layer = -1, .floor = 0};
	for (int l = (int)c->n - 1; l >= bottom; l--) {
		const struct layer_index *ix = c->layers[l];
		size_t i = index_lower_bound(ix, path), at_len;
		if (i == ix->n)
			continue;
		const char *at = index_path(ix, i, &at_len);
		if (at_len < len || memcmp(at, path, len) != 0)
			continue;
		bool explicit = at_len == len;
		if (!explicit && len > 0 && at[len] != '/')
			continue;
		if (!chain_meld(s, ix, l, i, explicit))
			break;
	}
	if (s->floor < bottom)
		s->floor = bottom;
}

bool chain_see(const struct chain *c, const char *path, struct chain_sight *s)
{
	*s = (struct chain_sight){.layer = -1};
	sight_at(c, "", s);
	if (path[0] == '\0')
		return true; // there is always a root
	auto_free char *prefix = xstrdup(path);
	for (char *slash = prefix; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		sight_at(c, prefix, s);
		if (!s->dir)
			return false;
	}
	sight_at(c, path, s);
	return s->dir || s->layer >= 0;
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
	if (real.offset == ENTRY_NO_OFFSET)
		return err_set(e, ERR_CORRUPT, "open '%s': its layer has no tar", en->path);
	ret->fd = c->src->tar_fd(c->src, (size_t)s.layer, e);
	return ret->fd < 0 ? err_wrap(e, "open '%s'", en->path) : 0;
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
