// SPDX-License-Identifier: Apache-2.0
// The value of --output, read as buildx reads it: one CSV record of key=value fields, or a bare
// path (plain files into a folder), or "-" (one tar to standard output).
#include "base/err.h"
#include "base/mem.h"
#include "image/reference.h"
#include "output/output.h"
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define SPEC_MAX 65536

void output_spec_release(struct output_spec *o)
{
	free(o->dest);
	free(o->context);
	free(o->dangling);
	free(o->attestation_prefix);
	strv_release(&o->names);
	annotation_list_release(&o->annotations);
	*o = (struct output_spec){0};
}

// ---- values

int output_take_bool(const char *key, const char *value, bool *ret, struct err *e)
{
	static const char *const words[] = {"1", "t", "true", "0", "f", "false"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(value, words[i])) {
			*ret = i < 3;
			return 0;
		}
	return err_set(e, ERR_USAGE, "output: %s=%s: true or false is expected", key, value);
}

struct draft {
	struct output_spec o;
	const char *compression;
	bool has_type, has_tar, has_level;
	int64_t level;
};

static int take_type(struct draft *d, const char *value, struct err *e)
{
	static const char *const names[] = {
	        [OUTPUT_IMAGE] = "image",
	        [OUTPUT_REGISTRY] = "registry",
	        [OUTPUT_OCI] = "oci",
	        [OUTPUT_DOCKER] = "docker",
	        [OUTPUT_LOCAL] = "local",
	        [OUTPUT_TAR] = "tar",
	        [OUTPUT_CACHE_ONLY] = "cacheonly",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(value, names[i])) {
			d->o.type = (enum output_type)i;
			d->has_type = true;
			return 0;
		}
	const char *near = str_nearest(value, names, ARRAY_LEN(names));
	return err_set(e, ERR_USAGE, "unknown output type \"%s\"%s%s%s", value,
	        near ? ": did you mean \""
	             : ": image, registry, oci, docker, local, tar or cacheonly",
	        near ? near : "", near ? "\"?" : "");
}

static int take_names(struct draft *d, const char *value, struct err *e)
{
	auto_strv struct strv parts = {0};
	strv_split(&parts, value, ',');
	for (size_t i = 0; i < parts.n; i++) {
		auto_reference struct reference ref = {0};
		if (!*parts.v[i])
			continue;
		if (reference_parse(parts.v[i], &ref, e))
			return err_wrap(e, "output name \"%s\"", parts.v[i]);
		strv_take(&d->o.names, reference_text(&ref));
	}
	return 0;
}

static int take_compression(struct draft *d, const char *value, struct err *e)
{
	static const char *const names[] = {"uncompressed", "gzip", "zstd", "estargz"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(value, names[i])) {
			d->compression = names[i];
			return 0;
		}
	const char *near = str_nearest(value, names, ARRAY_LEN(names));
	return err_set(e, ERR_USAGE, "unknown compression \"%s\"%s%s%s", value,
	        near ? ": did you mean \"" : ": uncompressed, gzip, zstd or estargz",
	        near ? near : "", near ? "\"?" : "");
}

static int take_level(struct draft *d, const char *value, struct err *e)
{
	if (!str_to_i64(value, &d->level))
		return err_set(e, ERR_USAGE, "output: compression-level=%s: not a number", value);
	d->has_level = true;
	return 0;
}

// SOURCE_DATE_EPOCH of this output alone; empty: none, whatever the build's is.
static int take_epoch(struct draft *d, const char *value, struct err *e)
{
	d->o.epoch_given = true;
	d->o.has_epoch = *value != '\0';
	if (*value && (!str_to_i64(value, &d->o.epoch) || d->o.epoch < 0))
		return err_set(e, ERR_USAGE,
		        "output: source-date-epoch=%s: seconds since 1970 are expected", value);
	return 0;
}

int output_take_squash(const char *value, enum output_squash *ret, struct err *e)
{
	static const char *const words[] = {
	        [SQUASH_NOTHING] = "none", [SQUASH_FROM_BASE] = "from-base", [SQUASH_ALL] = "all"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(value, words[i])) {
			*ret = (enum output_squash)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "squash=%s: all, from-base or none is expected", value);
}

static int take_mode(struct draft *d, const char *value, struct err *e)
{
	d->o.delete = !strcmp(value, "delete");
	return d->o.delete || !strcmp(value, "copy")
	               ? 0
	               : err_set(e, ERR_USAGE, "output: mode=%s: copy or delete is expected",
	                         value);
}

static int take_text(char **to, const char *value)
{
	free(*to);
	*to = *value ? xstrdup(value) : NULL;
	return 0;
}

// ---- keys

enum key {
	KEY_TYPE,
	KEY_DEST,
	KEY_NAME,
	KEY_TAR,
	KEY_COMPRESSION,
	KEY_LEVEL,
	KEY_OCI_TYPES,
	KEY_BOOL, // a member
	KEY_CONTEXT,
	KEY_DANGLING,
	KEY_EPOCH,
	KEY_SQUASH,
	KEY_PREFIX,
	KEY_IGNORED, // says how a daemon is to go about it; makes no difference here
	KEY_MODE,
	KEY_SPLIT,
};

