// SPDX-License-Identifier: Apache-2.0
// A foreign tar made into one of ours, in one pass: every byte that comes out of the decompressor
// goes into the diffID and the tar file, and through the parser into the index. The OCI layer rules
// (whiteouts) and Go's reading of tar apply, as in every runtime that will unpack the same layer.
#include "layer/import.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "layer/import-int.h"
#include "layer/index-int.h"
#include "layer/tar-int.h"
#include <string.h>

#define LIMIT_DEFAULT ((uint64_t)1 << 40)

struct importer {
	struct tar_input in; // first: fill gets it
	struct inflate_pipe *pipe;
	int tar_fd, flags;
	uint64_t limit, total;
	uint64_t sparse; // bytes of sparse files, with their holes
	struct hasher *tar_hash, *file_hash;
	struct index_builder *index;
	struct names names;
	struct hash empty;
};

static int import_fill(struct tar_input *in, struct err *e)
{
	struct importer *im = (struct importer *)in;
	if (cancel_check(e) != 0 || inflate_pipe_next(im->pipe, &in->p, &in->n, e) != 0)
		return -1;
	if (in->n == 0)
		return 0;
	if (in->n > im->limit - im->total)
		return err_set(e, ERR_CORRUPT, "archive is larger than %llu bytes",
		        (unsigned long long)im->limit);
	hasher_add(im->tar_hash, in->p, in->n);
	if (im->tar_fd >= 0 && fault_point("layer.tar.write") < 0)
		return err_sys(e, "write layer");
	if (im->tar_fd >= 0 && fs_pwrite_all(im->tar_fd, in->p, in->n, (off_t)im->total, e) != 0)
		return err_wrap(e, "write layer");
	im->total += in->n;
	return 0;
}

// --- members -----------------------------------------------------------------------------------

enum member_kind { MEMBER_ENTRY, MEMBER_WHITEOUT, MEMBER_OPAQUE, MEMBER_IGNORED, MEMBER_BAD };

static bool is_part(const char *at, const char *path)
{
	return at == path || at[-1] == '/';
}

// What a clean path means in a layer. A whiteout's name is shortened to what it deletes.
static enum member_kind classify(char *path, int flags)
{
	if (flags & IMPORT_PLAIN)
		return MEMBER_ENTRY;
	char *base = path + (fs_base_name(path) - path);
	for (const char *p = path; (p = strstr(p, ".wh.")); p++) {
		if (!is_part(p, path))
			continue;
		// What aufs kept for itself; no runtime unpacks it.
		if (strncmp(p, ".wh..wh.", 8) == 0)
			return strcmp(p, ".wh..wh..opq") == 0 ? MEMBER_OPAQUE : MEMBER_IGNORED;
		if (p != base)
			return MEMBER_BAD;
		const char *name = base + 4;
		if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return MEMBER_BAD;
		memmove(base, name, strlen(name) + 1);
		return MEMBER_WHITEOUT;
	}
	return MEMBER_ENTRY;
}

static int hash_zeros(struct hasher *h, size_t n, struct err *e)
{
	static const uint8_t zeros[64 << 10];
	while (n > 0) {
		size_t part = n < sizeof zeros ? n : sizeof zeros;
		if (cancel_check(e) != 0)
			return -1;
		hasher_add(h, zeros, part);
		n -= part;
	}
	return 0;
}

// A sparse file is as large as if all of it were in the archive.
static int count_holes(struct importer *im, const struct entry *en, struct err *e)
{
	if (!entry_is_sparse(en))
		return 0;
	if (en->size > im->limit - im->sparse)
		return err_set(e, ERR_CORRUPT, "sparse files of more than %llu bytes",
		        (unsigned long long)im->limit);
	im->sparse += en->size;
	return 0;
}

static int hash_data(struct importer *im, struct tar_reader *r, struct entry *en, struct err *e)
{
	const uint8_t *p;
	size_t n;
	if (count_holes(im, en, e) != 0)
		return -1;
	if (im->flags & IMPORT_NO_HASH)
		return 0; // the next member's header skips the data
	do {
		if (tar_reader_data(r, &p, &n, e) != 0)
			return -1;
		if (n > 0 && p)
			hasher_add(im->file_hash, p, n);
		else if (hash_zeros(im->file_hash, n, e) != 0)
			return -1;
	} while (n > 0);
	en->content = en->size > 0 ? hasher_end(im->file_hash) : im->empty;
	en->has_content = true;
	return 0;
}

