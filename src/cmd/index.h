// SPDX-License-Identifier: Apache-2.0
// hew index inspect, which is a file of its own.
#pragma once

#include "image/manifest.h"
#include "output/output.h"
#include "output/place.h"

struct err;

struct index_view {
	const struct output_request *q;
	const struct place *place;
	const struct descriptor *root; // its document is in the store
	const char *format;            // NULL: text
	bool raw;
};
// On standard output, as buildx's imagetools inspect prints it.
int index_inspect(const struct index_view *v, struct err *e);
