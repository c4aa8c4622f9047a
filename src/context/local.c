// SPDX-License-Identifier: Apache-2.0
// A local folder as a view. Reading it is a stat walk: directories that the ignore file excludes
// for good are not entered, and a file's bytes are read only if the stat index cannot vouch for
// them.
#include "context/local.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "context/stat_index.h"
#include "context/trust.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 512

struct local {
	struct view view;
	char *path;
	int root;
	const struct ignore *ignore;
	struct stat_index *index;
	struct trust *trust;
	struct map holding; // directories that are excluded -> do they hold something; under lock
	struct context_stats stats;
	pthread_mutex_t lock;
	struct arena strings; // what entries point to; under lock
};

static struct local *local_of(struct view *v)
{
	return (struct local *)v;
}

static const char *keep(struct local *l, const char *s)
{
	pthread_mutex_lock(&l->lock);
	const char *kept = arena_strdup(&l->strings, s);
	pthread_mutex_unlock(&l->lock);
	return kept;
}

static bool is_excluded(const struct local *l, const char *path)
{
	return l->ignore && *path && ignore_excludes(l->ignore, path, NULL);
}

// ---- entries

static enum entry_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return ENTRY_DIR;
	case S_IFLNK:
		return ENTRY_SYMLINK;
	case S_IFCHR:
		return ENTRY_CHAR;
	case S_IFBLK:
		return ENTRY_BLOCK;
	case S_IFIFO:
		return ENTRY_FIFO;
	case S_IFSOCK:
		return ENTRY_SOCKET;
	default:
		return ENTRY_FILE;
	}
}

static int read_link(struct local *l, int dirfd, const char *name, struct entry *en, struct err *e)
{
	char target[4097];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, "read link '%s' in the build context", en->path);
	target[n] = '\0';
	en->link = keep(l, target);
	return 0;
}

// A file's capabilities come along. Its other attributes say something of this machine (where a
// browser got the file from, say), and BuildKit leaves them out of layers as well.
static bool read_capability(struct local *l, int fd, struct entry *en)
{
	static const char name[] = "security.capability";
	char value[64];
	ssize_t n = fgetxattr(fd, name, value, sizeof(value));
	if (n <= 0)
		return false;
	pthread_mutex_lock(&l->lock);
	void *kept = arena_alloc(&l->strings, (size_t)n);
	struct xattr *x = arena_alloc(&l->strings, sizeof(*x));
	pthread_mutex_unlock(&l->lock);
	memcpy(kept, value, (size_t)n);
	*x = (struct xattr){.name = name, .value = kept, .size = (uint32_t)n};
	en->xattrs = x;
	en->n_xattrs = 1;
	return true;
}

static int fill_known(struct local *l, int dirfd, const char *name, const struct stat_record *known,
        struct entry *en, struct err *e)
{
	en->has_content = true;
	en->content = known->content;
	__atomic_add_fetch(&l->stats.files_known, 1, __ATOMIC_RELAXED);
	if (!known->has_xattrs)
		return 0;
	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s' in the build context", en->path);
	read_capability(l, fd, en);
	return 0;
}

static int fill_entry(struct local *l, int dirfd, const char *name, const char *path,
        const struct stat *st, struct entry *en, struct err *e)
{
	*en = (struct entry){
	        .path = keep(l, path),
	        .type = type_of(st->st_mode),
	        .mode = st->st_mode & 07777,
	        .dev_major = major(st->st_rdev),
	        .dev_minor = minor(st->st_rdev),
	        .mtime_sec = st->st_mtim.tv_sec,
	        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	        .offset = ENTRY_NO_OFFSET,
	};
	if (en->type == ENTRY_SYMLINK) {
		en->mode = 0777;
		return read_link(l, dirfd, name, en, e);
	}
	if (en->type != ENTRY_FILE)
		return 0;
	en->size = (uint64_t)st->st_size;
	struct stat_record known;
	return trust_stat(l->trust, st->st_dev, dirfd, name) &&
	                       stat_index_get(l->index, path, st, &known)
	               ? fill_known(l, dirfd, name, &known, en, e)
	               : 0;
}

