// SPDX-License-Identifier: Apache-2.0
// The walk over a tree: what each file is by its path, and the set that is filled.
#include "base/fs.h"
#include "packages/packages-int.h"
#include <inttypes.h>
#include <sys/stat.h>

#define WARNINGS_MAX 100
#define OWNED_SEEN_MAX (512u << 20)
#define LINKED_BYTES_MAX (1u << 30)
#define PROGRAM_LEAST 4096 // no program of Go or Rust is smaller

static scanner *const scanners[FILE_KINDS] = {
        [FILE_DPKG_STATUS] = scan_dpkg_status,
        [FILE_DPKG_LIST] = scan_dpkg_list,
        [FILE_DPKG_SUMS] = scan_dpkg_sums,
        [FILE_APK] = scan_apk,
        [FILE_RPM_SQLITE] = scan_rpm_sqlite,
        [FILE_RPM_NDB] = scan_rpm_ndb,
        [FILE_RPM_BDB] = scan_rpm_bdb,
        [FILE_RELEASE] = scan_os_release,
        [FILE_NPM] = scan_npm,
        [FILE_PYTHON] = scan_python,
        [FILE_JAR] = scan_jar,
        [FILE_PROGRAM] = scan_program,
        [FILE_NPM_LOCK] = scan_npm_lock,
        [FILE_YARN_LOCK] = scan_yarn_lock,
        [FILE_PNPM_LOCK] = scan_pnpm_lock,
        [FILE_PYTHON_REQUIREMENTS] = scan_requirements,
        [FILE_PIPFILE_LOCK] = scan_pipfile_lock,
        [FILE_TOML_LOCK] = scan_toml_lock,
};

static const struct {
	const char *path;
	enum file_kind kind;
} fixed[] = {
        {"var/lib/dpkg/status", FILE_DPKG_STATUS},
        {"lib/apk/db/installed", FILE_APK},
        {"usr/lib/apk/db/installed", FILE_APK},
        {"var/lib/rpm/rpmdb.sqlite", FILE_RPM_SQLITE},
        {"usr/lib/sysimage/rpm/rpmdb.sqlite", FILE_RPM_SQLITE},
        {"usr/share/rpm/rpmdb.sqlite", FILE_RPM_SQLITE},
        {"var/lib/rpm/Packages.db", FILE_RPM_NDB},
        {"usr/lib/sysimage/rpm/Packages.db", FILE_RPM_NDB},
        {"var/lib/rpm/Packages", FILE_RPM_BDB},
        {"usr/lib/sysimage/rpm/Packages", FILE_RPM_BDB},
        {"etc/os-release", FILE_RELEASE},
        {"usr/lib/os-release", FILE_RELEASE},
};

static const struct {
	const char *name;
	enum file_kind kind;
} named[] = {
        {"package-lock.json", FILE_NPM_LOCK},
        {"npm-shrinkwrap.json", FILE_NPM_LOCK},
        {"yarn.lock", FILE_YARN_LOCK},
        {"pnpm-lock.yaml", FILE_PNPM_LOCK},
        {"requirements.txt", FILE_PYTHON_REQUIREMENTS},
        {"Pipfile.lock", FILE_PIPFILE_LOCK},
        {"poetry.lock", FILE_TOML_LOCK},
        {"uv.lock", FILE_TOML_LOCK},
        {"Cargo.lock", FILE_TOML_LOCK},
};

// The n-th name from the end of the path, 0 the last; *end: where it ends.
static const char *name_from_end(const char *path, int n, const char **end)
{
	const char *e = path + strlen(path), *slash;
	for (;;) {
		slash = memrchr(path, '/', (size_t)(e - path));
		*end = e;
		if (n-- == 0 || !slash)
			return n < 0 ? (slash ? slash + 1 : path) : NULL;
		e = slash;
	}
}

static bool name_is(const char *path, int n, const char *want)
{
	const char *end, *name = name_from_end(path, n, &end);
	return name && (size_t)(end - name) == strlen(want) && !memcmp(name, want, strlen(want));
}

static bool name_ends(const char *path, int n, const char *suffix)
{
	const char *end, *name = name_from_end(path, n, &end);
	size_t len = strlen(suffix);
	return name && (size_t)(end - name) > len && !memcmp(end - len, suffix, len);
}

// node_modules/NAME/package.json, node_modules/@SCOPE/NAME/package.json: not the fixtures that
// packages bring along.
static bool is_npm_package(const char *path)
{
	const char *end, *scope = name_from_end(path, 2, &end);
	return name_is(path, 2, "node_modules") ||
	       (scope && *scope == '@' && name_is(path, 3, "node_modules"));
}

