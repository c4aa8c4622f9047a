// SPDX-License-Identifier: Apache-2.0
// Ignore files as moby/patternmatcher reads them: the last pattern that matches a path or one of
// its parents decides.
#include "base/glob.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/glob-int.h"
#include "base/mem.h"
#include <string.h>

#define PATTERNS_MAX 20000

struct pattern {
	char *text; // as written, for messages
	char *clean;
	bool negated, literal;
	int line;
	struct glob_program program;
};

struct ignore {
	struct pattern *v;
	size_t n, cap;
	bool has_exceptions;
};

void ignore_free(struct ignore *ig)
{
	if (!ig)
		return;
	for (size_t i = 0; i < ig->n; i++) {
		glob_program_release(&ig->v[i].program);
		free(ig->v[i].text);
		free(ig->v[i].clean);
	}
	free(ig->v);
	free(ig);
}

static int add_pattern(struct ignore *ig, const char *text, int line, struct err *e)
{
	const char *s = text;
	bool negated = *s == '!';
	if (negated)
		s++;
	while (*s == ' ' || *s == '\t')
		s++;
	if (!*s)
		return err_set(e, ERR_CONTEXT, "line %d: illegal exclusion pattern: \"!\"", line);
	if (ig->n == PATTERNS_MAX)
		return err_set(
		        e, ERR_CONTEXT, "line %d: more than %d patterns", line, PATTERNS_MAX);
	struct pattern p = {
	        .negated = negated, .line = line, .text = xstrdup(text), .clean = fs_clean_rel(s)};
	p.literal = !glob_has_meta(p.clean);
	if (!*p.clean) { // "." or "/" says nothing about any path below
		free(p.text);
		free(p.clean);
		return 0;
	}
	if (glob_compile(p.clean, true, &p.program)) {
		free(p.text);
		free(p.clean);
		return err_set(
		        e, ERR_CONTEXT, "line %d: syntax error in pattern \"%s\"", line, text);
	}
	if (ig->n == ig->cap) {
		ig->cap = ig->cap ? 2 * ig->cap : 16;
		ig->v = xreallocarray(ig->v, ig->cap, sizeof(*ig->v));
	}
	ig->v[ig->n++] = p;
	ig->has_exceptions |= negated;
	return 0;
}

static char *trim(char *s)
{
	static const char blanks[] = " \t\r\n\v\f";
	s += strspn(s, blanks);
	size_t n = strlen(s);
	while (n && strchr(blanks, s[n - 1]))
		s[--n] = '\0';
	return s;
}

struct ignore *ignore_parse(const char *text, size_t n, struct err *e)
{
	struct ignore *ig = xcalloc(1, sizeof(*ig));
	auto_free char *copy = xstrndup(text, n);
	char *rest = copy, *line;
	int number = 0;
	if (str_has_prefix(rest, "\xef\xbb\xbf"))
		rest += 3;
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (*line == '#')
			continue;
		line = trim(line);
		if (*line && add_pattern(ig, line, number, e)) {
			ignore_free(ig);
			return NULL;
		}
	}
	return ig;
}

struct ignore *ignore_from_patterns(const char *const *patterns, size_t n, struct err *e)
{
	struct ignore *ig = xcalloc(1, sizeof(*ig));
	for (size_t i = 0; i < n; i++) {
		auto_free char *copy = xstrdup(patterns[i]);
		char *text = trim(copy);
		if (*text && add_pattern(ig, text, (int)i + 1, e)) {
			ignore_free(ig);
			return NULL;
		}
	}
	return ig;
}

static bool pattern_matches(const struct pattern *p, const char *path)
{
	return p->literal ? fs_path_within(path, p->clean) : glob_run(&p->program, path, true);
}

bool ignore_excludes(const struct ignore *ig, const char *path, int *ret_line)
{
	for (size_t i = ig->n; i-- > 0;) {
		if (!pattern_matches(&ig->v[i], path))
			continue;
		if (ret_line)
			*ret_line = ig->v[i].line;
		return !ig->v[i].negated;
	}
	if (ret_line)
		*ret_line = 0;
	return false;
}

// Could the exception match something below dir? Only a literal start can rule that out.
static bool may_reach(const struct pattern *p, const char *dir)
{
	size_t n = strcspn(p->clean, "*?[\\");
	while (n && n < strlen(p->clean) && p->clean[n - 1] != '/')
		n--;
	size_t d = strlen(dir);
	auto_free char *start = xstrndup(p->clean, n);
	if (p->literal)
		return fs_path_within(p->clean, dir) && strlen(p->clean) > d;
	if (n <= d) // the wildcard lies at or above dir
		return !n || fs_path_within(dir,
		                     start[n - 1] == '/' ? (start[n - 1] = '\0', start) : start);
	return !strncmp(start, dir, d) && start[d] == '/';
}

bool ignore_prunes(const struct ignore *ig, const char *dir)
{
	if (!ignore_excludes(ig, dir, NULL))
		return false;
	for (size_t i = 0; i < ig->n; i++)
		if (ig->v[i].negated && may_reach(&ig->v[i], dir))
			return false;
	return true;
}

const char *ignore_pattern_at(const struct ignore *ig, int line)
{
	for (size_t i = 0; i < ig->n; i++)
		if (ig->v[i].line == line)
			return ig->v[i].text;
	return NULL;
}

size_t ignore_count(const struct ignore *ig)
{
	return ig->n;
}

bool ignore_has_exceptions(const struct ignore *ig)
{
	return ig->has_exceptions;
}
