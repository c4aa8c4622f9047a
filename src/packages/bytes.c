// SPDX-License-Identifier: Apache-2.0
// The bytes of a file: a piece of a layer's tar, a file, or memory.
#include "base/fs.h"
#include "packages/packages-int.h"
#include <errno.h>
#include <unistd.h>

#define CHUNK (64u << 10)

int content_pread(const struct content *c, uint64_t off, void *p, size_t n, struct err *e)
{
	if (off > c->size || n > c->size - off)
		return err_set(e, ERR_CORRUPT, "it points beyond its end");
	if (!c->data)
		return fs_pread_full(c->fd, p, n, (off_t)(c->offset + off), e);
	if (n)
		memcpy(p, c->data + off, n);
	return 0;
}

int content_all(const struct content *c, size_t max, struct buf *ret, struct err *e)
{
	if (c->size > max)
		return err_set(e, ERR_CORRUPT, "it has more than %zu bytes", max);
	buf_reserve(ret, (size_t)c->size + 1);
	if (content_pread(c, 0, ret->p + ret->n, (size_t)c->size, e))
		return -1;
	ret->n += (size_t)c->size;
	ret->p[ret->n] = '\0';
	return 0;
}

struct line_reader line_reader_of(const struct content *c)
{
	return (struct line_reader){.content = c};
}

void line_reader_release(struct line_reader *r)
{
	buf_release(&r->buf);
}

// Puts more behind what is left of the buffer. 1, 0: there is no more, -1.
static int fill(struct line_reader *r, struct err *e)
{
	uint64_t left = r->content->size - r->next;
	size_t n = left < CHUNK ? (size_t)left : CHUNK;
	if (!n)
		return 0;
	size_t kept = r->buf.n - r->at;
	if (kept)
		memmove(r->buf.p, r->buf.p + r->at, kept);
	r->buf.n = kept;
	r->at = 0;
	buf_reserve(&r->buf, n + 1);
	if (content_pread(r->content, r->next, r->buf.p + kept, n, e))
		return -1;
	r->next += n;
	r->buf.n += n;
	r->buf.p[r->buf.n] = '\0';
	return 1;
}

int line_next(struct line_reader *r, struct str *ret, struct err *e)
{
	for (;;) {
		struct str rest = {r->buf.n ? r->buf.p + r->at : "", r->buf.n - r->at};
		const char *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
		bool cut = !end && rest.n > LINE_LENGTH_MAX;
		int more = end || cut ? 0 : fill(r, e);
		if (more < 0)
			return -1;
		if (more)
			continue;
		if (!rest.n)
			return 0;
		bool dropped = r->dropping;
		*ret = (struct str){rest.p, end ? (size_t)(end - rest.p) : rest.n};
		r->at += ret->n + (end != NULL);
		r->dropping = cut;
		if (dropped)
			continue;
		if (ret->n && ret->p[ret->n - 1] == '\r')
			ret->n--;
		return 1;
	}
}

struct str str_trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

bool line_field(struct str line, const char *key, struct str *ret)
{
	size_t n = strlen(key);
	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, key, n) != 0)
		return false;
	*ret = str_trim((struct str){line.p + n + 1, line.n - n - 1});
	return true;
}
