// SPDX-License-Identifier: Apache-2.0
// index.json, as the OCI image layout wants it: one descriptor a name, under the annotations that
// skopeo and umoci (org.opencontainers.image.ref.name) and containerd (io.containerd.image.name)
// look up. Derived from the database, whose write lock is held meanwhile.

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/images-int.h"
#include <string.h>

void index_json_print(const struct image_list *named, struct buf *out)
{
	auto_index struct image_index ix = {.media_type = xstrdup(MT_OCI_INDEX)};
	for (size_t i = 0; i < named->n; i++) {
		const struct image_row *row = &named->v[i];
		struct descriptor *d = descriptor_list_add(&ix.manifests);
		d->media_type = xstrdup(row->media_type);
		d->digest = row->manifest;
		d->size = row->manifest_size;
		strv_addf(&d->annotations, "io.containerd.image.name=%s", row->name);
		strv_addf(&d->annotations, "org.opencontainers.image.ref.name=%s", row->name);
	}
	image_index_write(&ix, out);
}

int index_json_build(struct store *s, struct buf *out, struct err *e)
{
	struct image_list named = {0};
	sqlite3_stmt *st =
	        db_query(s, e, SELECT_IMAGE "WHERE n.name IS NOT NULL ORDER BY n.name", "");
	if (image_rows_read(s, st, &named, e) < 0)
		return -1;
	index_json_print(&named, out);
	image_list_release(&named);
	return 0;
}

static int replace(struct store *s, const struct buf *text, struct err *e)
{
	if (pending_add(s, PENDING_NAMES, NULL, NULL, e) < 0)
		return -1;
	return root_file_replace(s, "index.json", text->p, text->n, "store.index.write", e);
}

int index_json_write(struct store *s, struct err *e)
{
	auto_buf struct buf text = {0};
	return index_json_build(s, &text, e) < 0 ? -1 : replace(s, &text, e);
}

int index_json_refresh(struct store *s, struct err *e)
{
	struct err unread;
	auto_buf struct buf text = {0}, have = {0};
	if (index_json_build(s, &text, e) < 0)
		return -1;
	if (fs_read_file(s->root_fd, "index.json", text.n, &have, &unread) == 0 &&
	        have.n == text.n && memcmp(have.p, text.p, text.n) == 0)
		return 0;
	return replace(s, &text, e);
}
