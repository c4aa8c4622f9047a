// SPDX-License-Identifier: Apache-2.0
// Who changes the index.json of a folder holds a flock on index.json.lock: BuildKit does, and so we
// exclude each other. It removes the file when it is done, and so do we: a lock is one only as long
// as its file has that name.
#include "output/layout.h"

#include "base/cancel.h"
#include "base/fs.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE "index.json.lock"
#define PAUSE_MS 5

// A file system without locks refuses them to the others too.
static bool is_taken(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) < 0 && (errno == EWOULDBLOCK || errno == EINTR);
}

int layout_lock(int dir, struct err *e)
{
	for (;;) {
		int flags = O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
		auto_fd int fd = openat(dir, LOCK_FILE, flags, 0644);
		if (fd < 0)
			return err_sys(e, "make '" LOCK_FILE "'");
		bool taken = is_taken(fd);
		if (!taken && fs_is_named(fd, dir, LOCK_FILE))
			return steal_fd(&fd);
		struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};
		if (taken)
			poll(&pfd, 1, PAUSE_MS);
		if (cancel_check(e))
			return -1;
	}
}

void layout_unlock(int dir, int fd)
{
	if (fd >= 0)
		unlinkat(dir, LOCK_FILE, 0);
	close_fd(&fd);
}
