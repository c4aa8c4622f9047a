// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "version/version-int.h"

#define SCHEME(text, name)                                                      \
	{                                                                       \
		.label = (text), .flaw = name##_flaw, .compare = name##_compare \
	}
static const struct scheme {
	const char *label;
	const char *(*flaw)(const char *v);
	int (*compare)(const char *a, const char *b);
} schemes[] = {
        [VERSION_DPKG] = SCHEME("dpkg", dpkg),
        [VERSION_APK] = SCHEME("apk", apk),
        [VERSION_RPM] = SCHEME("rpm", rpm),
        [VERSION_SEMVER] = SCHEME("semver", semver),
        [VERSION_PEP440] = SCHEME("pep440", pep440),
        [VERSION_GO] = SCHEME("go", go),
        [VERSION_MAVEN] = SCHEME("maven", maven),
        [VERSION_GEM] = SCHEME("gem", gem),
};

// What OSV and package URLs call them, beside the names above.
static const struct {
	const char *name;
	enum version_scheme scheme;
} ecosystems[] = {
        {"deb", VERSION_DPKG},
        {"debian", VERSION_DPKG},
        {"ubuntu", VERSION_DPKG},
        {"alpine", VERSION_APK},
        {"wolfi", VERSION_APK},
        {"chainguard", VERSION_APK},
        {"redhat", VERSION_RPM},
        {"red hat", VERSION_RPM},
        {"almalinux", VERSION_RPM},
        {"rocky linux", VERSION_RPM},
        {"suse", VERSION_RPM},
        {"opensuse", VERSION_RPM},
        {"azure linux", VERSION_RPM},
        {"photon os", VERSION_RPM},
        {"npm", VERSION_SEMVER},
        {"crates.io", VERSION_SEMVER},
        {"cargo", VERSION_SEMVER},
        {"pypi", VERSION_PEP440},
        {"golang", VERSION_GO},
        {"rubygems", VERSION_GEM},
};

bool version_scheme_find(const char *ecosystem, enum version_scheme *ret)
{
	auto_free char *name = xstrndup(ecosystem, strcspn(ecosystem, ":"));
	for (size_t i = 0; i < ARRAY_LEN(ecosystems); i++) {
		if (str_ieq(name, ecosystems[i].name)) {
			*ret = ecosystems[i].scheme;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_ieq(name, schemes[i].label)) {
			*ret = (enum version_scheme)i;
			return true;
		}
	}
	return false;
}

const char *version_scheme_name(enum version_scheme s)
{
	return schemes[s].label;
}

static const char *flaw_of(enum version_scheme s, const char *v)
{
	size_t n = strnlen(v, VERSION_TEXT_MAX + 1);
	if (n == 0)
		return "it is empty";
	if (n > VERSION_TEXT_MAX)
		return "it is longer than 512 bytes";
	for (size_t i = 0; i < n; i++) {
		// go's toolchain: "go1.22.3 X:boringcrypto"
		if ((v[i] <= ' ' && !(s == VERSION_GO && i > 0 && v[i] == ' ')) || v[i] > '~')
			return "it has blanks or bytes that are no printable ASCII";
	}
	return schemes[s].flaw(v);
}

int version_check(enum version_scheme s, const char *version, struct err *e)
{
	const char *flaw = flaw_of(s, version);
	return flaw ? err_set(e, ERR_USAGE, "\"%.100s\" is no version that %s knows: %s", version,
	                      schemes[s].label, flaw)
	            : 0;
}

int version_compare(enum version_scheme s, const char *a, const char *b, int *ret, struct err *e)
{
	if (version_check(s, a, e) || version_check(s, b, e))
		return -1;
	*ret = schemes[s].compare(a, b);
	return 0;
}

struct str take_digits(const char **s)
{
	struct str got = {*s, 0};
	while (is_digit(got.p[got.n]))
		got.n++;
	*s += got.n;
	return got;
}

struct str take_letters(const char **s)
{
	struct str got = {*s, 0};
	while (is_letter(got.p[got.n]))
		got.n++;
	*s += got.n;
	return got;
}

bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
	}
	return s.n > 0;
}

static struct str without_zeros(struct str s)
{
	while (s.n && *s.p == '0') {
		s.p++;
		s.n--;
	}
	return s;
}

int compare_numbers(struct str a, struct str b)
{
	a = without_zeros(a);
	b = without_zeros(b);
	return a.n != b.n ? order_of((long)a.n, (long)b.n) : compare_text(a, b);
}

int compare_text(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : order_of((long)a.n, (long)b.n);
}

int compare_words(struct str a, struct str b)
{
	size_t i = 0;
	while (i < a.n && i < b.n && to_lower(a.p[i]) == to_lower(b.p[i]))
		i++;
	int x = i < a.n ? to_lower(a.p[i]) : -1, y = i < b.n ? to_lower(b.p[i]) : -1;
	return order_of(x, y);
}

bool take_keyword(const char **s, const char *word)
{
	const char *p = *s;
	while (*word && to_lower(*p) == *word) {
		p++;
		word++;
	}
	if (*word)
		return false;
	*s = p;
	return true;
}
