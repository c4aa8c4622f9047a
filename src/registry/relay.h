// SPDX-License-Identifier: Apache-2.0
// A blob on its way from one repository to another without being kept: fetched by a thread of its
// own into a pipe, which the upload reads. So what is in memory is bounded by the pipe.
#pragma once

#include "registry/client.h"

struct relay;
// Begins to fetch; d and sources are borrowed until the end. *ret_fd: what to send; the relay's.
struct relay *relay_start(struct registry *r, const struct descriptor *d, int step,
        const struct strv *sources, int *ret_fd, struct err *e);
// Ends it, whether all was read or not. rc, e: what became of the upload, which the relay's own
// failure replaces if it was first. 1: failed, but may work when begun anew; 0, -1.
int relay_end(struct relay *y, int rc, struct err *e);
