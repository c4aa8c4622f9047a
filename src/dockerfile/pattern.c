// SPDX-License-Identifier: Apache-2.0
// The patterns of ${x#p}, ${x%p} and ${x/p/r}. A pattern is literal runs parted by stars. Since a
// star never crosses a newline and the runs have a fixed number of newlines, the line on which each
// run must lie is known, so placing every run as early as possible decides whether there is a
// match, and the end of a longest match is the last place of the last run: no backtracking.
// Suffixes are prefixes of everything reversed.
#include "base/err.h"
#include "base/mem.h"
#include "base/unicode.h"
#include "dockerfile/expand-int.h"

#define ANY (UINT32_MAX - 1)  // ?
#define STAR (UINT32_MAX - 2) // *
#define NOWHERE SIZE_MAX

struct runes {
	uint32_t *v;
	size_t n;
};

static struct runes decode(const char *s)
{
	size_t n = strlen(s), len;
	struct runes r = {.v = xreallocarray(NULL, n + 1, sizeof(*r.v))};
	for (size_t i = 0; i < n; i += len)
		r.v[r.n++] = utf8_next(s + i, n - i, &len);
	return r;
}

static void reverse(struct runes *r)
{
	for (size_t i = 0; i < r->n / 2; i++) {
		uint32_t t = r->v[i];
		r->v[i] = r->v[r->n - 1 - i];
		r->v[r->n - 1 - i] = t;
	}
}

static void put(struct buf *out, const uint32_t *v, size_t n)
{
	char u[RUNE_MAX_LEN];
	for (size_t i = 0; i < n; i++)
		buf_add(out, u, utf8_put(v[i], u));
}

// Turns the pattern's text into literals, ANY and STAR in place; neighbouring stars become one.
static int compile(struct runes *p, const char *text, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		uint32_t c = p->v[i];
		if (c == '*') {
			if (n == 0 || p->v[n - 1] != STAR)
				p->v[n++] = STAR;
			continue;
		}
		if (c == '?') {
			c = ANY;
		} else if (c == '\\') {
			uint32_t after = ++i < p->n ? p->v[i] : 0;
			if (!after || after >= RUNE_INVALID || !strchr("*?\\}/", (int)after)) {
				char u[RUNE_MAX_LEN] = "";
				return err_set(e, ERR_DOCKERFILE,
				        "invalid pattern (%.200s) in substitution: invalid escape "
				        "'\\%.*s'",
				        text, after ? (int)utf8_put(after, u) : 0, u);
			}
			c = after;
		}
		p->v[n++] = c;
	}
	p->n = n;
	return 0;
}

struct match {
	struct lex_budget *budget;
	struct runes value, pattern;
	bool longest;
	size_t barrier; // end of the line that the first star could not leave; see find
};

static void match_release(struct match *m)
{
	free(m->value.v);
	free(m->pattern.v);
}
#define auto_match __attribute__((cleanup(match_release)))

static bool run_at(struct match *m, const uint32_t *run, size_t n, size_t at)
{
	if (n > m->value.n - at)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = m->value.v[at + i];
		if (run[i] == ANY ? c == '\n' : c != run[i]) {
			lex_spend(m->budget, i + 1);
			return false;
		}
	}
	lex_spend(m->budget, n + 1);
	return true;
}

static size_t line_end(struct match *m, size_t at)
{
	size_t i = at;
	while (i < m->value.n && m->value.v[i] != '\n')
		i++;
	lex_spend(m->budget, i - at + 1);
	return i;
}

// The first (or last) place of a run that starts in [from, to].
static size_t place(struct match *m, const uint32_t *run, size_t n, size_t from, size_t to)
{
	for (size_t i = 0; i <= to - from && m->budget->left > 0; i++) {
		size_t at = m->longest ? to - i : from + i;
		if (run_at(m, run, n, at))
			return at;
	}
	return NOWHERE;
}

