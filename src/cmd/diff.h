// SPDX-License-Identifier: Apache-2.0
// The parts of hew diff.
#pragma once

#include "cmd/scan_target.h"

struct session;

enum package_change { PACKAGE_GAINED, PACKAGE_LOST, PACKAGE_UP, PACKAGE_DOWN };
struct package_diff {
	enum package_change change;
	enum package_type type;
	const char *name, *before, *after; // versions; NULL: none. Of the lists
};
struct package_diffs {
	struct package_diff *v; // by type and name
	size_t n;
};
void package_diffs_release(struct package_diffs *d);
// ---- diff_packages.c
void package_diffs_make(
        const struct package_list *a, const struct package_list *b, struct package_diffs *ret);

struct file_diffs {
	struct strv added, removed, changed; // paths
};
void file_diffs_release(struct file_diffs *d);
// ---- diff_files.c: of two images. Times do not count.
int file_diffs_make(struct session *s, const struct image_config *a, const struct image_config *b,
        struct file_diffs *ret, struct err *e);
