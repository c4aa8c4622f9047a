// SPDX-License-Identifier: Apache-2.0
// The bytes of tar headers. ustar where an entry fits it (a long path may be cut at a '/' into the
// prefix field), else a pax header in front with just the records that are needed, sorted by key.
// No user or group names, no access or change times: equal entries give equal bytes.
#include "layer/tar-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

#define OCTAL_ID_MAX 07777777u       // 7 digits
#define OCTAL_SIZE_MAX 077777777777u // 11 digits

// What goes into the blocks, after names have been settled.
struct draft {
	const char *path; // as in the archive: whiteouts renamed, directories with '/'
	const char *link; // NULL: none
	const struct entry *en;
	char typeflag;
};

static void octal(char *field, size_t n, uint64_t v)
{
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
}
#define OCTAL(field, v) octal((field), sizeof(field), (v))

static void text(char *field, size_t n, const char *s, size_t len)
{
	memcpy(field, s, len < n ? len : n);
}

static void put_raw(struct buf *out, struct tar_raw_header *h)
{
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->chksum, ' ', sizeof(h->chksum));
	const unsigned char *p = (const unsigned char *)h;
	uint32_t sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += p[i];
	octal(h->chksum, 7, sum); // six digits, NUL, blank
	h->chksum[6] = '\0';
	buf_add(out, h, TAR_BLOCK);
}

// Where to cut the path so that both halves fit, or 0: `prefix` '/' `name`.
static size_t split_at(const char *path, size_t len)
{
	const struct tar_raw_header *h = NULL;
	if (len > sizeof(h->prefix) + 1 + sizeof(h->name))
		return 0;
	size_t from = len - 1 - sizeof(h->name); // the first '/' that leaves a name short enough
	const char *slash = memchr(path + from, '/', len - from);
	if (!slash || slash == path || slash[1] == '\0' ||
	        (size_t)(slash - path) > sizeof(h->prefix))
		return 0;
	return (size_t)(slash - path);
}

static bool put_name(struct tar_raw_header *h, const char *path)
{
	size_t len = strlen(path), cut;
	if (len <= sizeof(h->name)) {
		text(h->name, sizeof(h->name), path, len);
		return true;
	}
	if ((cut = split_at(path, len)) > 0) {
		text(h->prefix, sizeof(h->prefix), path, cut);
		text(h->name, sizeof(h->name), path + cut + 1, len - cut - 1);
		return true;
	}
	text(h->name, sizeof(h->name), path, sizeof(h->name));
	return false;
}

// --- pax ---------------------------------------------------------------------------------------

static void pax_record(struct buf *out, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3; // ' ', '=', '\n'
	size_t len = rest;
	for (size_t before = 0; before != len;) {
		before = len;
		len = rest + (size_t)snprintf(NULL, 0, "%zu", before);
	}
	buf_printf(out, "%zu %s=", len, key);
	if (n > 0)
		buf_add(out, value, n);
	buf_putc(out, '\n');
}

static void pax_number(struct buf *out, const char *key, uint64_t v)
{
	char s[24];
	int n = snprintf(s, sizeof(s), "%llu", (unsigned long long)v);
	pax_record(out, key, s, (size_t)n);
}

static void pax_time(struct buf *out, int64_t sec, uint32_t nsec)
{
	char s[40];
	const char *sign = "";
	if (sec < 0 && nsec > 0) {
		sign = "-";
		sec = -(sec + 1);
		nsec = 1000000000 - nsec;
	}
	int n = snprintf(s, sizeof(s), "%s%lld", sign, (long long)sec);
	if (nsec > 0) {
		n += snprintf(s + n, sizeof(s) - (size_t)n, ".%09u", nsec);
		while (s[n - 1] == '0')
			n--;
	}
	pax_record(out, "mtime", s, (size_t)n);
}

static int pax_xattrs(struct buf *out, const struct entry *en, struct err *e)
{
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		const struct xattr *x = &en->xattrs[i];
		if (strchr(x->name, '='))
			return err_set(e, ERR_UNSUPPORTED,
			        "'%s': extended attribute '%s': a tar cannot hold a name with '='",
			        en->path, x->name);
		auto_free char *key = xasprintf("SCHILY.xattr.%s", x->name);
		pax_record(out, key, x->value, x->size);
	}
	return 0;
}

static void put_padded(struct buf *out, const struct buf *body)
{
	static const char zero[TAR_BLOCK];
	buf_add(out, body->p, body->n);
	buf_add(out, zero, -body->n & (TAR_BLOCK - 1));
}

