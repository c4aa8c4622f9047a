// SPDX-License-Identifier: Apache-2.0
// The walk: stages with their scripts, then every rule over them; findings by line, without those
// that the file silences.
#include "base/err.h"
#include "lint/lint-int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#define FINDINGS_MAX 20000 // of one file
#define RULES_MAX 128

void lint_report_release(struct lint_report *r)
{
	free(r->v);
	arena_release(&r->arena);
	*r = (struct lint_report){0};
}

// ---- what is silenced: "# hew: skip=A,B" above an instruction, "# hew: skip-file=A" anywhere

static bool names_rule(const char *list, const char *rule)
{
	size_t n = strlen(rule);
	while (*list) {
		list += strspn(list, ", \t");
		size_t word = strcspn(list, ", \t\r\n");
		if ((word == n && !memcmp(list, rule, n)) || (word == 3 && !memcmp(list, "all", 3)))
			return true;
		list += word;
		if (*list != ',') // a remark may follow
			return false;
	}
	return false;
}

// The value of `key` in a comment "hew: key=value".
static const char *hew_comment(const char *comment, const char *key)
{
	size_t n = strlen(key);
	comment += strspn(comment, " \t");
	if (!str_has_prefix(comment, "hew:"))
		return NULL;
	comment += 4 + strspn(comment + 4, " \t");
	return !strncmp(comment, key, n) && comment[n] == '=' ? comment + n + 1 : NULL;
}

static bool instr_skips(const struct instr *in, const char *rule)
{
	for (const char *const *c = in ? in->comments : NULL; c && *c; c++) {
		const char *list = hew_comment(*c, "skip");
		if (list && names_rule(list, rule))
			return true;
	}
	return false;
}

// ---- findings

static struct lint_finding *add(
        struct lint_report *r, const struct lint_rule *rule, struct pos pos, const char *detail)
{
	if (r->n == FINDINGS_MAX)
		return NULL;
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 32;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n] = (struct lint_finding){
	        .rule = rule, .detail = arena_strdup(&r->arena, detail), .pos = pos};
	return &r->v[r->n++];
}

struct lint_finding *lint_find(struct lint *l, const struct instr *in, const char *rule,
        struct pos pos, const char *fmt, ...)
{
	const struct lint_rule *about = lint_rule_find(rule);
	if (!about)
		return NULL;
	if (about != l->asked || in != l->asked_of) {
		l->counts = check_is_on(l->d, in, rule) && !instr_skips(in, rule);
		l->asked = about;
		l->asked_of = in;
	}
	if (!l->counts)
		return NULL;
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return add(l->r, about, pos, buf_cstr(&text));
}

void lint_add_failure(struct lint_report *r, const struct err *e)
{
	add(r, lint_rule_find("BuildFails"), e->pos, e->msg);
}

void lint_edit(struct lint_finding *f, size_t at, size_t end, const char *text)
{
	if (f && f->n_edits < ARRAY_LEN(f->edits))
		f->edits[f->n_edits++] = (struct lint_edit){at, end, text};
}

void lint_append(
        struct lint *l, struct lint_finding *f, const struct lint_run *run, const char *command)
{
	const struct sh_script *s = &run->script;
	if (!f || !run->can_append || s->odd || s->comment || s->dangling || s->n == 0 ||
	        s->v[s->n - 1].background)
		return;
	size_t line = s->end;
	while (line > 0 && l->text.p[line - 1] != '\n')
		line--;
	size_t indent = line;
	while (l->text.p[indent] == ' ' || l->text.p[indent] == '\t')
		indent++;
	bool one_line = run->in->pos.line == run->in->pos.end_line;
	const char *text = one_line ? arena_printf(l->a, " && %s", command)
	                            : arena_printf(l->a, " %c%s%.*s&& %s", l->d->escape, l->eol,
	                                      (int)(indent - line), l->text.p + line, command);
	lint_edit(f, s->end, s->end, text);
}

size_t lint_line_at(const struct lint *l, int line)
{
	size_t i = line < 1 ? 0 : (size_t)line - 1;
	return i < l->n_lines ? l->lines[i] : l->text.n;
}

// ---- stages

static void find_lines(struct lint *l)
{
	size_t n = 1;
	for (size_t i = 0; i < l->text.n; i++)
		n += l->text.p[i] == '\n';
	l->lines = arena_alloc(l->a, n * sizeof(*l->lines));
	l->n_lines = n;
	size_t k = 1;
	for (size_t i = 0; i < l->text.n; i++)
		if (l->text.p[i] == '\n')
			l->lines[k++] = i + 1;
	const char *nl = memchr(l->text.p, '\n', l->text.n);
	l->eol = nl && nl > l->text.p && nl[-1] == '\r' ? "\r\n" : "\n";
}

