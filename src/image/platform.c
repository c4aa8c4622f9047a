// SPDX-License-Identifier: Apache-2.0
// Platform specifiers, their normal form, and which platform can stand in for which. The rules are
// those of containerd's platforms package, because docker resolves multi-platform images with them.
// Platforms in documents are kept as written; comparison normalises copies.
#include "image/platform.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const known_os[] = {"aix", "android", "darwin", "dragonfly", "freebsd", "hurd",
        "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows",
        "zos"};
static const char *const known_arch[] = {"386", "amd64", "amd64p32", "arm", "armbe", "arm64",
        "arm64be", "loong64", "mips", "mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle",
        "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm"};

// What uname(2) calls the machine, and what images call it.
static const struct machine {
	const char *machine, *arch, *variant;
} machines[] = {
        {"x86_64", "amd64", ""},
        {"aarch64", "arm64", ""},
        {"armv8l", "arm", "v7"},
        {"armv7l", "arm", "v7"},
        {"armv6l", "arm", "v6"},
        {"armv5tel", "arm", "v5"},
        {"i686", "386", ""},
        {"i586", "386", ""},
        {"i486", "386", ""},
        {"i386", "386", ""},
        {"riscv64", "riscv64", ""},
        {"ppc64le", "ppc64le", ""},
        {"ppc64", "ppc64", ""},
        {"s390x", "s390x", ""},
        {"loongarch64", "loong64", ""},
};

// How documents and people spell it, and the normal form. from_variant NULL: any.
static const struct alias {
	const char *arch, *from_variant, *to_arch, *to_variant; // to_variant NULL: kept
} aliases[] = {
        {"i386", NULL, "386", ""},
        {"x86_64", "v1", "amd64", ""},
        {"x86_64", NULL, "amd64", NULL},
        {"x86-64", "v1", "amd64", ""},
        {"x86-64", NULL, "amd64", NULL},
        {"amd64", "v1", "amd64", ""},
        {"aarch64", "8", "arm64", ""},
        {"aarch64", "v8", "arm64", ""},
        {"aarch64", NULL, "arm64", NULL},
        {"arm64", "8", "arm64", ""},
        {"arm64", "v8", "arm64", ""},
        {"armhf", NULL, "arm", "v7"},
        {"armel", NULL, "arm", "v6"},
        {"arm", "", "arm", "v7"},
        {"arm", "7", "arm", "v7"},
        {"arm", "5", "arm", "v5"},
        {"arm", "6", "arm", "v6"},
        {"arm", "8", "arm", "v8"},
};

static void set_text(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);
	memcpy(to, from, n);
	to[n] = '\0';
}
#define SET(field, value) set_text((field), sizeof(field), (value))

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void platform_normalize(struct platform *p)
{
	lower(p->os);
	lower(p->arch);
	lower(p->variant);
	if (strcmp(p->os, "macos") == 0)
		SET(p->os, "darwin");
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		const struct alias *a = &aliases[i];
		if (strcmp(a->arch, p->arch) != 0)
			continue;
		if (a->from_variant && strcmp(a->from_variant, p->variant) != 0)
			continue;
		SET(p->arch, a->to_arch);
		if (a->to_variant)
			SET(p->variant, a->to_variant);
		return;
	}
}

struct platform platform_host(void)
{
	struct platform p = {.os = "linux"};
	struct utsname u;
	if (uname(&u) != 0)
		return p;
	set_text(p.arch, sizeof(p.arch), u.machine);
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		if (strcmp(machines[i].machine, u.machine) != 0)
			continue;
		SET(p.arch, machines[i].arch);
		SET(p.variant, machines[i].variant);
	}
	return p;
}

