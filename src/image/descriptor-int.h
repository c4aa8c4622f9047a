// SPDX-License-Identifier: Apache-2.0
// What manifests, indexes and configs have in common when they are read and written. Private to
// this room. `what` names the document's part in messages ("layer 3", "manifest 1 of the index").
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "image/manifest.h"

struct err;

#define ANNOTATIONS_MAX 4096
#define MEDIA_TYPE_MAX 255

int platform_read(const struct jn *o, struct platform *ret, struct err *e);

int descriptor_read(const struct jn *o, const char *what, struct descriptor *ret, struct err *e);
// What a manifest or index is of and about: members "artifactType" and "subject", which may be
// missing.
int artifact_read(
        const struct jn *root, char **ret_type, struct descriptor *ret_subject, struct err *e);
// null and absent are an empty list.
int descriptor_list_read(const struct jn *a, const char *what, size_t max,
        struct descriptor_list *ret, struct err *e);
void descriptor_list_write(const struct descriptor_list *l, struct jw *w);

int annotations_read(const struct jn *o, const char *what, struct strv *ret, struct err *e);

// Order of "key=value" strings by key alone, as Go sorts map keys.
int key_value_cmp(const void *a, const void *b);
size_t key_length(const char *kv);
int name_cmp(const void *a, const void *b); // of whole strings

// What kind the document is, checked against the media type it was served with: see manifest_sniff.
const char *document_kind(const struct jn *root, const char *media_type, struct err *e);
