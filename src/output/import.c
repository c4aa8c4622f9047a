// SPDX-License-Identifier: Apache-2.0
// `hew import`: a tar of files, from wherever, is the one layer of a new image.
#include "layer/import.h"
#include "base/fs.h"
#include "output/output-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int enter_layer(
        struct store *s, int in, struct digest *ret, uint64_t *ret_size, struct err *e)
{
	struct layer_result r = {0};
	auto_fd int tar = store_temp_file(s, e);
	if (tar < 0 || layer_import(in, tar, 0, 0, &r, e))
		return -1;
	int rc = store_layer_commit(s, tar, &r, e);
	*ret = r.diff_id;
	*ret_size = r.tar_size;
	layer_result_release(&r);
	return rc;
}

static int enter_image(struct store *s, const struct image_config *c, uint64_t size,
        const char *name, struct digest *ret_id, struct err *e)
{
	auto_manifest struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
	auto_buf struct buf config = {0}, text = {0};
	struct image_row row = {.created = c->created.sec};
	auto_free char *own = xstrdup_null(name);
	struct descriptor *layer = descriptor_list_add(&m.layers);
	*layer = (struct descriptor){
	        .media_type = xstrdup(MT_OCI_LAYER), .digest = c->diff_ids[0], .size = size};
	image_config_write(c, &config);
	m.config.media_type = xstrdup(MT_OCI_CONFIG);
	m.config.size = config.n;
	if (store_blob_put(s, config.p, config.n, &m.config.digest, e))
		return -1;
	manifest_write(&m, &text);
	if (store_blob_put(s, text.p, text.n, &row.manifest, e))
		return -1;
	row.name = own;
	row.image_id = *ret_id = m.config.digest;
	row.manifest_size = text.n;
	snprintf(row.media_type, sizeof(row.media_type), "%s", m.media_type);
	return store_image_put(s, &row, e);
}

int output_import(struct store *s, const char *path, struct image_config *c, const char *name,
        struct digest *ret_id, struct err *e)
{
	bool is_stdin = !strcmp(path, "-");
	struct digest diff_id;
	uint64_t size;
	auto_fd int in = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                          : open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (in < 0) {
		int missing = errno == ENOENT;
		err_sys(e, "open '%s'", path);
		if (missing)
			e->kind = ERR_NOT_FOUND;
		return -1;
	}
	if (enter_layer(s, in, &diff_id, &size, e))
		return err_wrap(e, "import '%s'", is_stdin ? "standard input" : path);
	image_config_add_diff_id(c, &diff_id);
	return enter_image(s, c, size, name, ret_id, e);
}
