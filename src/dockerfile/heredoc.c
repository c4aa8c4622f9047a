// SPDX-License-Identifier: Apache-2.0
// Heredocs: finding `<<NAME` words on an instruction's line and reading the bodies that follow it.
// The escape character is always the backslash here, whatever the directive says, as in BuildKit. A
// body is taken as it stands in the file, line ends and comments included.
#include "base/err.h"
#include "dockerfile/expand-int.h"
#include "dockerfile/parse-int.h"

static const struct expand_env no_env = {.escape = '\\'};

// ^(\d*)<<(-?)\s*([^<]*)$: fills fd and chomp, leaves the delimiter in *word.
static bool match_marker(struct str *word, struct heredoc *ret)
{
	struct str w = *word;
	int64_t fd = -1;
	for (; w.n > 0 && *w.p >= '0' && *w.p <= '9'; w.p++, w.n--)
		if (fd < 100000)
			fd = (fd < 0 ? 0 : fd * 10) + (*w.p - '0');
	if (w.n < 2 || memcmp(w.p, "<<", 2) != 0)
		return false;
	w = (struct str){w.p + 2, w.n - 2};
	ret->fd = (int)fd;
	ret->chomp = w.n > 0 && *w.p == '-';
	if (ret->chomp)
		w = (struct str){w.p + 1, w.n - 1};
	while (w.n > 0 && is_go_blank(*w.p))
		w = (struct str){w.p + 1, w.n - 1};
	*word = w;
	return w.n > 0 && !memchr(w.p, '<', w.n);
}

static size_t count_quotes(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += *s == '\'' || *s == '"';
	return n;
}

int heredoc_parse(struct arena *a, struct str word, struct heredoc *ret, struct err *e)
{
	struct heredoc h = {0};
	if (!match_marker(&word, &h))
		return 0;
	struct lex_options o = {.skip_unset = true, .max = word.n * 2 + 16};
	auto_strv struct strv words = {0}, raw = {0};
	if (lex_word(&no_env, &o, word, NULL, &words, e) < 0)
		return -1;
	if (words.n != 1)
		return 0;
	o.raw_quotes = true;
	if (lex_word(&no_env, &o, word, NULL, &raw, e) < 0)
		return -1;
	if (raw.n != 1)
		return err_set(e, ERR_DOCKERFILE, "malformed heredoc delimiter '%.*s'",
		        (int)(word.n < 200 ? word.n : 200), word.p);
	h.expand = count_quotes(words.v[0]) == count_quotes(raw.v[0]);
	h.name = arena_strdup(a, words.v[0]);
	*ret = h;
	return 1;
}

int heredocs_find(
        struct arena *a, struct str line, struct heredoc_source **ret, size_t *ret_n, struct err *e)
{
	*ret = NULL;
	*ret_n = 0;
	if (!memmem(line.p, line.n, "<<", 2))
		return 0;
	struct lex_options o = {.raw_quotes = true,
	        .raw_escapes = true,
	        .skip_unset = true,
	        .max = line.n * 2 + 16};
	auto_strv struct strv words = {0};
	struct err ignored = ERR_INIT;
	// A line that the lexer does not understand has no heredocs: it is the shell's.
	if (lex_word(&no_env, &o, line, NULL, &words, &ignored) < 0)
		return 0;
	size_t n = 0;
	for (size_t i = 0; i < words.n; i++)
		n += strstr(words.v[i], "<<") != NULL;
	struct heredoc_source *found = arena_alloc(a, (n + 1) * sizeof(*found));
	for (size_t i = 0; i < words.n; i++) {
		int r = heredoc_parse(a, str_of(words.v[i]), &found[*ret_n].doc, e);
		if (r < 0)
			return -1;
		*ret_n += r > 0;
	}
	*ret = found;
	return 0;
}

static struct str trim_tabs(struct str s)
{
	while (s.n > 0 && *s.p == '\t')
		s = (struct str){s.p + 1, s.n - 1};
	return s;
}

static bool is_terminator(const struct heredoc *h, struct str line)
{
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (h->chomp)
		line = trim_tabs(line);
	return str_eq(line, h->name);
}

static const char *chomped(struct arena *a, struct str body)
{
	auto_buf struct buf b = {0};
	while (body.n > 0) {
		const char *nl = memchr(body.p, '\n', body.n);
		size_t n = nl ? (size_t)(nl - body.p) + 1 : body.n;
		struct str line = trim_tabs((struct str){body.p, n});
		buf_add(&b, line.p, line.n);
		body = (struct str){body.p + n, body.n - n};
	}
	return arena_strndup(a, buf_cstr(&b), b.n);
}

int heredoc_read(struct arena *a, struct reader *r, struct heredoc_source *h, struct err *e)
{
	struct str line, body = {r->text + r->at, 0};
	for (;;) {
		int got = reader_physical(r, &line, e);
		if (got < 0)
			return -1;
		if (got == 0)
			return err_set(e, ERR_DOCKERFILE, "unterminated heredoc");
		if (is_terminator(&h->doc, line))
			break;
		body.n += line.n;
	}
	h->raw = arena_strndup(a, body.p, body.n);
	h->doc.body = h->doc.chomp ? chomped(a, body) : h->raw;
	return 0;
}
