// SPDX-License-Identifier: Apache-2.0
// A shell script as a flat list of simple commands, with the place of every word in the file, so
// that an edit can be made there. It reads the file's own bytes: a continued line is one, comment
// lines in between are none. What it does not understand it steps over; a script whose quotes or
// brackets are not closed is odd, and nothing is appended to one.
#include "base/mem.h"
#include "lint/lint-int.h"

#define NESTING_MAX 100
#define HEREDOCS_MAX 16 // of one line

struct sh {
	struct arena *a;
	const struct sh_input *in;
	struct sh_script *out;
	size_t at;
	size_t last; // behind the last character that was used
	struct buf word;
	struct sh_word *words; // of the command being read
	size_t n_words, cap_words;
	enum sh_join join;
	bool redirect; // the next word is a file
	int depth;     // of (
	int cases;     // that are open
	// A script's own heredocs, whose bodies begin on the next line.
	struct inner {
		const char *name; // NULL: the next word
		bool tabs;        // <<-: those before its end do not count
	} inner[HEREDOCS_MAX];
	size_t n_inner;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

// Behind the line end if the line goes on there, else 0.
static size_t continued(const struct sh *s, size_t at)
{
	const struct sh_input *in = s->in;
	if (at >= in->end || in->text[at] != in->escape)
		return 0;
	for (at++; at < in->end && is_blank(in->text[at]); at++)
		;
	return at < in->end && in->text[at] == '\n' ? at + 1 : 0;
}

// In a continued instruction lines that are blank or a comment are not there.
static size_t skip_absent(const struct sh *s, size_t at)
{
	while (!s->in->lines && at < s->in->end) {
		size_t p = at;
		while (p < s->in->end && is_blank(s->in->text[p]))
			p++;
		if (p < s->in->end && s->in->text[p] != '#' && s->in->text[p] != '\n')
			return at;
		while (p < s->in->end && s->in->text[p] != '\n')
			p++;
		at = p < s->in->end ? p + 1 : p;
	}
	return at;
}

// The next character, with continued lines joined; '\0' at the end.
static char peek(struct sh *s)
{
	size_t next;
	while ((next = continued(s, s->at)))
		s->at = skip_absent(s, next);
	return s->at < s->in->end ? s->in->text[s->at] : '\0';
}

static void step(struct sh *s)
{
	s->last = ++s->at;
}

static void take(struct sh *s)
{
	char c = peek(s);
	if (s->at >= s->in->end)
		return;
	buf_putc(&s->word, c);
	step(s);
}

static bool starts(struct sh *s, const char *what)
{
	size_t n = strlen(what);
	return peek(s) && s->in->end - s->at >= n && !memcmp(s->in->text + s->at, what, n);
}

static void odd(struct sh *s)
{
	s->out->odd = true;
	s->at = s->in->end;
}

static void single_quoted(struct sh *s)
{
	step(s);
	for (char c = peek(s); c && c != '\''; c = peek(s))
		take(s);
	if (!peek(s))
		odd(s);
	else
		step(s);
}

static void expansion(struct sh *s, int depth);

static void double_quoted(struct sh *s, int depth)
{
	step(s);
	for (char c = peek(s); c && c != '"'; c = peek(s)) {
		if (c == '\\') {
			step(s);
			take(s);
		} else if (c == '$' || c == '`') {
			expansion(s, depth + 1);
		} else {
			take(s);
		}
	}
	if (!peek(s))
		odd(s);
	else
		step(s);
}

// Up to the bracket that closes, which is taken too.
static void bracketed(struct sh *s, char open, char close, int depth)
{
	take(s);
	for (char c = peek(s); c && c != close; c = peek(s)) {
		if (c == '\'')
			single_quoted(s);
		else if (c == '"')
			double_quoted(s, depth + 1);
		else if (c == '\\') {
			step(s);
			take(s);
		} else if (c == open && depth < NESTING_MAX)
			bracketed(s, open, close, depth + 1);
		else if (c == '$' || c == '`')
			expansion(s, depth + 1);
		else
			take(s);
	}
	if (!peek(s))
		odd(s);
	else
		take(s);
}

// $x, ${x}, $(x), `x`: kept as they stand.
static void expansion(struct sh *s, int depth)
{
	if (depth > NESTING_MAX) {
		odd(s);
		return;
	}
	if (peek(s) == '`') {
		take(s);
		while (peek(s) && peek(s) != '`')
			take(s);
		if (!peek(s))
			odd(s);
		take(s);
		return;
	}
	take(s);
	if (peek(s) == '(')
		bracketed(s, '(', ')', depth + 1);
	else if (peek(s) == '{')
		bracketed(s, '{', '}', depth + 1);
}

static bool ends_word(char c)
{
	return !c || is_blank(c) || strchr("\n;&|()<>", c);
}

static void read_word(struct sh *s)
{
	size_t at = s->at;
	buf_reset(&s->word);
	for (char c = peek(s); !ends_word(c); c = peek(s)) {
		if (c == '\'')
			single_quoted(s);
		else if (c == '"')
			double_quoted(s, 0);
		else if (c == '$' || c == '`')
			expansion(s, 0);
		else if (c == '\\') {
			step(s);
			take(s);
		} else
			take(s);
	}
	s->out->end = s->last;
	s->out->dangling = false;
	if (s->redirect) {
		s->redirect = false;
		if (s->n_inner && !s->inner[s->n_inner - 1].name)
			s->inner[s->n_inner - 1].name =
			        arena_strndup(s->a, buf_cstr(&s->word), s->word.n);
		return;
	}
	if (s->n_words == s->cap_words) {
		s->cap_words = s->cap_words ? 2 * s->cap_words : 16;
		s->words = xreallocarray(s->words, s->cap_words, sizeof(*s->words));
	}
	s->words[s->n_words++] =
	        (struct sh_word){arena_strndup(s->a, buf_cstr(&s->word), s->word.n), at, s->last};
}

// ---- commands

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

static bool is_assignment(const char *w)
{
	size_t n = 0;
	while (w[n] == '_' || (w[n] >= 'a' && w[n] <= 'z') || (w[n] >= 'A' && w[n] <= 'Z') ||
	        (n > 0 && w[n] >= '0' && w[n] <= '9'))
		n++;
	return n > 0 && w[n] == '=';
}

static void keep(struct sh *s, const struct sh_command *c)
{
	struct sh_script *o = s->out;
	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 8;
		struct sh_command *v = arena_alloc(s->a, o->cap * sizeof(*v));
		if (o->n > 0)
			memcpy(v, o->v, o->n * sizeof(*v));
		o->v = v;
	}
	o->v[o->n++] = *c;
}

