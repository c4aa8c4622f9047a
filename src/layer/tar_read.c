// SPDX-License-Identifier: Apache-2.0
// Reading a tar that anybody may have made: ustar, pax, GNU long names, base-256 numbers and sparse
// members, V7. In doubt it reads what Go's archive/tar reads, because that is what every container
// runtime unpacks with: global pax headers are checked but not applied, members without data have
// none whatever their size says, an archive may end without its two zero blocks, and without what
// fills its last member's block.
#include "layer/tar-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <string.h>

struct tar_reader {
	struct tar_input *in;
	uint64_t left, pad; // of the current member's data, and after it
	struct buf meta;    // pax text
	struct buf name, link;
	struct pax pax;
	bool has_pax, has_name, has_link;
	uint64_t start; // of the current member's first header
	// a sparse member's pieces, how many of them are over, and how far it is read
	struct tar_sparse sparse;
	bool is_sparse;
	size_t n_over;
	uint64_t at;
};

struct tar_reader *tar_reader_new(struct tar_input *in)
{
	struct tar_reader *r = xcalloc(1, sizeof(*r));
	r->in = in;
	return r;
}

void tar_reader_free(struct tar_reader *r)
{
	if (!r)
		return;
	buf_release(&r->meta);
	buf_release(&r->name);
	buf_release(&r->link);
	tar_sparse_release(&r->sparse);
	free(r);
}

void tar_reader_free_ptr(struct tar_reader **r)
{
	tar_reader_free(*r);
}

static int ends_early(struct tar_reader *r, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "tar: ends in the middle of a member at byte %llu",
	        (unsigned long long)r->in->pos);
}

// 1 if there are bytes, 0 at the end.
static int more(struct tar_input *in, struct err *e)
{
	if (in->n == 0 && in->fill(in, e) != 0)
		return -1;
	return in->n > 0;
}

static void consume(struct tar_input *in, size_t n)
{
	in->p += n;
	in->n -= n;
	in->pos += n;
}

// 1: they are passed, 0: the archive ends before.
static int pass(struct tar_reader *r, uint64_t n, struct err *e)
{
	while (n > 0) {
		int rc = more(r->in, e);
		if (rc <= 0)
			return rc;
		size_t part = r->in->n < n ? r->in->n : (size_t)n;
		consume(r->in, part);
		n -= part;
	}
	return 1;
}

static int skip(struct tar_reader *r, uint64_t n, struct err *e)
{
	int rc = pass(r, n, e);
	return rc < 0 ? -1 : rc == 0 ? ends_early(r, e) : 0;
}

