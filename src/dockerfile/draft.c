// SPDX-License-Identifier: Apache-2.0
// A logical line into keyword, flags and arguments, and the heredoc bodies that belong to it. What
// an instruction does with its arguments is rules.c's business; here only the way they are split
// differs.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

static const char *const names[] = {
        [INSTR_ADD] = "ADD",
        [INSTR_ARG] = "ARG",
        [INSTR_CMD] = "CMD",
        [INSTR_COPY] = "COPY",
        [INSTR_ENTRYPOINT] = "ENTRYPOINT",
        [INSTR_ENV] = "ENV",
        [INSTR_EXPOSE] = "EXPOSE",
        [INSTR_FROM] = "FROM",
        [INSTR_HEALTHCHECK] = "HEALTHCHECK",
        [INSTR_LABEL] = "LABEL",
        [INSTR_MAINTAINER] = "MAINTAINER",
        [INSTR_ONBUILD] = "ONBUILD",
        [INSTR_RUN] = "RUN",
        [INSTR_SHELL] = "SHELL",
        [INSTR_STOPSIGNAL] = "STOPSIGNAL",
        [INSTR_USER] = "USER",
        [INSTR_VOLUME] = "VOLUME",
        [INSTR_WORKDIR] = "WORKDIR",
};

const char *instr_name(enum instr_kind k)
{
	return names[k];
}

static bool keyword_kind(const char *word, enum instr_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_ieq(word, names[i])) {
			*ret = (enum instr_kind)i;
			return true;
		}
	}
	return false;
}

static int unknown_instruction(struct arena *a, const char *word, struct err *e)
{
	const char *near = str_nearest(word, names, ARRAY_LEN(names));
	bool lower = true;
	for (const char *p = word; *p; p++)
		lower &= *p < 'A' || *p > 'Z';
	if (!near)
		return err_set(e, ERR_DOCKERFILE, "unknown instruction: %s", word);
	char *shown = arena_strdup(a, near);
	for (char *p = shown; lower && *p; p++)
		*p = (char)(*p | 0x20);
	return err_set(
	        e, ERR_DOCKERFILE, "unknown instruction: %s (did you mean %s?)", word, shown);
}

static int shell_or_json(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	int json = rest.n > 0 ? split_json(c->a, rest, &d->args, e) : 0;
	if (json < 0)
		return -1;
	d->in->json = json > 0;
	if (!json && rest.n > 0)
		list_add(c->a, &d->args, arena_strndup(c->a, rest.p, rest.n));
	return 0;
}

static int paths_or_json(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	int json = split_json(c->a, rest, &d->args, e);
	if (json < 0)
		return -1;
	d->in->json = json > 0;
	if (!json)
		split_blanks(c->a, rest, &d->args);
	return 0;
}

static int health(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	size_t n = 0, len = 0;
	while (n < rest.n && !rune_is_space(utf8_next(rest.p + n, rest.n - n, &len)))
		n += len;
	if (n == 0)
		return 0;
	const char *type = arena_strndup(c->a, rest.p, n);
	if (shell_or_json(c, d, rune_trim_left((struct str){rest.p + n, rest.n - n}), e) < 0)
		return -1;
	struct list all = {0};
	list_add(c->a, &all, type);
	for (size_t i = 0; i < d->args.n; i++)
		list_add(c->a, &all, d->args.v[i]);
	d->args = all;
	return 0;
}

// ENV and LABEL: name=value words, or the old "name everything else". In args a name and its value
// alternate.
static int pairs(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	struct list words = {0};
	split_quoted(c->a, rest, c->escape, &words);
	if (words.n == 0)
		return 0;
	const char *name = instr_name(d->in->kind);
	if (!strchr(words.v[0], '=')) {
		struct str key = take_word(&rest);
		if (rest.n == 0)
			return err_set(e, ERR_DOCKERFILE, "%s must have two arguments", name);
		d->in->legacy_pair = true;
		list_add(c->a, &d->args, arena_strndup(c->a, key.p, key.n));
		list_add(c->a, &d->args, arena_strndup(c->a, rest.p, rest.n));
		return 0;
	}
	for (size_t i = 0; i < words.n; i++) {
		const char *eq = strchr(words.v[i], '=');
		if (!eq) {
			auto_buf struct buf q = {0};
			quote_go(&q, str_of(words.v[i]));
			return err_set(e, ERR_DOCKERFILE,
			        "Syntax error - can't find = in %s. Must be of the form: "
			        "name=value",
			        buf_cstr(&q));
		}
		list_add(
		        c->a, &d->args, arena_strndup(c->a, words.v[i], (size_t)(eq - words.v[i])));
		list_add(c->a, &d->args, eq + 1);
	}
	return 0;
}