static void put_pax(struct buf *out, const char *path, const struct buf *records)
{
	struct tar_raw_header h = {.typeflag = 'x'};
	// A name for readers that do not know pax; only its start matters.
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	const char *base = memrchr(path, '/', len);
	base = base ? base + 1 : path;
	char name[sizeof(h.name) + 1];
	int n = snprintf(
	        name, sizeof(name), "PaxHeaders.0/%.*s", (int)(len - (size_t)(base - path)), base);
	text(h.name, sizeof(h.name), name, (size_t)n < sizeof(h.name) ? (size_t)n : sizeof(h.name));
	OCTAL(h.mode, 0);
	OCTAL(h.uid, 0);
	OCTAL(h.gid, 0);
	OCTAL(h.size, records->n);
	OCTAL(h.mtime, 0);
	OCTAL(h.devmajor, 0);
	OCTAL(h.devminor, 0);
	put_raw(out, &h);
	put_padded(out, records);
}

// --- entries -----------------------------------------------------------------------------------

static int put_draft(struct buf *out, const struct draft *d, struct err *e)
{
	const struct entry *en = d->en;
	struct tar_raw_header h = {.typeflag = d->typeflag};
	auto_buf struct buf pax = {0};
	uint64_t size = d->typeflag == '0' && en->type == ENTRY_FILE ? en->size : 0;
	bool odd_time = en->mtime_sec < 0 || en->mtime_sec > (int64_t)OCTAL_SIZE_MAX;
	if (en->dev_major > OCTAL_ID_MAX || en->dev_minor > OCTAL_ID_MAX)
		return err_set(
		        e, ERR_UNSUPPORTED, "'%s': device number too large for a tar", en->path);
	OCTAL(h.mode, en->mode & 07777);
	OCTAL(h.uid, en->uid > OCTAL_ID_MAX ? 0 : en->uid);
	OCTAL(h.gid, en->gid > OCTAL_ID_MAX ? 0 : en->gid);
	OCTAL(h.size, size > OCTAL_SIZE_MAX ? 0 : size);
	OCTAL(h.mtime, odd_time ? 0 : (uint64_t)en->mtime_sec);
	bool device = en->type == ENTRY_CHAR || en->type == ENTRY_BLOCK;
	OCTAL(h.devmajor, device ? en->dev_major : 0);
	OCTAL(h.devminor, device ? en->dev_minor : 0);
	size_t link_len = d->link ? strlen(d->link) : 0;
	if (d->link)
		text(h.linkname, sizeof(h.linkname), d->link, link_len);
	bool name_fits = put_name(&h, d->path);
	// In the order of the keys.
	if (en->type != ENTRY_WHITEOUT && d->typeflag != '1' && pax_xattrs(&pax, en, e) != 0)
		return -1;
	if (en->gid > OCTAL_ID_MAX)
		pax_number(&pax, "gid", en->gid);
	if (link_len > sizeof(h.linkname))
		pax_record(&pax, "linkpath", d->link, link_len);
	if (odd_time || en->mtime_nsec != 0)
		pax_time(&pax, en->mtime_sec, en->mtime_nsec);
	if (!name_fits)
		pax_record(&pax, "path", d->path, strlen(d->path));
	if (size > OCTAL_SIZE_MAX)
		pax_number(&pax, "size", size);
	if (en->uid > OCTAL_ID_MAX)
		pax_number(&pax, "uid", en->uid);
	if (pax.n > TAR_META_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%s': more than 1 MiB of attributes", en->path);
	if (pax.n > 0)
		put_pax(out, d->path, &pax);
	put_raw(out, &h);
	return 0;
}

static char typeflag_of(const struct entry *en)
{
	static const char flags[] = {
	        [ENTRY_DIR] = '5',
	        [ENTRY_FILE] = '0',
	        [ENTRY_SYMLINK] = '2',
	        [ENTRY_CHAR] = '3',
	        [ENTRY_BLOCK] = '4',
	        [ENTRY_FIFO] = '6',
	        [ENTRY_WHITEOUT] = '0',
	};
	return en->type == ENTRY_FILE && en->link ? '1' : flags[en->type];
}

int tar_put_header(struct buf *out, const struct entry *en, struct err *e)
{
	struct draft d = {.path = en->path, .en = en, .typeflag = typeflag_of(en)};
	static const struct entry blank = {.type = ENTRY_WHITEOUT};
	auto_free char *renamed = NULL;
	if (en->type == ENTRY_DIR) {
		d.path = renamed = xasprintf("%s/", en->path[0] ? en->path : ".");
	} else if (en->type == ENTRY_WHITEOUT) {
		const char *base = fs_base_name(en->path);
		d.path = renamed = xasprintf("%.*s.wh.%s", (int)(base - en->path), en->path, base);
		d.en = &blank;
	}
	if (en->type == ENTRY_SYMLINK || (en->type == ENTRY_FILE && en->link))
		d.link = en->link ? en->link : "";
	return put_draft(out, &d, e);
}

int tar_put_opaque(struct buf *out, const char *dir, struct err *e)
{
	static const struct entry blank = {.type = ENTRY_WHITEOUT};
	auto_free char *path = xasprintf("%s%s.wh..wh..opq", dir, dir[0] ? "/" : "");
	struct draft d = {.path = path, .en = &blank, .typeflag = '0'};
	return put_draft(out, &d, e);
}