static enum file_kind kind_below_dpkg(const char *name)
{
	if (str_has_prefix(name, "status.d/"))
		return str_has_suffix(name, ".md5sums") ? FILE_DPKG_SUMS : FILE_DPKG_STATUS;
	if (str_has_prefix(name, "info/") && str_has_suffix(name, ".list"))
		return FILE_DPKG_LIST;
	return FILE_NONE;
}

static bool is_jar(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && (str_ieq(dot, ".jar") || str_ieq(dot, ".war") || str_ieq(dot, ".ear"));
}

enum file_kind file_kind_of(const char *path)
{
	const char *name = fs_base_name(path);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		if (!strcmp(path, fixed[i].path))
			return fixed[i].kind;
	}
	if (str_has_prefix(path, "var/lib/dpkg/"))
		return kind_below_dpkg(path + strlen("var/lib/dpkg/"));
	if (!strcmp(name, "package.json"))
		return is_npm_package(path) ? FILE_NPM : FILE_NONE;
	if (!strcmp(name, "METADATA"))
		return name_ends(path, 1, ".dist-info") ? FILE_PYTHON : FILE_NONE;
	if (!strcmp(name, "PKG-INFO"))
		return name_ends(path, 1, ".egg-info") || name_is(path, 1, "EGG-INFO") ? FILE_PYTHON
		                                                                       : FILE_NONE;
	if (str_has_suffix(name, ".egg-info"))
		return FILE_PYTHON;
	if (is_jar(name))
		return FILE_JAR;
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (!strcmp(name, named[i].name))
			return named[i].kind;
	}
	return FILE_NONE;
}

bool file_kind_is_language(enum file_kind k)
{
	return k == FILE_NPM || k == FILE_PYTHON || k == FILE_JAR;
}

static void *grow(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	*cap = *cap ? *cap * 2 : 64;
	return xreallocarray(v, *cap, size);
}

char *scan_text(struct scan *s, struct str text)
{
	return text.n ? arena_strndup(&s->set->arena, text.p, text.n) : NULL;
}

