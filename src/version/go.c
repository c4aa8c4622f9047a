// SPDX-License-Identifier: Apache-2.0
// Versions of modules (golang.org/ref/mod#versions: semver; pseudo-versions are prereleases,
// "+incompatible" is build data) and of the toolchain: "go1.21rc2 X:aliastypeparams"
// is 1.21.0-rc.2.
#include "version/version-int.h"

// The toolchain's spelling becomes semver, a module's stays as it is.
static void as_semver(const char *v, char ret[static VERSION_TEXT_MAX + 3])
{
	size_t n = 0;
	const char *p = v;
	if (take_keyword(&p, "go") && is_digit(*p))
		v = p;
	p = v + strspn(v, "0123456789.");
	memcpy(ret, v, n = (size_t)(p - v));
	if (n && is_letter(*p)) {
		struct str word = take_letters(&p);
		ret[n++] = '-';
		memcpy(ret + n, word.p, word.n);
		n += word.n;
		ret[n++] = '.';
	}
	size_t rest = strcspn(p, " ");
	memcpy(ret + n, p, rest);
	ret[n + rest] = '\0';
}

const char *go_flaw(const char *v)
{
	char text[VERSION_TEXT_MAX + 3];
	as_semver(v, text);
	return semver_flaw(text);
}

int go_compare(const char *a, const char *b)
{
	char x[VERSION_TEXT_MAX + 3], y[VERSION_TEXT_MAX + 3];
	as_semver(a, x);
	as_semver(b, y);
	return semver_compare(x, y);
}
