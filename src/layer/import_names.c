// SPDX-License-Identifier: Apache-2.0
// Where the members of an archive land. An archive may make `lib` a link to `usr/lib` and then name
// `lib/x`; whoever unpacks it in order writes usr/lib/x, so the index must say so too. Links
// resolve inside the root; a name that climbs out of it by itself is refused, as docker does.
#include "layer/import-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include <string.h>

#define LINKS_MAX 255
#define PLACE_MAX 65535 // bytes of a directory, and of all that is followed to it

void names_release(struct names *n)
{
	map_release(&n->links);
	arena_release(&n->arena);
	free(n->dir);
	free(n->real);
	n->dir = n->real = NULL;
}

void names_note(struct names *n, const char *path, const char *target)
{
	if (!target && (n->links.n == 0 || !map_has(&n->links, path)))
		return;
	if (target)
		map_set(&n->links, path, arena_strdup(&n->arena, target));
	else
		map_del(&n->links, path);
	free(n->dir);
	free(n->real);
	n->dir = n->real = NULL;
}

// A directory, and for each of its components what the map made of the path up to there: so a look
// at every one of them takes no longer than the path is.
struct place {
	struct buf path;
	struct map_prefix *at;
	size_t depth, cap;
	size_t links, bytes; // followed, and of their targets
};

static void place_release(struct place *p)
{
	buf_release(&p->path);
	free(p->at);
}

static void back_to(struct place *p, size_t depth)
{
	if (p->depth == 0)
		return;
	p->depth = depth;
	p->path.n = depth ? p->at[depth - 1].n : 0;
	p->path.p[p->path.n] = '\0';
}

// What the name links to there, or NULL.
static const char *step_down(struct place *p, const struct map *links, const char *name, size_t len)
{
	struct map_prefix at = {0};
	if (p->depth > 0) {
		at = p->at[p->depth - 1];
		buf_putc(&p->path, '/');
	}
	if (p->depth == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->at = xreallocarray(p->at, p->cap, sizeof(*p->at));
	}
	buf_add(&p->path, name, len);
	const char *target = map_get_longer(links, &at, p->path.p, p->path.n);
	p->at[p->depth++] = at;
	return target;
}

static int too_long(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "symbolic links make a path too long");
}

// *rest: what is still to be walked, from here on.
static int follow(
        struct place *p, char **rest, const char *target, const char *after, struct err *e)
{
	p->bytes += strlen(target);
	if (p->bytes + strlen(after) > PLACE_MAX)
		return too_long(e);
	char *next = xasprintf("%s/%s", target, after);
	free(*rest);
	*rest = next;
	back_to(p, target[0] == '/' ? 0 : p->depth - 1);
	return 0;
}

static int walk(
        struct place *p, const struct map *links, const char *dir, char **rest, struct err *e)
{
	size_t at = 0;
	while (true) {
		at += strspn(*rest + at, "/");
		const char *name = *rest + at;
		size_t len = strcspn(name, "/");
		if (len == 0)
			return 0;
		at += len;
		if (len == 1 && name[0] == '.')
			continue;
		if (len == 2 && name[0] == '.' && name[1] == '.') {
			back_to(p, p->depth ? p->depth - 1 : 0);
			continue;
		}
		const char *target = step_down(p, links, name, len);
		if (target && ++p->links > LINKS_MAX)
			return err_set(
			        e, ERR_CORRUPT, "'%.200s': symbolic links go in a circle", dir);
		if (target) {
			if (follow(p, rest, target, *rest + at, e) != 0)
				return -1;
			at = 0;
		}
		if (p->path.n > PLACE_MAX)
			return too_long(e);
	}
}

static char *real_dir(struct names *n, const char *dir, struct err *e)
{
	struct place p = {0};
	auto_free char *rest = xstrdup(dir);
	char *real = walk(&p, &n->links, dir, &rest, e) == 0 ? buf_steal(&p.path) : NULL;
	place_release(&p);
	return real;
}

char *names_place(struct names *n, const char *raw, struct err *e)
{
	if (fs_path_climbs(raw)) {
		err_set(e, ERR_CORRUPT, "'%.200s' climbs out of the archive", raw);
		return NULL;
	}
	auto_free char *clean = fs_clean_rel(raw);
	const char *base = fs_base_name(clean);
	if (n->links.n == 0 || base == clean)
		return steal_ptr(&clean);
	size_t dir_len = (size_t)(base - clean) - 1;
	if (!n->dir || strncmp(n->dir, clean, dir_len) != 0 || n->dir[dir_len] != '\0') {
		free(n->dir);
		free(n->real);
		n->dir = xstrndup(clean, dir_len);
		n->real = real_dir(n, n->dir, e);
		if (!n->real) {
			free(n->dir);
			n->dir = NULL;
			return NULL;
		}
	}
	return xasprintf("%s%s%s", n->real, n->real[0] ? "/" : "", base);
}