// Where the words of a RUN begin, behind the keyword and the flags.
static size_t script_start(const struct lint *l, const struct instr *in, size_t at, size_t end)
{
	struct sh_script words = {0};
	const struct sh_input whole = {l->text.p, at, end, l->d->escape, .bare = true};
	sh_parse(l->a, &whole, &words);
	if (words.n == 0)
		return end;
	const struct sh_command *c = &words.v[0];
	size_t i = 1 + in->n_flags_text;
	if (c->n > 0 && !strcasecmp(c->words[0].text, "ONBUILD"))
		i++;
	return i < c->n ? c->words[i].at : c->n > 0 ? c->words[c->n - 1].end : end;
}

static bool is_shell_name(const char *path, size_t n)
{
	static const char *const shells[] = {"sh", "bash", "ash", "dash", "ksh", "zsh"};
	const char *slash = memrchr(path, '/', n), *name = slash ? slash + 1 : path;
	n -= (size_t)(name - path);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (n == strlen(shells[i]) && !memcmp(name, shells[i], n))
			return true;
	return false;
}

// Whether a shell runs the body of a heredoc: "#!" may say otherwise.
static bool is_for_shell(const char *body)
{
	if (!str_has_prefix(body, "#!"))
		return true;
	body += 2 + strspn(body + 2, " \t");
	size_t n = strcspn(body, " \t\r\n");
	bool env = n >= 3 && !memcmp(body + n - 3, "env", 3);
	while (env && (body[n] == ' ' || body[n] == '\t')) { // its options, the program
		body += n + strspn(body + n, " \t");
		n = strcspn(body, " \t\r\n");
		env = *body == '-' || memchr(body, '=', n);
	}
	return is_shell_name(body, n);
}

static void read_script(struct lint *l, const struct instr *in, struct lint_run *ret)
{
	size_t at = lint_line_at(l, in->pos.line), end = lint_line_at(l, in->pos.end_line + 1);
	ret->in = in;
	if (in->json) {
		struct sh_command *c = arena_alloc(l->a, sizeof(*c));
		c->words = arena_alloc(l->a, (in->n_words + 1) * sizeof(*c->words));
		for (; c->n < in->n_words; c->n++)
			c->words[c->n] = (struct sh_word){in->words[c->n], at, at};
		ret->script = (struct sh_script){.v = c, .n = 1, .odd = true};
		return;
	}
	struct sh_input input = {l->text.p, at, end, l->d->escape, .lines = in->heredoc_only};
	if (in->heredoc_only && !is_for_shell(in->heredocs[0].body))
		return;
	if (in->heredoc_only) {
		input.at = lint_line_at(l, in->pos.line + 1);
		input.end = lint_line_at(l, in->pos.end_line);
		input.escape = '\\';
	} else {
		input.at = script_start(l, in, at, end);
	}
	sh_parse(l->a, &input, &ret->script);
	ret->can_append = in->n_heredocs == 0;
}

static void read_shell(struct lint_stage *s, const struct instr *in)
{
	s->own_shell = !in->n_words || !is_shell_name(in->words[0], strlen(in->words[0]));
	s->pipefail = s->errexit = false;
	for (size_t i = 1; i < in->n_words; i++) {
		const char *w = in->words[i];
		s->pipefail |= strstr(w, "pipefail") != NULL;
		s->errexit |= w[0] == '-' && w[1] != '-' && strchr(w, 'e') != NULL;
	}
}

static void list_all(struct lint *l)
{
	const struct dockerfile *d = l->d;
	size_t n = d->n_global_args;
	for (size_t i = 0; i < d->n_stages; i++)
		n += 1 + d->stages[i].n_instrs;
	l->all = arena_alloc(l->a, (n + 1) * sizeof(*l->all));
	for (size_t i = 0; i < d->n_global_args; i++)
		l->all[l->n_all++] = d->global_args[i];
	for (size_t i = 0; i < d->n_stages; i++) {
		l->all[l->n_all++] = d->stages[i].from;
		for (size_t k = 0; k < d->stages[i].n_instrs; k++)
			l->all[l->n_all++] = d->stages[i].instrs[k];
	}
}

static void read_stage(struct lint *l, struct lint_stage *s, int index)
{
	const struct stage *st = s->s = &l->d->stages[index];
	s->parent =
	        st->from->base ? dockerfile_find_stage(l->d, st->from->base, (size_t)index) : -1;
	if (s->parent >= 0) {
		const struct lint_stage *p = &l->stages[s->parent];
		s->own_shell = p->own_shell;
		s->pipefail = p->pipefail;
		s->errexit = p->errexit;
	}
	s->runs = arena_alloc(l->a, (st->n_instrs + 1) * sizeof(*s->runs));
	for (size_t i = 0; i < st->n_instrs; i++) {
		const struct instr *in = st->instrs[i];
		if (in->kind == INSTR_SHELL)
			read_shell(s, in);
		if (in->kind == INSTR_RUN)
			s->last_run = in->pos.line;
		if (in->kind != INSTR_RUN || s->own_shell)
			continue;
		read_script(l, in, &s->runs[s->n_runs++]);
	}
}

