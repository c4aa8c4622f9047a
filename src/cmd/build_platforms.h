// SPDX-License-Identifier: Apache-2.0
// `hew build --platform`: what is built for; and --annotation, which may be about one of those.
#pragma once

#include <stddef.h>

struct annotation_list;
struct build_request;
struct err;
struct output_spec;
struct strv;

// Each of words is a list with commas. Without any: DOCKER_DEFAULT_PLATFORM, else this machine's.
int build_take_platforms(const struct strv *words, struct build_request *r, struct err *e);

// [LEVEL[,LEVEL...]:]KEY=VALUE, for the manifest where nothing is said.
int build_take_annotation(const char *spec, struct annotation_list *to, struct err *e);
// --annotation: of manifests and the index into the request, of descriptors into every output too.
// The platforms are known. Those of outputs are checked as well.
int build_take_annotations(const struct strv *specs, struct build_request *r,
        struct output_spec *outputs, size_t n, struct err *e);
