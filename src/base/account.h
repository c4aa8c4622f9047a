// SPDX-License-Identifier: Apache-2.0
// Who a user of this machine is.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account {
	const char *name, *home; // in text
	char text[4096];
};

// False if the machine does not know that user.
bool account_of(uint32_t uid, struct account *ret);
