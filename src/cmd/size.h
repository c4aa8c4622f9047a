// SPDX-License-Identifier: Apache-2.0
// The parts of hew size.
#pragma once

#include "size/rules.h"
#include "subject/size_image.h"

struct jw;
struct record;

// A line of so many bytes a second, as it was written.
struct bandwidth {
	char *text;
	double bytes;
};
struct bandwidths {
	struct bandwidth *v;
	size_t n;
};
void bandwidths_release(struct bandwidths *b);
// "100M" and "1Gbit/s" count bits, "12MB/s" bytes; several with commas between them. ERR_USAGE.
int bandwidths_parse(const struct strv *texts, struct bandwidths *ret, struct err *e);

// A stage of the build that made an image.
struct size_stage {
	char *name;
	char *base;     // image that it begins with; NULL: scratch, or another stage
	size_t steps;   // of its own
	int64_t line;   // of its first step in the Dockerfile
	uint64_t bytes; // of all its layers, those it began with too; WEIGH_UNKNOWN
	uint64_t kept;  // of what the image has of it: its layers, or what is copied from it
	bool final;     // its layers are the image's
};
struct size_stages {
	char *build; // id
	struct size_stage *v;
	size_t n;
};
void size_stages_release(struct size_stages *s);
// ---- size_stages.c: of the newest build that made the image. ERR_NOT_FOUND: none is on record.
int size_stages_find(
        struct session *s, const struct size_image *m, struct size_stages *ret, struct err *e);

// What is to be shown beside the row of an image.
struct size_show {
	bool layers, files, packages, stages, waste;
	size_t top; // of files, packages and findings
	struct bandwidths bandwidths;
};
struct size_result {
	struct size_image image;
	struct size_stages stages;
};

// ---- size_table.c: for people
void size_print_tables(const struct size_result *v, size_t n, const struct size_show *show);
// ---- size_json.c
void size_print_json(const struct size_result *v, size_t n, const struct size_show *show);

// ---- size_gate.c
// ERR_TOO_LARGE if the image weighs more than max, after its five heaviest parts on standard error.
// It is weighed already. gate: "--budget".
int size_gate(struct session *s, struct engine *g, struct size_image *m, uint64_t max,
        const char *gate, struct err *e);
// A line a rule on standard output, as dive has it; ERR_TOO_LARGE if one does not hold.
int size_ci(const struct size_image *m, const struct size_rules *rules, bool quiet, struct err *e);

// How a size is shown that may not be known or not exactly: "12MB", "~12MB", "-".
#define SIZE_CELL 32
void size_cell(uint64_t bytes, bool estimated, char ret[static SIZE_CELL]);
