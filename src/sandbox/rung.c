// SPDX-License-Identifier: Apache-2.0
// The rungs: which one the caller stands on, and how the holder steps on it. Root needs a mount
// namespace; an ordinary user a user namespace before it. Beyond that the rest of the sandbox asks
// for two or three facts (rung-int.h), never for the rung.
#include "sandbox/rung.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sandbox/caps.h"
#include "sandbox/mounts.h"
#include "sandbox/rung-int.h"
#include "sandbox/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- which

// Adds what a map of this user namespace says, a range a line, and returns how many ids it has. In
// the first one, where every id is itself, it says nothing.
static uint64_t read_map(const char *path, struct buf *said)
{
	struct err ignored = ERR_INIT;
	auto_buf struct buf text = {0};
	unsigned inside, outside, count;
	uint64_t total = 0;
	if (fs_read_file(AT_FDCWD, path, 64 << 10, &text, &ignored) < 0)
		return UINT32_MAX;
	for (char *rest = text.p, *line; rest && (line = strsep(&rest, "\n"));) {
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) != 3)
			continue;
		total += count;
		if (inside != 0 || outside != 0 || count != UINT32_MAX)
			buf_printf(said, "%u %u %u\n", inside, outside, count);
	}
	return total;
}

static void hash_ranges(struct hasher *h, const struct id_ranges *r)
{
	hasher_u64(h, r->n);
	for (size_t i = 0; i < r->n; i++) {
		hasher_u64(h, r->v[i].first);
		hasher_u64(h, r->v[i].count);
	}
}

// Trees hold the host's ids, so each map has its own.
static void name_flavour(struct rung_choice *c, const struct buf *outer)
{
	char hex[HASH_HEX];
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, outer->n ? outer->p : "");
	hasher_u64(h, c->ids.uid);
	hasher_u64(h, c->ids.gid);
	hash_ranges(h, &c->ids.subuids);
	hash_ranges(h, &c->ids.subgids);
	struct hash sum = hasher_end(h);
	hash_hex(&sum, hex);
	snprintf(c->flavour, sizeof c->flavour, "user-%.12s", hex);
}

void rung_choose(struct rung_choice *ret)
{
	auto_buf struct buf outer = {0};
	*ret = (struct rung_choice){.rung = RUNG_ROOT};
	uint64_t uids = read_map("/proc/self/uid_map", &outer);
	uint64_t gids = read_map("/proc/self/gid_map", &outer);
	bool rights = geteuid() == 0 && (caps_permitted() & CAP_BIT(CAP_SYS_ADMIN));
	if (rights && !outer.n) {
		snprintf(ret->flavour, sizeof ret->flavour, "trusted");
		return;
	}
	ret->userxattr = true;
	ret->new_userns = !rights;
	if (ret->new_userns)
		idmap_of_caller(&ret->ids);
	bool many = rights ? uids > 1 && gids > 1
	                   : ret->ids.subuids.n && ret->ids.subgids.n && idmap_helpers();
	if (!many)
		ret->ids.subuids.n = ret->ids.subgids.n = 0;
	ret->rung = many ? RUNG_SUBIDS : RUNG_SINGLE_ID;
	name_flavour(ret, &outer);
}

const char *rung_name(enum rung r)
{
	static const char *const names[] = {
	        [RUNG_ROOT] = "R0 root",
	        [RUNG_SUBIDS] = "R1 user namespace with subordinate ids",
	        [RUNG_SINGLE_ID] = "R2 user namespace with a single id",
	        [RUNG_CHROOT] = "R3 container root without mount rights",
	        [RUNG_NONE] = "R4 no rights at all",
	};
	return (size_t)r < ARRAY_LEN(names) ? names[r] : "unknown";
}

// ---- how

enum { FACT_USERXATTR = 1 << 0, FACT_BIND_SYS = 1 << 1, FACT_NO_GROUPS = 1 << 2 };

static struct rung_traits traits;

const struct rung_traits *rung_traits(void)
{
	return &traits;
}

// The root of a chroot is no mount, and a step's root can only take the place of one. So it is made
// one: a copy of all that is mounted from there takes the place of the namespace's own root.
static int mount_chroot(void)
{
	struct mount_attr alone = {.propagation = MS_PRIVATE};
	auto_fd int tree =
	        open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	auto_fd int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (tree < 0 || ns < 0 ||
	        mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &alone, sizeof alone) < 0 ||
	        setns(ns, CLONE_NEWNS) < 0 ||
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	        move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	        fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -1;
	return umount2(".", MNT_DETACH) < 0 ? -1 : chdir("/");
}

int rung_own_mounts(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return 0;
	return errno == EINVAL ? mount_chroot() : -1;
}

static int enter_mount_namespace(const struct rung_choice *c, struct err *e)
{
	if (unshare(CLONE_NEWNS) == 0 && rung_own_mounts() == 0)
		return 0;
	int why = errno;
	if (c->new_userns && (why == EPERM || why == EACCES))
		return err_set(e, ERR_SANDBOX,
		        "make a mount namespace: the user namespace has no rights: AppArmor "
		        "restricts it: let root add a profile with 'userns,' for hew, or set "
		        "'sysctl kernel.apparmor_restrict_unprivileged_userns=0', or run hew as "
		        "root");
	return err_set(e, ERR_SANDBOX, "make a mount namespace: %s", strerror(why));
}

static int enter_namespaces(struct err *e)
{
	struct rung_choice c;
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char outer_root[PATH_MAX];
	rung_choose(&c);
	if (c.new_userns && idmap_enter(&c.ids, e) < 0)
		return -1;
	if (root < 0)
		return err_sys(e, "open the root directory");
	if (enter_mount_namespace(&c, e) < 0 || mount_path(root, outer_root, e) < 0)
		return -1;
	unsigned facts = (c.userxattr ? FACT_USERXATTR | FACT_BIND_SYS : 0) |
	                 (c.rung == RUNG_SINGLE_ID ? FACT_NO_GROUPS : 0);
	return sealed_exec(facts, outer_root, e);
}

static void raise_nofile(void)
{
	// A step of 500 layers needs more descriptors than the usual soft limit of 1024.
	getrlimit(RLIMIT_NOFILE, &traits.nofile);
	struct rlimit high = {
	        .rlim_cur = traits.nofile.rlim_max, .rlim_max = traits.nofile.rlim_max};
	setrlimit(RLIMIT_NOFILE, &high);
}

int rung_enter(struct err *e)
{
	unsigned facts;
	if (!sealed_is(&facts, &traits.outer_root))
		return enter_namespaces(e);
	traits.userxattr = facts & FACT_USERXATTR;
	traits.bind_sys = facts & FACT_BIND_SYS;
	traits.no_groups = facts & FACT_NO_GROUPS;
	raise_nofile();
	return 0;
}
