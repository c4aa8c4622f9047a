// SPDX-License-Identifier: Apache-2.0
// A folder of the machine as a build context: what COPY sees of it through its ignore file, with
// owners 0:0, and the digests of its files remembered between builds by what stat(2) says of them.
#pragma once

#include "base/glob.h"
#include "layer/view.h"
#include <stdbool.h>

struct context_stats {
	size_t files_hashed; // read because the index did not know them
	size_t files_known;
};

// path: the folder. ignore: may be NULL; borrowed, must outlive the view. index_dirfd/index_name:
// where the stat index is kept (index_dirfd < 0: none); it is only read.
struct view *context_open(const char *path, const struct ignore *ignore, int index_dirfd,
        const char *index_name, struct err *e);
// The stat index that should be kept instead, for the next build. False: nothing new was learnt.
bool context_learnt(struct view *context, struct buf *ret);
void context_stats_get(struct view *context, struct context_stats *ret);
// For error messages: if path exists in the folder but is hidden by the ignore file, the line of
// the deciding pattern; 0 otherwise.
int context_hidden_by(struct view *context, const char *path);
const char *context_path(struct view *context);

// The ignore file of a build: <dockerfile>.dockerignore beside the Dockerfile, else .dockerignore
// in the context folder, else none (*ret = NULL, *ret_name = NULL). ret_name: its name, for
// messages; caller frees.
int context_ignore_load(const char *context_dir, const char *dockerfile_path, struct ignore **ret,
        char **ret_name, struct err *e);