// 1: a block, 0: the archive ends here.
static int read_block(struct tar_reader *r, struct tar_raw_header *ret, struct err *e)
{
	size_t have = 0;
	while (have < TAR_BLOCK) {
		int rc = more(r->in, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return have == 0 ? 0 : ends_early(r, e);
		size_t part = r->in->n < TAR_BLOCK - have ? r->in->n : TAR_BLOCK - have;
		memcpy((char *)ret + have, r->in->p, part);
		consume(r->in, part);
		have += part;
	}
	return 1;
}

static bool is_zero(const struct tar_raw_header *h)
{
	static const char zero[TAR_BLOCK];
	return memcmp(h, zero, TAR_BLOCK) == 0;
}

// Octal in blanks and NULs, or base-256 with the top bit set (two's complement).
bool tar_number(const char *field, size_t n, int64_t *ret)
{
	const unsigned char *p = (const unsigned char *)field;
	if (p[0] & 0x80) {
		bool negative = p[0] & 0x40;
		uint64_t v = negative ? UINT64_MAX : 0;
		for (size_t i = 0; i < n; i++) {
			unsigned char c =
			        i == 0 ? (unsigned char)(negative ? p[0] : p[0] & 0x7f) : p[i];
			if (v >> 56 != (negative ? 0xff : 0))
				return false;
			v = v << 8 | c;
		}
		*ret = (int64_t)v;
		return (*ret < 0) == negative;
	}
	while (n > 0 && (*p == ' ' || *p == '\0'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	uint64_t v = 0;
	for (size_t i = 0; i < n && p[i] != '\0'; i++) {
		if (p[i] < '0' || p[i] > '7' || v >> 60 != 0)
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	*ret = (int64_t)v;
	return true;
}
#define NUMBER(field, ret) tar_number((field), sizeof(field), (ret))

// The sum counts its own field as blanks; some old writers added signed bytes.
static bool checksum_ok(const struct tar_raw_header *h)
{
	int64_t want, plain = 0, with_sign = 0;
	if (!NUMBER(h->chksum, &want))
		return false;
	const char *p = (const char *)h;
	size_t from = offsetof(struct tar_raw_header, chksum);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		char c = i >= from && i < from + sizeof(h->chksum) ? ' ' : p[i];
		plain += (unsigned char)c;
		with_sign += (signed char)c;
	}
	return want == plain || want == with_sign;
}

static int read_header(struct tar_reader *r, struct tar_raw_header *h, struct err *e)
{
	uint64_t at = r->in->pos;
	int rc = read_block(r, h, e);
	if (rc <= 0)
		return rc;
	if (is_zero(h)) {
		rc = read_block(r, h, e);
		if (rc <= 0)
			return rc;
		return is_zero(h) ? 0
		                  : err_set(e, ERR_CORRUPT,
		                            "tar: one zero block, then more at byte %llu",
		                            (unsigned long long)at);
	}
	if (!checksum_ok(h))
		return err_set(e, ERR_CORRUPT, "tar: no valid header at byte %llu",
		        (unsigned long long)at);
	return 1;
}

static int header_size(const struct tar_raw_header *h, uint64_t *ret, struct err *e)
{
	int64_t size;
	if (!NUMBER(h->size, &size) || size < 0 || size > INT64_MAX - TAR_BLOCK)
		return err_set(e, ERR_CORRUPT, "tar: invalid size in a header");
	*ret = (uint64_t)size;
	return 0;
}

static uint64_t padding(uint64_t size)
{
	return -size & (TAR_BLOCK - 1);
}

// The body of a header that only describes the next one.
static int read_meta(
        struct tar_reader *r, const struct tar_raw_header *h, struct buf *ret, struct err *e)
{
	uint64_t size = 0;
	if (header_size(h, &size, e) != 0)
		return -1;
	if (size > TAR_META_MAX)
		return err_set(e, ERR_CORRUPT, "tar: an extended header of %llu bytes, at most %u",
		        (unsigned long long)size, TAR_META_MAX);
	buf_reset(ret);
	buf_reserve(ret, (size_t)size + 1);
	uint64_t left = size;
	while (left > 0) {
		int rc = more(r->in, e);
		if (rc <= 0)
			return rc < 0 ? -1 : ends_early(r, e);
		size_t part = r->in->n < left ? r->in->n : (size_t)left;
		buf_add(ret, r->in->p, part);
		consume(r->in, part);
		left -= part;
	}
	return skip(r, padding(size), e);
}

static int read_pax(struct tar_reader *r, const struct tar_raw_header *h, struct err *e)
{
	if (h->typeflag == 'g') {
		struct pax ignored;
		auto_buf struct buf text = {0};
		return read_meta(r, h, &text, e) != 0 ? -1 : pax_parse(text.p, text.n, &ignored, e);
	}
	r->has_pax = true;
	return read_meta(r, h, &r->meta, e) != 0 ? -1 : pax_parse(r->meta.p, r->meta.n, &r->pax, e);
}

// Reads headers that describe the next one. 1: h is now a member's.
static int next_header(struct tar_reader *r, struct tar_raw_header *h, struct err *e)
{
	r->has_pax = r->has_name = r->has_link = false;
	while (true) {
		int rc = read_header(r, h, e);
		if (rc == 0 && (r->has_pax || r->has_name || r->has_link))
			return ends_early(r, e);
		if (rc <= 0)
			return rc;
		if (h->typeflag == 'x' || h->typeflag == 'g') {
			if (read_pax(r, h, e) != 0)
				return -1;
		} else if (h->typeflag == 'L') {
			if (read_meta(r, h, &r->name, e) != 0)
				return -1;
			r->has_name = true;
		} else if (h->typeflag == 'K') {
			if (read_meta(r, h, &r->link, e) != 0)
				return -1;
			r->has_link = true;
		} else {
			return 1;
		}
	}
}

static void add_field(struct buf *b, const char *field, size_t n)
{
	buf_add(b, field, strnlen(field, n));
}

// Precedence as in Go: pax, then GNU, then the header.
static int member_names(struct tar_reader *r, const struct tar_raw_header *h, struct err *e)
{
	const char *path = !r->has_pax          ? NULL
	                   : r->pax.sparse_name ? r->pax.sparse_name
	                                        : r->pax.path;
	if (path) {
		buf_reset(&r->name);
		buf_puts(&r->name, path);
	} else if (!r->has_name) {
		buf_reset(&r->name);
		bool ustar = memcmp(h->magic, "ustar\0", 6) == 0;
		if (ustar && h->prefix[0] != '\0') {
			add_field(&r->name, h->prefix, sizeof(h->prefix));
			buf_putc(&r->name, '/');
		}
		add_field(&r->name, h->name, sizeof(h->name));
	}
	if (r->has_pax && r->pax.linkpath) {
		buf_reset(&r->link);
		buf_puts(&r->link, r->pax.linkpath);
	} else if (!r->has_link) {
		buf_reset(&r->link);
		add_field(&r->link, h->linkname, sizeof(h->linkname));
	}
	if (strlen(buf_cstr(&r->name)) > TAR_NAME_MAX || strlen(buf_cstr(&r->link)) > TAR_NAME_MAX)
		return err_set(e, ERR_CORRUPT, "tar: a name of more than %d bytes", TAR_NAME_MAX);
	return 0;
}

static int member_type(struct tar_reader *r, char flag, struct tar_member *m, struct err *e)
{
	const char *name = buf_cstr(&r->name);
	switch (flag) {
	case '\0':
	case '0':
	case '7': // contiguous file
	case 'S': // sparse file
		m->en.type = str_has_suffix(name, "/") && flag != '7' && flag != 'S' ? ENTRY_DIR
		                                                                     : ENTRY_FILE;
		return 0;
	case '1':
		m->en.type = ENTRY_FILE;
		m->hard_link = true;
		return 0;
	case '2':
		m->en.type = ENTRY_SYMLINK;
		return 0;
	case '3':
		m->en.type = ENTRY_CHAR;
		return 0;
	case '4':
		m->en.type = ENTRY_BLOCK;
		return 0;
	case '5':
		m->en.type = ENTRY_DIR;
		return 0;
	case '6':
		m->en.type = ENTRY_FIFO;
		return 0;
	default:
		return err_set(e, ERR_UNSUPPORTED, "tar: '%s' is of the unknown type 0x%02x", name,
		        (unsigned char)flag);
	}
}

static int member_ids(
        struct tar_reader *r, const struct tar_raw_header *h, struct entry *en, struct err *e)
{
	int64_t mode, uid, gid, major = 0, minor = 0;
	bool ok = NUMBER(h->mode, &mode) && NUMBER(h->uid, &uid) && NUMBER(h->gid, &gid) &&
	          NUMBER(h->mtime, &en->mtime_sec);
	if (en->type == ENTRY_CHAR || en->type == ENTRY_BLOCK)
		ok = ok && NUMBER(h->devmajor, &major) && NUMBER(h->devminor, &minor);
	if (!ok || major < 0 || major > UINT32_MAX || minor < 0 || minor > UINT32_MAX)
		return err_set(
		        e, ERR_CORRUPT, "tar: '%s': a number in its header is not valid", en->path);
	if (r->has_pax && r->pax.has_uid)
		uid = r->pax.uid > INT64_MAX ? -1 : (int64_t)r->pax.uid;
	if (r->has_pax && r->pax.has_gid)
		gid = r->pax.gid > INT64_MAX ? -1 : (int64_t)r->pax.gid;
	// The largest 32-bit number means "no id" to the kernel.
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return err_set(
		        e, ERR_CORRUPT, "tar: '%s': user or group id out of range", en->path);
	en->mode = (uint32_t)mode & 07777;
	en->uid = (uint32_t)uid;
	en->gid = (uint32_t)gid;
	en->dev_major = (uint32_t)major;
	en->dev_minor = (uint32_t)minor;
	if (r->has_pax && r->pax.has_mtime) {
		en->mtime_sec = r->pax.mtime_sec;
		en->mtime_nsec = r->pax.mtime_nsec;
	}
	return 0;
}

// ---- sparse members

// One of the blocks that the member's bytes begin with.
static int read_body_block(struct tar_reader *r, struct tar_raw_header *ret, struct err *e)
{
	if (r->left < TAR_BLOCK)
		return ends_early(r, e);
	int rc = read_block(r, ret, e);
	r->left -= TAR_BLOCK;
	return rc == 0 ? ends_early(r, e) : rc < 0 ? -1 : 0;
}

// Blocks after the header: they count for nothing.
static int read_old_map(struct tar_reader *r, const struct tar_raw_header *h, struct err *e)
{
	bool more;
	struct tar_raw_header block;
	if (tar_sparse_old(&r->sparse, h, &more, e) != 0)
		return -1;
	while (more) {
		int rc = read_block(r, &block, e);
		if (rc <= 0)
			return rc < 0 ? -1 : ends_early(r, e);
		if (tar_sparse_old_more(&r->sparse, &block, &more, e) != 0)
			return -1;
	}
	return 0;
}

static int read_pax_map(struct tar_reader *r, struct err *e)
{
	bool more;
	struct tar_raw_header block;
	struct tar_sparse_text text = {0};
	if (tar_sparse_pax(&r->sparse, &r->pax, r->meta.p, r->meta.n, &more, e) != 0)
		return -1;
	while (more)
		if (read_body_block(r, &block, e) != 0 ||
		        tar_sparse_text(&text, &r->sparse, (const char *)&block, &more, e) != 0)
			return -1;
	return 0;
}

// Its size is the file's. Its bytes do not lie together, so what an index keeps is where its
// headers begin.
static int take_sparse(
        struct tar_reader *r, const struct tar_raw_header *h, struct entry *en, struct err *e)
{
	bool old = h->typeflag == 'S';
	if (!old && !(r->has_pax && r->pax.sparse))
		return 0;
	r->is_sparse = true;
	if ((old ? read_old_map(r, h, e) : read_pax_map(r, e)) != 0 ||
	        tar_sparse_check(&r->sparse, r->left, e) != 0)
		return err_wrap(e, "'%s'", en->path);
	en->size = r->sparse.size;
	en->offset = r->start | ENTRY_SPARSE;
	return 0;
}

// What of a sparse member comes next, if it is no data: that many zeros. 0: data, or nothing.
static uint64_t hole_here(struct tar_reader *r)
{
	const struct tar_sparse *s = &r->sparse;
	while (r->n_over < s->n && s->v[r->n_over].offset + s->v[r->n_over].size <= r->at)
		r->n_over++;
	uint64_t next = r->n_over < s->n ? s->v[r->n_over].offset : s->size;
	return next > r->at ? next - r->at : 0;
}

static int member_fill(
        struct tar_reader *r, const struct tar_raw_header *h, struct tar_member *m, struct err *e)
{
	*m = (struct tar_member){0};
	uint64_t size = 0;
	if (member_names(r, h, e) != 0 || member_type(r, h->typeflag, m, e) != 0 ||
	        header_size(h, &size, e) != 0)
		return -1;
	struct entry *en = &m->en;
	en->path = buf_cstr(&r->name);
	if (m->hard_link || en->type == ENTRY_SYMLINK) {
		en->link = buf_cstr(&r->link);
		if (en->link[0] == '\0')
			return err_set(e, ERR_CORRUPT, "tar: '%s' is a link to nothing", en->path);
	}
	if (member_ids(r, h, en, e) != 0)
		return -1;
	if (r->has_pax) {
		en->xattrs = r->pax.xattrs;
		en->n_xattrs = r->pax.n_xattrs;
		if (r->pax.has_size)
			size = r->pax.size;
	}
	if (size > INT64_MAX - TAR_BLOCK)
		return err_set(e, ERR_CORRUPT, "tar: '%s': invalid size", en->path);
	bool data = en->type == ENTRY_FILE && !m->hard_link;
	// A V7 directory (a file whose name ends with '/') has what its size says.
	bool body = data || h->typeflag == '0' || h->typeflag == '\0';
	en->size = data ? size : 0;
	en->offset = data ? r->in->pos : ENTRY_NO_OFFSET;
	r->left = body ? size : 0;
	r->pad = body ? padding(size) : 0;
	return data ? take_sparse(r, h, en, e) : 0;
}

int tar_reader_next(struct tar_reader *r, struct tar_member *ret, struct err *e)
{
	if (skip(r, r->left, e) != 0)
		return -1;
	int rc = pass(r, r->pad, e); // umoci leaves it out after the last member
	if (rc <= 0)
		return rc;
	r->left = r->pad = 0;
	r->at = r->n_over = 0;
	r->is_sparse = false;
	tar_sparse_release(&r->sparse);
	r->start = r->in->pos;
	struct tar_raw_header h;
	rc = next_header(r, &h, e);
	if (rc <= 0)
		return rc;
	return member_fill(r, &h, ret, e) == 0 ? 1 : -1;
}

int tar_reader_data(struct tar_reader *r, const uint8_t **ret, size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	uint64_t hole = r->is_sparse ? hole_here(r) : 0, most = r->left;
	if (hole > 0) {
		*ret = NULL;
		*ret_n = hole > SIZE_MAX ? SIZE_MAX : (size_t)hole;
		r->at += *ret_n;
		return 0;
	}
	if (r->left == 0)
		return 0;
	if (r->is_sparse) // up to the end of this piece
		most = r->sparse.v[r->n_over].offset + r->sparse.v[r->n_over].size - r->at;
	int rc = more(r->in, e);
	if (rc <= 0)
		return rc < 0 ? -1 : ends_early(r, e);
	size_t part = r->in->n < most ? r->in->n : (size_t)most;
	*ret = r->in->p; // valid until the next fill
	*ret_n = part;
	consume(r->in, part);
	r->left -= part;
	r->at += part;
	return 0;
}
