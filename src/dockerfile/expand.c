// SPDX-License-Identifier: Apache-2.0
// Variable expansion and word processing after frontend/dockerfile/shell of BuildKit 0.32. A word
// is read once, left to right; ${...} recurses with a depth limit, and everything copied or matched
// is counted, so that time and memory stay bounded whatever the word and the values are. Bytes that
// are not UTF-8 pass through unchanged.
#include "dockerfile/expand.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/unicode.h"
#include "dockerfile/expand-int.h"

#define RUNE_END UINT32_MAX

struct lexer {
	const struct expand_env *env;
	const struct lex_options *o;
	struct str in;
	size_t at;
	int depth;
	bool raw_escapes;
	struct lex_budget budget;
	struct strv *words; // NULL: not wanted
	struct buf word;    // the word being built
	struct err *e;
};

bool lex_spend(struct lex_budget *b, uint64_t n)
{
	if (n > b->left) {
		b->left = 0;
		return false;
	}
	b->left -= n;
	return true;
}

static uint32_t peek(const struct lexer *l)
{
	size_t len;
	return l->at < l->in.n ? utf8_next(l->in.p + l->at, l->in.n - l->at, &len) : RUNE_END;
}

static uint32_t next(struct lexer *l)
{
	size_t len;
	if (l->at >= l->in.n)
		return RUNE_END;
	uint32_t c = utf8_next(l->in.p + l->at, l->in.n - l->at, &len);
	l->at += len;
	return c;
}

static int fail(struct lexer *l, const char *what)
{
	return err_set(l->e, ERR_DOCKERFILE, "%s", what);
}

static int add(struct lexer *l, struct buf *out, const char *p, size_t n)
{
	if (out->n > l->o->max || n > l->o->max - out->n)
		return err_set(
		        l->e, ERR_DOCKERFILE, "expansion is larger than %zu bytes", l->o->max);
	if (!lex_spend(&l->budget, n))
		return fail(l, "expansion takes too much work");
	buf_add(out, p, n);
	return 0;
}

static int add_rune(struct lexer *l, struct buf *out, uint32_t c)
{
	char u[RUNE_MAX_LEN];
	return add(l, out, u, utf8_put(c, u));
}

// Words are collected at the outermost level only.
static bool wants_words(const struct lexer *l)
{
	return l->words && l->depth == 0;
}

static void end_word(struct lexer *l)
{
	if (l->word.n > 0)
		strv_add(l->words, buf_cstr(&l->word));
	buf_reset(&l->word);
}

static void word_raw(struct lexer *l, const char *p, size_t n)
{
	if (wants_words(l))
		buf_add(&l->word, p, n);
}

static void word_rune(struct lexer *l, uint32_t c, bool raw)
{
	if (!wants_words(l))
		return;
	char u[RUNE_MAX_LEN];
	if (!raw && rune_is_space(c))
		end_word(l);
	else
		buf_add(&l->word, u, utf8_put(c, u));
}

// Values of variables are split at their blanks too.
static void word_split(struct lexer *l, struct str s)
{
	while (wants_words(l) && s.n > 0) {
		size_t len;
		word_rune(l, utf8_next(s.p, s.n, &len), false);
		s.p += len;
		s.n -= len;
	}
}

static bool is_special_parameter(uint32_t c)
{
	return c == '@' || c == '*' || c == '#' || c == '?' || c == '-' || c == '$' || c == '!';
}

static void read_name(struct lexer *l, struct buf *name)
{
	size_t start = l->at;
	uint32_t c = peek(l);
	if (c != RUNE_END && rune_is_digit(c)) {
		while (peek(l) != RUNE_END && rune_is_digit(peek(l)))
			next(l);
	} else if (is_special_parameter(c)) {
		next(l);
	} else {
		while ((c = peek(l)) != RUNE_END &&
		        (c == '_' || rune_is_letter(c) || rune_is_digit(c)))
			next(l);
	}
	buf_add(name, l->in.p + start, l->at - start);
}

static const char *lookup(struct lexer *l, struct buf *name, bool has_default)
{
	const char *v = l->env->get ? l->env->get(l->env->arg, buf_cstr(name)) : NULL;
	if (!v && !has_default && l->env->undefined)
		l->env->undefined(l->env->undefined_arg, buf_cstr(name));
	return v;
}

static int until(struct lexer *l, uint32_t stop, bool raw_escapes, struct buf *out);

// A part of ${...}: up to `stop`, one level deeper. `missing` is the message if the word ends
// before.
static int read_part(
        struct lexer *l, uint32_t stop, bool raw_escapes, const char *missing, struct buf *out)
{
	if (l->depth >= EXPAND_DEPTH)
		return err_set(l->e, ERR_DOCKERFILE,
		        "substitutions are nested deeper than %d levels", EXPAND_DEPTH);
	l->depth++;
	int r = until(l, stop, raw_escapes, out);
	l->depth--;
	if (r < 0 && l->at >= l->in.n && l->budget.left > 0)
		return fail(l, missing);
	return r;
}

