// SPDX-License-Identifier: Apache-2.0
// What a build tells programs: the JSON of buildx's --metadata-file, keys sorted as Go sorts them.
#include "cmd/build_metadata.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/source_json.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "output/output.h"
#include <fcntl.h>
#include <string.h>

// As BuildKit tells of a warning while it builds (client.VertexWarning); there is no vertex that
// reads the Dockerfile here.
static void put_warning(struct jw *w, const struct build_result *b, const struct warning *warning)
{
	const struct check_rule *rule = check_rule_find(warning->rule);
	auto_buf struct buf text = {0};
	buf_printf(&text, "%s: %s", warning->rule, warning->detail);
	if (warning->pos.line > 0)
		buf_printf(&text, " (line %d)", warning->pos.line);
	jw_object(w);
	jw_kv_int(w, "level", 1);
	jw_key(w, "short");
	json_bytes(w, text.p, text.n);
	jw_key(w, "detail");
	jw_array(w);
	json_bytes(w, rule->description, strlen(rule->description));
	jw_array_end(w);
	if (rule->url)
		jw_kv(w, "url", rule->url);
	jw_key(w, "sourceInfo");
	json_source_info(w, b->file, &b->text);
	json_ranges(w, "range", warning->pos);
	jw_object_end(w);
}

static void put_warnings(struct jw *w, const struct build_result *b)
{
	const char *wanted = getenv("BUILDX_METADATA_WARNINGS");
	bool on = false;
	if (!wanted || !value_bool(wanted, &on) || !on || b->file->n_warnings == 0)
		return;
	jw_key(w, "buildx.build.warnings");
	jw_array(w);
	for (size_t i = 0; i < b->file->n_warnings; i++)
		put_warning(w, b, &b->file->warnings[i]);
	jw_array_end(w);
}

static void put_provenance(struct jw *w, const struct build_result *b, const struct buf *predicate)
{
	for (size_t i = 0; i < b->n_images; i++) {
		char platform[80];
		platform_text(&b->images[i].platform, platform);
		auto_free char *key = b->n_images > 1
		                              ? xasprintf("buildx.build.provenance/%s", platform)
		                              : xstrdup("buildx.build.provenance");
		jw_key(w, key);
		jw_text(w, predicate->p, predicate->n);
	}
}

static void put_descriptor(struct jw *w, const struct descriptor *d, const char *digest)
{
	jw_key(w, "containerimage.descriptor");
	jw_object(w);
	jw_kv(w, "mediaType", d->media_type);
	jw_kv(w, "digest", digest);
	jw_kv_int(w, "size", (int64_t)d->size);
	annotations_write(&d->annotations, w);
	jw_object_end(w);
}

int build_metadata_write(const char *path, const struct build_result *b,
        const struct output_result *made, const struct buf *provenance, struct err *e)
{
	const struct descriptor *pushed = &made->pushed;
	auto_buf struct buf out = {0};
	struct jw w;
	char id[DIGEST_TEXT], digest[DIGEST_TEXT];
	digest_text(&made->image_id, id);
	digest_text(pushed->media_type ? &pushed->digest : &b->root, digest);
	jw_begin(&w, &out, 2);
	jw_object(&w);
	if (provenance)
		put_provenance(&w, b, provenance);
	put_warnings(&w, b);
	if (b->n_images == 1)
		jw_kv(&w, "containerimage.config.digest", id);
	if (pushed->media_type)
		put_descriptor(&w, pushed, digest);
	jw_kv(&w, "containerimage.digest", digest);
	if (made->names.n) {
		auto_buf struct buf names = {0};
		for (size_t i = 0; i < made->names.n; i++)
			buf_printf(&names, "%s%s", i ? "," : "", made->names.v[i]);
		jw_kv(&w, "image.name", buf_cstr(&names));
	}
	jw_object_end(&w);
	buf_putc(&out, '\n');
	return fs_replace_file(AT_FDCWD, path, out.p, out.n, 0644, e);
}
