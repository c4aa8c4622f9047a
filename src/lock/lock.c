// SPDX-License-Identifier: Apache-2.0
// See lock.h. Everything that is read was perhaps written by somebody else, or left half merged.
#include "lock/lock.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "image/digest.h"
#include <string.h>

#define HEADER "# hew.lock 1"
#define ENTRIES_MAX 10000
#define NAME_MAX_BYTES 4096

static const char *const kind_names[] = {"git", "image", "url"};

const char *lock_kind_name(enum lock_kind kind)
{
	return kind_names[kind];
}

void lock_release(struct lock *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].value);
	}
	free(l->v);
	*l = (struct lock){0};
}

// ---- entries

static int entry_cmp(enum lock_kind kind, const char *name, const struct lock_entry *b)
{
	return kind != b->kind ? (int)kind - (int)b->kind : strcmp(name, b->name);
}

// Where it is, or would be.
static size_t place_of(const struct lock *l, enum lock_kind kind, const char *name, bool *ret_found)
{
	size_t low = 0, high = l->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (entry_cmp(kind, name, &l->v[mid]) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_found = low < l->n && entry_cmp(kind, name, &l->v[low]) == 0;
	return low;
}

static void insert(struct lock *l, size_t at, const struct lock_entry *en)
{
	if ((l->n & (l->n - 1)) == 0) // full, at a power of two
		l->v = xreallocarray(l->v, l->n ? 2 * l->n : 1, sizeof(*l->v));
	memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof(*l->v));
	l->v[at] = *en;
	l->n++;
}

// The file is there to be shown around.
char *lock_name(const char *name)
{
	const char *at = str_has_prefix(name, "https://")  ? name + 8
	                 : str_has_prefix(name, "http://") ? name + 7
	                                                   : NULL;
	size_t n = at ? strcspn(at, "/?#") : 0;
	const char *user_end = NULL;
	for (size_t i = 0; i < n; i++)
		if (at[i] == '@')
			user_end = at + i;
	return user_end ? xasprintf("%.*s%s", (int)(at - name), name, user_end + 1) : xstrdup(name);
}

static bool has_place(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n > NAME_MAX_BYTES || name[0] == ' ' || name[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return true;
}

const char *lock_find(const struct lock *l, enum lock_kind kind, const char *name)
{
	bool found;
	auto_free char *shown = lock_name(name);
	size_t at = place_of(l, kind, shown, &found);
	return found ? l->v[at].value : NULL;
}

int lock_set(
        struct lock *l, enum lock_kind kind, const char *name, const char *value, struct err *e)
{
	bool found;
	auto_free char *shown = lock_name(name);
	if (!has_place(shown) || l->n >= ENTRIES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%.200s' cannot stand in " LOCK_FILE, shown);
	size_t at = place_of(l, kind, shown, &found);
	if (found) {
		free(l->v[at].value);
		l->v[at].value = xstrdup(value);
		return 0;
	}
	insert(l, at, &(struct lock_entry){kind, steal_ptr(&shown), xstrdup(value)});
	return 0;
}

// ---- text

static bool is_commit(const char *s)
{
	size_t n = strlen(s);
	return (n == 40 || n == 64) && strspn(s, "0123456789abcdef") == n;
}

static bool is_value(enum lock_kind kind, const char *s)
{
	struct digest d;
	struct err ignored = ERR_INIT;
	return kind == LOCK_GIT ? is_commit(s) : digest_parse(s, &d, &ignored) == 0;
}

static int bad_line(size_t number, const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "line %zu %s", number, why);
}

static int parse_line(struct lock *l, char *line, size_t number, struct err *e)
{
	char *value = strchr(line, ' ');
	char *name = value ? strchr(value + 1, ' ') : NULL;
	size_t kind = 0;
	bool found;
	if (!name)
		return bad_line(number, "is not 'KIND DIGEST NAME'", e);
	*value++ = '\0';
	*name++ = '\0';
	while (kind < ARRAY_LEN(kind_names) && strcmp(line, kind_names[kind]) != 0)
		kind++;
	if (kind == ARRAY_LEN(kind_names))
		return bad_line(number, "is about neither a git, an image nor a url", e);
	if (!is_value((enum lock_kind)kind, value))
		return bad_line(number, "has no digest or commit in its second place", e);
	place_of(l, (enum lock_kind)kind, name, &found);
	if (found)
		return bad_line(number, "says something of a name once more", e);
	return lock_set(l, (enum lock_kind)kind, name, value, e)
	               ? bad_line(number, "is too much", e)
	               : 0;
}

static int parse_lines(const struct strv *lines, struct lock *ret, struct err *e)
{
	if (lines->n == 0 || strcmp(lines->v[0], HEADER) != 0)
		return err_set(e, ERR_CORRUPT, "its first line is not '" HEADER "'");
	for (size_t i = 1; i < lines->n; i++)
		if (*lines->v[i] && *lines->v[i] != '#' && parse_line(ret, lines->v[i], i + 1, e))
			return -1;
	return 0;
}

int lock_parse(const char *p, size_t n, struct lock *ret, struct err *e)
{
	auto_strv struct strv lines = {0};
	struct lock l = {0};
	if (n > LOCK_MAX || memchr(p, '\0', n))
		return err_set(e, ERR_CORRUPT, "it is no text of at most %u bytes", LOCK_MAX);
	auto_free char *text = xstrndup(p, n);
	strv_split(&lines, text, '\n');
	if (parse_lines(&lines, &l, e)) {
		lock_release(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

void lock_write(const struct lock *l, struct buf *out)
{
	buf_puts(out, HEADER "\n"
	                     "# What the names in the Dockerfile stood for. 'hew lock' writes it, "
	                     "'hew build --locked' keeps to it.\n");
	for (size_t i = 0; i < l->n; i++)
		buf_printf(
		        out, "%s %s %s\n", kind_names[l->v[i].kind], l->v[i].value, l->v[i].name);
}

// ---- changes

size_t lock_compare(
        const struct lock *old, const struct lock *now, bool prune, struct lock_change *changes)
{
	size_t i = 0, k = 0, n = 0;
	while (i < old->n || k < now->n) {
		const struct lock_entry *was = i < old->n ? &old->v[i] : NULL;
		const struct lock_entry *is = k < now->n ? &now->v[k] : NULL;
		int order = !was ? 1 : !is ? -1 : entry_cmp(was->kind, was->name, is);
		i += order <= 0;
		k += order >= 0;
		struct lock_change c = {order <= 0 ? was : NULL, order >= 0 ? is : NULL};
		bool same = c.was && c.is && !strcmp(c.was->value, c.is->value);
		if (!same && (c.is || prune))
			changes[n++] = c;
	}
	return n;
}
