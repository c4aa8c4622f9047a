// SPDX-License-Identifier: Apache-2.0
// The values of --cache-to and --cache-from, read as buildx reads them.
#include "base/err.h"
#include "base/mem.h"
#include "cache/cache-int.h"
#include "image/reference.h"
#include <string.h>

void cache_spec_release(struct cache_spec *s)
{
	free(s->ref);
	free(s->path);
	free(s->tag);
	strv_release(&s->mount_ids);
	output_spec_release(&s->out);
	cache_service_release(&s->gha);
	*s = (struct cache_spec){0};
}

// ---- values

static int take_type(struct cache_spec *s, const char *value, struct err *e)
{
	static const char *const names[] = {
	        [CACHE_REGISTRY] = "registry",
	        [CACHE_LOCAL] = "local",
	        [CACHE_INLINE] = "inline",
	        [CACHE_GHA] = "gha",
	        "s3",
	        "azblob",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		s->type = (enum cache_type)i;
		return i <= CACHE_GHA ? 0
		                      : err_set(e, ERR_UNSUPPORTED,
		                                "cache type=%s is not supported: use registry, "
		                                "local, gha or inline",
		                                value);
	}
	const char *near = str_nearest(value, names, ARRAY_LEN(names));
	return err_set(e, ERR_USAGE, "unknown cache type \"%s\": %s%s%s", value,
	        near ? "did you mean \"" : "registry, local, gha or inline", near ? near : "",
	        near ? "\"?" : "");
}

static int take_ref(struct cache_spec *s, const char *value, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(value, &ref, e))
		return err_wrap(e, "cache reference \"%s\"", value);
	free(s->ref);
	s->ref = reference_text(&ref);
	return 0;
}

static int take_mode(struct cache_spec *s, const char *value, struct err *e)
{
	s->max = !strcmp(value, "max");
	return s->max || !strcmp(value, "min")
	               ? 0
	               : err_set(e, ERR_USAGE, "cache mode \"%s\": min or max", value);
}

static int take_digest(struct cache_spec *s, const char *value, struct err *e)
{
	s->has_digest = true;
	if (digest_parse(value, &s->digest, e) == 0)
		return 0;
	e->kind = ERR_USAGE;
	return err_wrap(e, "cache digest");
}

static void take_mounts(struct cache_spec *s, const char *value)
{
	s->mounts = !strcmp(value, "all")    ? MOUNTS_ALL
	            : !strcmp(value, "none") ? MOUNTS_NONE
	                                     : MOUNTS_LISTED;
	if (s->mounts == MOUNTS_LISTED)
		strv_split(&s->mount_ids, value, ',');
}

static int take_bool(const char *key, const char *value, bool *ret, struct err *e)
{
	if (output_take_bool(key, value, ret, e) == 0)
		return 0;
	return err_set(e, ERR_USAGE, "cache: %s=%s: true or false is expected", key, value);
}

// ---- keys

enum key {
	KEY_TYPE,
	KEY_REF,
	KEY_DEST,
	KEY_SRC,
	KEY_TAG,
	KEY_DIGEST,
	KEY_MODE,
	KEY_IGNORE_ERROR,
	KEY_INSECURE,
	KEY_RESET,
	KEY_MOUNTS,
	KEY_OUTPUT,     // means what it means for an output
	KEY_SERVICE,    // of CACHE_GHA
	KEY_IMAGE_TYPE, // the manifest is an image's in any case: what every registry takes
};

static const struct {
	const char *name;
	enum key key;
} keys[] = {
        {"type", KEY_TYPE},
        {"ref", KEY_REF},
        {"dest", KEY_DEST},
        {"src", KEY_SRC},
        {"tag", KEY_TAG},
        {"digest", KEY_DIGEST},
        {"mode", KEY_MODE},
        {"ignore-error", KEY_IGNORE_ERROR},
        {"registry.insecure", KEY_INSECURE},
        {"reset", KEY_RESET},
        {"mounts", KEY_MOUNTS},
        {"compression", KEY_OUTPUT},
        {"compression-level", KEY_OUTPUT},
        {"force-compression", KEY_OUTPUT},
        {"oci-mediatypes", KEY_OUTPUT},
        {"image-manifest", KEY_IMAGE_TYPE},
        {"url", KEY_SERVICE},
        {"url_v2", KEY_SERVICE},
        {"token", KEY_SERVICE},
        {"scope", KEY_SERVICE},
        {"timeout", KEY_SERVICE},
        {"version", KEY_SERVICE},
        {"repository", KEY_SERVICE},
        {"ghtoken", KEY_SERVICE},
};

struct draft {
	struct cache_spec s;
	struct strv service; // "key=value"
	struct buf out;      // the value of an output with the same words
	bool is_export;
	bool in_mounts; // the field before was a list of them, which goes on with what has no key
};

