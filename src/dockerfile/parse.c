// SPDX-License-Identifier: Apache-2.0
// The outermost loop: a file to instructions to stages. Everything that outlives the call is in the
// file's arena; the text given is not kept.
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/map.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

// The first comment above that is `check=...`; one that BuildKit does not understand is none.
static const struct check_config *checks_above(struct arena *a, const struct reader *r)
{
	struct str key, value;
	for (size_t i = 0; i < r->n_comments; i++) {
		if (!directive_parse(r->comments[i], &key, &value) || key.n != 5 ||
		        strncasecmp(key.p, "check", 5) != 0)
			continue;
		struct check_config *c = arena_alloc(a, sizeof(*c));
		struct err ignored = ERR_INIT;
		const char *space = memchr(value.p, ' ', value.n);
		value.n = space ? (size_t)(space - value.p) : value.n;
		return check_config_parse(a, value, c, &ignored) == 0 ? c : NULL;
	}
	return NULL;
}

static const char *const *comments_above(struct arena *a, const struct reader *r)
{
	struct list l = {0};
	for (size_t i = 0; i < r->n_comments; i++)
		list_add(a, &l, arena_strndup(a, r->comments[i].p, r->comments[i].n));
	return list_end(a, &l);
}

static struct pos until_here(struct pos pos, const struct reader *r)
{
	if (r->line > pos.end_line) { // heredocs
		pos.end_line = r->line;
		pos.end_col = 1;
	}
	return pos;
}

static int build(struct context *c, const struct logical *l, struct draft *d, struct err *e)
{
	if (draft_begin(c, l->text, d, e) < 0 || draft_heredocs(c, l->text, d, e) < 0)
		return -1;
	d->in->pos = until_here(l->pos, c->r);
	d->in->checks = checks_above(c->a, c->r);
	d->in->comments = comments_above(c->a, c->r);
	d->by_rule = true;
	return c->words_only ? 0 : rules_apply(c, d, e);
}

// 1: an instruction in *ret, 0: the end, -1: failure, with a position.
static int next_instruction(struct context *c, struct draft *ret, struct err *e)
{
	struct logical l;
	*ret = (struct draft){0};
	int got = reader_logical(c->r, &l, e);
	if (got <= 0)
		return got;
	c->escape = c->r->escape;
	int r = build(c, &l, ret, e);
	c->r->n_comments = 0;
	if (r < 0) {
		if (e->pos.line == 0)
			e->pos = until_here(l.pos, c->r);
		return -1;
	}
	if (!c->d || c->words_only)
		return 1;
	if (l.empty_continuation)
		dockerfile_warn(c->d, ret->in, "NoEmptyContinuation",
		        (struct pos){l.pos.end_line, 1, l.pos.end_line, l.pos.end_col},
		        "Empty continuation line");
	warn_instr(c->d, ret);
	return 1;
}

static int add_instruction(struct context *c, struct draft *draft, size_t n, struct err *e)
{
	if (n > DOCKERFILE_INSTRUCTIONS_MAX)
		return err_at(e, draft->in->pos, "more than %d instructions",
		        DOCKERFILE_INSTRUCTIONS_MAX);
	if (c->words_only || stages_add(c->d, draft->in, e) == 0)
		return 0;
	e->pos = draft->in->pos;
	return -1;
}

// BuildKit takes the whole file to words before it asks what they mean: what is wrong with words
// further down is told before what is wrong with an instruction.
static int read_instructions(struct dockerfile *d, struct reader *r, struct err *e)
{
	struct context c = {.a = &d->arena, .r = r, .d = d};
	struct err first = ERR_INIT, none = ERR_INIT;
	struct draft draft;
	size_t n = 0;
	int got;
	while ((got = next_instruction(&c, &draft, e)) != 0) {
		if (got > 0 && add_instruction(&c, &draft, ++n, e) == 0)
			continue;
		if (!draft.by_rule || n > DOCKERFILE_INSTRUCTIONS_MAX)
			return -1;
		if (!c.words_only)
			first = *e;
		*e = none;
		c.words_only = true;
	}
	if (c.words_only) {
		*e = first;
		return -1;
	}
	struct pos last = {r->line, 1, r->line, 1};
	if (n == 0)
		return err_at(e, last, "file with no instructions");
	if (d->n_stages == 0)
		return err_at(e, last, "dockerfile contains no stages to build");
	return 0;
}

static void keep_lines(struct dockerfile *d, struct str text)
{
	size_t n = 1;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	const char **lines = arena_alloc(&d->arena, n * sizeof(*lines));
	char *copy = arena_strndup(&d->arena, text.p, text.n);
	for (size_t i = 0; i < n; i++) {
		char *nl = strchrnul(copy, '\n');
		lines[i] = copy;
		copy = nl + (*nl != '\0');
		*nl = '\0';
		if (nl > lines[i] && nl[-1] == '\r')
			nl[-1] = '\0';
	}
	d->lines = lines;
	d->n_lines = n;
}

static struct str without_bom(struct str s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		return (struct str){s.p + 3, s.n - 3};
	return s;
}

static int find_checks(struct dockerfile *d, const char *instead, struct err *e)
{
	const char *text = instead ? instead : d->check;
	if (text && check_config_parse(&d->arena, str_of(text), &d->checks, e) < 0)
		return err_wrap(e, "failed to parse check options");
	return 0;
}

