// SPDX-License-Identifier: Apache-2.0
// hew inspect: what an image is, as the JSON that docker inspect prints for the fields they share.
#include "base/err.h"
#include "base/json.h"
#include "base/json_template.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "image/config.h"
#include "output/copy.h"
#include "session/images.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>

struct inspect_options {
	const char *format, *platform;
	bool raw, config, insecure;
};

#define AT(member) offsetof(struct inspect_options, member)
static const struct option options[] = {
        {"config", 0, OPT_FLAG, AT(config), NULL, "Print the configuration as it is stored"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "json, or a template: '{{.Config.Env}}'"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"raw", 0, OPT_FLAG, AT(raw), NULL, "Print the manifest or index as it is stored"},
        OPTION_END,
};

// An image as it was found, in the store or elsewhere.
struct found {
	struct digest root;     // what the name stands for
	struct digest manifest; // of the platform
	char media_type[96];    // of the root
	bool elsewhere;
	uint64_t size;
	struct manifest m;
	struct image_config c;
};

static void found_release(struct found *f)
{
	manifest_release(&f->m);
	image_config_release(&f->c);
}

static void put_list(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(w, v->v[i]);
	jw_array_end(w);
}

// A set, as Go has one: each name with nothing.
static void put_set(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_object(w);
	for (size_t i = 0; i < v->n; i++) {
		jw_key(w, v->v[i]);
		jw_object(w);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static void put_labels(struct jw *w, const struct strv *v)
{
	jw_key(w, "Labels");
	jw_object(w);
	for (size_t i = 0; i < v->n; i++) {
		const char *eq = strchr(v->v[i], '=');
		auto_free char *name =
		        eq ? xstrndup(v->v[i], (size_t)(eq - v->v[i])) : xstrdup(v->v[i]);
		jw_kv(w, name, eq ? eq + 1 : "");
	}
	jw_object_end(w);
}

static void put_number(struct jw *w, const char *key, int64_t n)
{
	if (n != 0)
		jw_kv_int(w, key, n);
}

static void put_health(struct jw *w, const struct healthcheck *h)
{
	jw_key(w, "Healthcheck");
	jw_object(w);
	if (h->test.n)
		put_list(w, "Test", &h->test);
	put_number(w, "Interval", h->interval_ns);
	put_number(w, "Timeout", h->timeout_ns);
	put_number(w, "StartPeriod", h->start_period_ns);
	put_number(w, "StartInterval", h->start_interval_ns);
	put_number(w, "Retries", h->retries);
	jw_object_end(w);
}

static void put_config(struct jw *w, const struct image_config *c)
{
	jw_key(w, "Config");
	jw_object(w);
	jw_kv(w, "User", c->user ? c->user : "");
	put_set(w, "ExposedPorts", &c->exposed_ports);
	put_list(w, "Env", &c->env);
	put_list(w, "Entrypoint", &c->entrypoint);
	put_list(w, "Cmd", &c->cmd);
	put_set(w, "Volumes", &c->volumes);
	jw_kv(w, "WorkingDir", c->working_dir ? c->working_dir : "");
	put_labels(w, &c->labels);
	if (c->stop_signal)
		jw_kv(w, "StopSignal", c->stop_signal);
	if (c->has_health)
		put_health(w, &c->health);
	put_list(w, "OnBuild", &c->on_build);
	if (c->shell.n)
		put_list(w, "Shell", &c->shell);
	jw_object_end(w);
}

static void put_layers(struct jw *w, const struct image_config *c)
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
}

static void put_names(struct jw *w, struct store *s, const struct digest *root)
{
	struct image_list all = {0};
	struct err ignored = ERR_INIT;
	jw_key(w, "RepoTags");
	jw_array(w);
	if (store_image_list(s, &all, &ignored) == 0)
		for (size_t i = 0; i < all.n; i++)
			if (all.v[i].name && digest_eq(&all.v[i].manifest, root)) {
				auto_free char *name = short_name(all.v[i].name);
				jw_str(w, name);
			}
	jw_array_end(w);
	image_list_release(&all);
}

static void put_image(struct jw *w, struct store *s, const struct found *f)
{
	char id[DIGEST_TEXT], digest[DIGEST_TEXT], created[TIME_TEXT];
	digest_text(&f->m.config.digest, id);
	digest_text(&f->root, digest);
	time_format(f->c.created, created);
	jw_object(w);
	jw_kv(w, "Id", id);
	jw_kv(w, "Digest", digest);
	jw_kv(w, "MediaType", f->media_type);
	put_names(w, s, &f->root);
	if (f->c.has_created)
		jw_kv(w, "Created", created);
	jw_kv(w, "Author", f->c.author ? f->c.author : "");
	put_config(w, &f->c);
	jw_kv(w, "Architecture", f->c.platform.arch);
	if (*f->c.platform.variant)
		jw_kv(w, "Variant", f->c.platform.variant);
	jw_kv(w, "Os", f->c.platform.os);
	jw_kv_int(w, "Size", (int64_t)f->size);
	put_layers(w, &f->c);
	jw_object_end(w);
}

// ---- where it is

struct inspection {
	const struct inspect_options *o;
	struct session *s;
	struct output_request q;
	struct platform platform; // wanted, or this machine's
};

// Elsewhere: the blobs' sizes, for nothing is unpacked.
static int find_elsewhere(struct inspection *n, const char *text, struct found *f,
        struct copy_image *im, struct err *e)
{
	auto_place struct place place = {0};
	if (place_parse(text, &place, e) || copy_open(&n->q, &place, NULL, im, e))
		return -1;
	f->root = im->root.digest;
	snprintf(f->media_type, sizeof(f->media_type), "%s", im->root.media_type);
	return 0;
}

static int find_here(struct inspection *n, const char *text, struct found *f, struct err *e)
{
	struct image_row row = {0};
	if (find_image_for(n->s->store, text, n->o->platform, &row, e))
		return -1;
	f->root = row.manifest;
	f->size = row.size;
	memcpy(f->media_type, row.media_type, sizeof(f->media_type));
	image_row_release(&row);
	return 0;
}

static int find(struct inspection *n, const char *text, struct found *f, struct err *e)
{
	struct copy_image im = {0};
	f->elsewhere = place_is_said(text);
	if (f->elsewhere ? find_elsewhere(n, text, f, &im, e) : find_here(n, text, f, e))
		return -1;
	copy_image_release(&im);
	f->manifest = f->root;
	return 0;
}

// Down to the image of the platform, with what it says of itself.
static int look_inside(struct inspection *n, struct found *f, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	struct descriptor root = {.media_type = xstrdup(f->media_type), .digest = f->root};
	int rc = copy_choose(&n->q, &n->platform, &root, e);
	f->manifest = root.digest;
	descriptor_release(&root);
	if (rc || store_blob_read(n->s->store, &f->manifest, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &f->m, e) ||
	        copy_config(&n->q, &f->manifest, &f->m.config, &config, e) ||
	        image_config_parse(config.p, config.n, &f->c, e))
		return -1;
	for (size_t i = 0; f->elsewhere && i < f->m.layers.n; i++)
		f->size += f->m.layers.v[i].size;
	return 0;
}

// ---- what is printed

static int print_blob(struct store *s, const struct digest *d, size_t max, struct err *e)
{
	auto_buf struct buf out = {0};
	if (store_blob_read(s, d, max, &out, e))
		return -1;
	fwrite(out.p, 1, out.n, stdout);
	return 0;
}

static int print_raw(struct inspection *n, const char *text, struct err *e)
{
	struct found f = {0};
	int rc = find(n, text, &f, e);
	if (!rc && (n->o->config || n->o->platform))
		rc = look_inside(n, &f, e);
	if (!rc)
		rc = n->o->config ? print_blob(n->s->store, &f.m.config.digest, CONFIG_MAX, e)
		                  : print_blob(n->s->store, &f.manifest, MANIFEST_MAX, e);
	found_release(&f);
	return rc;
}

static int put_one(struct inspection *n, const char *text, struct jw *w, struct err *e)
{
	struct found f = {0};
	int rc = find(n, text, &f, e) || look_inside(n, &f, e) ? -1 : 0;
	if (!rc)
		put_image(w, n->s->store, &f);
	found_release(&f);
	return rc;
}

static int print_list(struct inspection *n, const struct strv *args, struct err *e)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 4);
	jw_array(&w);
	for (size_t i = 0; i < args->n; i++)
		if (put_one(n, args->v[i], &w, e))
			return -1;
	jw_array_end(&w);
	puts(buf_cstr(&out));
	return 0;
}