#define AT(member) offsetof(struct output_spec, member)
static const struct {
	const char *name;
	enum key key;
	size_t at; // KEY_BOOL
} keys[] = {
        {"type", KEY_TYPE, 0},
        {"dest", KEY_DEST, 0},
        {"name", KEY_NAME, 0},
        {"push", KEY_BOOL, AT(push)},
        {"tar", KEY_TAR, 0},
        {"context", KEY_CONTEXT, 0},
        {"compression", KEY_COMPRESSION, 0},
        {"compression-level", KEY_LEVEL, 0},
        {"force-compression", KEY_BOOL, AT(force)},
        {"oci-mediatypes", KEY_OCI_TYPES, 0},
        {"push-by-digest", KEY_BOOL, AT(push_by_digest)},
        {"name-canonical", KEY_BOOL, AT(canonical)},
        {"dangling-name-prefix", KEY_DANGLING, 0},
        {"danging-name-empty-only", KEY_BOOL, AT(dangling_empty_only)}, // BuildKit's spelling
        {"mode", KEY_MODE, 0},
        {"registry.insecure", KEY_BOOL, AT(insecure)},
        {"prefer-nondist-layers", KEY_BOOL, AT(prefer_nondist)},
        {"rewrite-timestamp", KEY_BOOL, AT(rewrite_times)},
        {"source-date-epoch", KEY_EPOCH, 0},
        {"squash", KEY_SQUASH, 0},
        {"store", KEY_IGNORED, 0},
        {"unpack", KEY_IGNORED, 0},
        {"attestation-inline", KEY_IGNORED, 0},
        {"attestation-prefix", KEY_PREFIX, 0},
        {"oci-artifact", KEY_IGNORED, 0},
        {"compatibility-version", KEY_IGNORED, 0},
        {"platform-split", KEY_SPLIT, 0},
};

