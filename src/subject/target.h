// SPDX-License-Identifier: Apache-2.0
// An image wherever it is: in the store, in a registry, in a layout, in an archive. For all verbs
// that look into one.
#pragma once

#include "image/digest.h"
#include "rootfs/engine.h"

struct err;
struct session;

struct subject_ask {
	const char *text;     // as typed; NULL: input
	const char *input;    // an archive of an image, of whatever kind
	const char *platform; // of an index; NULL: this machine's
	bool silent;          // no progress, whatever has to be fetched
};
// The manifest's digest; text may also be a path of a layout or an archive. It and the
// configuration are in the store then, but of what is in a registry no layer is.
// *ret_name, unless NULL: the registry's name it was found by; NULL: it has an id or a path. Caller
// frees.
int image_target_find(struct session *s, struct engine *g, const struct subject_ask *ask,
        struct digest *ret, char **ret_name, struct err *e);