// Of what stands before a command: a keyword counts the case that it opens or ends.
static bool is_keyword(struct sh *s, const char *w)
{
	static const char *const keywords[] = {"if", "then", "else", "elif", "while", "until", "do",
	        "!", "time", "{", "}", "fi", "done", "esac"};
	if (!strcmp(w, "esac") && s->cases > 0)
		s->cases--;
	return is_one_of(w, keywords, ARRAY_LEN(keywords));
}

// The command that was read, without what only stands in front of it.
static void end_command(struct sh *s)
{
	static const char *const wrappers[] = {"env", "exec", "command", "nice", "nohup"};
	struct sh_command c = {.join = s->join, .nested = s->depth > 0 || s->cases > 0};
	const char **env = arena_alloc(s->a, (s->n_words + 1) * sizeof(*env));
	size_t i = 0, n_env = 0;
	for (; i < s->n_words && !s->in->bare; i++) {
		const char *w = s->words[i].text;
		if (is_keyword(s, w))
			c.nested = true;
		else if (is_assignment(w))
			env[n_env++] = w;
		else if (strcmp(w, "sudo") == 0)
			c.sudo = true;
		else if (!is_one_of(w, wrappers, ARRAY_LEN(wrappers)) && !(c.sudo && *w == '-'))
			break;
	}
	s->cases += i < s->n_words && !s->in->bare && !strcmp(s->words[i].text, "case");
	c.n = s->n_words - i;
	c.env = n_env ? env : NULL;
	s->n_words = 0;
	s->redirect = false;
	if (c.n == 0 && !n_env)
		return;
	c.words = arena_alloc(s->a, (c.n + 1) * sizeof(*c.words));
	if (c.n > 0)
		memcpy(c.words, s->words + i, c.n * sizeof(*c.words));
	keep(s, &c);
	s->join = SH_THEN;
}

// What was read turns out to be the pattern of a case, "a | b": no command.
static void drop_pattern(struct sh *s)
{
	struct sh_script *o = s->out;
	size_t before = o->n;
	end_command(s);
	while (o->n > before || (o->n > 0 && s->join == SH_PIPE)) {
		o->n--;
		s->join = o->v[o->n].join;
	}
}

static void join(struct sh *s, size_t n, enum sh_join how)
{
	end_command(s);
	s->at += n;
	s->out->end = s->at;
	s->out->dangling = true;
	s->join = how;
}

static void close_bracket(struct sh *s)
{
	bool opened = s->depth > 0;
	if (!s->in->bare && (!opened || (s->cases > 0 && s->n_words == 1))) {
		drop_pattern(s);
		s->out->odd |= !opened && s->cases == 0;
	}
	join(s, 1, SH_THEN);
	s->out->dangling = false;
	s->depth -= opened;
}