static int print_template(struct inspection *n, const struct strv *args, struct err *e)
{
	for (size_t i = 0; i < args->n; i++) {
		auto_buf struct buf json = {0}, out = {0};
		struct jw w;
		jw_begin(&w, &json, 0);
		if (put_one(n, args->v[i], &w, e))
			return -1;
		auto_jdoc struct jdoc *doc = jdoc_parse(json.p, json.n, e);
		if (!doc || template_print(n->o->format, jdoc_root(doc), TEMPLATE_COMPACT, &out, e))
			return -1;
		puts(buf_cstr(&out));
	}
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct inspect_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct inspection n = {.o = o, .s = &s, .platform = platform_host()};
	bool template = o->format && template_is(o->format), elsewhere = false;
	if ((!template && format_is_json(o->format, e) < 0) ||
	        need_args(args, 1, 1000, "inspect IMAGE...", e) ||
	        (o->platform && platform_parse(o->platform, &n.platform, e)))
		return -1;
	for (size_t i = 0; i < args->n; i++)
		elsewhere |= place_is_said(args->v[i]);
	if ((o->raw || o->config) && args->n > 1)
		return err_set(e, ERR_USAGE,
		        "--%s prints one document, byte for byte: name one image",
		        o->raw ? "raw" : "config");
	if (session_open(&s, elsewhere, e))
		return -1;
	n.q = (struct output_request){
	        .store = s.store, .registry = session_registry, .registry_arg = &s};
	return o->raw || o->config ? print_raw(&n, args->v[0], e)
	       : template          ? print_template(&n, args, e)
	                           : print_list(&n, args, e);
}

const struct command cmd_inspect = {
        .name = "inspect",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Show an image's configuration, layers and digests as JSON",
        .details = "IMAGE is in the store, or elsewhere: docker://NAME, oci:DIR[:TAG] and so on, "
                   "as for\nhew copy.\n",
        .options = options,
        .size = sizeof(struct inspect_options),
        .run = run,
};
