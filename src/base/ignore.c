// SPDX-License-Identifier: Apache-2.0
// Ignore files as BuildKit's walk applies them (moby/patternmatcher, MatchesUsingParentResults). At
// each level of a path the patterns are asked in order: one that held for the parent holds; an
// excluding one is asked only while the path is included, an exception only while it is excluded;
// the last that holds decides. What was not asked does not hold for the children: after `**/*.md`
// and `!docs` the file docs/a.md stays excluded, because at docs there was nothing to make an
// exception from.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/glob-int.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/unicode.h"
#include <pthread.h>
#include <string.h>

#define PATTERNS_MAX 20000

struct pattern {
	char *text; // as written, for messages
	char *clean;
	bool negated;
	int line;
	struct glob_program program;
};

// The last path asked for, and which patterns held at each of its levels.
struct trail {
	struct buf path;
	size_t *ends; // length of the path's first i + 1 components
	bool *held;   // levels * patterns
	size_t levels, cap;
	bool *hits;  // of this path, by pattern and level that is not shared with the last one
	bool *asked; // by pattern: its hits are known
	size_t hits_cap;
};

struct ignore {
	struct pattern *v;
	size_t n, cap;
	pthread_mutex_t lock; // of the trail; whoever finds it taken uses a trail of his own
	struct trail trail;
};

static void trail_release(struct trail *t)
{
	buf_release(&t->path);
	free(t->ends);
	free(t->held);
	free(t->hits);
	free(t->asked);
}

static struct ignore *ignore_new(void)
{
	struct ignore *ig = xcalloc(1, sizeof(*ig));
	pthread_mutex_init(&ig->lock, NULL);
	return ig;
}

void ignore_free(struct ignore *ig)
{
	if (!ig)
		return;
	for (size_t i = 0; i < ig->n; i++) {
		glob_program_release(&ig->v[i].program);
		free(ig->v[i].text);
		free(ig->v[i].clean);
	}
	trail_release(&ig->trail);
	pthread_mutex_destroy(&ig->lock);
	free(ig->v);
	free(ig);
}

// ---- reading

// What Go's strings.TrimSpace takes away; in place.
static char *trim(char *s)
{
	struct str t = rune_trim(str_of(s));
	s = (char *)(uintptr_t)t.p;
	s[t.n] = '\0';
	return s;
}

// Blanks that cleaning has laid open, as those of "a /", go too; those after a "!" stay.
static void trim_clean(char *clean, bool negated)
{
	struct str s = str_of(clean), t = rune_trim(s);
	if (negated) {
		t.n += (size_t)(t.p - s.p);
		t.p = s.p;
	}
	memmove(clean, t.p, t.n);
	clean[t.n] = '\0';
}

static int add_pattern(struct ignore *ig, const char *text, int line, struct err *e)
{
	bool negated = *text == '!';
	const char *s = rune_trim_left(str_of(text + negated)).p;
	auto_free char *clean = fs_clean_rel(s);
	trim_clean(clean, negated);
	if (!*s || (negated && *s == '/' && !*clean)) // "!/" is cleaned to "!"
		return err_set(
		        e, ERR_CONTEXT, "line %d: illegal exclusion pattern: \"%s\"", line, text);
	if (ig->n == PATTERNS_MAX)
		return err_set(
		        e, ERR_CONTEXT, "line %d: more than %d patterns", line, PATTERNS_MAX);
	struct pattern p = {.negated = negated, .line = line};
	if (glob_compile(clean, &p.program))
		return err_set(
		        e, ERR_CONTEXT, "line %d: syntax error in pattern \"%s\"", line, text);
	// ".", "/" and "../x" name nothing below the root
	if (!*clean || (*s != '/' && fs_path_climbs(s)))
		return glob_program_release(&p.program), 0;
	p.text = xstrdup(text);
	p.clean = steal_ptr(&clean);
	if (ig->n == ig->cap) {
		ig->cap = ig->cap ? 2 * ig->cap : 16;
		ig->v = xreallocarray(ig->v, ig->cap, sizeof(*ig->v));
	}
	ig->v[ig->n++] = p;
	return 0;
}

