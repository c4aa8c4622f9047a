// SPDX-License-Identifier: Apache-2.0
// Reading image rows: the one SELECT, and how its columns become a struct.
#pragma once

#include "store/db-int.h"

// Size: of each layer the tar's, known from its row or because it lies here; of one that was never
// unpacked the blob's that it comes as (recipe '' sorts first).
#define SELECT_IMAGE                                                                        \
	"SELECT n.name, i.manifest, i.image_id, i.media_type, i.manifest_size, i.created, " \
	"i.is_index,"                                                                       \
	" (SELECT coalesce(sum(coalesce(nullif(l.tar_size, 0),"                             \
	"   (SELECT size FROM blobs WHERE digest = il.diff_id),"                            \
	"   (SELECT size FROM layer_blobs WHERE diff_id = il.diff_id"                       \
	"    ORDER BY recipe, digest LIMIT 1), 0)), 0)"                                     \
	"  FROM image_layers il LEFT JOIN layers l ON l.diff_id = il.diff_id"               \
	"  WHERE il.manifest = i.manifest)"                                                 \
	" FROM images i LEFT JOIN names n ON n.manifest = i.manifest "

// As db_row; *ret is filled (and owned by the caller) when 1.
int image_row_read(struct store *s, sqlite3_stmt *st, struct image_row *ret, struct err *e);
// All rows of the query.
int image_rows_read(struct store *s, sqlite3_stmt *st, struct image_list *ret, struct err *e);
