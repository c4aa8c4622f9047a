// SPDX-License-Identifier: Apache-2.0
// The parts of hew report: what is gathered for a page (page/page.h). What they fill borrows from
// what they hold, which stays where it is until it is freed.
#pragma once

#include "cmd/scan_run.h"
#include "page/page.h"

struct record;
struct session;

// ---- report_image.c: what an image weighs, holds and wastes
struct reported_image;
void reported_image_free(struct reported_image *r); // NULL is fine
void reported_image_free_ptr(struct reported_image **r);
#define auto_reported_image __attribute__((cleanup(reported_image_free_ptr)))
// NULL on failure; what is no image is ERR_USAGE.
struct reported_image *reported_image_open(
        struct session *s, const struct subject_ask *ask, struct err *e);
struct reported_image *reported_image_stored(struct session *s, const char *name,
        const struct digest *manifest, bool quiet, struct err *e);
struct page_image *reported_image_page(struct reported_image *r);
const struct scanned *reported_image_target(const struct reported_image *r);
// Calls fn for every folder that lies at most so deep, with the bytes in it that can be seen.
void reported_image_folders(struct reported_image *r, size_t depth,
        void (*fn)(void *arg, const char *path, uint64_t bytes), void *arg);

// ---- report_flaws.c
struct reported_flaws {
	bool done; // there is a database
	struct scan_work work;
	struct scan scan;
	struct flaw_set set;
	struct arena arena;
	struct page_flaw *rows;
};
void reported_flaws_release(struct reported_flaws *f);
// Opens the database: without one f->done stays false, unless one was asked for.
int reported_flaws_open(const char *db, struct reported_flaws *f, struct err *e);
// By the database of `by`, which may be f.
int reported_flaws_find(const struct reported_flaws *by, const struct scanned *t,
        struct reported_flaws *f, struct page_flaws *ret, struct err *e);

// ---- report_build.c: a record and what is left of its log
struct reported_build;
void reported_build_free(struct reported_build *b); // NULL is fine
void reported_build_free_ptr(struct reported_build **b);
#define auto_reported_build __attribute__((cleanup(reported_build_free_ptr)))
// Takes the record. NULL on failure.
struct reported_build *reported_build_new(struct session *s, struct record *r, struct err *e);
const struct page_build *reported_build_page(const struct reported_build *b);
// Of all builds that made this image the newest that ran a step, else the newest. 1, 0, -1.
int reported_build_find(
        struct session *s, const struct digest *image_id, struct record *ret, struct err *e);

// ---- report_compare.c
struct reported_comparison;
void reported_comparison_free(struct reported_comparison *c); // NULL is fine
void reported_comparison_free_ptr(struct reported_comparison **c);
#define auto_reported_comparison __attribute__((cleanup(reported_comparison_free_ptr)))
struct reported_comparison *reported_comparison_new(struct reported_image *before,
        const struct reported_flaws *flaws_before, struct reported_image *now,
        const struct reported_flaws *flaws_now);
const struct page_comparison *reported_comparison_page(const struct reported_comparison *c);