const char *lint_env(
        const struct lint *l, const struct lint_stage *s, const struct instr *in, const char *name)
{
	for (;;) {
		const char *found = NULL;
		for (size_t i = 0; i < s->s->n_instrs; i++) {
			const struct instr *e = s->s->instrs[i];
			bool sets = e->kind == INSTR_ENV || e->kind == INSTR_ARG;
			if (e->pos.line >= in->pos.line)
				break;
			for (size_t k = 0; sets && k < e->n_pairs; k++)
				if (!strcmp(e->pairs[k].key, name) && e->pairs[k].value)
					found = e->pairs[k].value;
		}
		if (found || s->parent < 0)
			return found;
		s = &l->stages[s->parent];
	}
}

bool lint_has_cache_mount(const struct instr *in, const char *path)
{
	for (size_t i = 0; i < in->n_mounts; i++) {
		const struct mount_spec *m = &in->mounts[i];
		size_t n = m->target ? strlen(m->target) : 0;
		while (n > 1 && m->target[n - 1] == '/')
			n--;
		if ((m->type == MOUNT_CACHE || m->type == MOUNT_TMPFS) && n > 0 &&
		        !strncmp(path, m->target, n) && (!path[n] || path[n] == '/'))
			return true;
	}
	return false;
}

bool lint_has_other_cache_mount(const struct instr *in)
{
	for (size_t i = 0; i < in->n_mounts; i++) {
		const struct mount_spec *m = &in->mounts[i];
		if (m->type == MOUNT_CACHE && m->target &&
		        !str_has_prefix(m->target, "/var/lib/apt") &&
		        !str_has_prefix(m->target, "/var/cache/apt"))
			return true;
	}
	return false;
}

static int by_line(const void *a, const void *b)
{
	const struct lint_finding *x = a, *y = b;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	int name = strcmp(x->rule->name, y->rule->name);
	return name ? name : strcmp(x->detail, y->detail);
}

// The rules that comments of the file silence; returns how many.
static size_t skipped(const struct lint *l, const struct lint_rule *ret[], size_t max)
{
	const struct lint_rule *rule;
	size_t n = 0;
	for (size_t i = 0; i < l->d->n_lines; i++) {
		const char *line = l->d->lines[i] + strspn(l->d->lines[i], " \t");
		const char *list = *line == '#' ? hew_comment(line + 1, "skip-file") : NULL;
		for (size_t k = 0; list && (rule = lint_rule_at(k)); k++) {
			bool known = false;
			for (size_t j = 0; j < n && !known; j++)
				known = ret[j] == rule;
			if (!known && n < max && names_rule(list, rule->name))
				ret[n++] = rule;
		}
	}
	return n;
}

static void drop_silenced(const struct lint *l)
{
	const struct lint_rule *silent[RULES_MAX];
	size_t n = 0, n_silent = skipped(l, silent, ARRAY_LEN(silent));
	for (size_t i = 0; i < l->r->n; i++) {
		bool drop = false;
		for (size_t k = 0; k < n_silent && !drop; k++)
			drop = silent[k] == l->r->v[i].rule;
		if (!drop)
			l->r->v[n++] = l->r->v[i];
	}
	l->r->n = n;
	if (n > 0)
		qsort(l->r->v, n, sizeof(*l->r->v), by_line);
}

void lint_run(const struct dockerfile *d, const char *text, size_t n, const struct lint_options *o,
        struct lint_report *ret)
{
	static const struct lint_options nothing;
	struct lint l = {.d = d,
	        .text = {text, n},
	        .o = o ? o : &nothing,
	        .r = ret,
	        .a = &ret->arena,
	        .n_stages = d->n_stages,
	        .last = (int)d->n_stages - 1};
	find_lines(&l);
	list_all(&l);
	l.stages = arena_alloc(l.a, (l.n_stages + 1) * sizeof(*l.stages));
	for (size_t i = 0; i < l.n_stages; i++)
		read_stage(&l, &l.stages[i], (int)i);
	lint_summarise(&l);
	for (int i = l.last; i >= 0; i = l.stages[i].parent)
		l.stages[i].final = true;
	lint_buildkit(&l);
	if (l.o->partial) {
		drop_silenced(&l);
		return;
	}
	for (size_t i = 0; i < l.n_stages; i++) {
		lint_stage_rules(&l, &l.stages[i]);
		lint_packages(&l, &l.stages[i]);
		lint_files(&l, &l.stages[i]);
		lint_shell_rules(&l, &l.stages[i]);
	}
	lint_layers(&l);
	drop_silenced(&l);
}