// Something that can be shown, and kept as JSON without changing.
bool text_is_kept(const char *s, size_t max)
{
	size_t n = s ? strnlen(s, max + 1) : 0;
	if (n == 0 || n > max)
		return false;
	for (size_t i = 0, len; i < n; i += len) {
		len = str_utf8_len(s + i, n - i);
		if (!len || (unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	}
	return true;
}

static char *copy(struct scan *s, const char *text)
{
	return text && text_is_kept(text, TEXT_LENGTH_MAX) ? arena_strdup(&s->set->arena, text)
	                                                   : NULL;
}

static bool starts(const char *name, const char *prefix)
{
	return str_has_prefix(name, prefix);
}

static bool is_kernel_headers(const struct package *p)
{
	return (p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM) &&
	       (starts(p->name, "linux-libc-dev") || starts(p->name, "linux-headers") ||
	               starts(p->name, "linux-kbuild") || starts(p->name, "kernel-headers") ||
	               starts(p->name, "kernel-devel") || starts(p->name, "kernel-uek-devel"));
}

int scan_add(struct scan *s, const struct package *p, struct err *e)
{
	struct package_set *set = s->set;
	if (!text_is_kept(p->name, TEXT_LENGTH_MAX) || !text_is_kept(p->version, TEXT_LENGTH_MAX))
		return 0;
	if (set->n_packages >= PACKAGES_MAX || set->arena.total > PACKAGES_BYTES_MAX)
		return err_set(e, ERR_CORRUPT, "the layer has more packages than are counted");
	struct package_file *file = set->n_files ? &set->files[set->n_files - 1] : NULL;
	if (!file || strcmp(file->path, s->path) != 0) {
		set->files = grow(set->files, set->n_files, &s->cap_files, sizeof(*set->files));
		file = &set->files[set->n_files++];
		*file = (struct package_file){
		        arena_strdup(&set->arena, s->path), set->n_packages, 0};
	}
	set->packages = grow(set->packages, set->n_packages, &s->cap_packages, sizeof(*p));
	set->packages[set->n_packages++] = (struct package){
	        .type = p->type,
	        .flags = p->flags | (is_kernel_headers(p) ? PACKAGE_HEADERS : 0),
	        .name = copy(s, p->name),
	        .version = copy(s, p->version),
	        .arch = copy(s, p->arch),
	        .source = copy(s, p->source),
	        .source_version = copy(s, p->source_version),
	        .module = copy(s, p->module),
	};
	file->n++;
	return 0;
}

void scan_own(struct scan *s, struct str dir, struct str name)
{
	char path[PATH_LENGTH_MAX];
	while (dir.n && *dir.p == '/')
		dir = (struct str){dir.p + 1, dir.n - 1};
	while (!dir.n && name.n && *name.p == '/')
		name = (struct str){name.p + 1, name.n - 1};
	if (dir.n + name.n + 2 > sizeof(path))
		return;
	s->owned_seen += dir.n + name.n;
	if (s->owned_bytes > PACKAGES_BYTES_MAX || s->owned_seen > OWNED_SEEN_MAX)
		return;
	bool slash = dir.n && dir.p[dir.n - 1] != '/';
	if (dir.n)
		memcpy(path, dir.p, dir.n);
	if (slash)
		path[dir.n] = '/';
	if (name.n)
		memcpy(path + dir.n + slash, name.p, name.n);
	path[dir.n + slash + name.n] = '\0';
	if (!file_kind_is_language(file_kind_of(path)))
		return;
	s->owned_bytes += strlen(path) + sizeof(char *);
	strv_add(&s->set->owned, path);
}

static bool is_rpm_database(enum file_kind k)
{
	return k == FILE_RPM_SQLITE || k == FILE_RPM_NDB || k == FILE_RPM_BDB;
}

int scan_file(struct scan *s, enum file_kind kind, const struct content *c, struct err *e)
{
	uint64_t max = kind == FILE_DPKG_STATUS || kind == FILE_APK ? DATABASE_MAX
	               : is_rpm_database(kind)                      ? RPM_DATABASE_MAX
	                                                            : UINT64_MAX;
	if (c->size > max)
		return err_set(e, ERR_CORRUPT, "it has more than %" PRIu64 " bytes", max);
	return scanners[kind](s, c, e);
}

struct walk {
	struct scan scan;
	struct view *view;
	int flags;
	uint64_t linked, linked_unpacked; // bytes of hard links, and of archives in them
};

static void warn(struct walk *w, const char *path, const char *why)
{
	struct strv *out = &w->scan.set->warnings;
	if (out->n < WARNINGS_MAX)
		strv_addf(out, "%s: %s", path, why);
	else if (out->n == WARNINGS_MAX)
		strv_add(out, "more files could not be read");
}

static bool is_wanted(const struct walk *w, enum file_kind kind)
{
	return kind != FILE_NONE && (kind < FILE_NPM_LOCK || (w->flags & PACKAGES_LOCK_FILES));
}

static int scan_entry(struct walk *w, const struct entry *en, enum file_kind kind, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	struct err why = ERR_INIT;
	if (w->view->ops->open(w->view, en, &c, e))
		return -1;
	w->scan.path = en->path;
	if (scan_file(&w->scan, kind, &c, &why))
		warn(w, en->path, why.msg);
	return 0;
}

// A hard link has a name of its own, and that of the file may say nothing, as in pnpm's store. One
// file may have any number of links, so what is read by way of them is bounded.
static int scan_link(struct walk *w, const struct entry *en, enum file_kind kind, struct err *e)
{
	if (en->size > LINKED_BYTES_MAX - w->linked) {
		warn(w, en->path, "too much is linked to be read for each name");
		return 0;
	}
	w->linked += en->size;
	w->scan.unpacked = w->linked_unpacked;
	int status = scan_entry(w, en, kind, e);
	w->linked_unpacked = w->scan.unpacked;
	return status;
}

static int visit(void *arg, const struct entry *en, struct err *e)
{
	struct walk *w = arg;
	if (en->type != ENTRY_FILE || !en->size)
		return 0;
	enum file_kind kind = file_kind_of(en->path);
	// another name of a program says no more than its first
	if (kind == FILE_NONE && !en->link && (en->mode & 0111) && en->size >= PROGRAM_LEAST)
		kind = FILE_PROGRAM;
	if (!is_wanted(w, kind) || !text_is_kept(en->path, PATH_LENGTH_MAX))
		return 0;
	if (en->link)
		return scan_link(w, en, kind, e);
	w->scan.unpacked = 0;
	return scan_entry(w, en, kind, e);
}

int packages_scan(struct view *v, int flags, struct package_set *ret, struct err *e)
{
	struct walk w = {.scan.set = ret, .view = v, .flags = flags};
	return v->ops->walk(v, "", visit, &w, e);
}

void package_set_release(struct package_set *s)
{
	arena_release(&s->arena);
	free(s->packages);
	free(s->files);
	free(s->releases);
	strv_release(&s->owned);
	strv_release(&s->warnings);
	*s = (struct package_set){0};
}

const char *package_type_name(enum package_type t)
{
	static const char *const names[] = {[PACKAGE_DEB] = "deb",
	        [PACKAGE_APK] = "apk",
	        [PACKAGE_RPM] = "rpm",
	        [PACKAGE_NPM] = "npm",
	        [PACKAGE_PYPI] = "pypi",
	        [PACKAGE_GOLANG] = "golang",
	        [PACKAGE_CARGO] = "cargo",
	        [PACKAGE_MAVEN] = "maven"};
	return names[t];
}
