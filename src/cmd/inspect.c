// SPDX-License-Identifier: Apache-2.0
// hew inspect: what an image is, as the JSON that docker inspect prints for the fields they share.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "image/config.h"
#include <stdio.h>
#include <string.h>

struct inspect_options {
	const char *format, *platform;
	bool raw;
};

static const struct option options[] = {
        {"format", 0, OPT_STRING, offsetof(struct inspect_options, format), "KIND",
                "json (the only one)"},
        {"platform", 0, OPT_STRING, offsetof(struct inspect_options, platform), "OS/ARCH",
                "Of an index, the image for this platform"},
        {"raw", 0, OPT_FLAG, offsetof(struct inspect_options, raw), NULL,
                "Print the manifest or index as it is stored"},
        OPTION_END,
};

static void put_list(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(w, v->v[i]);
	jw_array_end(w);
}

static void put_pairs(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_object(w);
	for (size_t i = 0; i < v->n; i++) {
		const char *eq = strchr(v->v[i], '=');
		auto_free char *name =
		        eq ? xstrndup(v->v[i], (size_t)(eq - v->v[i])) : xstrdup(v->v[i]);
		jw_kv(w, name, eq ? eq + 1 : "");
	}
	jw_object_end(w);
}

static void put_config(struct jw *w, const struct image_config *c)
{
	jw_key(w, "Config");
	jw_object(w);
	jw_kv(w, "User", c->user ? c->user : "");
	put_pairs(w, "ExposedPorts", &c->exposed_ports);
	put_list(w, "Env", &c->env);
	put_list(w, "Entrypoint", &c->entrypoint);
	put_list(w, "Cmd", &c->cmd);
	put_pairs(w, "Volumes", &c->volumes);
	jw_kv(w, "WorkingDir", c->working_dir ? c->working_dir : "");
	put_pairs(w, "Labels", &c->labels);
	if (c->stop_signal)
		jw_kv(w, "StopSignal", c->stop_signal);
	if (c->has_health)
		put_list(w, "Healthcheck", &c->health.test);
	jw_object_end(w);
}

static void put_layers(struct jw *w, struct store *s, const struct image_config *c)
{
	jw_key(w, "RootFS");
	jw_object(w);
	jw_kv(w, "Type", "layers");
	jw_key(w, "Layers");
	jw_array(w);
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		char text[DIGEST_TEXT];
		digest_text(&c->diff_ids[i], text);
		jw_str(w, text);
	}
	jw_array_end(w);
	jw_object_end(w);
	(void)s;
}

static void put_names(struct jw *w, struct store *s, const struct image_row *row)
{
	struct image_list all = {0};
	struct err ignored = ERR_INIT;
	jw_key(w, "RepoTags");
	jw_array(w);
	if (store_image_list(s, &all, &ignored) == 0)
		for (size_t i = 0; i < all.n; i++)
			if (all.v[i].name && digest_eq(&all.v[i].manifest, &row->manifest)) {
				auto_free char *name = short_name(all.v[i].name);
				jw_str(w, name);
			}
	jw_array_end(w);
	image_list_release(&all);
}

static int put_image(
        struct jw *w, struct store *s, const char *text, const char *platform, struct err *e)
{
	struct image_row row = {0};
	auto_config struct image_config c = {0};
	auto_manifest struct manifest m = {0};
	if (find_image_for(s, text, platform, &row, e))
		return -1;
	if (load_config(s, &row, &c, &m, e)) {
		image_row_release(&row);
		return -1;
	}
	char id[DIGEST_TEXT], digest[DIGEST_TEXT], created[TIME_TEXT];
	digest_text(&m.config.digest, id);
	digest_text(&row.manifest, digest);
	time_format(c.created, created);
	jw_object(w);
	jw_kv(w, "Id", id);
	jw_kv(w, "Digest", digest);
	jw_kv(w, "MediaType", row.media_type);
	put_names(w, s, &row);
	if (c.has_created)
		jw_kv(w, "Created", created);
	jw_kv(w, "Author", c.author ? c.author : "");
	put_config(w, &c);
	jw_kv(w, "Architecture", c.platform.arch);
	if (*c.platform.variant)
		jw_kv(w, "Variant", c.platform.variant);
	jw_kv(w, "Os", c.platform.os);
	jw_kv_int(w, "Size", (int64_t)row.size);
	put_layers(w, s, &c);
	jw_object_end(w);
	image_row_release(&row);
	return 0;
}

static int print_raw(struct store *s, const char *text, const char *platform, struct err *e)
{
	struct image_row row = {0};
	auto_buf struct buf out = {0};
	if (find_image_for(s, text, platform, &row, e))
		return -1;
	int status = store_blob_read(s, &row.manifest, MANIFEST_MAX, &out, e);
	image_row_release(&row);
	if (status == 0)
		fwrite(out.p, 1, out.n, stdout);
	return status;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct inspect_options *o = opts;
	auto_session struct session s = {0};
	auto_buf struct buf out = {0};
	struct jw w;
	if (format_is_json(o->format, e) < 0 || need_args(args, 1, 1000, "inspect IMAGE...", e) ||
	        session_open(&s, false, e))
		return -1;
	if (o->raw && args->n > 1)
		return err_set(
		        e, ERR_USAGE, "--raw prints one image's manifest, byte for byte: name one");
	if (o->raw)
		return print_raw(s.store, args->v[0], o->platform, e);
	jw_begin(&w, &out, 4);
	jw_array(&w);
	for (size_t i = 0; i < args->n; i++)
		if (put_image(&w, s.store, args->v[i], o->platform, e))
			return -1;
	jw_array_end(&w);
	puts(buf_cstr(&out));
	return 0;
}

const struct command cmd_inspect = {
        .name = "inspect",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Show an image's configuration, layers and digests as JSON",
        .options = options,
        .size = sizeof(struct inspect_options),
        .run = run,
};
