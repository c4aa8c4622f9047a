// SPDX-License-Identifier: Apache-2.0
// A tar, in any compression, seen as a view without being unpacked: what ADD unpacks and what a
// build context may come as.
#pragma once

#include "layer/view.h"

struct store;

// fd: a file, read from its start; borrowed. The view owns what it needs. NULL on failure.
struct view *archive_open(struct store *s, int fd, struct err *e);
// Is it one? Content may lie inside of another file. 1, 0, -1.
int archive_sniff(const struct content *c, struct err *e);
// A descriptor of a file that holds the content and nothing else: caller closes. -1.
int content_as_file(struct store *s, const struct content *c, struct err *e);
