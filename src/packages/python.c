// SPDX-License-Identifier: Apache-2.0
// Installed distributions (core metadata: METADATA of a .dist-info, PKG-INFO of an egg), and what a
// project's lock files name.
#include "base/json.h"
#include "packages/packages-int.h"

#define DIGITS "0123456789"
#define VERSION_CHARACTERS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.!+-_"

static int add(struct scan *s, enum package_type type, const char *name, const char *version,
        int flags, struct err *e)
{
	const struct package p = {.type = type, .name = name, .version = version, .flags = flags};
	return scan_add(s, &p, e);
}

// Headers end at the first empty line.
int scan_python(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	auto_free char *name = NULL, *version = NULL;
	struct str line, value;
	int more;
	while ((more = line_next(&r, &line, e)) > 0 && line.n) {
		char **into = line_field(line, "Name", &value)      ? &name
		              : line_field(line, "Version", &value) ? &version
		                                                    : NULL;
		if (into && !*into)
			*into = xstrndup(value.p, value.n);
	}
	if (more < 0)
		return -1;
	return name && version ? add(s, PACKAGE_PYPI, name, version, 0, e) : 0;
}

// Where the marker, a comment or the options of a requirement begin.
static size_t requirement_length(const char *text)
{
	size_t i = 0;
	for (; text[i] && text[i] != ';'; i++) {
		if ((text[i] == ' ' || text[i] == '\t') &&
		        (text[i + 1] == '#' || text[i + 1] == '-'))
			break;
	}
	return i;
}

// "name[extra]==1.0 ; marker  # comment": only what is pinned has a version, and what an address
// leads to ("name @ https://...") none that is said.
static int requirement(struct scan *s, struct str line, struct err *e)
{
	auto_free char *text = xstrndup(line.p, line.n);
	text[requirement_length(text)] = '\0';
	char *equal = strstr(text, "==");
	if (!equal || *text == '#' || *text == '-' || memchr(text, '@', (size_t)(equal - text)))
		return 0;
	char *version = equal + 2 + (equal[2] == '=');
	version += strspn(version, " \t");
	size_t n = strspn(version, VERSION_CHARACTERS);
	if (!memchr(DIGITS, version[*version == 'v'], sizeof(DIGITS) - 1) ||
	        (version[n] && !strchr(" \t,)#\\", version[n])))
		return 0;
	version[n] = *equal = '\0';
	text[strcspn(text, " \t[(<>!~")] = '\0';
	return add(s, PACKAGE_PYPI, text, version, PACKAGE_LOCKED, e);
}

int scan_requirements(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct str line;
	int more;
	while ((more = line_next(&r, &line, e)) > 0) {
		if (requirement(s, str_trim(line), e))
			return -1;
	}
	return more;
}

int scan_pipfile_lock(struct scan *s, const struct content *c, struct err *e)
{
	static const char *const groups[] = {"default", "develop"};
	auto_buf struct buf text = {0};
	if (content_all(c, DOCUMENT_MAX, &text, e))
		return -1;
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, e);
	if (!doc)
		return -1;
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		const char *name;
		const struct jn *p;
		for (size_t i = 0; jn_member(jn_get(jdoc_root(doc), groups[g]), i, &name, &p);
		        i++) {
			const char *version = jn_get_str(p, "version");
			if (version && str_has_prefix(version, "==") &&
			        add(s, PACKAGE_PYPI, name, version + 2, PACKAGE_LOCKED, e))
				return -1;
		}
	}
	return 0;
}

// `key = "value"`, as poetry, uv and cargo write it.
static char *toml_value(struct str line, const char *key)
{
	size_t n = strlen(key);
	if (line.n <= n || memcmp(line.p, key, n) != 0)
		return NULL;
	struct str v = str_trim((struct str){line.p + n, line.n - n});
	if (v.n < 3 || *v.p != '=')
		return NULL;
	v = str_trim((struct str){v.p + 1, v.n - 1});
	const char *end = v.n > 1 && *v.p == '"' ? memchr(v.p + 1, '"', v.n - 1) : NULL;
	return end ? xstrndup(v.p + 1, (size_t)(end - v.p) - 1) : NULL;
}

static void take(char **into, char *value)
{
	if (!value)
		return;
	free(*into);
	*into = value;
}

// [[package]] tables with name and version. One without a source, of cargo, is the project's own.
int scan_toml_lock(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	auto_free char *name = NULL, *version = NULL, *source = NULL;
	bool cargo = str_has_suffix(s->path, "Cargo.lock"), inside = false;
	int more = 1, status = 0;
	while (more > 0 && !status) {
		struct str line = {0};
		more = line_next(&r, &line, e);
		if (more < 0)
			return -1;
		if (more > 0 && !(line.n && *line.p == '[')) {
			if (!inside)
				continue;
			take(&name, toml_value(line, "name"));
			take(&version, toml_value(line, "version"));
			take(&source, toml_value(line, "source"));
			continue;
		}
		if (inside && name && version && (source || !cargo))
			status = add(s, cargo ? PACKAGE_CARGO : PACKAGE_PYPI, name, version,
			        PACKAGE_LOCKED, e);
		free_ptr(&name);
		free_ptr(&version);
		free_ptr(&source);
		name = version = source = NULL;
		inside = str_eq(str_trim(line), "[[package]]");
	}
	return status;
}
