// SPDX-License-Identifier: Apache-2.0
// Descriptors, platforms and annotations inside documents (OCI image-spec descriptor.md). Members
// hew does not use (urls, data) are not kept: documents from elsewhere are stored
// byte for byte, and hew writes none of these.
#include "base/err.h"
#include "base/mem.h"
#include "image/descriptor-int.h"
#include <string.h>

size_t key_length(const char *kv)
{
	return strcspn(kv, "=");
}

int key_value_cmp(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t nx = key_length(x), ny = key_length(y);
	int order = memcmp(x, y, nx < ny ? nx : ny);
	return order ? order : (nx > ny) - (nx < ny);
}

// A string member into fixed storage; absent and null leave it empty, longer is ERR_CORRUPT.
static int member_text(const struct jn *o, const char *key, char *to, size_t size, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	to[0] = '\0';
	if (jn_is_null(v))
		return 0;
	const char *s = jn_str(v);
	if (!s)
		return err_set(e, ERR_CORRUPT, "'%s' is not a string", key);
	size_t n = strlen(s);
	if (n >= size)
		return err_set(e, ERR_CORRUPT, "'%s' is longer than %zu bytes", key, size - 1);
	memcpy(to, s, n + 1);
	return 0;
}

int platform_read(const struct jn *o, struct platform *ret, struct err *e)
{
	struct platform p;
	if (member_text(o, "os", p.os, sizeof(p.os), e) < 0 ||
	        member_text(o, "architecture", p.arch, sizeof(p.arch), e) < 0 ||
	        member_text(o, "variant", p.variant, sizeof(p.variant), e) < 0 ||
	        member_text(o, "os.version", p.os_version, sizeof(p.os_version), e) < 0)
		return -1;
	*ret = p;
	return 0;
}

static void platform_write(const struct platform *p, struct jw *w)
{
	jw_object(w);
	jw_kv(w, "architecture", p->arch);
	jw_kv(w, "os", p->os);
	if (p->os_version[0])
		jw_kv(w, "os.version", p->os_version);
	if (p->variant[0])
		jw_kv(w, "variant", p->variant);
	jw_object_end(w);
}

int annotations_read(const struct jn *o, const char *what, struct strv *ret, struct err *e)
{
	if (jn_is_null(o))
		return 0;
	if (!jn_is_object(o))
		return err_set(e, ERR_CORRUPT, "annotations of %s are not an object", what);
	if (jn_len(o) > ANNOTATIONS_MAX)
		return err_set(
		        e, ERR_CORRUPT, "%s has more than %d annotations", what, ANNOTATIONS_MAX);
	const char *key;
	const struct jn *value;
	for (size_t i = 0; jn_member(o, i, &key, &value); i++) {
		const char *s = jn_is_null(value) ? "" : jn_str(value);
		if (!s)
			return err_set(e, ERR_CORRUPT, "annotation '%.80s' of %s is not a string",
			        key, what);
		// "a=b": "c" could not be told from "a": "b=c"; nothing hew reads is named so.
		if (!strchr(key, '='))
			strv_addf(ret, "%s=%s", key, s);
	}
	return 0;
}

void annotations_write(const struct strv *kv, struct jw *w)
{
	if (kv->n == 0)
		return;
	auto_free char **sorted = xreallocarray(NULL, kv->n, sizeof(*sorted));
	memcpy(sorted, kv->v, kv->n * sizeof(*sorted));
	qsort(sorted, kv->n, sizeof(*sorted), key_value_cmp);
	jw_key(w, "annotations");
	jw_object(w);
	for (size_t i = 0; i < kv->n; i++) {
		size_t n = key_length(sorted[i]);
		auto_free char *key = xstrndup(sorted[i], n);
		jw_kv(w, key, sorted[i][n] ? sorted[i] + n + 1 : "");
	}
	jw_object_end(w);
}

void descriptor_release(struct descriptor *d)
{
	free(d->media_type);
	free(d->artifact_type);
	strv_release(&d->annotations);
	*d = (struct descriptor){0};
}

void descriptor_copy(struct descriptor *dst, const struct descriptor *src)
{
	struct descriptor copy = *src;
	copy.media_type = src->media_type ? xstrdup(src->media_type) : NULL;
	copy.artifact_type = src->artifact_type ? xstrdup(src->artifact_type) : NULL;
	copy.annotations = (struct strv){0};
	strv_copy(&copy.annotations, &src->annotations);
	descriptor_release(dst);
	*dst = copy;
}

