// SPDX-License-Identifier: Apache-2.0
// The index believes a file's ctime, which no program can set, and compares it with this machine's
// clock. Where somebody else makes the answers, neither holds: a server's clock is not ours,
// attributes are cached for seconds, and a FUSE program may make up what it likes (and inode
// numbers with it). So on network file systems, on what a host shows its guest and on FUSE every
// file is read in every build; a miss costs a read, a wrong hit an image with the wrong files. What
// is not in the list is a disk or memory of this machine.
#include "context/trust.h"

#include "base/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

static const struct {
	unsigned long magic;
	const char *name;
} elsewhere[] = {
        {0x6969, "nfs"},
        {0x517b, "smb"},
        {0xff534d42, "cifs"},
        {0xfe534d42, "smb2"},
        {0x01021997, "9p"},
        {0x65735546, "fuse, virtiofs"},
        {0x00c36400, "ceph"},
        {0x5346414f, "openafs"},
        {0x6b414653, "kafs"},
        {0x73757245, "coda"},
        {0x0bd00bd0, "lustre"},
        {0x7461636f, "ocfs2"},
        {0x01161970, "gfs2"},
        {0x47504653, "gpfs"},
        {0xaad7aaea, "panfs"},
        {0x19830326, "beegfs"},
        {0x786f4256, "vboxsf"},
        {0xbacbacbc, "vmhgfs"},
        {0x7c7c6673, "prl_fs"},
        {0x564c, "ncp"},
};

bool trust_file_system(unsigned long magic)
{
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (elsewhere[i].magic == (magic & UINT32_MAX))
			return false;
	return true;
}

struct trust {
	pthread_mutex_t lock;
	struct known {
		dev_t dev;
		bool good;
	} * v;
	size_t n;
};

struct trust *trust_new(void)
{
	struct trust *t = xcalloc(1, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->v);
	free(t);
}

// One that cannot be asked is not trusted.
static bool ask(int dirfd, const char *name)
{
	struct statfs s;
	if (!*name)
		return fstatfs(dirfd, &s) == 0 && trust_file_system((unsigned long)s.f_type);
	auto_fd int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fstatfs(fd, &s) == 0 && trust_file_system((unsigned long)s.f_type);
}

bool trust_stat(struct trust *t, dev_t dev, int dirfd, const char *name)
{
	pthread_mutex_lock(&t->lock);
	size_t i = 0;
	while (i < t->n && t->v[i].dev != dev)
		i++;
	if (i == t->n) {
		t->v = xreallocarray(t->v, t->n + 1, sizeof *t->v);
		t->v[t->n++] = (struct known){dev, ask(dirfd, name)};
	}
	bool good = t->v[i].good;
	pthread_mutex_unlock(&t->lock);
	return good;
}