static int add_entry(struct importer *im, struct tar_reader *r, struct tar_member *m,
        const char *path, struct err *e)
{
	auto_free char *target = NULL;
	m->en.path = path;
	if (m->hard_link) {
		target = names_place(&im->names, m->en.link, e);
		if (!target)
			return -1;
		m->en.link = target;
	} else if (m->en.type == ENTRY_FILE && hash_data(im, r, &m->en, e) != 0) {
		return -1;
	}
	names_note(&im->names, path, m->en.type == ENTRY_SYMLINK ? m->en.link : NULL);
	return index_builder_add(im->index, &m->en, e);
}

static int take_member(
        struct importer *im, struct tar_reader *r, struct tar_member *m, struct err *e)
{
	auto_free char *path = names_place(&im->names, m->en.path, e);
	if (!path)
		return -1;
	struct entry white = {.type = ENTRY_WHITEOUT, .path = path, .offset = ENTRY_NO_OFFSET};
	enum member_kind kind = classify(path, im->flags);
	// What overlayfs makes a whiteout of wherever such a layer is unpacked for it.
	if (kind == MEMBER_ENTRY && entry_is_whiteout_node(&m->en) && !(im->flags & IMPORT_PLAIN))
		kind = MEMBER_WHITEOUT;
	switch (kind) {
	case MEMBER_ENTRY:
		return add_entry(im, r, m, path, e);
	case MEMBER_WHITEOUT:
		return index_builder_add(im->index, &white, e);
	case MEMBER_OPAQUE: {
		char *slash = strrchr(path, '/');
		*(slash ? slash : path) = '\0';
		return index_builder_opaque(im->index, path, e);
	}
	case MEMBER_IGNORED:
		return 0;
	default:
		return err_set(e, ERR_CORRUPT, "layer: '%s' is no valid whiteout", path);
	}
}

static int import_members(struct importer *im, struct err *e)
{
	auto_tar_reader struct tar_reader *r = tar_reader_new(&im->in);
	struct tar_member m;
	int rc;
	while ((rc = tar_reader_next(r, &m, e)) == 1)
		if (take_member(im, r, &m, e) != 0)
			return -1;
	if (rc < 0)
		return -1;
	// The diffID is of everything, also of what follows the end of the archive.
	do
		if (im->in.fill(&im->in, e) != 0)
			return -1;
	while (im->in.n > 0);
	return 0;
}

static int import_run(struct importer *im, struct layer_result *ret, struct err *e)
{
	if (import_members(im, e) != 0)
		return -1;
	struct layer_index *ix = index_builder_finish(im->index, e);
	if (!ix)
		return -1;
	*ret = (struct layer_result){
	        .diff_id.h = hasher_end(im->tar_hash),
	        .tar_size = im->total,
	        .content_id = layer_index_content_id(ix),
	        .index = ix,
	};
	return 0;
}

int layer_import(
        int blob_fd, int tar_fd, int flags, uint64_t limit, struct layer_result *ret, struct err *e)
{
	struct inflater *z = inflater_new(blob_fd, e);
	if (!z)
		return -1;
	struct importer im = {
	        .in.fill = import_fill,
	        .pipe = inflate_pipe_new(z),
	        .tar_fd = tar_fd,
	        .flags = flags,
	        .limit = limit > 0 ? limit : LIMIT_DEFAULT,
	        .tar_hash = hasher_new(),
	        .file_hash = hasher_new(),
	        .index = index_builder_new(),
	        .empty = hash_bytes("", 0),
	};
	int rc = import_run(&im, ret, e);
	inflate_pipe_free(im.pipe);
	inflater_free(z);
	names_release(&im.names);
	index_builder_free(im.index);
	hasher_free(im.tar_hash);
	hasher_free(im.file_hash);
	return rc;
}

// --- sniffing ----------------------------------------------------------------------------------

struct sniff {
	struct tar_input in; // first
	struct inflater *z;
	uint8_t data[4096];
};

static int sniff_fill(struct tar_input *in, struct err *e)
{
	struct sniff *s = (struct sniff *)in;
	ssize_t n = inflater_read(s->z, s->data, sizeof(s->data), e);
	if (n < 0)
		return -1;
	in->p = s->data;
	in->n = (size_t)n;
	return 0;
}

bool layer_sniff_archive(int fd)
{
	struct err e = ERR_INIT;
	struct sniff s = {.in.fill = sniff_fill, .z = inflater_new(fd, &e)};
	if (!s.z)
		return false;
	struct tar_reader *r = tar_reader_new(&s.in);
	struct tar_member m;
	int rc = tar_reader_next(r, &m, &e);
	tar_reader_free(r);
	inflater_free(s.z);
	// A first member that we cannot unpack still makes it an archive, and the error a clear
	// one.
	return rc == 1 || (rc < 0 && e.kind == ERR_UNSUPPORTED);
}