static int onbuild(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	if (rest.n == 0)
		return 0;
	struct str ahead = rest, word = take_word(&ahead);
	const char *name = arena_strndup(c->a, word.p, word.n);
	enum instr_kind kind;
	if (keyword_kind(name, &kind)) {
		d->by_rule = true;
		if (kind == INSTR_ONBUILD)
			return err_set(e, ERR_DOCKERFILE,
			        "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
		if (kind == INSTR_FROM || kind == INSTR_MAINTAINER)
			return err_set(e, ERR_DOCKERFILE, "%s isn't allowed as an ONBUILD trigger",
			        instr_name(kind));
		d->by_rule = false;
	}
	d->inner = arena_alloc(c->a, sizeof(*d->inner));
	int r = draft_begin(c, rest, d->inner, e);
	d->by_rule = d->inner->by_rule;
	return r;
}

static int split_args(struct context *c, struct draft *d, struct str rest, struct err *e)
{
	switch (d->in->kind) {
	case INSTR_ADD:
	case INSTR_COPY:
	case INSTR_VOLUME:
		return paths_or_json(c, d, rest, e);
	case INSTR_CMD:
	case INSTR_ENTRYPOINT:
	case INSTR_RUN:
	case INSTR_SHELL:
		return shell_or_json(c, d, rest, e);
	case INSTR_HEALTHCHECK:
		return health(c, d, rest, e);
	case INSTR_ENV:
	case INSTR_LABEL:
		return pairs(c, d, rest, e);
	case INSTR_ARG:
		split_quoted(c->a, rest, c->escape, &d->args);
		return 0;
	case INSTR_EXPOSE:
	case INSTR_FROM:
		split_blanks(c->a, rest, &d->args);
		return 0;
	case INSTR_ONBUILD:
		return onbuild(c, d, rest, e);
	default: // MAINTAINER, STOPSIGNAL, USER, WORKDIR
		if (rest.n > 0)
			list_add(c->a, &d->args, arena_strndup(c->a, rest.p, rest.n));
		return 0;
	}
}

// The rules sort, trim and append; what was written is kept.
static void keep_raw(struct arena *a, struct draft *d)
{
	const char **raw = arena_alloc(a, (d->args.n + 1) * sizeof(*raw));
	if (d->args.n > 0)
		memcpy(raw, d->args.v, d->args.n * sizeof(*raw));
	d->in->raw = raw;
	d->in->n_raw = d->args.n;
}

int draft_begin(struct context *c, struct str line, struct draft *ret, struct err *e)
{
	struct str rest = rune_trim(line);
	struct instr *in = arena_alloc(c->a, sizeof(*in));
	*ret = (struct draft){.in = in};
	in->original = arena_strndup(c->a, rest.p, rest.n);
	struct str word = take_word(&rest);
	in->keyword = arena_strndup(c->a, word.p, word.n);
	if (!keyword_kind(in->keyword, &in->kind)) {
		ret->by_rule = true;
		return unknown_instruction(c->a, in->keyword, e);
	}
	rest = take_flags(c->a, rest, c->escape, &ret->flags);
	if (split_args(c, ret, rune_trim(rest), e) < 0)
		return -1;
	keep_raw(c->a, ret);
	return 0;
}

// The trigger as it goes into the image: its line without ONBUILD, and its heredocs as written.
static const char *trigger_text(struct arena *a, struct str line, const struct draft *d)
{
	auto_buf struct buf b = {0};
	line = rune_trim_left(line);
	line = (struct str){line.p + strlen("ONBUILD"), line.n - strlen("ONBUILD")};
	while (line.n > 0 && strchr("\t\n\f\r ", *line.p))
		line = (struct str){line.p + 1, line.n - 1};
	buf_add(&b, line.p, line.n);
	for (size_t i = 0; i < d->n_heredocs; i++)
		buf_printf(&b, "\n%s%s", d->heredocs[i].raw, d->heredocs[i].doc.name);
	return arena_strndup(a, buf_cstr(&b), b.n);
}

int draft_heredocs(struct context *c, struct str line, struct draft *d, struct err *e)
{
	struct draft *t = d->inner ? d->inner : d;
	enum instr_kind kind = t->in->kind;
	bool takes = kind == INSTR_RUN || kind == INSTR_COPY || kind == INSTR_ADD;
	if (takes && !t->in->json) {
		if (heredocs_find(c->a, line, &t->heredocs, &t->n_heredocs, e) < 0)
			return -1;
		for (size_t i = 0; i < t->n_heredocs; i++)
			if (heredoc_read(c->a, c->r, &t->heredocs[i], e) < 0)
				return -1;
	}
	if (d->inner)
		t->in->original = trigger_text(c->a, line, t);
	return 0;
}