static bool is_in(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

int platform_check(const struct platform *p, struct err *e)
{
	auto_buf struct buf known = {0};
	char text[80];
	if (is_in(known_arch, ARRAY_LEN(known_arch), p->arch))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known_arch); i++)
		buf_printf(&known, "%s%s", i ? ", " : "", known_arch[i]);
	platform_text(p, text);
	return err_set(e, ERR_USAGE, "platform '%s': there is no such processor; known are %s",
	        text, buf_cstr(&known));
}

// Takes one part of a specifier, up to the end or the character at `stop`.
static int take_part(const char *whole, struct str part, char *to, size_t size, struct err *e)
{
	if (part.n == 0)
		return err_set(e, ERR_USAGE,
		        "platform '%.80s' has an empty part, expected 'os/arch' or "
		        "'os/arch/variant'",
		        whole);
	for (size_t i = 0; i < part.n; i++)
		if (!isalnum((unsigned char)part.p[i]) && !strchr("_.-", part.p[i]))
			return err_set(e, ERR_USAGE,
			        "platform '%.80s' may only hold letters, digits, '_', '.' and '-' "
			        "between "
			        "slashes",
			        whole);
	if (part.n >= size)
		return err_set(e, ERR_USAGE, "platform '%.80s': '%.*s' is too long", whole,
		        (int)(part.n < 40 ? part.n : 40), part.p);
	memcpy(to, part.p, part.n);
	to[part.n] = '\0';
	return 0;
}

// "windows(10.0.17763)": the version goes its own way, the name is what remains.
static int take_os(const char *whole, struct str part, struct platform *p, struct err *e)
{
	const char *open = memchr(part.p, '(', part.n);
	if (open && part.p[part.n - 1] == ')') {
		struct str version = {open + 1, (size_t)(part.p + part.n - 1 - (open + 1))};
		if (memchr(version.p, '+', version.n))
			return err_set(e, ERR_UNSUPPORTED,
			        "platform '%.80s' asks for os features, which hew does not know",
			        whole);
		if (take_part(whole, version, p->os_version, sizeof(p->os_version), e) < 0)
			return -1;
		part.n = (size_t)(open - part.p);
	}
	return take_part(whole, part, p->os, sizeof(p->os), e);
}

static size_t split(const char *s, struct str parts[4])
{
	size_t n = 0;
	while (n < 4) {
		size_t len = strcspn(s, "/");
		parts[n++] = (struct str){s, len};
		if (!s[len])
			break;
		s += len + 1;
	}
	return n;
}

// "arm64" or "linux": one word alone must be one we know, the other half is this machine's.
static int complete(const char *s, struct platform *p, struct err *e)
{
	platform_normalize(p);
	struct platform host = platform_host();
	if (is_in(known_os, ARRAY_LEN(known_os), p->os)) {
		SET(p->arch, host.arch);
		SET(p->variant, host.variant);
		return 0;
	}
	SET(p->arch, p->os);
	SET(p->os, host.os);
	platform_normalize(p);
	if (is_in(known_arch, ARRAY_LEN(known_arch), p->arch))
		return 0;
	return err_set(e, ERR_USAGE,
	        "platform '%.80s' is neither an operating system nor a processor; write it like "
	        "'linux/arm64'",
	        s);
}

int platform_parse(const char *s, struct platform *ret, struct err *e)
{
	if (strcmp(s, "local") == 0) {
		*ret = platform_host();
		return 0;
	}
	struct platform p = {0};
	struct str part[4];
	size_t n = split(s, part);
	if (n > 3)
		return err_set(e, ERR_USAGE,
		        "platform '%.80s' has too many parts, expected 'os/arch' or "
		        "'os/arch/variant'",
		        s);
	if (take_os(s, part[0], &p, e) < 0)
		return -1;
	if (n > 1 && take_part(s, part[1], p.arch, sizeof(p.arch), e) < 0)
		return -1;
	if (n > 2 && take_part(s, part[2], p.variant, sizeof(p.variant), e) < 0)
		return -1;
	if (n == 1 && complete(s, &p, e) < 0)
		return -1;
	platform_normalize(&p);
	*ret = p;
	return 0;
}

