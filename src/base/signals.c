// SPDX-License-Identifier: Apache-2.0
// The names that docker knows (moby/sys/signal). Numbers of real-time signals are the kernel's
// from 34 on: the two before are the C library's.
#include "base/signals.h"

#include "base/buf.h"
#include "base/mem.h"
#include <signal.h>
#include <stdint.h>
#include <strings.h>

enum { RT_FIRST = 34, RT_LAST = 64 };

static const char *const names[] = {"ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP",
        "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT",
        "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM",
        "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX"};
static const int numbers[] = {SIGABRT, SIGALRM, SIGBUS, SIGCHLD, SIGCHLD, SIGCONT, SIGFPE, SIGHUP,
        SIGILL, SIGINT, SIGIO, SIGABRT, SIGKILL, SIGPIPE, SIGPOLL, SIGPROF, SIGPWR, SIGQUIT,
        SIGSEGV, SIGSTKFLT, SIGSTOP, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
        SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ, RT_FIRST, RT_LAST};
_Static_assert(ARRAY_LEN(names) == ARRAY_LEN(numbers), "a number for each name");

static const char *bare(const char *text)
{
	return strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
}

// "RTMIN+3", "RTMAX-3"
static int real_time(const char *name)
{
	bool from_first = strncasecmp(name, "RTMIN+", 6) == 0;
	uint64_t n;
	if ((!from_first && strncasecmp(name, "RTMAX-", 6) != 0) || !str_to_u64(name + 6, &n) ||
	        n > RT_LAST - RT_FIRST)
		return 0;
	return from_first ? RT_FIRST + (int)n : RT_LAST - (int)n;
}

int signal_number(const char *text)
{
	uint64_t n;
	if (str_to_u64(text, &n))
		return n <= RT_LAST ? (int)n : 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(bare(text), names[i]))
			return numbers[i];
	return real_time(bare(text));
}

const char *signal_near(const char *text)
{
	return str_nearest(bare(text), names, ARRAY_LEN(names));
}
