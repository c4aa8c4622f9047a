// SPDX-License-Identifier: Apache-2.0
// The emulators an engine has found: engine_emulate() is in emulate.c.
#pragma once

struct engine_emulator;

void emulators_free(struct engine_emulator *first);