// {"syntax": "..."}: files of other frontends may be JSON.
static void find_json_syntax(struct dockerfile *d, struct str text)
{
	struct err ignored = ERR_INIT;
	struct str start = rune_trim_left(text);
	if (start.n == 0 || *start.p != '{')
		return;
	auto_jdoc struct jdoc *doc = jdoc_parse(text.p, text.n, &ignored);
	const char *syntax = doc ? jn_get_str(jdoc_root(doc), "syntax") : NULL;
	if (syntax)
		d->syntax = arena_strdup(&d->arena, syntax);
}

static void find_directives(struct dockerfile *d, struct str text)
{
	struct str v;
	if (text.n >= 2 && memcmp(text.p, "#!", 2) == 0) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) + 1 : text.n;
		text = (struct str){text.p + n, text.n - n};
	}
	if (directive_find(text, "#", "syntax", &v) || directive_find(text, "//", "syntax", &v))
		d->syntax = arena_strndup(&d->arena, v.p, v.n);
	else
		find_json_syntax(d, text);
	if (directive_find(text, "#", "check", &v))
		d->check = arena_strndup(&d->arena, v.p, v.n);
}

static int check_text(struct str text, struct err *e)
{
	struct pos pos = {1, 1, 1, 1};
	if (text.n == 0)
		return err_at(e, pos, "the Dockerfile cannot be empty");
	if (text.n > DOCKERFILE_MAX)
		return err_at(e, pos, "the Dockerfile is larger than %u bytes", DOCKERFILE_MAX);
	const char *nul = memchr(text.p, '\0', text.n);
	if (!nul)
		return 0;
	for (const char *p = text.p; p < nul; p++)
		pos.line += *p == '\n';
	pos.end_line = pos.line;
	return err_at(e, pos, "the Dockerfile holds a NUL byte: it must be UTF-8 text");
}

// BuildKit finds empty continuation lines in a pass of their own, before all else.
static void order_warnings(struct dockerfile *d)
{
	struct warning *v = arena_alloc(&d->arena, (d->n_warnings + 1) * sizeof(*v));
	size_t n = 0;
	for (int first = 1; first >= 0; first--)
		for (size_t i = 0; i < d->n_warnings; i++)
			if ((strcmp(d->warnings[i].rule, "NoEmptyContinuation") == 0) == first)
				v[n++] = d->warnings[i];
	d->warnings = v;
	d->cap_warnings = n;
}

// docker/dockerfile and docker/dockerfile-upstream, wherever they are mirrored.
static bool is_for_dockerfiles(const char *syntax)
{
	const char *name = fs_base_name(syntax);
	size_t n = strcspn(name, ":@");
	return (n == strlen("dockerfile") || n == strlen("dockerfile-upstream")) &&
	       strncmp(name, "dockerfile-upstream", n) == 0;
}

int dockerfile_read(const char *text, size_t n, const struct dockerfile_options *o,
        struct dockerfile **ret, struct err *e)
{
	struct str whole = {text, n};
	*ret = NULL;
	if (check_text(whole, e) < 0)
		return -1;
	struct dockerfile *d = *ret = xcalloc(1, sizeof(*d));
	d->filename = arena_strdup(&d->arena, o->filename ? o->filename : "Dockerfile");
	d->escape = '\\';
	keep_lines(d, without_bom(whole));
	find_directives(d, without_bom(whole));
	if (find_checks(d, o->check, e) < 0)
		return -1;
	auto_reader struct reader r;
	reader_init(&r, text, n);
	int status = read_instructions(d, &r, e);
	d->escape = r.escape;
	order_warnings(d);
	if (status == 0)
		warn_file(d);
	else if (d->syntax && !is_for_dockerfiles(d->syntax))
		err_wrap(e, "the file is for the frontend \"%s\", and hew reads Dockerfiles only",
		        d->syntax);
	return status;
}

struct dockerfile *dockerfile_parse(const char *text, size_t n, const char *filename, struct err *e)
{
	auto_dockerfile struct dockerfile *d = NULL;
	const struct dockerfile_options o = {.filename = filename};
	return dockerfile_read(text, n, &o, &d, e) < 0 ? NULL : steal_ptr(&d);
}

void dockerfile_free(struct dockerfile *d)
{
	if (!d)
		return;
	if (d->stage_names)
		map_release(d->stage_names);
	free(d->stage_names);
	arena_release(&d->arena);
	free(d);
}

void dockerfile_free_ptr(struct dockerfile **d)
{
	dockerfile_free(*d);
}

struct instr *dockerfile_parse_trigger(struct arena *a, const char *text, struct err *e)
{
	auto_reader struct reader r;
	struct draft d;
	reader_init(&r, text, strlen(text));
	struct context c = {.a = a, .r = &r};
	int got = next_instruction(&c, &d, e);
	if (got < 0)
		return NULL;
	struct logical more;
	if (got == 0 || reader_logical(&r, &more, e) != 0) {
		err_set(e, ERR_DOCKERFILE, "onbuild trigger should be a single expression: %.200s",
		        text);
		return NULL;
	}
	enum instr_kind k = d.in->kind;
	if (k == INSTR_ONBUILD || k == INSTR_FROM || k == INSTR_MAINTAINER) {
		err_set(e, ERR_DOCKERFILE, "%s isn't allowed as an ONBUILD trigger", instr_name(k));
		return NULL;
	}
	return d.in;
}
