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
#define PLACE_MAX 65535

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

static void step_up(struct buf *b)
{
	if (b->n == 0)
		return;
	const char *slash = memrchr(b->p, '/', b->n);
	b->n = slash ? (size_t)(slash - b->p) : 0;
	b->p[b->n] = '\0';
}

static int follow(struct buf *done, size_t parent, char **rest, const char *target,
        const char *after, struct err *e)
{
	if (strlen(target) + strlen(after) > PLACE_MAX)
		return err_set(e, ERR_CORRUPT, "symbolic links make a path too long");
	char *next = xasprintf("%s/%s", target, after);
	free(*rest);
	*rest = next;
	done->n = target[0] == '/' ? 0 : parent;
	done->p[done->n] = '\0';
	return 0;
}

static char *real_dir(struct names *n, const char *dir, struct err *e)
{
	auto_buf struct buf done = {0};
	auto_free char *rest = xstrdup(dir);
	size_t at = 0;
	int links = 0;
	while (true) {
		at += strspn(rest + at, "/");
		size_t len = strcspn(rest + at, "/"), parent = done.n;
		if (len == 0)
			return buf_steal(&done);
		const char *name = rest + at;
		at += len;
		if (len == 1 && name[0] == '.')
			continue;
		if (len == 2 && name[0] == '.' && name[1] == '.') {
			step_up(&done);
			continue;
		}
		if (done.n > 0)
			buf_putc(&done, '/');
		buf_add(&done, name, len);
		const char *target = map_get(&n->links, done.p);
		if (target && ++links > LINKS_MAX) {
			err_set(e, ERR_CORRUPT, "'%.200s': symbolic links go in a circle", dir);
			return NULL;
		}
		if (target) {
			if (follow(&done, parent, &rest, target, rest + at, e) != 0)
				return NULL;
			at = 0;
		}
		if (done.n > PLACE_MAX) {
			err_set(e, ERR_CORRUPT, "symbolic links make a path too long");
			return NULL;
		}
	}
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