void platform_text(const struct platform *p, char out[static 80])
{
	if (!p->os[0]) {
		snprintf(out, 80, "unknown");
		return;
	}
	snprintf(out, 80, "%s%s%s%s%s", p->os, p->arch[0] ? "/" : "", p->arch,
	        p->variant[0] ? "/" : "", p->variant);
}

static bool same(const struct platform *a, const struct platform *b)
{
	return strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0 &&
	       strcmp(a->variant, b->variant) == 0;
}

bool platform_eq(const struct platform *a, const struct platform *b)
{
	struct platform x = *a, y = *b;
	platform_normalize(&x);
	platform_normalize(&y);
	return same(&x, &y) && strcmp(x.os_version, y.os_version) == 0;
}

// The number in "v7", -1 if there is none.
static int version_of(const char *variant)
{
	if (variant[0] != 'v' || !isdigit((unsigned char)variant[1]) || variant[2])
		return -1;
	return variant[1] - '0';
}

// "v8.3" -> 8, 3. "" is v8. False for anything else.
static bool arm64_version(const char *variant, int *major, int *minor)
{
	*major = 8;
	*minor = 0;
	if (!variant[0])
		return true;
	if (variant[0] != 'v' || (variant[1] != '8' && variant[1] != '9'))
		return false;
	*major = variant[1] - '0';
	if (!variant[2])
		return true;
	if (variant[2] != '.' || !isdigit((unsigned char)variant[3]) || variant[4])
		return false;
	*minor = variant[3] - '0';
	return true;
}

// Steps down from the wanted platform to the one at hand within 32-bit arm; -1: not served.
static int arm_distance(int wanted, const struct platform *have)
{
	int got = version_of(have->variant);
	if (strcmp(have->arch, "arm") != 0 || got < 5 || wanted < 5 || got > wanted)
		return -1;
	return wanted - got;
}

static int amd64_distance(const struct platform *w, const struct platform *h)
{
	int wanted = w->variant[0] ? version_of(w->variant) : 1;
	if (strcmp(h->arch, "386") == 0 && !h->variant[0])
		return wanted > 0 ? wanted : 1;
	int got = h->variant[0] ? version_of(h->variant) : 1;
	if (strcmp(h->arch, "amd64") != 0 || got < 1 || got > wanted)
		return -1;
	return wanted - got;
}

// v9.x runs everything up to v8.(x+5), and all of it 32-bit arm code.
static int arm64_distance(const struct platform *w, const struct platform *h)
{
	int major, minor, got_major, got_minor;
	if (!arm64_version(w->variant, &major, &minor))
		return -1;
	if (strcmp(h->arch, "arm") == 0) {
		int d = arm_distance(8, h);
		return d < 0 ? -1 : 32 + d;
	}
	if (strcmp(h->arch, "arm64") != 0 || !arm64_version(h->variant, &got_major, &got_minor))
		return -1;
	int top = major == 9 ? minor + 5 : minor;
	if (got_major == major)
		return got_minor <= minor ? minor - got_minor : -1;
	return got_major < major && got_minor <= top ? minor + 1 + top - got_minor : -1;
}

int platform_match(const struct platform *wanted, const struct platform *have)
{
	const int best = 100;
	struct platform w = *wanted, h = *have;
	platform_normalize(&w);
	platform_normalize(&h);
	if (strcmp(w.os, h.os) != 0)
		return 0;
	if (same(&w, &h))
		return best;
	int d = -1;
	if (strcmp(w.arch, "amd64") == 0)
		d = amd64_distance(&w, &h);
	else if (strcmp(w.arch, "arm") == 0)
		d = arm_distance(version_of(w.variant), &h);
	else if (strcmp(w.arch, "arm64") == 0)
		d = arm64_distance(&w, &h);
	return d < 0 ? 0 : best - d;
}
