// SPDX-License-Identifier: Apache-2.0
// hew build --scan: no output and no name for an image with flaws that were not to be in it.
#pragma once

#include "cmd/scan_run.h"

struct build_request;
struct build_result;

struct build_scan {
	bool wanted;
	struct scan_ask ask; // its texts are below
	struct strv texts, vex;
	struct buf severities, types;
	struct scan_work work;              // of the build; its scan is of the last image
	int64_t exit_code;                  // 0: that of the error's kind
	size_t n_packages, n_found, n_left; // of all images that were looked into
};
void build_scan_release(struct build_scan *b);
// "severity=HIGH,CRITICAL[,ignore-unfixed][,exit-code=N]...". NULL: not wanted.
int build_scan_parse(const char *text, struct build_scan *ret, struct err *e);
// Opens the database: that there is none is told before anything is built.
int build_scan_begin(struct build_scan *b, struct err *e);
// Looks into what was built. ERR_VULNERABLE, after a table on standard error.
int build_scan_run(struct build_scan *b, struct session *s, const struct build_request *r,
        const struct build_result *built, struct err *e);
// The status of the verb: exit-code=N, after the error is told.
int build_scan_status(const struct build_scan *b, int status, const struct err *e);