// Where a match that starts at `at` ends.
static size_t match_at(struct match *m, size_t at)
{
	const uint32_t *p = m->pattern.v, *end = p + m->pattern.n;
	bool longest = m->longest;
	const uint32_t *star = p;
	while (star < end && *star != STAR)
		star++;
	m->barrier = NOWHERE;
	if (!run_at(m, p, (size_t)(star - p), at))
		return NOWHERE;
	at += (size_t)(star - p);
	while (star < end) {
		const uint32_t *run = star + 1;
		for (star = run; star < end && *star != STAR;)
			star++;
		size_t n = (size_t)(star - run), nl = line_end(m, at);
		if (m->barrier == NOWHERE)
			m->barrier = nl;
		m->longest = longest && star == end;
		size_t found = place(m, run, n, at, nl);
		m->longest = longest;
		if (found == NOWHERE)
			return NOWHERE;
		at = found + n;
	}
	return at;
}

// The leftmost match from `from` on. When the runs do not fit behind the first star, they cannot
// fit behind a later one on the same line either: those starts are skipped, so the search stays
// linear.
static bool find(struct match *m, size_t from, size_t *ret_start, size_t *ret_end)
{
	size_t head = 0;
	while (head < m->pattern.n && m->pattern.v[head] != STAR)
		head++;
	for (size_t s = from; s <= m->value.n && m->budget->left > 0; s++) {
		size_t end = match_at(m, s);
		if (end != NOWHERE) {
			*ret_start = s;
			*ret_end = end;
			return true;
		}
		if (m->barrier != NOWHERE && m->barrier > s + head)
			s = m->barrier - head;
	}
	return false;
}

static int spent(struct match *m, struct err *e)
{
	if (m->budget->left > 0)
		return 0;
	return err_set(e, ERR_DOCKERFILE, "expansion takes too much work");
}

static int prepare(struct match *m, const char *value, const char *pattern, struct err *e)
{
	m->value = decode(value);
	m->pattern = decode(pattern);
	lex_spend(m->budget, m->value.n + m->pattern.n);
	return compile(&m->pattern, pattern, e);
}

int pattern_trim(struct lex_budget *b, const char *value, const char *pattern,
        const struct pattern_options *o, struct buf *out, struct err *e)
{
	auto_match struct match m = {.budget = b, .longest = o->longest};
	if (prepare(&m, value, pattern, e) < 0)
		return -1;
	if (o->suffix) {
		reverse(&m.value);
		reverse(&m.pattern);
	}
	size_t end = match_at(&m, 0);
	if (spent(&m, e) < 0)
		return -1;
	if (end == NOWHERE)
		end = 0;
	if (o->suffix) {
		reverse(&m.value);
		put(out, m.value.v, m.value.n - end);
	} else {
		put(out, m.value.v + end, m.value.n - end);
	}
	return 0;
}

static int add_with(
        struct match *m, const struct pattern_replacement *r, struct buf *out, struct err *e)
{
	size_t n = strlen(r->with);
	if (out->n > r->max || n > r->max - out->n)
		return err_set(e, ERR_DOCKERFILE, "expansion is larger than %zu bytes", r->max);
	lex_spend(m->budget, n);
	buf_add(out, r->with, n);
	return 0;
}

int pattern_replace(struct lex_budget *b, const char *value, const struct pattern_replacement *r,
        struct buf *out, struct err *e)
{
	auto_match struct match m = {.budget = b, .longest = true};
	if (prepare(&m, value, r->pattern, e) < 0)
		return -1;
	size_t copied = 0, from = 0, start, end;
	while (from <= m.value.n && find(&m, from, &start, &end)) {
		put(out, m.value.v + copied, start - copied);
		// An empty match right behind another match does not count.
		if ((end > copied || start == 0) && add_with(&m, r, out, e) < 0)
			return -1;
		copied = end;
		from = end > from ? end : from + 1;
		if (!r->all)
			break;
	}
	put(out, m.value.v + copied, m.value.n - copied);
	return spent(&m, e);
}
