// SPDX-License-Identifier: Apache-2.0
#include "attest/attest.h"

#include "base/json.h"
#include "base/mem.h"
#include "image/reference.h"
#include <ctype.h>
#include <string.h>

void attestation_list_release(struct attestation_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_release(&l->v[i].predicate);
	free(l->v);
	*l = (struct attestation_list){0};
}

struct attestation *attestation_list_add(struct attestation_list *l)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	struct attestation *a = &l->v[l->n++];
	*a = (struct attestation){0};
	return a;
}

void subject_list_release(struct subject_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct subject_list){0};
}

void subject_list_add(struct subject_list *l, char *take_name, const struct hash *digest)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct subject){take_name, *digest};
}

static void put_subject(struct jw *w, const struct subject *s)
{
	char hex[HASH_HEX];
	hash_hex(&s->digest, hex);
	jw_object(w);
	jw_kv(w, "name", s->name);
	jw_key(w, "digest");
	jw_object(w);
	jw_kv(w, "sha256", hex);
	jw_object_end(w);
	jw_object_end(w);
}

void attestation_statement(
        const struct attestation *a, const struct subject_list *about, struct buf *out)
{
	struct jw w;
	bool old = !strcmp(a->predicate_type, PREDICATE_PROVENANCE_V02);
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv(&w, "_type",
	        old ? "https://in-toto.io/Statement/v0.1" : "https://in-toto.io/Statement/v1");
	jw_kv(&w, "predicateType", a->predicate_type);
	jw_key(&w, "subject");
	jw_array(&w);
	for (size_t i = 0; i < about->n; i++)
		put_subject(&w, &about->v[i]);
	jw_array_end(&w);
	jw_key(&w, "predicate");
	jw_text(&w, a->predicate.p, a->predicate.n);
	jw_object_end(&w);
}

// Percent-encoding of package URLs: a colon stays, a slash only where it separates.
static void put_escaped(struct buf *out, const char *s, const char *also)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~:", *s) || strchr(also, *s))
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
	}
}

char *image_purl(const char *type, const struct reference *ref, const struct platform *p)
{
	auto_buf struct buf out = {0};
	char text[80], digest[DIGEST_TEXT];
	struct reference bare = *ref;
	bare.tag = NULL;
	bare.has_digest = false;
	auto_free char *name = reference_familiar(&bare);
	platform_text(p, text);
	buf_printf(&out, "pkg:%s/", type);
	put_escaped(&out, name, "/");
	if (ref->tag) {
		buf_putc(&out, '@');
		put_escaped(&out, ref->tag, "");
	}
	buf_putc(&out, '?');
	if (ref->has_digest) { // qualifiers in the order of their names
		digest_text(&ref->digest, digest);
		buf_puts(&out, "digest=");
		put_escaped(&out, digest, "");
		buf_putc(&out, '&');
	}
	buf_puts(&out, "platform=");
	put_escaped(&out, text, "");
	return buf_steal(&out);
}
