// SPDX-License-Identifier: Apache-2.0
// Fault points for crash tests. HEW_FAULT=<point>:<n>[:enospc] makes the n-th pass (from 1) through
// the point kill the process with SIGKILL, or fail with ENOSPC. HEW_FAULT_TRACE=<file> appends the
// name of every point passed, so that a sweep can find them all; with it n counts the passes of all
// processes (hew, the holder, its children, a step's init until it has changed its root), without
// it each process counts its own. Without the variables a pass is one load.
#pragma once

// 0: go on. -1 with errno = ENOSPC: behave as if the operation about to happen had failed so.
int fault_point(const char *point);
