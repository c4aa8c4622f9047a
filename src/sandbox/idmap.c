// SPDX-License-Identifier: Apache-2.0
// Subordinate ids and the user namespace made of them; user_namespaces(7). The maps are written
// from outside the new namespace by setuid helpers, started by a child that stays behind.
#include "sandbox/idmap.h"

#include "base/account.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUBID_FILE_MAX (1u << 20)

// ---- /etc/subuid, /etc/subgid

static void take_line(char *line, const char *name, const char *number, struct id_ranges *ret)
{
	uint64_t first, count;
	char *start = strchr(line, ':'), *length = start ? strchr(start + 1, ':') : NULL;
	if (!length || ret->n == ID_RANGES_MAX)
		return;
	*start++ = *length++ = '\0';
	if (strcmp(line, number) != 0 && (!name || strcmp(line, name) != 0))
		return;
	if (!str_to_u64(start, &first) || !str_to_u64(length, &count) || first == 0 || count == 0 ||
	        first > UINT32_MAX || count > UINT32_MAX - first)
		return;
	ret->v[ret->n++] = (struct id_range){(uint32_t)first, (uint32_t)count};
}

static void read_ranges(const char *path, const char *name, uid_t uid, struct id_ranges *ret)
{
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	char number[16];
	snprintf(number, sizeof number, "%u", uid);
	*ret = (struct id_ranges){0};
	if (fs_read_file(AT_FDCWD, path, SUBID_FILE_MAX, &text, &ignored) < 0)
		return;
	char *rest = text.p, *line;
	while (rest && (line = strsep(&rest, "\n")))
		take_line(line, name, number, ret);
}

void idmap_of_caller(struct idmap *ret)
{
	struct account user;
	*ret = (struct idmap){.uid = geteuid(), .gid = getegid()};
	const char *name = account_of(ret->uid, &user) ? user.name : NULL;
	// Both files go by the user's name or number, never the group's.
	read_ranges("/etc/subuid", name, ret->uid, &ret->subuids);
	read_ranges("/etc/subgid", name, ret->uid, &ret->subgids);
}

// ---- the helpers

static const char *const helpers[] = {"/usr/bin/newuidmap", "/usr/bin/newgidmap"};

bool idmap_helpers(void)
{
	return access(helpers[0], X_OK) == 0 && access(helpers[1], X_OK) == 0;
}

enum { HELPER_ARGS = 2 + 3 * (ID_RANGES_MAX + 1) };

static void run_helper(const char *path, pid_t pid, uint32_t own, const struct id_ranges *sub)
{
	char text[HELPER_ARGS][16], *argv[HELPER_ARGS + 1];
	uint32_t numbers[HELPER_ARGS] = {0, (uint32_t)pid, 0, own, 1}, inside = 1;
	size_t n = 5;
	for (size_t i = 0; i < sub->n && n + 3 <= HELPER_ARGS; i++) {
		numbers[n++] = inside;
		numbers[n++] = sub->v[i].first;
		numbers[n++] = sub->v[i].count;
		inside += sub->v[i].count;
	}
	argv[0] = (char *)(uintptr_t)path;
	for (size_t i = 1; i < n; i++) {
		snprintf(text[i], sizeof text[i], "%u", numbers[i]);
		argv[i] = text[i];
	}
	argv[n] = NULL;
	execv(path, argv);
	_exit(127);
}

