// SPDX-License-Identifier: Apache-2.0
// Builders, as docker buildx keeps them: a name, a driver, nodes, in files that both programs read.
// All of them are this program; what they are good for is that whoever made one finds it again.
#pragma once

#include "base/buf.h"
#include <stdint.h>

struct err;

struct builder_node {
	char *name, *endpoint;
	struct strv platforms, flags, options; // options: "KEY=VALUE"
	char *config;                          // the text of its buildkitd.toml; NULL
};

struct builder {
	char *name, *driver;
	struct builder_node *nodes;
	size_t n;
	int64_t used; // when it was last written, in seconds; 0: never
};
#define auto_builder __attribute__((cleanup(builder_release)))
void builder_release(struct builder *b);

#define BUILDER_DEFAULT "default" // is always there
#define BUILDER_CONFIG_MAX (256u << 10)
#define BUILDER_MAX 1000 // nodes of one
#define BUILDER_DRIVER "docker-container"
#define BUILDER_ENDPOINT "unix:///var/run/docker.sock"

int builder_check_name(const char *name, struct err *e);
struct builder_node *builder_find_node(const struct builder *b, const char *name); // NULL
// One of that name is made anew. name is none of the builder's own texts.
struct builder_node *builder_add_node(struct builder *b, const char *name, const char *endpoint);
// ERR_NOT_FOUND
int builder_read(const char *name, struct builder *ret, struct err *e);
int builder_write(const struct builder *b, struct err *e);
int builder_remove(const char *name, struct err *e); // ERR_NOT_FOUND
int builder_names(struct strv *ret, struct err *e);  // those that were made
// What the builder's configuration says of registries counts from here on, in this process.
int builder_apply(const struct builder *b, struct err *e);
// The one that is meant where none is named: what $BUILDX_BUILDER says, or `use` was told.
int builder_current(char **ret, struct err *e);
int builder_select(const char *name, struct err *e);
