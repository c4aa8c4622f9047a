// SPDX-License-Identifier: Apache-2.0
// Making an advisory database of what others publish: OSV records (a folder, zip, lines of JSON, or
// one document), Debian's security tracker and its lists of advisories, Alpine's secdb, CISA's
// catalog of exploited flaws, EPSS scores, tables of CVSS vectors and severities by CVE, and when
// releases end. What a file is, it is recognised by. Memory does not grow with what is read; the
// same data gives the same bytes, in whatever files and order it comes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct strv;

struct advisory_import {
	const struct strv *paths; // files and folders, compressed or not
	const char *out;          // replaced at once when all is well
	bool strict;              // a record that is broken ends it
	// A record or a file that is left out: "FILE:LINE: why". Called once for each.
	void (*warn)(void *arg, const char *text);
	void *arg;
};
struct advisory_imported {
	size_t files, broken, unknown; // files: of a known kind; unknown: of none
};
int advisories_import(
        const struct advisory_import *o, struct advisory_imported *ret, struct err *e);
