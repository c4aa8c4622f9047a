// SPDX-License-Identifier: Apache-2.0
// Fault points. The environment is read at the first pass; without the variables a pass is one load
// and a branch.
#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *spec, *trace;
	size_t name_len;
	long when, passes;
	int enospc;
} fault;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
	fault.trace = getenv("HEW_FAULT_TRACE");
	const char *spec = getenv("HEW_FAULT");
	const char *colon = spec ? strchr(spec, ':') : NULL;
	if (!colon)
		return;
	char *end;
	fault.when = strtol(colon + 1, &end, 10);
	fault.enospc = !strcmp(end, ":enospc");
	fault.name_len = (size_t)(colon - spec);
	fault.spec = spec;
}

static void trace(const char *point)
{
	int fd = open(fault.trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char line[128];
	size_t n = strlen(point) < sizeof(line) - 1 ? strlen(point) : sizeof(line) - 1;
	memcpy(line, point, n);
	line[n++] = '\n';
	if (fd >= 0) {
		(void)!write(fd, line, n);
		close(fd);
	}
}

int fault_point(const char *point)
{
	pthread_once(&once, read_environment);
	if (fault.trace)
		trace(point);
	if (!fault.spec || strlen(point) != fault.name_len ||
	        strncmp(point, fault.spec, fault.name_len))
		return 0;
	if (__atomic_add_fetch(&fault.passes, 1, __ATOMIC_SEQ_CST) != fault.when)
		return 0;
	if (!fault.enospc)
		kill(getpid(), SIGKILL);
	errno = ENOSPC;
	return -1;
}
