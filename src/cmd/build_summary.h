// SPDX-License-Identifier: Apache-2.0
// What a build came to, for the page of a job of GitHub Actions.
#pragma once

struct build_result;
struct build_scan;
struct digest;
struct err;
struct ui;

// Appended to $GITHUB_STEP_SUMMARY, if there is one; that it cannot be is no error of the build.
// Tells the ui where the Dockerfile is. pushed: all zero: nothing was; failure: NULL: none.
void build_summary(struct ui *ui, const struct build_result *b, const struct build_scan *scan,
        const struct digest *pushed, const struct err *failure);