static int unknown_key(const char *key, struct err *e)
{
	const char *names[ARRAY_LEN(keys)];
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		names[i] = keys[i].name;
	const char *near = str_nearest(key, names, ARRAY_LEN(names));
	return err_set(e, ERR_USAGE, "unknown cache option \"%s\"%s%s%s", key,
	        near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void take_text(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

static int take_known(
        struct draft *d, enum key key, const char *name, const char *value, struct err *e)
{
	bool on = true;
	struct cache_spec *s = &d->s;
	switch (key) {
	case KEY_TYPE:
		return 0; // first of all: settle_type
	case KEY_REF:
		return take_ref(s, value, e);
	case KEY_DEST:
	case KEY_SRC:
		if (d->is_export != (key == KEY_DEST))
			return unknown_key(name, e);
		take_text(&s->path, value);
		return 0;
	case KEY_TAG:
		take_text(&s->tag, value);
		return 0;
	case KEY_DIGEST:
		return take_digest(s, value, e);
	case KEY_MODE:
		return take_mode(s, value, e);
	case KEY_IGNORE_ERROR:
		if (take_bool(name, value, &on, e))
			return -1;
		s->strict = !on;
		return 0;
	case KEY_INSECURE:
		return take_bool(name, value, &s->insecure, e);
	case KEY_RESET:
		return take_bool(name, value, &s->reset, e);
	case KEY_MOUNTS:
		take_mounts(s, value);
		return 0;
	case KEY_OUTPUT:
		if (strpbrk(value, ",\"\n"))
			return err_set(e, ERR_USAGE, "cache: %s=%s: bad value", name, value);
		buf_printf(&d->out, ",%s=%s", name, value);
		return 0;
	case KEY_SERVICE:
		strv_env_set(&d->service, name, value);
		return 0;
	case KEY_IMAGE_TYPE:
		return take_bool(name, value, &on, e);
	}
	return 0;
}

static int take_field(struct draft *d, const char *field, struct err *e)
{
	const char *eq = strchr(field, '=');
	if (!eq && d->in_mounts) {
		strv_add(&d->s.mount_ids, field);
		return 0;
	}
	d->in_mounts = str_has_prefix(field, "mounts=") && d->s.mounts != MOUNTS_ALL;
	if (!eq)
		return err_set(
		        e, ERR_USAGE, "invalid cache option \"%s\": KEY=VALUE is expected", field);
	auto_free char *key = xstrndup(field, (size_t)(eq - field));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_ieq(key, keys[i].name))
			return take_known(d, keys[i].key, keys[i].name, eq + 1, e);
	return unknown_key(key, e);
}

// Before the other fields: those of a cache that hew does not have are not looked at.
static int settle_type(struct draft *d, const struct strv *fields, struct err *e)
{
	const char *type = NULL;
	for (size_t i = 0; i < fields->n; i++)
		if (str_has_prefix(fields->v[i], "type="))
			type = fields->v[i] + strlen("type=");
	return type ? take_type(&d->s, type, e) : 0;
}

static int settle(struct draft *d, struct err *e)
{
	struct cache_spec *s = &d->s;
	if (s->type == CACHE_REGISTRY && !s->ref)
		return err_set(e, ERR_USAGE, "cache type=registry needs ref=NAME");
	if (s->type == CACHE_LOCAL && !s->path)
		return err_set(e, ERR_USAGE, "cache type=local needs %s=FOLDER",
		        d->is_export ? "dest" : "src");
	if (s->type == CACHE_INLINE && !d->is_export)
		return err_set(e, ERR_USAGE,
		        "cache type=inline is in an image: use type=registry,ref=IMAGE");
	if (s->type == CACHE_GHA && cache_service_settle(&s->gha, &d->service, e))
		return -1;
	if (!s->tag)
		s->tag = xstrdup("latest");
	auto_free char *out = xasprintf("type=image%s", buf_cstr(&d->out));
	return output_spec_parse(out, &s->out, e) ? err_wrap(e, "cache") : 0;
}

const char *cache_spec_name(const struct cache_spec *s)
{
	return s->type == CACHE_GHA ? s->gha.name : s->ref ? s->ref : s->path;
}

struct cache_spec cache_spec_archive(const char *path)
{
	return (struct cache_spec){
	        .type = CACHE_LOCAL,
	        .path = xstrdup(path),
	        .tag = xstrdup("latest"),
	        .archive = true,
	        .out = {.has_recipe = true, .recipe = {COMPRESSION_ZSTD, 3}},
	};
}

int cache_spec_parse(const char *text, bool is_export, struct cache_spec *ret, struct err *e)
{
	auto_strv struct strv fields = {0};
	struct draft d = {.is_export = is_export};
	bool bare = !strchr(text, '=');
	if (!strv_split_csv(&fields, text))
		return err_set(e, ERR_USAGE, "invalid cache \"%s\": misplaced quote", text);
	int rc = bare ? take_ref(&d.s, text, e) : settle_type(&d, &fields, e);
	for (size_t i = 0; !rc && !bare && i < fields.n; i++)
		rc = take_field(&d, fields.v[i], e);
	if (!rc)
		rc = settle(&d, e);
	buf_release(&d.out);
	strv_release(&d.service);
	if (rc)
		cache_spec_release(&d.s);
	else
		*ret = d.s;
	return rc;
}
