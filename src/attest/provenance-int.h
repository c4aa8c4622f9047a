// SPDX-License-Identifier: Apache-2.0
// What the writers of provenance share.
#pragma once

#include "attest/provenance.h"
#include "base/json.h"

struct writing {
	const struct provenance *p;
	const struct provenance_options *o;
	struct jw w;
};
// A text, scrubbed.
void provenance_put_shown(struct writing *t, const char *key, const char *text);

// ---- provenance_steps.c
void provenance_put_build_config(struct writing *t);
// Lines and layers; nothing of mode=min.
void provenance_put_metadata(struct writing *t, const char *key);
