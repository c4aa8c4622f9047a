// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "source/ssh_agent.h"

struct process;

struct ssh_agent {
	struct store *store;
	char *path;
	// Of an agent of our own.
	struct process *process;
	char *rel;
	int dir;
};