// Descriptor of the directory that holds path, and the last component. No symlink is followed: a
// path through one is absent (-1 with errno).
static int open_parent(struct local *l, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return fcntl(l->root, F_DUPFD_CLOEXEC, 3);
	auto_free char *dir = xstrndup(path, (size_t)(slash - path));
	return fs_open_beneath(l->root, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

// ---- directories that are excluded but hold something that is re-included

static bool holds_included(struct local *l, const char *dir, int depth);

static bool look_for_included(struct local *l, const char *dir, int depth)
{
	struct err ignored = ERR_INIT;
	auto_strv struct strv names = {0};
	auto_fd int fd =
	        fs_open_beneath(l->root, *dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0 || depth > DEPTH_MAX || fs_list_dir(fd, &names, &ignored))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf("%s/%s", dir, names.v[i]);
		if (!is_excluded(l, path))
			return true;
		struct stat st;
		if (fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
		        !ignore_prunes(l->ignore, path) && holds_included(l, path, depth + 1))
			return true;
	}
	return false;
}

// Looked for once: it is asked on every level above, and an answer may take a walk of all that is
// below.
static bool holds_included(struct local *l, const char *dir, int depth)
{
	static const char yes, no;
	pthread_mutex_lock(&l->lock);
	const char *known = map_get(&l->holding, dir);
	pthread_mutex_unlock(&l->lock);
	if (known)
		return known == &yes;
	bool holds = look_for_included(l, dir, depth);
	pthread_mutex_lock(&l->lock);
	map_set(&l->holding, dir, (void *)(uintptr_t)(holds ? &yes : &no));
	pthread_mutex_unlock(&l->lock);
	return holds;
}

static bool is_visible(struct local *l, const char *path, bool is_dir)
{
	if (!is_excluded(l, path))
		return true;
	return is_dir && !ignore_prunes(l->ignore, path) && holds_included(l, path, 0);
}

// ---- view operations

static int local_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct local *l = local_of(v);
	struct stat st;
	const char *name;
	auto_fd int dir = open_parent(l, path, &name);
	if (dir < 0)
		return is_absent(errno) ? 0 : err_sys(e, "open '%s' in the build context", path);
	if (fstatat(dir, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW))
		return is_absent(errno) ? 0 : err_sys(e, "stat '%s' in the build context", path);
	if (!is_visible(l, path, S_ISDIR(st.st_mode)))
		return 0;
	return fill_entry(l, dir, name, path, &st, ret, e) ? -1 : 1;
}

static int local_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	struct local *l = local_of(v);
	auto_strv struct strv names = {0};
	auto_fd int fd =
	        fs_open_beneath(l->root, *dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return is_absent(errno) ? 0 : err_sys(e, "open '%s' in the build context", dir);
	if (fs_list_dir(fd, &names, e))
		return err_wrap(e, "read '%s' in the build context", dir);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path =
		        *dir ? xasprintf("%s/%s", dir, names.v[i]) : xstrdup(names.v[i]);
		struct stat st;
		bool is_dir = false;
		if (is_excluded(l, path) && fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			is_dir = S_ISDIR(st.st_mode);
		if (is_visible(l, path, is_dir))
			strv_add(ret, names.v[i]);
	}
	return 0;
}

struct walk {
	struct local *l;
	int (*fn)(void *arg, const struct entry *en, struct err *e);
	void *arg;
	struct map inodes; // "dev:ino" -> path first met, for hard links
	struct buf path;   // where the walk is
};

static void note_hard_link(struct walk *w, const struct stat *st, struct entry *en)
{
	if (st->st_nlink < 2 || en->type != ENTRY_FILE)
		return;
	auto_free char *key = xasprintf(
	        "%llx:%llx", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
	char *first = map_get(&w->inodes, key);
	if (first)
		en->link = first;
	else
		map_set(&w->inodes, key, (void *)(uintptr_t)en->path);
}

static int walk_dir(struct walk *w, int fd, int depth, struct err *e);

// The object of that name at w->path.
static int walk_one(struct walk *w, int dirfd, const char *name, int depth, struct err *e)
{
	struct stat st;
	const char *path = w->path.p;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : err_sys(e, "stat '%s' in the build context", path);
	bool is_dir = S_ISDIR(st.st_mode);
	if (!is_visible(w->l, path, is_dir))
		return 0;
	struct entry en;
	if (fill_entry(w->l, dirfd, name, path, &st, &en, e))
		return -1;
	note_hard_link(w, &st, &en);
	int r = w->fn(w->arg, &en, e);
	if (r < 0 || r == 1 || !is_dir)
		return r < 0 ? -1 : 0;
	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s' in the build context", path);
	return walk_dir(w, fd, depth + 1, e);
}

static int walk_dir(struct walk *w, int fd, int depth, struct err *e)
{
	auto_strv struct strv names = {0};
	size_t len = w->path.n;
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CONTEXT,
		        "the build context is nested deeper than %d folders at '%.200s...'",
		        DEPTH_MAX, buf_cstr(&w->path));
	if (fs_list_dir(fd, &names, e))
		return err_wrap(e, "read '%s' in the build context", buf_cstr(&w->path));
	for (size_t i = 0; i < names.n; i++) {
		if (len)
			buf_putc(&w->path, '/');
		buf_puts(&w->path, names.v[i]);
		if (walk_one(w, fd, names.v[i], depth, e))
			return -1;
		w->path.n = len;
		w->path.p[len] = '\0';
	}
	return 0;
}

