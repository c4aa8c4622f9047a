// SPDX-License-Identifier: Apache-2.0
#include "base/slots.h"

#include "base/cancel.h"
#include "base/err.h"

void slots_init(struct slots *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->freed, NULL);
	s->busy = 0;
}

void slots_release(struct slots *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->freed);
}

int slots_enter(struct slots *s, int max, struct err *e)
{
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	while (s->busy >= max && !(rc = cancel_check(e)))
		cancel_wait(&s->freed, &s->lock);
	s->busy += !rc;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void slots_leave(struct slots *s)
{
	pthread_mutex_lock(&s->lock);
	s->busy--;
	pthread_cond_signal(&s->freed);
	pthread_mutex_unlock(&s->lock);
}
