// SPDX-License-Identifier: Apache-2.0
// So many at once of something that threads do, whoever they work for.
#pragma once

#include <pthread.h>

struct err;
struct slots {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int busy;
};
void slots_init(struct slots *s);
void slots_release(struct slots *s);
// Waits until fewer than max are inside. -1: cancelled.
int slots_enter(struct slots *s, int max, struct err *e);
void slots_leave(struct slots *s);
