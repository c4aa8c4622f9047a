// SPDX-License-Identifier: Apache-2.0
// Which files of a tree are shown, one below the other: folders are open or folded, kinds of
// change are hidden, names are filtered. Pure.
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "browse/tree.h"
#include <regex.h>

// Which folders are open: all or none, but for some. Kept by path, so that it holds for the tree of
// another layer.
struct folds {
	bool open;
	struct map others; // those that are not as the rest
};
void folds_release(struct folds *f);
void folds_set_all(struct folds *f, bool open);
bool folds_is_open(const struct folds *f, const char *path);
void folds_set(struct folds *f, const char *path, bool open);
// All folders that a path goes through.
void folds_reveal(struct folds *f, const char *path);

#define FILTER_MAX 256
// A regular expression (POSIX, extended) that is looked for in "/path"; a text that is none is
// looked for as it is, and so is one without special characters, which is faster.
struct path_filter {
	char text[FILTER_MAX]; // empty: everything fits
	bool is_regex;
	bool is_broken; // it has special characters and is no regular expression
	regex_t regex;
};
void path_filter_release(struct path_filter *p);
void path_filter_set(struct path_filter *p, const char *text); // cut at FILTER_MAX
bool path_filter_fits(const struct path_filter *p, const char *path);

struct rows_choice {
	const struct folds *folds;
	const struct path_filter *filter;
	bool hidden[N_MARKS];
	bool by_size; // heaviest first; else by name
};

struct rows {
	uint32_t *v; // nodes
	size_t n, cap;
	uint8_t *state; // of each node
	size_t n_state;
	size_t fitting; // files, not folders, that the filter lets through, folded away or not
};
void rows_release(struct rows *r);
// A folder is shown if anything below it is; that the filter fits the folder alone shows just it.
void rows_make(const struct tree *t, const struct rows_choice *c, struct rows *r);
// The last of those shown in its folder.
bool rows_is_last(const struct rows *r, uint32_t node);
// The row of a node, or of the nearest folder above it that is shown; 0 if there is none.
size_t rows_near(const struct rows *r, const struct tree *t, uint32_t node);
