// SPDX-License-Identifier: Apache-2.0
// Annotations as they are asked for (buildx's --annotation, BuildKit's keys of outputs): each for
// one of four documents or descriptors, maybe for one platform alone.
#pragma once

#include "base/buf.h"
#include "image/platform.h"

struct err;

enum annotation_level {
	ANNOTATE_MANIFEST,
	ANNOTATE_INDEX,
	ANNOTATE_MANIFEST_DESCRIPTOR, // the entry of a manifest in an index
	ANNOTATE_INDEX_DESCRIPTOR,    // the entry of an index in another
};

struct annotation {
	enum annotation_level level;
	bool has_platform;
	struct platform platform;
	char *text; // "key=value"
};
struct annotation_list {
	struct annotation *v;
	size_t n;
};
void annotation_list_release(struct annotation_list *l);
// The one of that level, platform and key gets the new value. a->text is not looked at.
void annotation_list_set(
        struct annotation_list *l, const struct annotation *a, const char *key, const char *value);

// "manifest", "index-descriptor[linux/arm64]": level and platform; -1: it is none.
int annotation_parse_level(const char *word, struct annotation *ret);
// A key of an output, "annotation[-LEVEL][[PLATFORM]].KEY": where in it KEY begins; NULL with
// ERR_USAGE.
const char *annotation_parse_key(const char *text, struct annotation *ret, struct err *e);

bool annotation_list_has(const struct annotation_list *l, enum annotation_level level);
// Sets in "key=value" strings what is asked for on that level: for all platforms, and, if p is
// given, for that one. True if anything is different afterwards.
bool annotation_list_apply(const struct annotation_list *l, enum annotation_level level,
        const struct platform *p, struct strv *to);
