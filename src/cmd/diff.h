// SPDX-License-Identifier: Apache-2.0
// The parts of hew diff.
#pragma once

#include "cmd/scan_run.h"

struct session;

enum package_change { PACKAGE_GAINED, PACKAGE_LOST, PACKAGE_UP, PACKAGE_DOWN, PACKAGE_CHANGES };
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

struct file_diff {
	char *path;
	uint64_t before, after; // bytes; 0 of what is no regular file
};
struct file_list {
	struct file_diff *v; // in the order of paths
	size_t n, cap;
};
struct file_diffs {
	struct file_list added, removed, changed;
};
void file_diffs_release(struct file_diffs *d);
// ---- diff_files.c: of two images. Times do not count.
int file_diffs_make(struct session *s, const struct image_config *a, const struct image_config *b,
        struct file_diffs *ret, struct err *e);

// A field of the configuration, or a member of one: of env and labels by key, of ports and volumes
// by name.
struct config_diff {
	const char *field;    // "env"; static
	char *key;            // NULL: the field has no keys
	char *before, *after; // NULL: not set
};
struct config_diffs {
	struct config_diff *v;
	size_t n;
};
void config_diffs_release(struct config_diffs *d);
// ---- diff_config.c
void config_diffs_make(
        const struct image_config *a, const struct image_config *b, struct config_diffs *ret);

// All that hew diff found out.
struct diff_side {
	struct scanned target;
	struct scan scan;
	struct flaw_set flaws;
	uint64_t bytes; // of the files of all layers, unpacked
};
struct diff {
	struct diff_side a, b;
	struct package_diffs packages;
	struct config_diffs config;
	struct file_diffs files;
	bool has_flaws, has_files;
};
// ---- diff_table.c, diff_json.c: files: list them
void diff_print_table(const struct diff *d, bool files);
void diff_print_json(const struct diff *d, bool files);
extern const char *const package_change_words[]; // by enum package_change