static int local_walk(struct view *v, const char *dir,
        int (*fn)(void *arg, const struct entry *en, struct err *e), void *arg, struct err *e)
{
	struct walk w = {.l = local_of(v), .fn = fn, .arg = arg};
	int r;
	buf_puts(&w.path, dir);
	if (!*dir) {
		auto_fd int fd = openat(w.l->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? err_sys(e, "open the build context '%s'", w.l->path)
		           : walk_dir(&w, fd, 0, e);
	} else {
		const char *name;
		auto_fd int parent = open_parent(w.l, dir, &name);
		r = parent < 0 ? 0 : walk_one(&w, parent, name, 0, e);
	}
	map_release(&w.inodes);
	buf_release(&w.path);
	return r;
}

static int local_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct local *l = local_of(v);
	int fd = fs_open_beneath(
	        l->root, en->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0) {
		int r = err_sys(e, "open '%s' in the build context", en->path);
		e->kind = ERR_CONTEXT;
		return r;
	}
	*ret = (struct content){.fd = fd, .owned = true, .size = en->size};
	return 0;
}

static int local_digest(struct view *v, struct entry *en, struct err *e)
{
	struct local *l = local_of(v);
	if (en->has_content || en->type != ENTRY_FILE)
		return 0;
	auto_content struct content c = CONTENT_NONE;
	struct stat st;
	uint64_t size;
	struct stat_clock clock = stat_clock_now();
	if (local_open(v, en, &c, e))
		return -1;
	if (fstat(c.fd, &st) || !S_ISREG(st.st_mode) || hash_fd(c.fd, &en->content, &size)) {
		int r = err_sys(e, "read '%s' in the build context", en->path);
		e->kind = ERR_CONTEXT;
		return r;
	}
	en->has_content = true;
	en->size = size;
	bool has_xattrs = read_capability(l, c.fd, en);
	if (size == (uint64_t)st.st_size && trust_stat(l->trust, st.st_dev, c.fd, ""))
		stat_index_put(l->index, en->path, &st, &en->content, has_xattrs,
		        stat_clock_since(&clock));
	__atomic_add_fetch(&l->stats.files_hashed, 1, __ATOMIC_RELAXED);
	return 0;
}

static void local_free(struct view *v)
{
	struct local *l = local_of(v);
	stat_index_free(l->index);
	trust_free(l->trust);
	map_release(&l->holding);
	arena_release(&l->strings);
	pthread_mutex_destroy(&l->lock);
	close_fd(&l->root);
	free(l->path);
	free(l);
}

static const struct view_ops local_ops = {
        .lookup = local_lookup,
        .list = local_list,
        .walk = local_walk,
        .open = local_open,
        .digest = local_digest,
        .free = local_free,
};

struct view *context_open(const char *path, const struct ignore *ignore, int index_dirfd,
        const char *index_name, struct err *e)
{
	auto_fd int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		if (errno == ENOENT)
			return err_set(e, ERR_CONTEXT,
			               "path \"%s\" not found: the build context must be a folder",
			               path),
			       NULL;
		err_sys(e, "open the build context '%s'", path);
		e->kind = ERR_CONTEXT;
		return NULL;
	}
	struct local *l = xcalloc(1, sizeof(*l));
	l->view.ops = &local_ops;
	l->path = xstrdup(path);
	l->root = steal_fd(&root);
	l->ignore = ignore;
	l->index = stat_index_open(index_dirfd, index_name);
	l->trust = trust_new();
	pthread_mutex_init(&l->lock, NULL);
	return &l->view;
}

static bool is_file(void *arg, const char *path)
{
	struct stat st;
	return fstatat(((struct local *)arg)->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

bool context_learnt(struct view *context, struct buf *ret)
{
	struct local *l = local_of(context);
	if (!stat_index_is_dirty(l->index))
		return false;
	stat_index_print(l->index, is_file, l, ret);
	return true;
}

void context_stats_get(struct view *context, struct context_stats *ret)
{
	*ret = local_of(context)->stats;
}

const char *context_path(struct view *context)
{
	return local_of(context)->path;
}

int context_hidden_by(struct view *context, const char *path)
{
	struct local *l = local_of(context);
	int line = 0;
	auto_free char *clean = fs_clean_rel(path);
	if (!l->ignore || !ignore_excludes(l->ignore, clean, &line))
		return 0;
	const char *name;
	struct stat st;
	auto_fd int dir = open_parent(l, clean, &name);
	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? line : 0;
}

static int read_ignore(const char *path, struct buf *text, struct err *e)
{
	if (access(path, F_OK))
		return 0;
	return fs_read_file(AT_FDCWD, path, 8 << 20, text, e) ? -1 : 1;
}

int context_ignore_load(const char *context_dir, const char *dockerfile_path, struct ignore **ret,
        char **ret_name, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_free char *beside =
	        dockerfile_path ? xasprintf("%s.dockerignore", dockerfile_path) : NULL;
	auto_free char *inside = context_dir ? xasprintf("%s/.dockerignore", context_dir) : NULL;
	const char *name = beside;
	int found = beside ? read_ignore(beside, &text, e) : 0;
	if (found == 0 && inside) {
		name = inside;
		found = read_ignore(inside, &text, e);
	}
	*ret = NULL;
	*ret_name = NULL;
	if (found <= 0)
		return found;
	*ret = ignore_parse(text.p ? text.p : "", text.n, e);
	if (!*ret)
		return err_wrap(e, "%s", name);
	*ret_name = xstrdup(name == inside ? ".dockerignore" : fs_base_name(beside));
	return 0;
}
