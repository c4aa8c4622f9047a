// SPDX-License-Identifier: Apache-2.0
// Fault points. The environment is read at the first pass; without the variables a pass is one load
// and a branch.
#include "base/fault.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
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

static long count_lines(const char *p, size_t n, const char *line, size_t len)
{
	long found = 0;
	for (const char *end = p + n, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		next = newline ? newline + 1 : end;
		found += (size_t)(next - p) == len && !memcmp(p, line, len);
	}
	return found;
}

// Appends the name; returns how often it stands in the file up to there. An append moves the
// offset behind what was written, so processes need no lock to tell their passes apart.
static long trace(const char *point)
{
	struct err ignored;
	auto_buf struct buf line = {0}, all = {0};
	auto_fd int fd = open(fault.trace, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	buf_printf(&line, "%s\n", point);
	if (fd < 0 || write(fd, line.p, line.n) != (ssize_t)line.n)
		return 0;
	off_t end = lseek(fd, 0, SEEK_CUR);
	if (end <= 0)
		return 0;
	buf_reserve(&all, (size_t)end);
	if (fs_pread_full(fd, all.p, (size_t)end, 0, &ignored) < 0)
		return 0;
	return count_lines(all.p, (size_t)end, line.p, line.n);
}

static bool is_sought(const char *point)
{
	return fault.spec && strlen(point) == fault.name_len &&
	       !memcmp(point, fault.spec, fault.name_len);
}

int fault_point(const char *point)
{
	pthread_once(&once, read_environment);
	long pass = fault.trace ? trace(point) : 0;
	if (!is_sought(point))
		return 0;
	if (!fault.trace)
		pass = __atomic_add_fetch(&fault.passes, 1, __ATOMIC_SEQ_CST);
	if (pass != fault.when)
		return 0;
	if (!fault.enospc) {
		kill(getpid(), SIGKILL);
		_exit(137); // process 1 of a namespace cannot kill itself
	}
	errno = ENOSPC;
	return -1;
}
