// SPDX-License-Identifier: Apache-2.0
// An image or a build as one page of HTML that needs nothing but itself: how the build went, where
// the bytes are, what is wasted, what is known to be wrong, what another image has instead. Pure:
// structures in, bytes out, and the same input is the same bytes.
//
// All texts may be hostile: none of them makes markup, a link or a script. The page has a bound:
// of every list the first rows are shown, and how many more there are.
#pragma once

#include "page/tree.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define PAGE_BYTES_MAX (1u << 20) // of a page, whatever it is about
#define PAGE_UNKNOWN UINT64_MAX   // of sizes and counts

// A step of a build. Times count from the build's begin, in nanoseconds.
struct page_step {
	const char *name;  // "[builder 2/5] RUN npm ci"
	const char *stage; // "" if it has none
	const char *state; // "ran", "cached", "failed", "stopped", "not reached"
	int line;          // of the Dockerfile; 0: not known
	bool has_time;
	int64_t began_ns, took_ns;
	uint64_t bytes;                       // of its layer; PAGE_UNKNOWN
	const char *reason;                   // why it was not cached; NULL: it was, or not known
	const char *subject, *before, *after; // of the reason: what differs, and how; NULL
	const char *log;                      // the last lines it printed; NULL: none
	const int *needs; // steps that had to be done before; indexes into steps
	size_t n_needs;
};

struct page_build {
	const char *id, *status, *dockerfile, *when;
	const char *error; // NULL: it did not fail
	int64_t took_ns;
	const struct page_step *steps; // in an order in which each comes after what it needs
	size_t n_steps;
};

struct page_layer {
	const char *instruction; // NULL: not known
	const char *place;       // "Dockerfile:12"; NULL: not known
	const char *digest;      // diffID
	uint64_t bytes;          // unpacked
	uint64_t packed;         // as it is pulled; PAGE_UNKNOWN
	uint64_t hidden;         // of bytes: what later layers replace or delete
	size_t files;
	bool base; // the base image's
};

struct page_waste {
	const char *kind, *path, *advice; // path: of a file, a folder or a package
	const char *package;              // NULL: it is about a path
	size_t layer;
	uint64_t bytes;
	size_t files;
};

struct page_package {
	const char *type, *name, *version;
	uint64_t bytes; // PAGE_UNKNOWN
	size_t layer;
};

enum page_severity {
	PAGE_CRITICAL,
	PAGE_HIGH,
	PAGE_MEDIUM,
	PAGE_LOW,
	PAGE_NEGLIGIBLE,
	PAGE_UNRATED,
	PAGE_SEVERITIES
};
struct page_flaw {
	enum page_severity severity;
	const char *name, *package, *version;
	const char *fixed;  // NULL: no version mends it
	const char *status; // what the publisher says
	const char *title;  // NULL
	const char *place;  // what brought the package: "Dockerfile:12", "base image"; NULL
	bool exploited;     // it is known to be used
};
struct page_flaws {
	const struct page_flaw *v; // the most severe first
	size_t n;
	size_t hidden;    // left out by filters
	const char *data; // date of the database
	const char *none; // why nothing was looked for; NULL: it was
};

// A row of what has become of something: "gained", "lost", "up", "down".
struct page_change {
	const char *change, *what, *kind, *before, *after; // before, after: NULL: it was not there
};
struct page_folder_change {
	const char *path;
	uint64_t before, after;
};
struct page_total {
	const char *what;
	uint64_t before, after; // PAGE_UNKNOWN
	bool is_bytes;
};
struct page_comparison {
	const char *name; // of the other image: what was before
	const struct page_total *totals;
	size_t n_totals;
	const struct page_change *packages, *flaws, *config;
	size_t n_packages, n_flaws, n_config;
	const struct page_folder_change *folders; // by how much they changed
	size_t n_folders;
};

struct page_image {
	const char *name, *digest, *id, *platform, *created, *base; // NULL: not known
	const char *entry;                                          // what it starts; NULL
	const char *user;                                           // "" root
	uint64_t bytes, packed, hidden;
	bool packed_is_estimated; // of a layer at least, which was never pushed
	size_t files;
	double efficiency; // 0..1, as dive counts; below 0: not known
	double packed_efficiency;
	const struct page_layer *layers; // bottom first
	size_t n_layers;
	const struct page_package *packages; // heaviest first
	size_t n_packages;
	const struct page_tree *by_layer, *by_folder, *by_package; // NULL: not known
	const struct page_waste *waste;                            // heaviest first
	size_t n_waste;
	struct page_flaws flaws;
};

// All of it is the caller's.
struct page {
	const char *title;
	const struct page_image *image;           // NULL: the build made none, or it is gone
	const struct page_build *build;           // NULL: there is no record of one
	const struct page_comparison *comparison; // NULL: nothing to compare with
	const char *version;                      // hew's
};
void page_write(const struct page *p, struct buf *out);