static bool helper_succeeds(const char *path, pid_t pid, uint32_t own, const struct id_ranges *sub)
{
	int status;
	pid_t helper = fork();
	if (helper == 0)
		run_helper(path, pid, own, sub);
	return helper > 0 && waitpid(helper, &status, 0) == helper && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

// Of the new namespace of process pid, by a child that stayed behind. Its status: 0, or which of
// the two failed (1 or 2).
typedef int (*map_writer)(pid_t pid, const struct idmap *m);

static int write_by_helpers(pid_t pid, const struct idmap *m)
{
	if (!helper_succeeds(helpers[0], pid, m->uid, &m->subuids))
		return 1;
	return helper_succeeds(helpers[1], pid, m->gid, &m->subgids) ? 0 : 2;
}

// ---- the namespace

static int refused(int why, struct err *e)
{
	if (why == ENOSPC)
		return err_set(e, ERR_SANDBOX,
		        "make a user namespace: this machine allows no more of them: raise it with "
		        "'sysctl user.max_user_namespaces=15000' as root, or run hew as root");
	if (why == EPERM)
		return err_set(e, ERR_SANDBOX,
		        "make a user namespace: it is not allowed here: let root set "
		        "'sysctl kernel.unprivileged_userns_clone=1' or, in a container, allow "
		        "unshare in its seccomp profile, or run hew as root; in a chroot only root "
		        "may");
	return err_set(e, ERR_SANDBOX, "make a user namespace: %s", strerror(why));
}

static int write_map(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_set(e, ERR_SANDBOX, "write '%s': %s", path, strerror(errno));
	return 0;
}

static int enter_alone(const struct idmap *m, struct err *e)
{
	char uids[32], gids[32];
	snprintf(uids, sizeof uids, "0 %u 1", m->uid);
	snprintf(gids, sizeof gids, "0 %u 1", m->gid);
	if (unshare(CLONE_NEWUSER) < 0)
		return refused(errno, e);
	return write_map("/proc/self/setgroups", "deny", e) < 0 ||
	                       write_map("/proc/self/uid_map", uids, e) < 0 ||
	                       write_map("/proc/self/gid_map", gids, e) < 0
	               ? -1
	               : 0;
}

// What the writer said in *ret_status.
static int enter_written(map_writer writer, const struct idmap *m, int *ret_status, struct err *e)
{
	int word[2];
	if (pipe2(word, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	pid_t self = getpid(), child = fork();
	if (child == 0) {
		char c;
		close(word[1]);
		// no word: the namespace never came to be, and why is told elsewhere
		_exit(read(word[0], &c, 1) == 1 ? writer(self, m) : 0);
	}
	close(word[0]);
	int why = child < 0 ? errno : unshare(CLONE_NEWUSER) < 0 ? errno : 0;
	if (why == 0)
		(void)!write(word[1], "", 1);
	close(word[1]);
	int status = 0;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	return why ? refused(why, e) : 0;
}

static int enter_mapped(const struct idmap *m, struct err *e)
{
	int status;
	if (enter_written(write_by_helpers, m, &status, e) < 0)
		return -1;
	if (status)
		return err_set(e, ERR_SANDBOX,
		        "map the subordinate ids of user %u: %s refused (its own message is "
		        "above): "
		        "is it set-user-ID root, and do the lines in /etc/subuid and /etc/subgid "
		        "overlap?",
		        m->uid, helpers[status == 2]);
	return 0;
}

// Every id of the namespace we are in, as itself.
static bool write_same(pid_t pid, const char *name)
{
	unsigned inside, outside, count;
	auto_buf struct buf text = {0}, map = {0};
	auto_free char *own = xasprintf("/proc/self/%s", name);
	auto_free char *path = xasprintf("/proc/%d/%s", pid, name);
	struct err ignored = ERR_INIT;
	if (fs_read_file(AT_FDCWD, own, 64 << 10, &text, &ignored) < 0)
		return false;
	for (char *rest = text.p, *line; rest && (line = strsep(&rest, "\n"));)
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3)
			buf_printf(&map, "%u %u %u\n", inside, inside, count);
	return write_map(path, buf_cstr(&map), &ignored) == 0;
}

static int write_same_maps(pid_t pid, const struct idmap *m)
{
	(void)m;
	return !write_same(pid, "uid_map") ? 1 : !write_same(pid, "gid_map") ? 2 : 0;
}

int idmap_enter_same(struct err *e)
{
	int status;
	if (enter_written(write_same_maps, NULL, &status, e) < 0)
		return -1;
	return status ? err_set(e, ERR_SANDBOX, "make a user namespace with the same ids: refused")
	              : 0;
}

int idmap_enter(const struct idmap *m, struct err *e)
{
	bool mapped = m->subuids.n > 0 && m->subgids.n > 0;
	return mapped ? enter_mapped(m, e) : enter_alone(m, e);
}
