// SPDX-License-Identifier: Apache-2.0
// The handlers do what a handler may: store a number and write to a descriptor.
#include "base/cancel.h"

#include "base/err.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define WATCH_NS 100000000

static sig_atomic_t signal_number; // only the first one, and only atomically: workers ask too
static int event_fd = -1;

static void on_signal(int sig)
{
	int saved = errno;
	cancel_trigger(sig);
	errno = saved;
}

void cancel_trigger(int sig)
{
	uint64_t one = 1;
	sig_atomic_t none = 0;
	__atomic_compare_exchange_n(
	        &signal_number, &none, sig, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (event_fd >= 0)
		(void)!write(event_fd, &one, sizeof(one));
}

// A signal that is ignored from the start stays so: nohup means it.
static void install_one(int sig, const struct sigaction *sa)
{
	struct sigaction old;
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, sa, NULL);
}

int cancel_install(struct err *e)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event_fd < 0)
		return err_sys(e, "make an eventfd");
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		install_one(signals[i], &sa);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	return 0;
}

bool cancel_requested(void)
{
	return cancel_signal() != 0;
}

int cancel_fd(void)
{
	return event_fd;
}

int cancel_signal(void)
{
	return __atomic_load_n(&signal_number, __ATOMIC_RELAXED);
}

static _Thread_local const atomic_bool *thread_stop;

const atomic_bool *cancel_with(const atomic_bool *stop)
{
	const atomic_bool *before = thread_stop;
	thread_stop = stop;
	return before;
}

int cancel_check(struct err *e)
{
	bool stopped = thread_stop && atomic_load(thread_stop);
	return stopped || cancel_requested() ? err_set(e, ERR_CANCELLED, "cancelled") : 0;
}

void cancel_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WATCH_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(cond, lock, &until);
}
