// SPDX-License-Identifier: Apache-2.0
// For the tests of the way that older kernels go.
#pragma once

#include <stdbool.h>

// Mount overlays as before Linux 6.8, although this kernel knows better.
extern bool root_force_legacy;
