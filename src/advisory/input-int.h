// SPDX-License-Identifier: Apache-2.0
// A file to import as a stream: unpacked from gzip, zstd, xz or bzip2, or out of a zip archive.
#pragma once

#include "base/buf.h"
#include <sys/types.h>

struct err;

#define INPUT_WINDOW ((size_t)256 << 10)

struct input {
	const char *name; // "folder/all.zip:GHSA-1.json", for messages and nothing else
	ssize_t (*read)(void *arg, void *p, size_t n, struct err *e);
	void *arg;
	char *window; // INPUT_WINDOW bytes
	size_t at, n;
	bool end;
	size_t line;   // of what input_line returned last
	uint64_t left; // how much may still come: endless streams end
};

// What comes first, up to INPUT_WINDOW bytes; nothing is taken.
int input_peek(struct input *in, struct str *ret, struct err *e);
ssize_t input_read(void *input, void *p, size_t n, struct err *e);
// The same of a struct str, which gets shorter.
ssize_t input_read_str(void *str, void *p, size_t n, struct err *e);
// 1: the next line, without its end, in *ret; 0: there are no more; -1. Of one that is longer than
// max only the beginning, and *ret_too_long.
int input_line(struct input *in, size_t max, struct buf *ret, bool *ret_too_long, struct err *e);

struct input_visitor {
	// Called for every file. sole: it was named itself, it is not one of many.
	int (*file)(void *arg, struct input *in, bool sole, struct err *e);
	// One that could not be read.
	int (*unreadable)(void *arg, const char *name, const struct err *why, struct err *e);
	void *arg;
};
// All files of a path, folders in the order of names. Links in folders are not followed.
int input_visit(const char *path, const struct input_visitor *v, struct err *e);
