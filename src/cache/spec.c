// SPDX-License-Identifier: Apache-2.0
// The values of --cache-to and --cache-from, read as buildx reads them.
#include "base/err.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "image/reference.h"
#include <string.h>

void cache_spec_release(struct cache_spec *s)
{
	free(s->ref);
	free(s->path);
	free(s->tag);
	*s = (struct cache_spec){0};
}

static int take_type(struct cache_spec *s, const char *value, struct err *e)
{
	static const char *const others[] = {"inline", "gha", "s3", "azblob"};
	if (!strcmp(value, "registry")) {
		s->type = CACHE_REGISTRY;
		return 0;
	}
	if (!strcmp(value, "local")) {
		s->type = CACHE_LOCAL;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(value, others[i]))
			return err_set(e, ERR_UNSUPPORTED,
			        "cache type=%s is not supported: use registry or local", value);
	return err_set(e, ERR_USAGE, "unknown cache type \"%s\": registry or local", value);
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

static int take_compression(struct cache_spec *s, const char *value, struct err *e)
{
	s->has_recipe = true;
	if (!strcmp(value, "zstd"))
		s->recipe = (struct recipe){COMPRESSION_ZSTD, 3};
	else if (!strcmp(value, "gzip"))
		s->recipe = RECIPE_DEFAULT;
	else
		return err_set(e, ERR_UNSUPPORTED, "cache compression=%s: gzip or zstd", value);
	return 0;
}

static int take_field(struct cache_spec *s, bool is_export, char *field, struct err *e)
{
	// What hew does in one way only: a valid image manifest, and errors that fail no build.
	static const char *const given[] = {"image-manifest", "oci-mediatypes", "ignore-error",
	        "force-compression", "registry.insecure", "compression-level"};
	char *eq = strchr(field, '=');
	if (!eq)
		return err_set(
		        e, ERR_USAGE, "invalid cache option \"%s\": KEY=VALUE is expected", field);
	*eq = '\0';
	const char *value = eq + 1;
	if (!strcmp(field, "type"))
		return take_type(s, value, e);
	if (!strcmp(field, "ref"))
		return take_ref(s, value, e);
	if (!strcmp(field, "mode"))
		return take_mode(s, value, e);
	if (!strcmp(field, "compression"))
		return take_compression(s, value, e);
	if (!strcmp(field, is_export ? "dest" : "src") || !strcmp(field, "tag")) {
		char **to = *field == 't' ? &s->tag : &s->path;
		free(*to);
		*to = xstrdup(value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		if (!strcmp(field, given[i]))
			return 0;
	return err_set(e, ERR_USAGE, "unknown cache option \"%s\"", field);
}

static int settle(struct cache_spec *s, bool is_export, struct err *e)
{
	if (s->type == CACHE_REGISTRY && !s->ref)
		return err_set(e, ERR_USAGE, "cache type=registry needs ref=NAME");
	if (s->type == CACHE_LOCAL && !s->path)
		return err_set(e, ERR_USAGE, "cache type=local needs %s=FOLDER",
		        is_export ? "dest" : "src");
	if (!s->tag)
		s->tag = xstrdup("latest");
	return 0;
}

int cache_spec_parse(const char *text, bool is_export, struct cache_spec *ret, struct err *e)
{
	auto_strv struct strv fields = {0};
	struct cache_spec s = {0};
	int rc = 0;
	if (!strv_split_csv(&fields, text))
		return err_set(e, ERR_USAGE, "invalid cache \"%s\": misplaced quote", text);
	if (!strchr(text, '='))
		rc = take_ref(&s, text, e);
	for (size_t i = 0; !rc && strchr(text, '=') && i < fields.n; i++)
		rc = take_field(&s, is_export, fields.v[i], e);
	if (!rc)
		rc = settle(&s, is_export, e);
	if (rc)
		cache_spec_release(&s);
	else
		*ret = s;
	return rc;
}