static void operator(struct sh *s)
{
	if (starts(s, "&&")) {
		join(s, 2, SH_AND);
	} else if (starts(s, "||")) {
		join(s, 2, SH_OR);
	} else if (starts(s, "|")) {
		join(s, starts(s, "|&") ? 2 : 1, SH_PIPE);
	} else if (starts(s, "&") && !starts(s, "&>")) {
		join(s, 1, SH_THEN);
		if (s->out->n > 0)
			s->out->v[s->out->n - 1].background = true;
	} else if (starts(s, ";")) {
		join(s, 1, SH_THEN);
	} else if (starts(s, "(")) {
		join(s, 1, s->n_words ? SH_THEN : s->join);
		s->depth++;
	} else {
		close_bracket(s);
	}
}

// >file, 2>&1, <<EOF: the word that follows is no argument.
static void redirection(struct sh *s)
{
	bool heredoc = s->in->lines && starts(s, "<<") && !starts(s, "<<<");
	if (s->n_words > 0 && s->words[s->n_words - 1].end == s->at) {
		const char *w = s->words[s->n_words - 1].text;
		if (w[0] >= '0' && w[0] <= '9' && !w[1])
			s->n_words--;
	}
	while (peek(s) == '<' || peek(s) == '>' || peek(s) == '&')
		step(s);
	if (heredoc && s->n_inner < HEREDOCS_MAX)
		s->inner[s->n_inner++] = (struct inner){NULL, peek(s) == '-'};
	else if (heredoc)
		odd(s);
	if (peek(s) == '-')
		step(s);
	s->out->end = s->last;
	s->out->dangling = false;
	s->redirect = true;
}

// From the beginning of a line over the bodies of the heredocs that the line before began.
static void skip_inner(struct sh *s)
{
	const struct sh_input *in = s->in;
	for (size_t i = 0; i < s->n_inner; i++) {
		const char *name = s->inner[i].name ? s->inner[i].name : "";
		size_t n = strlen(name);
		for (bool ended = false; !ended;) {
			const char *line = in->text + s->at, *stop = in->text + in->end;
			if (line >= stop) {
				odd(s);
				return;
			}
			const char *nl = memchr(line, '\n', (size_t)(stop - line));
			s->at = nl ? (size_t)(nl + 1 - in->text) : in->end;
			while (s->inner[i].tabs && line < stop && *line == '\t')
				line++;
			size_t left = (size_t)((nl ? nl : stop) - line);
			left -= left > 0 && line[left - 1] == '\r';
			ended = left == n && !memcmp(line, name, n);
		}
	}
	s->n_inner = 0;
}

static void comment(struct sh *s)
{
	s->out->comment = true;
	while (s->at < s->in->end && s->in->text[s->at] != '\n')
		s->at++;
	if (!s->in->lines)
		s->at = s->in->end; // the shell is given one long line
}

void sh_parse(struct arena *a, const struct sh_input *in, struct sh_script *ret)
{
	struct sh s = {.a = a, .in = in, .out = ret, .at = in->at, .join = SH_FIRST};
	*ret = (struct sh_script){.end = in->at};
	for (char c = peek(&s); s.at < in->end; c = peek(&s)) {
		if (c == '\n') {
			if (!in->lines)
				break;
			end_command(&s);
			s.at++;
			skip_inner(&s);
		} else if (is_blank(c) || !c) {
			s.at++;
		} else if (c == '#') {
			comment(&s);
		} else if (c == '<' || c == '>' || starts(&s, "&>")) {
			redirection(&s);
		} else if (strchr(";&|()", c)) {
			operator(&s);
		} else {
			read_word(&s);
		}
	}
	end_command(&s);
	ret->odd |= s.depth != 0;
	free(s.words);
	buf_release(&s.word);
}

bool sh_is(const struct sh_command *c, const char *name)
{
	if (c->n == 0)
		return false;
	const char *slash = strrchr(c->words[0].text, '/');
	return strcmp(slash ? slash + 1 : c->words[0].text, name) == 0;
}

bool sh_has(const struct sh_command *c, const char *word)
{
	for (size_t i = 1; i < c->n; i++)
		if (strcmp(c->words[i].text, word) == 0)
			return true;
	return false;
}

const struct sh_word *sh_verb(const struct sh_command *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (c->words[i].text[0] != '-')
			return &c->words[i];
	return NULL;
}

bool sh_verb_is(const struct sh_command *c, const char *name, const char *verb)
{
	const struct sh_word *w = sh_is(c, name) ? sh_verb(c) : NULL;
	return w && strcmp(w->text, verb) == 0;
}
