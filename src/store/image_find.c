// SPDX-License-Identifier: Apache-2.0
// What people write for an image, found in docker's order: a name as it stands, a name in full
// form, a digest, then a prefix of an image id or manifest digest, which must mean one image.

#include "base/err.h"
#include "base/mem.h"
#include "image/reference.h"
#include "store/images-int.h"
#include <string.h>

#define PREFIX_MIN 4

static int by_name(struct store *s, const char *name, struct image_row *ret, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e, SELECT_IMAGE "WHERE n.name = ?", "t", name);
	int rc = image_row_read(s, st, ret, e);
	if (rc == 1)
		db_done(st);
	return rc;
}

// All images whose id or manifest digest lies in the range; those with names first, the newest
// first.
static int by_range(struct store *s, const struct hash *low, const struct hash *high,
        struct image_list *ret, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e,
	        SELECT_IMAGE "WHERE i.manifest BETWEEN ?1 AND ?2 OR i.image_id BETWEEN ?1 AND ?2 "
	                     "ORDER BY n.name IS NULL, i.entered DESC, n.name",
	        "hh", low, high);
	return image_rows_read(s, st, ret, e);
}

static bool same_image(const struct image_row *a, const struct image_row *b)
{
	return digest_eq(&a->manifest, &b->manifest) ||
	       (!digest_is_zero(&a->image_id) && digest_eq(&a->image_id, &b->image_id));
}

// One image may have several manifests and names: the first row stands for it.
static int only_one(struct image_list *found, const char *ref, struct image_row *ret, struct err *e)
{
	if (found->n == 0)
		return 0;
	for (size_t i = 1; i < found->n; i++) {
		if (same_image(&found->v[0], &found->v[i]))
			continue;
		char a[DIGEST_TEXT], b[DIGEST_TEXT];
		digest_text(&found->v[0].image_id, a);
		digest_text(&found->v[i].image_id, b);
		return err_set(e, ERR_USAGE,
		        "'%s' is ambiguous: it begins more than one image id or digest (%.19s..., "
		        "%.19s...); give more of it",
		        ref, a, b);
	}
	*ret = found->v[0];
	found->v[0].name = NULL;
	return 1;
}

static int by_digest(struct store *s, const struct digest *d, struct image_row *ret, struct err *e)
{
	struct image_list found = {0};
	if (by_range(s, &d->h, &d->h, &found, e) < 0)
		return -1;
	int rc = only_one(&found, "", ret, e);
	image_list_release(&found);
	return rc;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False: this is no prefix of a digest.
static bool prefix_range(const char *hex, struct hash *low, struct hash *high)
{
	size_t n = strlen(hex);
	if (n < PREFIX_MIN || n > 2 * HASH_SIZE)
		return false;
	memset(low->b, 0, HASH_SIZE);
	memset(high->b, 0xff, HASH_SIZE);
	for (size_t i = 0; i < n; i++) {
		int v = nibble(hex[i]), shift = i % 2 ? 0 : 4;
		if (v < 0)
			return false;
		low->b[i / 2] = (uint8_t)(low->b[i / 2] | v << shift);
		high->b[i / 2] = (uint8_t)((high->b[i / 2] & ~(0xf << shift)) | v << shift);
	}
	return true;
}

static int by_prefix(struct store *s, const char *ref, struct image_row *ret, struct err *e)
{
	struct hash low, high;
	struct image_list found = {0};
	const char *hex = str_has_prefix(ref, "sha256:") ? ref + 7 : ref;
	if (!prefix_range(hex, &low, &high))
		return 0;
	if (by_range(s, &low, &high, &found, e) < 0)
		return -1;
	int rc = only_one(&found, ref, ret, e);
	image_list_release(&found);
	return rc;
}

static int by_reference(struct store *s, const char *ref, struct image_row *ret, struct err *e)
{
	struct err ignored;
	auto_reference struct reference r = {0};
	if (reference_parse(ref, &r, &ignored) < 0)
		return 0;
	if (r.has_digest)
		return by_digest(s, &r.digest, ret, e);
	auto_free char *full = reference_text(&r);
	return by_name(s, full, ret, e);
}

static int find(struct store *s, const char *ref, struct image_row *ret, struct err *e)
{
	int rc = by_name(s, ref, ret, e);
	if (rc == 0)
		rc = by_reference(s, ref, ret, e);
	return rc == 0 ? by_prefix(s, ref, ret, e) : rc;
}

int store_image_find(struct store *s, const char *ref, struct image_row *ret, struct err *e)
{
	struct image_row row = {0}, again = {0};
	db_lock(s);
	int rc = find(s, ref, &row, e);
	db_unlock(s);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no image '%s' in the store", ref);
	if (rc < 0)
		return -1;
	// Leased, and still there afterwards: now it stays.
	if (store_lease_add(s, &row.manifest, e) < 0) {
		image_row_release(&row);
		return -1;
	}
	db_lock(s);
	rc = by_digest(s, &row.manifest, &again, e);
	db_unlock(s);
	image_row_release(&again);
	if (rc == 1) {
		*ret = row;
		return 0;
	}
	image_row_release(&row);
	return rc < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "the image '%s' has just been removed", ref);
}
