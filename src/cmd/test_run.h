// SPDX-License-Identifier: Apache-2.0
// Structure tests from files and an image to a report and an exit status: for hew test, and for
// hew called container-structure-test.
#pragma once

#include "sandbox/step.h"
#include "structure/structure.h"
#include "subject/scanned.h"
#include <stdio.h>

enum test_format { TEST_TEXT, TEST_JSON, TEST_JUNIT };
// ERR_USAGE; NULL: text.
int test_format_parse(const char *text, enum test_format *ret, struct err *e);

struct test_ask {
	struct subject_ask target;
	const struct strv *files;
	enum test_format format;
	const char *report; // a file for it; NULL: standard output
	const char *suite;  // JUnit's name of it; NULL: as usual
	enum step_network network;
	int64_t jobs;       // command tests at once; 0: one a processor
	int64_t timeout_ns; // of each; 0: none
	bool pull, quiet;
	bool no_colour;
	bool banners; // text as container-structure-test prints it
};
// 0, or -1: a test failed, or something could not be done.
int test_run(struct session *s, const struct test_ask *a, struct err *e);

// ---- test_text.c: for people, on `to`
struct test_text {
	FILE *to;
	bool colour, banners;
};
void test_text_file(const struct test_text *x, const char *file);
void test_text_result(const struct test_text *x, const struct test_result *r);
void test_text_end(const struct test_text *x, const struct test_results *all);
