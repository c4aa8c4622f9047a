// SPDX-License-Identifier: Apache-2.0
// Physical lines to logical lines: byte order mark, line ends, directives, comments, continuation.
// The rules are those of BuildKit's frontend/dockerfile/parser: a comment line is dropped even
// inside a continued instruction, a blank line there too (with a warning), and only an
// instruction's first line loses its leading blanks.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

bool is_go_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool directive_parse(struct str s, struct str *ret_key, struct str *ret_value)
{
	s = rune_trim_left(s);
	size_t k = 0;
	while (k < s.n && is_alnum(s.p[k]))
		k++;
	if (k == 0 || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	size_t v = k;
	while (v < s.n && is_go_blank(s.p[v]))
		v++;
	if (v == s.n || s.p[v++] != '=')
		return false;
	size_t end = s.n;
	while (v < end && is_go_blank(s.p[v]))
		v++;
	while (end > v && is_go_blank(s.p[end - 1]))
		end--;
	if (v == end)
		return false;
	*ret_key = (struct str){s.p, k};
	*ret_value = (struct str){s.p + v, end - v};
	return true;
}

static const char *const directive_names[] = {"syntax", "escape", "check"};

static bool str_ieq_n(struct str a, const char *b)
{
	if (a.n != strlen(b))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if ((a.p[i] | 0x20) != b[i])
			return false;
	return true;
}

static int directive_number(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(directive_names); i++)
		if (str_ieq_n(key, directive_names[i]))
			return (int)i;
	return -1;
}

bool directive_find(struct str text, const char *prefix, const char *key, struct str *ret)
{
	unsigned seen = 0;
	size_t skip = strlen(prefix);
	while (text.n > skip && memcmp(text.p, prefix, skip) == 0) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) : text.n;
		struct str k, v;
		int number = directive_parse((struct str){text.p + skip, n - skip}, &k, &v)
		                     ? directive_number(k)
		                     : -1;
		if (number < 0 || seen & 1u << number)
			return false;
		seen |= 1u << number;
		if (str_ieq_n(k, key)) {
			const char *space = memchr(v.p, ' ', v.n);
			*ret = space ? (struct str){v.p, (size_t)(space - v.p)} : v;
			return true;
		}
		n += nl != NULL;
		text = (struct str){text.p + n, text.n - n};
	}
	return false;
}

void reader_init(struct reader *r, const char *text, size_t n)
{
	*r = (struct reader){.text = text, .n = n, .escape = '\\'};
}

void reader_release(struct reader *r)
{
	buf_release(&r->joined);
}

int reader_physical(struct reader *r, struct str *ret, struct err *e)
{
	if (r->at >= r->n)
		return 0;
	const char *p = r->text + r->at;
	const char *nl = memchr(p, '\n', r->n - r->at);
	size_t n = nl ? (size_t)(nl - p) : r->n - r->at;
	r->line++;
	if (n > LINE_MAX_BYTES)
		return err_at(e, (struct pos){r->line, 1, r->line, 1},
		        "dockerfile line greater than max allowed size of %d", LINE_MAX_BYTES);
	*ret = (struct str){p, n + (nl != NULL)};
	r->at += ret->n;
	return 1;
}

static struct str trim_line_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static bool is_comment(struct str s)
{
	s = rune_trim_left(s);
	return s.n > 0 && s.p[0] == '#';
}

// An empty comment line forgets the ones before it.
static void remember_comment(struct reader *r, struct str line)
{
	struct str c = rune_trim((struct str){line.p + 1, line.n - 1});
	if (c.n == 0) {
		r->n_comments = 0;
		return;
	}
	if (r->n_comments == COMMENTS_MAX) {
		r->n_comments = COMMENTS_MAX / 2;
		memmove(r->comments, r->comments + COMMENTS_MAX / 2,
		        sizeof(*r->comments) * (COMMENTS_MAX / 2));
	}
	r->comments[r->n_comments++] = c;
}

// Directives end at the first line that is none.
static int take_directive(struct reader *r, struct str line, struct err *e)
{
	if (r->directives_done)
		return 0;
	struct str key, value;
	int number = -1;
	if (line.n > 0 && line.p[0] == '#' &&
	        directive_parse((struct str){line.p + 1, line.n - 1}, &key, &value))
		number = directive_number(key);
	if (number < 0) {
		r->directives_done = true;
		return 0;
	}
	struct pos pos = {r->line, 1, r->line, (int)line.n};
	if (r->directives_seen & 1u << number)
		return err_at(e, pos, "only one %s parser directive can be used",
		        directive_names[number]);
	r->directives_seen |= 1u << number;
	if (r->n_comments > 0)
		r->n_comments--;
	if (strcmp(directive_names[number], "escape") != 0)
		return 0;
	if (value.n != 1 || (value.p[0] != '`' && value.p[0] != '\\'))
		return err_at(e, pos, "invalid escape token '%.*s' does not match ` or \\",
		        (int)value.n, value.p);
	r->escape = value.p[0];
	return 0;
}

// Cuts the escape character that continues the line; false: the line ends here. A doubled one does
// not continue.
static bool cut_continuation(const struct reader *r, struct str *line)
{
	size_t n = line->n;
	while (n > 0 && (line->p[n - 1] == ' ' || line->p[n - 1] == '\t'))
		n--;
	if (n == 0 || line->p[n - 1] != r->escape)
		return false;
	if (n > 1 && line->p[n - 2] == r->escape)
		return false;
	line->n = n - 1;
	return true;
}

static int join_lines(struct reader *r, struct logical *l, struct err *e)
{
	struct str raw;
	int got;
	buf_reset(&r->joined);
	buf_add(&r->joined, l->text.p, l->text.n);
	bool more = true;
	while (more && (got = reader_physical(r, &raw, e)) != 0) {
		if (got < 0)
			return -1;
		struct str line = trim_line_end(raw);
		l->pos.end_line = r->line;
		l->pos.end_col = (int)line.n;
		if (is_comment(line))
			continue;
		if (rune_trim_left(line).n == 0) {
			l->empty_continuation = true;
			continue;
		}
		more = cut_continuation(r, &line);
		buf_add(&r->joined, line.p, line.n);
	}
	l->text = (struct str){buf_cstr(&r->joined), r->joined.n};
	return 0;
}

int reader_logical(struct reader *r, struct logical *ret, struct err *e)
{
	struct str raw;
	int got;
	while ((got = reader_physical(r, &raw, e)) > 0) {
		if (r->line == 1 && raw.n >= 3 && memcmp(raw.p, "\xef\xbb\xbf", 3) == 0)
			raw = (struct str){raw.p + 3, raw.n - 3};
		bool comment = is_comment(raw);
		if (comment)
			remember_comment(r, raw);
		struct str whole = trim_line_end(raw), line = rune_trim_left(whole);
		if (take_directive(r, line, e) < 0)
			return -1;
		if (line.n == 0)
			r->n_comments = 0; // what stands further up describes nothing
		if (comment || line.n == 0)
			continue;
		*ret = (struct logical){.text = line,
		        .pos = {r->line, (int)(line.p - whole.p) + 1, r->line, (int)whole.n}};
		if (cut_continuation(r, &ret->text) && join_lines(r, ret, e) < 0)
			return -1;
		return 1;
	}
	return got;
}
