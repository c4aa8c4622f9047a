// SPDX-License-Identifier: Apache-2.0
// Reading pax extended headers (POSIX.1-2008, pax, "Extended Header"): "%d key=value\n" records,
// the number counting the whole record. Later records win. Only what an entry needs is kept.
#include "layer/tar-int.h"

#include "base/buf.h"
#include "base/err.h"
#include <string.h>

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "tar: extended header: %s", what);
}

// "sec[.frac]", possibly negative; the fraction beyond nanoseconds is cut.
static bool parse_time(const char *s, int64_t *ret_sec, uint32_t *ret_nsec)
{
	bool negative = *s == '-';
	const char *dot = strchr(s, '.');
	char whole[24];
	size_t n = dot ? (size_t)(dot - s) : strlen(s);
	if (n == 0 || n >= sizeof(whole))
		return false;
	memcpy(whole, s, n);
	whole[n] = '\0';
	int64_t sec;
	if (!str_to_i64(whole, &sec) || sec < -(INT64_MAX / 2) || sec > INT64_MAX / 2)
		return false;
	uint32_t nsec = 0, unit = 100000000;
	for (const char *p = dot ? dot + 1 : ""; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		nsec += (uint32_t)(*p - '0') * unit;
		unit /= 10;
	}
	if (negative && nsec > 0) {
		sec -= 1;
		nsec = 1000000000 - nsec;
	}
	*ret_sec = sec;
	*ret_nsec = nsec;
	return true;
}

static int add_xattr(struct pax *x, const char *name, const char *value, size_t n, struct err *e)
{
	if (name[0] == '\0' || strlen(name) > 255)
		return bad(e, "bad name of an extended attribute");
	if (n > XATTR_VALUE_MAX)
		return bad(e, "an extended attribute is larger than 64 KiB");
	for (uint32_t i = 0; i < x->n_xattrs; i++) {
		if (strcmp(x->xattrs[i].name, name) == 0) {
			x->xattrs[i].value = value;
			x->xattrs[i].size = (uint32_t)n;
			return 0;
		}
	}
	if (x->n_xattrs == XATTR_MAX)
		return bad(e, "more than 64 extended attributes");
	x->xattrs[x->n_xattrs++] = (struct xattr){name, value, (uint32_t)n};
	return 0;
}

static bool parse_number(const char *value, uint64_t *ret, bool *has)
{
	*has = value[0] != '\0'; // an empty value takes back what an earlier header said
	return !*has || str_to_u64(value, ret);
}

// What GNU tar says of a sparse member. The pieces of form 0.0 are many records: tar_sparse.c looks
// for those.
static int set_sparse(struct pax *x, const char *key, const char *value, struct err *e)
{
	bool ok = true, ignored;
	x->sparse = true;
	if (strcmp(key, "major") == 0)
		ok = parse_number(value, &x->sparse_major, &ignored);
	else if (strcmp(key, "minor") == 0)
		ok = parse_number(value, &x->sparse_minor, &ignored);
	else if (strcmp(key, "size") == 0 || strcmp(key, "realsize") == 0)
		ok = parse_number(value, &x->sparse_size, &x->has_sparse_size);
	else if (strcmp(key, "numblocks") == 0)
		ok = parse_number(value, &x->sparse_blocks, &x->has_sparse_blocks);
	else if (strcmp(key, "name") == 0)
		x->sparse_name = value[0] ? value : NULL;
	else if (strcmp(key, "map") == 0)
		x->sparse_map = value;
	return ok ? 0 : bad(e, "a value is not the number it should be");
}

static int set(struct pax *x, const char *key, const char *value, size_t n, struct err *e)
{
	if (strncmp(key, "SCHILY.xattr.", 13) == 0)
		return add_xattr(x, key + 13, value, n, e);
	if (strlen(value) != n)
		return bad(e, "a value has a NUL byte");
	if (strncmp(key, "GNU.sparse.", 11) == 0)
		return set_sparse(x, key + 11, value, e);
	bool ok = true;
	if (strcmp(key, "path") == 0)
		x->path = n > 0 ? value : NULL;
	else if (strcmp(key, "linkpath") == 0)
		x->linkpath = n > 0 ? value : NULL;
	else if (strcmp(key, "size") == 0)
		ok = parse_number(value, &x->size, &x->has_size);
	else if (strcmp(key, "uid") == 0)
		ok = parse_number(value, &x->uid, &x->has_uid);
	else if (strcmp(key, "gid") == 0)
		ok = parse_number(value, &x->gid, &x->has_gid);
	else if (strcmp(key, "mtime") == 0 && (x->has_mtime = n > 0))
		ok = parse_time(value, &x->mtime_sec, &x->mtime_nsec);
	return ok ? 0 : bad(e, "a value is not the number it should be");
}

static int parse_record(char *rec, size_t len, size_t digits, struct pax *ret, struct err *e)
{
	if (rec[len - 1] != '\n')
		return bad(e, "a record does not end where it says");
	rec[len - 1] = '\0';
	char *key = rec + digits + 1;
	size_t room = len - 1 - digits - 1;
	char *equals = memchr(key, '=', room);
	if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
		return bad(e, "a record has no keyword");
	*equals = '\0';
	return set(ret, key, equals + 1, room - (size_t)(equals - key) - 1, e);
}

int pax_parse(char *text, size_t n, struct pax *ret, struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t at = 0; at < n;) {
		size_t len = 0, digits = 0;
		while (at + digits < n && text[at + digits] >= '0' && text[at + digits] <= '9' &&
		        digits < 8)
			len = len * 10 + (size_t)(text[at + digits++] - '0');
		// A record is at least "5 k=\n".
		if (digits == 0 || len < digits + 4 || len > n - at || text[at + digits] != ' ')
			return bad(e, "a record has no valid length");
		if (parse_record(text + at, len, digits, ret, e) != 0)
			return -1;
		at += len;
	}
	return 0;
}
