// SPDX-License-Identifier: Apache-2.0
// The holder runs from where it cannot be written: a root process in a step that gets hold of its
// program through /proc (CVE-2019-5736) finds a read-only mount or a sealed copy. What the holder
// found out before it was executed again comes along in the mark.
#include "sandbox/sealed.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/holder-int.h"
#include "sandbox/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

// A descriptor of our program through a read-only mount of just that file; -1 if it cannot be had.
static int read_only_self(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n < 0)
		return -1;
	path[n] = '\0';
	// /proc/self/exe itself leads through the mount namespace we came from, which cannot be
	// cloned.
	auto_fd int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat self, found;
	if (tree < 0 || stat("/proc/self/exe", &self) < 0 || fstat(tree, &found) < 0 ||
	        self.st_dev != found.st_dev || self.st_ino != found.st_ino)
		return -1;
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &ro, sizeof ro) < 0)
		return -1;
	return steal_fd(&tree);
}

static int sealed_copy(void)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_fd int copy = memfd_create("hew-holder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	if (exe < 0 || copy < 0 || fstat(exe, &st) < 0)
		return -1;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t r = sendfile(copy, exe, NULL, (size_t)left);
		if (r <= 0)
			return -1;
		left -= r;
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return steal_fd(&copy);
}

int sealed_exec(unsigned facts, const char *outer_root, struct err *e)
{
	auto_fd int fd = read_only_self();
	if (fd < 0)
		fd = sealed_copy();
	if (fd < 0)
		return err_sys(e, "make a write-protected copy of hew for the sandbox");
	static char argv0[] = HOLDER_ARGV0;
	char *argv[] = {argv0, NULL};
	auto_free char *mark = xasprintf("%d:%u:%s", (int)getpid(), facts, outer_root);
	setenv(HOLDER_SEALED_ENV, mark, 1);
	execveat(fd, "", argv, environ, AT_EMPTY_PATH);
	return err_sys(e, "run the write-protected copy of hew");
}

// The mark has our process id in it: one that came with the environment from outside is not
// believed.
bool sealed_is(unsigned *ret_facts, const char **ret_outer_root)
{
	const char *mark = getenv(HOLDER_SEALED_ENV);
	if (!mark)
		return false;
	char *text = xstrdup(mark), *rest = text; // kept: the root's path is part of it
	int64_t pid;
	uint64_t facts;
	const char *pid_text = strsep(&rest, ":"), *facts_text = strsep(&rest, ":");
	if (!rest || !str_to_i64(pid_text, &pid) || !str_to_u64(facts_text, &facts) ||
	        pid != getpid()) {
		free(text);
		return false;
	}
	*ret_facts = (unsigned)facts;
	*ret_outer_root = rest;
	unsetenv(HOLDER_SEALED_ENV);
	return true;
}
