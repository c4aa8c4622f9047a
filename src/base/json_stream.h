// SPDX-License-Identifier: Apache-2.0
// JSON documents of any size, an element at a time: what lies at a depth is handed out as its
// bytes, for jdoc_parse; memory is that of the largest element that is wanted.
#pragma once

#include "base/buf.h"
#include <sys/types.h>

struct err;

#define JSON_STREAM_DEPTH 4

struct json_stream_source {
	// Some bytes, 0 at the end, -1.
	ssize_t (*read)(void *arg, void *p, size_t n, struct err *e);
	void *arg;
};

struct json_element {
	// The way to it: names of members, NULL in an array.
	const char *keys[JSON_STREAM_DEPTH];
	size_t depth;   // below the asked for one: a scalar that stands higher
	struct str raw; // balanced, not checked; empty if it is longer than the stream's limit
	bool too_long;
	size_t line; // where it begins, from 1
};

struct json_stream;
// depth 0: the document itself. Elements of more than max bytes are passed over and told.
struct json_stream *json_stream_new(
        const struct json_stream_source *source, size_t depth, size_t max);
void json_stream_free(struct json_stream *s);
void json_stream_free_ptr(struct json_stream **s);
#define auto_json_stream __attribute__((cleanup(json_stream_free_ptr)))
// 1, 0 at the end, -1: damaged (ERR_CORRUPT with the line), or what the source said. What is
// returned stays until the next call.
int json_stream_next(struct json_stream *s, struct json_element *ret, struct err *e);
// Where it stands, after a failure too; its raw is empty.
void json_stream_where(const struct json_stream *s, struct json_element *ret);