struct ignore *ignore_parse(const char *text, size_t n, struct err *e)
{
	struct ignore *ig = ignore_new();
	auto_free char *copy = xstrndup(text ? text : "", n);
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
	struct ignore *ig = ignore_new();
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

// ---- asking

// Whether a pattern hits the path at a level; `first` is the first that is not shared.
static bool hits(
        struct trail *t, const struct ignore *ig, size_t pattern, size_t first, size_t level)
{
	size_t n = t->levels - first;
	bool *of = t->hits + pattern * n;
	if (!t->asked[pattern])
		glob_run_levels(&ig->v[pattern].program, t->path.p, t->ends + first, n, of);
	t->asked[pattern] = true;
	return of[level - first];
}

// held: the patterns that hold for the parent of that level; becomes those that hold there.
static void decide(struct trail *t, const struct ignore *ig, size_t first, size_t level, bool *held)
{
	bool excluded = false;
	for (size_t i = 0; i < ig->n; i++) {
		const struct pattern *p = &ig->v[i];
		if (!held[i] && p->negated == excluded)
			held[i] = hits(t, ig, i, first, level);
		if (held[i])
			excluded = !p->negated;
	}
}

// Levels of the trail that are levels of path too.
static size_t shared_levels(const struct trail *t, const char *path)
{
	size_t k = 0, same = 0;
	while (path[same] && path[same] == t->path.p[same])
		same++;
	while (k < t->levels && t->ends[k] <= same) {
		char after = path[t->ends[k]];
		if (after && after != '/')
			break;
		k++;
	}
	return k;
}

// Takes a path, of which k levels are those of the last one.
static void trail_take(struct trail *t, const struct ignore *ig, const char *path, size_t k)
{
	size_t first = k, at = k ? t->ends[k - 1] + (path[t->ends[k - 1]] == '/') : 0;
	buf_reset(&t->path);
	buf_puts(&t->path, path);
	for (; path[at]; k++) {
		if (k == t->cap) {
			t->cap = t->cap ? 2 * t->cap : 16;
			t->ends = xreallocarray(t->ends, t->cap, sizeof(*t->ends));
			t->held = xreallocarray(t->held, t->cap, ig->n);
		}
		at += strcspn(path + at, "/");
		t->ends[k] = at;
		at += path[at] == '/';
	}
	t->levels = k;
	if (k - first > t->hits_cap) {
		t->hits_cap = k - first;
		t->hits = xreallocarray(t->hits, t->hits_cap, ig->n);
	}
	if (!t->asked)
		t->asked = xcalloc(ig->n, sizeof(*t->asked));
	memset(t->asked, 0, ig->n);
}

// Follows path to its end; returns what holds there.
static const bool *trail_follow(struct trail *t, const struct ignore *ig, const char *path)
{
	size_t first = t->levels ? shared_levels(t, path) : 0;
	trail_take(t, ig, path, first);
	for (size_t k = first; k < t->levels; k++) {
		bool *held = t->held + k * ig->n;
		if (k)
			memcpy(held, held - ig->n, ig->n);
		else
			memset(held, 0, ig->n);
		decide(t, ig, first, k, held);
	}
	return t->held + (t->levels - 1) * ig->n;
}

// The pattern that decides about path; ig->n if none.
static size_t deciding(const struct ignore *ig, const char *path)
{
	struct ignore *mutable = (struct ignore *)(uintptr_t)ig; // the trail is a cache
	if (!*path || !strcmp(path, ".") || !ig->n) // the root itself is never excluded
		return ig->n;
	struct trail own = {0};
	bool locked = pthread_mutex_trylock(&mutable->lock) == 0;
	const bool *held = trail_follow(locked ? &mutable->trail : &own, ig, path);
	size_t i = ig->n;
	while (i > 0 && !held[i - 1])
		i--;
	if (locked)
		pthread_mutex_unlock(&mutable->lock);
	trail_release(&own);
	return i > 0 ? i - 1 : ig->n;
}

bool ignore_excludes(const struct ignore *ig, const char *path, int *ret_line)
{
	size_t i = deciding(ig, path);
	if (ret_line)
		*ret_line = i < ig->n ? ig->v[i].line : 0;
	return i < ig->n && !ig->v[i].negated;
}

bool ignore_prunes(const struct ignore *ig, const char *dir)
{
	size_t i = deciding(ig, dir);
	if (i == ig->n || ig->v[i].negated)
		return false;
	// whatever is below is excluded by i too, so only a later exception can take it back
	for (i++; i < ig->n; i++)
		if (ig->v[i].negated && glob_may_match_below(&ig->v[i].program, dir))
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

bool ignore_has_exceptions(const struct ignore *ig)
{
	for (size_t i = 0; ig && i < ig->n; i++)
		if (ig->v[i].negated)
			return true;
	return false;
}

bool ignore_hides_root(const struct ignore *ig)
{
	static const char *const all[] = {"*", "**", "**/*"};
	for (size_t i = 0; ig && i < ig->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(all) && !ig->v[i].negated; k++)
			if (!strcmp(ig->v[i].clean, all[k]))
				return true;
	return false;
}