static int unsupported(struct lexer *l, const char *colon, uint32_t c)
{
	char u[RUNE_MAX_LEN] = "";
	if (c == RUNE_END)
		return fail(l, "syntax error: missing '}'");
	return err_set(l->e, ERR_DOCKERFILE, "unsupported modifier (%s%.*s) in substitution", colon,
	        (int)utf8_put(c, u), u);
}

static int trim_value(
        struct lexer *l, uint32_t op, const char *value, const char *word, struct buf *out)
{
	struct pattern_options o = {.suffix = op == '%', .longest = (uint32_t)word[0] == op};
	return pattern_trim(&l->budget, value, word + o.longest, &o, out, l->e);
}

// ${name-word}, with - + ? # or %, after the operator; colon: an empty value counts as unset.
static int substitute_word(
        struct lexer *l, struct buf *name, bool colon, uint32_t op, struct buf *out)
{
	auto_buf struct buf word = {0};
	bool pattern = op == '#' || op == '%';
	if (read_part(l, '}', pattern, "syntax error: missing '}'", &word) < 0)
		return -1;
	const char *value = lookup(l, name, !pattern);
	if (!value && l->o->skip_unset) {
		char u[RUNE_MAX_LEN];
		size_t n = utf8_put(op, u);
		buf_printf(out, "${%s%s%.*s%s}", buf_cstr(name), colon ? ":" : "", (int)n, u,
		        buf_cstr(&word));
		return 0;
	}
	bool set = value != NULL, unset = !set || (colon && !*value);
	if (!value)
		value = "";
	const char *w = buf_cstr(&word);
	switch (op) {
	case '-':
		return unset ? add(l, out, w, word.n) : add(l, out, value, strlen(value));
	case '+':
		return unset ? 0 : add(l, out, w, word.n);
	case '?':
		if (!unset)
			return add(l, out, value, strlen(value));
		if (!*w)
			w = set ? "is not allowed to be empty" : "is not allowed to be unset";
		return err_set(l->e, ERR_DOCKERFILE, "%s: %s", buf_cstr(name), w);
	default:
		return trim_value(l, op, value, w, out);
	}
}

// ${name/pattern/with} and ${name//pattern/with}, after the first slash.
static int substitute_pattern(struct lexer *l, struct buf *name, struct buf *out)
{
	auto_buf struct buf pattern = {0}, with = {0};
	bool all = peek(l) == '/';
	if (all)
		next(l);
	if (read_part(l, '/', true, "syntax error: missing '/' in ${}", &pattern) < 0 ||
	        read_part(l, '}', true, "syntax error: missing '}'", &with) < 0)
		return -1;
	const char *value = lookup(l, name, false);
	if (!value && l->o->skip_unset) {
		buf_printf(out, "${%s/%s/%s}", buf_cstr(name), buf_cstr(&pattern), buf_cstr(&with));
		return 0;
	}
	struct pattern_replacement r = {.pattern = buf_cstr(&pattern),
	        .with = buf_cstr(&with),
	        .all = all,
	        .max = l->o->max};
	return pattern_replace(&l->budget, value ? value : "", &r, out, l->e);
}

static int add_value(struct lexer *l, struct buf *name, bool braced, struct buf *out)
{
	const char *value = lookup(l, name, false);
	if (value)
		return add(l, out, value, strlen(value));
	if (l->o->skip_unset)
		buf_printf(out, braced ? "${%s}" : "$%s", buf_cstr(name));
	return 0;
}

static int braces(struct lexer *l, struct buf *out)
{
	uint32_t c = peek(l);
	if (c == RUNE_END)
		return fail(l, "syntax error: missing '}'");
	if (c == '{' || c == '}' || c == ':')
		return fail(l, "syntax error: bad substitution");
	auto_buf struct buf name = {0};
	read_name(l, &name);
	c = next(l);
	bool colon = c == ':';
	switch (c) {
	case '}':
		return add_value(l, &name, true, out);
	case '/':
		return substitute_pattern(l, &name, out);
	case '#':
	case '%':
		return substitute_word(l, &name, false, c, out);
	case ':':
		c = next(l);
	}
	if (c == '-' || c == '+' || c == '?')
		return substitute_word(l, &name, colon, c, out);
	return unsupported(l, colon ? ":" : "", c);
}

// What a dollar sign stands for, appended to out.
static int dollar(struct lexer *l, struct buf *out)
{
	next(l);
	if (peek(l) == '{') {
		next(l);
		return braces(l, out);
	}
	auto_buf struct buf name = {0};
	read_name(l, &name);
	return name.n == 0 ? add(l, out, "$", 1) : add_value(l, &name, false, out);
}

static int single_quoted(struct lexer *l, struct buf *out)
{
	size_t start = l->at++;
	const char *end = memchr(l->in.p + l->at, '\'', l->in.n - l->at);
	if (!end) {
		l->at = l->in.n;
		return fail(
		        l, "unexpected end of statement while looking for matching single-quote");
	}
	l->at = (size_t)(end - l->in.p) + 1;
	size_t q = l->o->raw_quotes ? 0 : 1;
	return add(l, out, l->in.p + start + q, l->at - start - 2 * q);
}