static int unknown_key(const char *key, struct err *e)
{
	const char *names[ARRAY_LEN(keys)];
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		names[i] = keys[i].name;
	const char *near = str_nearest(key, names, ARRAY_LEN(names));
	return err_set(e, ERR_USAGE, "unknown output option \"%s\"%s%s%s", key,
	        near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int take_annotation(struct draft *d, const char *key, const char *value, struct err *e)
{
	struct annotation a;
	const char *name = annotation_parse_key(key, &a, e);
	if (!name)
		return -1;
	annotation_list_set(&d->o.annotations, &a, name, value);
	return 0;
}

static int take_prefix(struct draft *d, const char *value, struct err *e)
{
	if (strchr(value, '/'))
		return err_set(e, ERR_USAGE,
		        "output: attestation-prefix=%s: it may not name a folder", value);
	return take_text(&d->o.attestation_prefix, value);
}

static int take_known(struct draft *d, size_t i, const char *value, struct err *e)
{
	const char *name = keys[i].name;
	bool oci = true;
	switch (keys[i].key) {
	case KEY_TYPE:
		return take_type(d, value, e);
	case KEY_DEST:
		return take_text(&d->o.dest, value);
	case KEY_NAME:
		return take_names(d, value, e);
	case KEY_TAR:
		d->has_tar = true;
		return output_take_bool(name, value, &d->o.tar, e);
	case KEY_COMPRESSION:
		return take_compression(d, value, e);
	case KEY_LEVEL:
		return take_level(d, value, e);
	case KEY_OCI_TYPES:
		if (output_take_bool(name, value, &oci, e))
			return -1;
		d->o.docker_types = !oci;
		return 0;
	case KEY_BOOL:
		return output_take_bool(
		        name, value, (bool *)(void *)((char *)&d->o + keys[i].at), e);
	case KEY_CONTEXT:
		return take_text(&d->o.context, value);
	case KEY_DANGLING:
		return take_text(&d->o.dangling, value);
	case KEY_EPOCH:
		return take_epoch(d, value, e);
	case KEY_SQUASH:
		return output_take_squash(value, &d->o.squash, e);
	case KEY_PREFIX:
		return take_prefix(d, value, e);
	case KEY_MODE:
		return take_mode(d, value, e);
	case KEY_SPLIT:
		d->o.has_split = true;
		return output_take_bool(name, value, &d->o.split, e);
	case KEY_IGNORED:
		return 0;
	}
	return 0;
}

static int take_field(struct draft *d, const char *field, struct err *e)
{
	const char *eq = strchr(field, '=');
	if (!eq)
		return err_set(
		        e, ERR_USAGE, "invalid output option \"%s\": KEY=VALUE is expected", field);
	auto_free char *key = xstrndup(field, (size_t)(eq - field));
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(key, keys[i].name))
			return take_known(d, i, eq + 1, e);
	if (str_has_prefix(key, "annotation")) {
		auto_free char *as_written = xstrndup(field, (size_t)(eq - field));
		return take_annotation(d, as_written, eq + 1, e);
	}
	return unknown_key(key, e);
}

// ---- what goes together

static int settle_recipe(struct draft *d, struct err *e)
{
	struct output_spec *o = &d->o;
	bool zstd = d->compression && !strcmp(d->compression, "zstd");
	o->estargz = d->compression && !strcmp(d->compression, "estargz");
	if (d->compression && !strcmp(d->compression, "uncompressed")) {
		o->uncompressed = true;
		return 0;
	}
	o->recipe = zstd ? (struct recipe){COMPRESSION_ZSTD, 3} : RECIPE_DEFAULT;
	o->has_recipe = d->compression || d->has_level;
	if (d->has_level) {
		int64_t most = zstd ? 22 : 9;
		if (d->level < -1 || d->level > most)
			return err_set(e, ERR_USAGE,
			        "output: compression-level=%lld: 0 to %lld for %s",
			        (long long)d->level, (long long)most,
			        d->compression ? d->compression : "gzip");
		bool chosen = d->level > 0 || (d->level == 0 && !zstd);
		if (chosen) // -1, and 0 of zstd, mean the default
			o->recipe.level = (int)d->level;
	}
	if ((zstd || o->estargz) && o->docker_types)
		return err_set(e, ERR_USAGE,
		        "output: compression=%s and oci-mediatypes=false do not go together",
		        d->compression);
	return 0;
}

static int settle_dest(struct draft *d, struct err *e)
{
	struct output_spec *o = &d->o;
	bool archive = o->type == OUTPUT_OCI || o->type == OUTPUT_DOCKER;
	if (d->has_tar && !archive)
		return err_set(e, ERR_USAGE, "output: tar= belongs to type=oci and type=docker");
	if (!d->has_tar)
		o->tar = true;
	o->load = o->type == OUTPUT_DOCKER && !o->dest;
	if (o->context && !o->load)
		return err_set(
		        e, ERR_USAGE, "output: context= belongs to type=docker without dest=");
	if (o->type == OUTPUT_LOCAL && (!o->dest || !strcmp(o->dest, "-")))
		return err_set(e, ERR_USAGE, "output: type=local needs dest=FOLDER");
	if (o->delete &&o->type != OUTPUT_LOCAL)
		return err_set(e, ERR_USAGE, "output: mode=delete belongs to type=local");
	if (archive && !o->tar && (!o->dest || !strcmp(o->dest, "-")))
		return err_set(e, ERR_USAGE, "output: tar=false needs dest=FOLDER");
	if ((o->type == OUTPUT_OCI || o->type == OUTPUT_TAR) && !o->dest)
		o->dest = xstrdup("-");
	return 0;
}

static int settle(struct draft *d, const char *text, struct err *e)
{
	struct output_spec *o = &d->o;
	if (!d->has_type)
		return err_set(e, ERR_USAGE, "invalid output \"%s\": it has no type=", text);
	if (o->type == OUTPUT_REGISTRY)
		o->push = true;
	if (o->push && o->type != OUTPUT_IMAGE && o->type != OUTPUT_REGISTRY)
		return err_set(e, ERR_USAGE, "output: push= belongs to type=image");
	if (o->docker_types && o->annotations.n)
		return err_set(e, ERR_USAGE,
		        "output: annotations and oci-mediatypes=false do not go together");
	return settle_recipe(d, e) || settle_dest(d, e) ? -1 : 0;
}

static int parse_fields(
        const struct strv *fields, const char *text, struct output_spec *ret, struct err *e)
{
	struct draft d = {0};
	int r = 0;
	for (size_t i = 0; !r && i < fields->n; i++)
		r = take_field(&d, fields->v[i], e);
	if (!r)
		r = settle(&d, text, e);
	if (r)
		output_spec_release(&d.o);
	else
		*ret = d.o;
	return r;
}

int output_spec_parse(const char *text, struct output_spec *ret, struct err *e)
{
	auto_strv struct strv fields = {0};
	if (!*text)
		return err_set(
		        e, ERR_USAGE, "the output is empty: type=... or a folder is expected");
	if (strlen(text) > SPEC_MAX)
		return err_set(e, ERR_USAGE, "the output option is longer than %d bytes", SPEC_MAX);
	if (!strv_split_csv(&fields, text))
		return err_set(e, ERR_USAGE, "invalid output \"%s\": misplaced quote", text);
	bool bare = fields.n == 1 && !strcmp(fields.v[0], text) && !str_has_prefix(text, "type=");
	if (!bare)
		return parse_fields(&fields, text, ret, e);
	bool out = !strcmp(text, "-");
	*ret = (struct output_spec){.type = out ? OUTPUT_TAR : OUTPUT_LOCAL,
	        .dest = xstrdup(text),
	        .tar = true,
	        .recipe = RECIPE_DEFAULT};
	return 0;
}
