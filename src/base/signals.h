// SPDX-License-Identifier: Apache-2.0
// Signals as people write them: "SIGTERM", "term", "15", "RTMIN+3". The names are docker's.
#pragma once

// 0: there is no such signal.
int signal_number(const char *text);
// The name ("TERM") that is nearest to what was written, or NULL.
const char *signal_near(const char *text);
