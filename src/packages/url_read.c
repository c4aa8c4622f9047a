// SPDX-License-Identifier: Apache-2.0
// What a package URL says, in the spellings of those who write them: of the version's epoch before
// it or as a qualifier, of the distribution's release as "debian-12.5" or "3.19", of the source as
// Syft's upstream.
#include "packages/packages-int.h"
#include "packages/sbom.h"

#define URL_MAX 4096
#define RELEASE_MAX 200 // of what a distribution is called

struct url {
	struct str type, space, name, version, qualifiers;
};

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the package URL %s", why);
}

static struct str before(struct str s, const char *end)
{
	return (struct str){s.p, (size_t)(end - s.p)};
}

static struct str behind(struct str s, const char *mark)
{
	return (struct str){mark + 1, s.n - (size_t)(mark + 1 - s.p)};
}

static struct str trim_slashes(struct str s)
{
	while (s.n && *s.p == '/')
		s = behind(s, s.p);
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

// type/space/name@version?qualifiers#path. An "@" that a name begins with is not the version's.
static int split(const char *text, struct url *ret, struct err *e)
{
	size_t n = strnlen(text, URL_MAX + 1);
	if (n > URL_MAX)
		return refuse(e, "is too long");
	if (n < 4 || strncasecmp(text, "pkg:", 4) != 0)
		return refuse(e, "does not begin with pkg:");
	struct str s = {text + 4, n - 4};
	const char *mark = memchr(s.p, '#', s.n);
	if (mark)
		s = before(s, mark);
	mark = s.n ? memchr(s.p, '?', s.n) : NULL;
	if (mark) {
		ret->qualifiers = behind(s, mark);
		s = before(s, mark);
	}
	s = trim_slashes(s);
	mark = s.n ? memchr(s.p, '/', s.n) : NULL;
	if (!mark)
		return refuse(e, "has no name");
	ret->type = before(s, mark);
	s = trim_slashes(behind(s, mark));
	mark = s.n ? memrchr(s.p, '@', s.n) : NULL;
	if (mark && mark > s.p && mark[-1] != '/' &&
	        !memchr(mark, '/', s.n - (size_t)(mark - s.p))) {
		ret->version = behind(s, mark);
		s = trim_slashes(before(s, mark));
	}
	mark = s.n ? memrchr(s.p, '/', s.n) : NULL;
	if (mark)
		ret->space = trim_slashes(before(s, mark));
	ret->name = mark ? behind(s, mark) : s;
	return ret->name.n ? 0 : refuse(e, "has no name");
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

// Appended; false if it is none, or nothing to be shown. Nothing is appended for nothing.
static bool decode(struct str s, struct buf *ret)
{
	size_t from = ret->n;
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
		if (low >= 0)
			i += 2;
		else if (s.p[i] == '%')
			return false;
		char c = low >= 0 ? (char)(high << 4 | low) : s.p[i];
		if (!c)
			return false;
		buf_putc(ret, c);
	}
	return !s.n || text_is_kept(buf_cstr(ret) + from, URL_MAX);
}

static char *decoded(struct package_set *set, struct str s, bool *bad)
{
	auto_buf struct buf text = {0};
	if (!decode(s, &text) || text.n > TEXT_LENGTH_MAX) {
		*bad = true;
		return NULL;
	}
	return text.n ? arena_strdup(&set->arena, text.p) : NULL;
}

// The value of a qualifier; NULL if it is not there.
static char *qualifier(struct package_set *set, const struct url *u, const char *key, bool *bad)
{
	struct str rest = u->qualifiers;
	size_t n = strlen(key);
	while (rest.n) {
		const char *end = memchr(rest.p, '&', rest.n);
		struct str one = end ? before(rest, end) : rest;
		if (one.n > n && one.p[n] == '=' && !strncasecmp(one.p, key, n))
			return decoded(set, (struct str){one.p + n + 1, one.n - n - 1}, bad);
		rest = end ? behind(rest, end) : (struct str){0};
	}
	return NULL;
}

static bool type_of(struct str name, enum package_type *ret)
{
	for (int t = PACKAGE_DEB; t <= PACKAGE_MAVEN; t++) {
		const char *known = package_type_name((enum package_type)t);
		if (name.n == strlen(known) && !strncasecmp(name.p, known, name.n)) {
			*ret = (enum package_type)t;
			return true;
		}
	}
	return false;
}

static bool is_os(enum package_type t)
{
	return t == PACKAGE_DEB || t == PACKAGE_APK || t == PACKAGE_RPM;
}

// Of the forms that names of that type have: no part is empty, a group has no colon.
static bool is_name(enum package_type type, const char *space, const char *name)
{
	const char *colon = strchr(name, ':');
	size_t n = strlen(name);
	if (type == PACKAGE_MAVEN)
		return space ? !strchr(space, ':') : !colon || (colon > name && colon[1]);
	if (type != PACKAGE_NPM && type != PACKAGE_GOLANG && type != PACKAGE_CARGO)
		return true;
	return name[0] != '/' && name[n - 1] != '/' && !strstr(name, "//") &&
	       (!space || (space[0] != '/' && space[strlen(space) - 1] != '/' &&
	                          !strstr(space, "//")));
}

static char *full_name(
        struct package_set *set, enum package_type type, const struct url *u, bool *bad)
{
	char *name = decoded(set, u->name, bad);
	char *space = is_os(type) ? NULL : decoded(set, u->space, bad);
	*bad = *bad || !name || !is_name(type, space, name) ||
	       strlen(name) + (space ? strlen(space) + 1 : 0) > TEXT_LENGTH_MAX;
	if (*bad || !space)
		return name;
	return arena_printf(&set->arena, "%s%c%s", space, type == PACKAGE_MAVEN ? ':' : '/', name);
}

// ---- distributions

// As dpkg and rpm write it; rpm's own zero is not said here.
static char *full_version(
        struct package_set *set, enum package_type type, const struct url *u, bool *bad)
{
	char *version = decoded(set, u->version, bad);
	char *epoch = qualifier(set, u, "epoch", bad);
	if (!version || *bad)
		return version;
	if (epoch && strcmp(epoch, "0") != 0 && !version_has_epoch(version) &&
	        strspn(epoch, "0123456789") == strlen(epoch))
		version = arena_printf(&set->arena, "%s:%s", epoch, version);
	while (type == PACKAGE_RPM && version_has_epoch(version) && str_has_prefix(version, "0:"))
		version += 2;
	return version;
}

static void source_of_rpm(struct package_set *set, struct package *p, const char *file)
{
	auto_free char *version = NULL;
	auto_free char *name = rpm_source_name(file, &version);
	const char *own = version_has_epoch(p->version) ? strchr(p->version, ':') + 1 : p->version;
	if (name && strcmp(name, p->name) != 0)
		p->source = arena_strdup(&set->arena, name);
	if (name && strcmp(version, own) != 0 && strcmp(version, p->version) != 0)
		p->source_version = arena_strdup(&set->arena, version);
}

// "openssl", "openssl@3.0.16-1", "openssl-3.0.7-27.el9.src.rpm"
static void read_source(struct package_set *set, struct package *p, char *upstream)
{
	if (!upstream || !p->version)
		return;
	if (p->type == PACKAGE_RPM && strstr(upstream, ".src.rpm")) {
		source_of_rpm(set, p, upstream);
		return;
	}
	char *at = strchr(upstream + 1, '@');
	if (at) {
		*at = '\0';
		p->source_version = at[1] && strcmp(at + 1, p->version) != 0 ? at + 1 : NULL;
	}
	p->source = p->source_version || strcmp(upstream, p->name) != 0 ? upstream : NULL;
}

static void read_module(struct package_set *set, struct package *p, const char *label)
{
	auto_free char *module = rpm_module(label);
	if (module && p->type == PACKAGE_RPM && strlen(module) <= TEXT_LENGTH_MAX)
		p->module = arena_strdup(&set->arena, module);
}

void release_settle(struct package_set *set, struct release *r)
{
	if (r->id)
		r->id = release_id(r->id);
	if (!r->version || !r->id)
		return;
	bool number = *r->version >= '0' && *r->version <= '9';
	if (!number) {
		r->codename = r->version;
		r->version = NULL;
	} else if (!strcmp(r->id, "debian")) {
		r->version = arena_strndup(&set->arena, r->version, strcspn(r->version, "."));
	}
}

// "debian-12.5", "3.19", "alpine-3.19.1", "opensuse-leap-15.5", "debian-sid"; the id alone where
// there are no releases.
static void read_release(
        struct package_set *set, const char *space, const char *distro, struct release *ret)
{
	*ret = (struct release){.id = space};
	release_settle(set, ret);
	const char *dash = distro ? strrchr(distro, '-') : NULL;
	if (!distro || dash == distro || (dash && !dash[1]) ||
	        (space && (!strcmp(distro, space) || !strcmp(distro, ret->id))))
		return;
	ret->version = dash ? dash + 1 : distro;
	if (dash && (!space || (dash[1] >= '0' && dash[1] <= '9')))
		ret->id = arena_strndup(&set->arena, distro, (size_t)(dash - distro));
	release_settle(set, ret);
}

static size_t release_length(const struct release *r)
{
	const char *version = r->version ? r->version : r->codename;
	return (r->id ? strlen(r->id) : 0) + (version ? strlen(version) + 1 : 0);
}

int package_of_url(const char *url, struct package_set *set, struct package *ret,
        struct release *release, struct err *e)
{
	struct package p = {0};
	struct release r = {0};
	struct url u = {0};
	bool bad = false;
	if (split(url, &u, e))
		return -1;
	if (!type_of(u.type, &p.type))
		return 0;
	p.name = full_name(set, p.type, &u, &bad);
	p.version = full_version(set, p.type, &u, &bad);
	if (bad || !p.name)
		return refuse(e, "has an escape that is none, or a name that cannot be shown");
	if (is_os(p.type)) {
		const char *space = decoded(set, u.space, &bad);
		const char *distro = qualifier(set, &u, "distro", &bad);
		p.arch = qualifier(set, &u, "arch", &bad);
		read_source(set, &p, qualifier(set, &u, "upstream", &bad));
		read_module(set, &p, qualifier(set, &u, "rpmmod", &bad));
		read_release(set, space, distro, &r);
		bad = bad || release_length(&r) > RELEASE_MAX;
	}
	if (bad || (p.version && strlen(p.version) > TEXT_LENGTH_MAX))
		return refuse(e, "has a qualifier that cannot be shown");
	*ret = p;
	if (release)
		*release = r;
	return 1;
}