static int double_quoted(struct lexer *l, struct buf *out)
{
	const uint32_t escape = (unsigned char)l->env->escape;
	next(l);
	if (l->o->raw_quotes && add(l, out, "\"", 1) < 0)
		return -1;
	for (;;) {
		uint32_t c = peek(l);
		if (c == '$') {
			if (dollar(l, out) < 0)
				return -1;
			continue;
		}
		next(l);
		if (c == RUNE_END)
			return fail(l, "unexpected end of statement while looking for matching "
			               "double-quote");
		if (c == '"')
			return l->o->raw_quotes ? add(l, out, "\"", 1) : 0;
		if (c == escape) {
			if (l->raw_escapes && add_rune(l, out, c) < 0)
				return -1;
			uint32_t after = peek(l);
			if (after == RUNE_END)
				continue;
			if (after == '"' || after == '$' || after == escape)
				c = next(l);
		}
		if (add_rune(l, out, c) < 0)
			return -1;
	}
}

// The blanks after << belong to the word, so that "<< EOF" is one.
static int angle(struct lexer *l, struct buf *out)
{
	size_t start = l->at++;
	if (peek(l) == '<') {
		l->at++;
		while (l->at < l->in.n && l->in.p[l->at] && strchr("\t\v\f\r ", l->in.p[l->at]))
			l->at++;
	}
	return add(l, out, l->in.p + start, l->at - start);
}

static int escaped(struct lexer *l, uint32_t escape, struct buf *out)
{
	if (l->raw_escapes) {
		word_rune(l, escape, true);
		if (add_rune(l, out, escape) < 0)
			return -1;
	}
	uint32_t c = next(l);
	if (c == RUNE_END)
		return 0;
	word_rune(l, c, true);
	return add_rune(l, out, c);
}

static int one(struct lexer *l, uint32_t c, struct buf *out)
{
	size_t before = out->n;
	int r;
	if (c == '$') {
		r = dollar(l, out);
		if (r == 0 && out->n > before)
			word_split(l, (struct str){out->p + before, out->n - before});
		return r;
	}
	if (c == '<')
		r = angle(l, out);
	else if (c == '\'' && !l->o->skip_quotes)
		r = single_quoted(l, out);
	else if (c == '"' && !l->o->skip_quotes)
		r = double_quoted(l, out);
	else {
		next(l);
		if (c == (unsigned char)l->env->escape)
			return escaped(l, c, out);
		word_rune(l, c, false);
		return add_rune(l, out, c);
	}
	if (r == 0 && out->n > before)
		word_raw(l, out->p + before, out->n - before);
	return r;
}

static int until(struct lexer *l, uint32_t stop, bool raw_escapes, struct buf *out)
{
	bool saved = l->raw_escapes;
	l->raw_escapes = raw_escapes;
	int r = 0;
	uint32_t c;
	while (r == 0 && (c = peek(l)) != RUNE_END && c != stop)
		r = one(l, c, out);
	l->raw_escapes = saved;
	if (r < 0 || stop == RUNE_END)
		return r;
	if (next(l) == RUNE_END)
		return err_set(l->e, ERR_DOCKERFILE,
		        "unexpected end of statement while looking for matching %c", (char)stop);
	return 0;
}

int lex_word(const struct expand_env *env, const struct lex_options *o, struct str word,
        struct buf *ret, struct strv *ret_words, struct err *e)
{
	auto_buf struct buf own = {0};
	struct lexer l = {.env = env,
	        .o = o,
	        .in = word,
	        .budget = {EXPAND_WORK},
	        .words = ret_words,
	        .e = e};
	int r = until(&l, RUNE_END, o->raw_escapes, ret ? ret : &own);
	if (r == 0 && ret_words)
		end_word(&l);
	buf_release(&l.word);
	if (r == 0)
		return 0;
	bool cut = word.n > 200;
	return err_wrap(e, "failed to process \"%.*s%s\"", (int)(cut ? 200 : word.n), word.p,
	        cut ? "..." : "");
}

static int expand_one(const struct expand_env *env, const struct lex_options *o, const char *word,
        char **ret, struct err *e)
{
	auto_buf struct buf out = {0};
	if (lex_word(env, o, str_of(word), &out, NULL, e) < 0)
		return -1;
	*ret = buf_steal(&out);
	return 0;
}

int expand_word(const struct expand_env *env, const char *word, char **ret, struct err *e)
{
	struct lex_options o = {.max = EXPAND_MAX};
	return expand_one(env, &o, word, ret, e);
}

int expand_keep_quotes(const struct expand_env *env, const char *word, char **ret, struct err *e)
{
	struct lex_options o = {.skip_quotes = true, .max = EXPAND_MAX};
	return expand_one(env, &o, word, ret, e);
}

int expand_words(const struct expand_env *env, const char *word, struct strv *ret, struct err *e)
{
	struct lex_options o = {.max = EXPAND_MAX};
	auto_strv struct strv words = {0};
	if (lex_word(env, &o, str_of(word), NULL, &words, e) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++)
		strv_add(ret, words.v[i]);
	return 0;
}

const char *expand_get_strv(void *strv, const char *name)
{
	return strv_env_get(strv, name);
}
