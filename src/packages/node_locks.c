// SPDX-License-Identifier: Apache-2.0
// yarn.lock, of yarn 1 and of later ones, and pnpm-lock.yaml. Only the lines that name a package
// and its version are looked at.
#include "packages/packages-int.h"

static int add(struct scan *s, struct str name, struct str version, struct err *e)
{
	if (!name.n || !version.n || name.n > TEXT_LENGTH_MAX || version.n > TEXT_LENGTH_MAX)
		return 0;
	auto_free char *n = xstrndup(name.p, name.n), *v = xstrndup(version.p, version.n);
	const struct package p = {
	        .type = PACKAGE_NPM, .name = n, .version = v, .flags = PACKAGE_LOCKED};
	return scan_add(s, &p, e);
}

static struct str unquoted(struct str s)
{
	s = str_trim(s);
	if (s.n && (*s.p == '"' || *s.p == '\'')) {
		const char *end = memchr(s.p + 1, *s.p, s.n - 1);
		return (struct str){s.p + 1, end ? (size_t)(end - s.p) - 1 : s.n - 1};
	}
	return s;
}

static bool begins(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);
	return s.n >= n && !memcmp(s.p, prefix, n);
}

// "name@range": up to the '@' that is not the first character.
static struct str name_of(struct str spec)
{
	const char *at = spec.n > 1 ? memchr(spec.p + 1, '@', spec.n - 1) : NULL;
	return (struct str){spec.p, at ? (size_t)(at - spec.p) : 0};
}

// "alias@npm:name@range" is that name; "name@npm:range" has none behind its range.
static struct str real_name_of(struct str spec)
{
	struct str name = name_of(spec), behind = {spec.p + name.n, spec.n - name.n};
	if (!name.n || !begins(behind, "@" NPM_ALIAS))
		return name;
	size_t skip = 1 + strlen(NPM_ALIAS);
	struct str real = name_of((struct str){behind.p + skip, behind.n - skip});
	return real.n ? real : name;
}

// `"name@range", name@range:` and below it `version "1.0"`; of later ones `version: 1.0`, a
// resolution that says what is fetched, and packages of the project itself at 0.0.0-use.local.
int scan_yarn_lock(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	char head[TEXT_LENGTH_MAX];
	struct str line, name = {head, 0};
	int more;
	while ((more = line_next(&r, &line, e)) > 0) {
		if (line.n && *line.p != ' ' && *line.p != '#') {
			struct str spec = {line.p, strcspn(line.p, ",\n")};
			spec.n = spec.n < line.n ? spec.n : line.n;
			spec = real_name_of(unquoted(spec));
			name.n = spec.n < sizeof(head) ? spec.n : 0;
			memcpy(head, spec.p, name.n);
		} else if (begins(line, "  version")) {
			struct str v = unquoted((struct str){line.p + 9, line.n - 9});
			if (v.n && *v.p == ':')
				v = unquoted((struct str){v.p + 1, v.n - 1});
			if (!str_eq(v, "0.0.0-use.local") && add(s, name, v, e))
				return -1;
			name.n = 0;
		}
	}
	return more;
}

// A key below "packages:": `/name/1.0.0_peer@2:` (before lockfile 6), `/name@1.0.0(peer@2):`,
// `name@1.0.0:`. The name may begin with a scope.
static int pnpm_key(struct scan *s, struct str key, struct err *e)
{
	bool slash = key.n && *key.p == '/';
	key = (struct str){key.p + slash, key.n - slash};
	const char *scope = key.n && *key.p == '@' ? memchr(key.p, '/', key.n) : NULL;
	size_t begin = scope ? (size_t)(scope - key.p) + 1 : 0, end = begin;
	while (end < key.n && key.p[end] != '@' && key.p[end] != '/')
		end++;
	if (end >= key.n)
		return 0;
	struct str version = {key.p + end + 1, 0};
	while (end + 1 + version.n < key.n && !strchr("(_/:", version.p[version.n]))
		version.n++;
	if (end + 1 + version.n < key.n && version.p[version.n] == ':') // link:, file:
		return 0;
	return add(s, (struct str){key.p, end}, version, e);
}

int scan_pnpm_lock(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	bool packages = false;
	struct str line;
	int more;
	while ((more = line_next(&r, &line, e)) > 0) {
		if (line.n && *line.p != ' ')
			packages = begins(line, "packages:");
		if (!packages || line.n < 4 || !begins(line, "  ") || line.p[2] == ' ' ||
		        line.p[line.n - 1] != ':')
			continue;
		if (pnpm_key(s, unquoted((struct str){line.p, line.n - 1}), e))
			return -1;
	}
	return more;
}