static int read_members(const struct jn *o, const char *what, struct descriptor *d, struct err *e)
{
	char media_type[MEDIA_TYPE_MAX + 1], artifact_type[MEDIA_TYPE_MAX + 1];
	if (member_text(o, "mediaType", media_type, sizeof(media_type), e) < 0 ||
	        member_text(o, "artifactType", artifact_type, sizeof(artifact_type), e) < 0)
		return err_wrap(e, "%s", what);
	d->artifact_type = artifact_type[0] ? xstrdup(artifact_type) : NULL;
	if (!media_type[0])
		return err_set(e, ERR_CORRUPT, "%s has no mediaType", what);
	d->media_type = xstrdup(media_type);
	if (digest_parse(jn_get_str(o, "digest"), &d->digest, e) < 0)
		return err_wrap(e, "%s", what);
	int64_t size = jn_int(jn_get(o, "size"), -1);
	if (size < 0)
		return err_set(
		        e, ERR_CORRUPT, "%s: size is missing or not a whole number >= 0", what);
	d->size = (uint64_t)size;
	const struct jn *platform = jn_get(o, "platform");
	if (jn_is_object(platform)) {
		d->has_platform = true;
		if (platform_read(platform, &d->platform, e) < 0)
			return err_wrap(e, "platform of %s", what);
	} else if (!jn_is_null(platform)) {
		return err_set(e, ERR_CORRUPT, "platform of %s is not an object", what);
	}
	return annotations_read(jn_get(o, "annotations"), what, &d->annotations, e);
}

int descriptor_read(const struct jn *o, const char *what, struct descriptor *ret, struct err *e)
{
	if (!jn_is_object(o))
		return err_set(e, ERR_CORRUPT, "%s is missing or not an object", what);
	struct descriptor d = {0};
	if (read_members(o, what, &d, e) < 0) {
		descriptor_release(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

int artifact_read(
        const struct jn *root, char **ret_type, struct descriptor *ret_subject, struct err *e)
{
	char type[MEDIA_TYPE_MAX + 1];
	const struct jn *subject = jn_get(root, "subject");
	if (member_text(root, "artifactType", type, sizeof(type), e) < 0 ||
	        (!jn_is_null(subject) && descriptor_read(subject, "subject", ret_subject, e) < 0))
		return -1;
	*ret_type = type[0] ? xstrdup(type) : NULL;
	return 0;
}

void descriptor_write(const struct descriptor *d, struct jw *w)
{
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	jw_object(w);
	jw_kv(w, "mediaType", d->media_type);
	jw_kv(w, "digest", digest);
	jw_kv_int(w, "size", (int64_t)d->size);
	annotations_write(&d->annotations, w);
	if (d->has_platform) {
		jw_key(w, "platform");
		platform_write(&d->platform, w);
	}
	if (d->artifact_type)
		jw_kv(w, "artifactType", d->artifact_type);
	jw_object_end(w);
}

struct descriptor *descriptor_list_add(struct descriptor_list *l)
{
	// Doubling at powers of two: the list carries no capacity.
	if ((l->n & (l->n - 1)) == 0)
		l->v = xreallocarray(l->v, l->n ? l->n * 2 : 1, sizeof(*l->v));
	struct descriptor *d = &l->v[l->n++];
	*d = (struct descriptor){0};
	return d;
}

void descriptor_list_release(struct descriptor_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		descriptor_release(&l->v[i]);
	free(l->v);
	*l = (struct descriptor_list){0};
}

int descriptor_list_read(const struct jn *a, const char *what, size_t max,
        struct descriptor_list *ret, struct err *e)
{
	if (jn_is_null(a))
		return 0;
	if (!jn_is_array(a))
		return err_set(e, ERR_CORRUPT, "'%ss' is not an array", what);
	size_t n = jn_len(a);
	if (n > max)
		return err_set(e, ERR_CORRUPT, "%zu %ss, at most %zu are allowed", n, what, max);
	for (size_t i = 0; i < n; i++) {
		char name[40];
		struct descriptor d;
		snprintf(name, sizeof(name), "%s %zu", what, i + 1);
		if (descriptor_read(jn_at(a, i), name, &d, e) < 0)
			return -1;
		*descriptor_list_add(ret) = d;
	}
	return 0;
}

void descriptor_list_write(const struct descriptor_list *l, struct jw *w)
{
	jw_array(w);
	for (size_t i = 0; i < l->n; i++)
		descriptor_write(&l->v[i], w);
	jw_array_end(w);
}
