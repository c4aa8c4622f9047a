// SPDX-License-Identifier: Apache-2.0
// Capabilities as one 64-bit mask. Raw calls: libcap adds nothing to a table and three of them.
#pragma once

#include <stdint.h>

struct err;

#define CAP_BIT(n) (UINT64_C(1) << (n))

uint64_t caps_docker(void);    // the 14 that docker gives by default
uint64_t caps_permitted(void); // of this process
// Takes everything but `keep` out of the bounding set; needs CAP_SETPCAP.
int caps_bound(uint64_t keep, struct err *e);
// Permitted and effective become what they have of `keep`; inheritable and ambient become empty.
int caps_set(uint64_t keep, struct err *e);
