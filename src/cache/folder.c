// SPDX-License-Identifier: Apache-2.0
// A folder that has caches, with reset=true: once the new one is in its index, the others leave it,
// and then the blobs that nothing names any more. A reader that comes between finds the new one
// whole.
#include "base/err.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "cache/cache-int.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int drop_others(int dir, const struct digest *manifest, struct err *e)
{
	auto_buf struct buf text = {0}, out = {0};
	auto_index struct image_index old = {0}, ours = {0};
	if (fs_read_file(dir, "index.json", MANIFEST_MAX, &text, e) ||
	        image_index_parse(text.p, text.n, MT_OCI_INDEX, &old, e))
		return -1;
	ours.media_type = xstrdup(MT_OCI_INDEX);
	for (size_t i = 0; i < old.manifests.n; i++)
		if (digest_eq(&old.manifests.v[i].digest, manifest))
			descriptor_copy(descriptor_list_add(&ours.manifests), &old.manifests.v[i]);
	image_index_write(&ours, &out);
	return fs_replace_file(dir, "index.json", out.p, out.n, 0644, e);
}

static void name(struct map *kept, const struct digest *d)
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	map_set(kept, hex, kept);
}

static int list_kept(int blobs, const struct digest *manifest, struct map *kept, struct err *e)
{
	char hex[HASH_HEX];
	auto_buf struct buf text = {0};
	auto_manifest struct manifest m = {0};
	digest_hex(manifest, hex);
	if (fs_read_file(blobs, hex, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e))
		return -1;
	name(kept, manifest);
	name(kept, &m.config.digest);
	for (size_t i = 0; i < m.layers.n; i++)
		name(kept, &m.layers.v[i].digest);
	return 0;
}

int cache_folder_reset(const char *path, const struct digest *manifest, struct err *e)
{
	auto_map struct map kept = {0};
	auto_strv struct strv names = {0};
	auto_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd int blobs =
	        dir < 0 ? -1 : openat(dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (blobs < 0)
		return err_sys(e, "open '%s'", path);
	if (drop_others(dir, manifest, e) || list_kept(blobs, manifest, &kept, e) ||
	        fs_list_dir(blobs, &names, e))
		return err_wrap(e, "'%s'", path);
	for (size_t i = 0; i < names.n; i++)
		if (!map_has(&kept, names.v[i]) && unlinkat(blobs, names.v[i], 0) &&
		        errno != ENOENT)
			return err_sys(e, "remove '%s/blobs/sha256/%s'", path, names.v[i]);
	return 0;
}
