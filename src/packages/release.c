// SPDX-License-Identifier: Apache-2.0
// os-release(5), and what others call a distribution.
#include "packages/packages-int.h"

#define RELEASES_MAX 16

// What a shell makes of the value: quotes go, a backslash takes the next character as it is.
static char *unquote(struct scan *s, struct str v)
{
	char *out = arena_alloc(&s->set->arena, v.n + 1);
	size_t n = 0;
	char quote = 0;
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'' && i + 1 < v.n)
			c = v.p[++i];
		if ((unsigned char)c >= ' ' && n < TEXT_LENGTH_MAX)
			out[n++] = c;
	}
	return n ? out : NULL;
}

int scan_os_release(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct release got = {0};
	const struct {
		const char *key;
		const char **value;
	} fields[] = {{"ID=", &got.id}, {"VERSION_ID=", &got.version},
	        {"VERSION_CODENAME=", &got.codename}, {"PRETTY_NAME=", &got.pretty}};
	struct str line;
	int more;
	if (c->size > MANIFEST_FILE_MAX)
		return err_set(e, ERR_CORRUPT, "it has more than %u bytes", MANIFEST_FILE_MAX);
	while ((more = line_next(&r, &line, e)) > 0) {
		line = str_trim(line);
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			size_t n = strlen(fields[i].key);
			if (line.n > n && !memcmp(line.p, fields[i].key, n))
				*fields[i].value = unquote(s, (struct str){line.p + n, line.n - n});
		}
	}
	if (more < 0)
		return -1;
	struct package_set *set = s->set;
	if (set->n_releases >= RELEASES_MAX)
		return 0;
	set->releases = xreallocarray(set->releases, set->n_releases + 1, sizeof(*set->releases));
	set->releases[set->n_releases++] =
	        (struct package_release){arena_strdup(&set->arena, s->path), got};
	return 0;
}

static const char *const other_names[][2] = {{"redhat", "rhel"}, {"alma", "almalinux"},
        {"amazon", "amzn"}, {"oracle", "ol"}, {"opensuse.leap", "opensuse-leap"},
        {"opensuse.tumbleweed", "opensuse-tumbleweed"}, {"cbl-mariner", "mariner"}};

const char *release_id(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++) {
		if (!strcasecmp(other_names[i][0], name))
			return other_names[i][1];
	}
	return name;
}

const char *release_family(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++) {
		if (!strcmp(other_names[i][1], id))
			return other_names[i][0];
	}
	return id;
}
