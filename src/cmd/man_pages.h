// SPDX-License-Identifier: Apache-2.0
// hew's man pages, which are inside the program.
#pragma once

#include "base/buf.h"

struct err;

struct man_page {
	struct str name; // "hew-build.1"
	struct str text;
};

// All of them, for man_pages_next. ERR_UNSUPPORTED if the program was built without.
int man_pages_unpack(struct buf *ret, struct err *e);
// The first of *rest, which is left with those after it; the page is a view of it. 1: there is
// one, 0: there is none left.
int man_pages_next(struct str *rest, struct man_page *ret, struct err *e);
