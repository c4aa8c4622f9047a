// SPDX-License-Identifier: Apache-2.0
// What a stage is made from and runs as, and how its scripts fail.
#include "base/buf.h"
#include "dockerfile/expand.h"
#include "lint/lint-int.h"

// ---- base images

// The reference with global arguments at their defaults. Allocated in the report's arena.
static const char *expanded(struct lint *l, const char *ref)
{
	auto_strv struct strv vars = {0};
	struct err ignored = ERR_INIT;
	auto_free char *out = NULL;
	if (!strchr(ref, '$'))
		return ref;
	for (size_t i = 0; i < l->d->n_global_args; i++) {
		const struct instr *in = l->d->global_args[i];
		for (size_t k = 0; k < in->n_pairs && vars.n < 1000; k++) {
			struct expand_env env = {expand_get_strv, &vars, l->d->escape, NULL, NULL};
			auto_free char *value = NULL;
			if (in->pairs[k].value &&
			        !expand_word(&env, in->pairs[k].value, &value, &ignored))
				strv_env_set(&vars, in->pairs[k].key, value);
		}
	}
	struct expand_env env = {expand_get_strv, &vars, l->d->escape, NULL, NULL};
	if (expand_word(&env, ref, &out, &ignored))
		return "";
	return arena_strdup(l->a, out);
}

static void image(struct lint *l, const struct instr *in, const char *written)
{
	const char *ref = expanded(l, written);
	const char *name = strrchr(ref, '/'), *tag;
	if (!*ref || strchr(ref, '@') || !strcmp(ref, "scratch"))
		return;
	tag = strchr(name ? name : ref, ':');
	if (tag && strcmp(tag, ":latest") != 0) {
		lint_find(l, in, "BaseWithoutDigest", in->pos,
		        "%s can come to stand for another image: only a digest cannot", ref);
		return;
	}
	lint_find(l, in, "UnpinnedBase", in->pos,
	        tag ? "%s: \"latest\" is another image after every release"
	            : "%s has no tag: it stands for the latest image there is",
	        ref);
}

static bool is_stage(const struct lint *l, const char *name, size_t before)
{
	return dockerfile_find_stage(l->d, name, before) >= 0;
}

static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

static void images(struct lint *l, const struct lint_stage *s)
{
	size_t index = (size_t)s->s->index;
	if (s->parent < 0)
		image(l, s->s->from, s->s->from->base);
	for (size_t i = 0; i < s->s->n_instrs; i++) {
		const struct instr *in = s->s->instrs[i];
		if (in->from && !is_number(in->from) && !is_stage(l, in->from, index))
			image(l, in, in->from);
	}
}

// A base image that is there to build with.
static void build_image(struct lint *l, const struct lint_stage *s)
{
	static const char *const names[] = {"golang", "rust", "gcc", "maven", "gradle", "sbt",
	        "haskell", "swift", "dotnet/sdk", "buildpack-deps"};
	const struct instr *in = s->s->from;
	if (!s->final || s->parent >= 0)
		return;
	const char *ref = expanded(l, in->base), *slash = strrchr(ref, '/');
	size_t n = slash ? (size_t)(slash - ref) : 0; // a registry's port is no tag
	n += strcspn(ref + n, ":@");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i]);
		if (n < len || strncmp(ref + n - len, names[i], len) != 0 ||
		        (n > len && ref[n - len - 1] != '/'))
			continue;
		lint_find(l, in, "BuildToolsShipped", in->pos,
		        "the final stage is FROM %s, an image to build with", ref);
		return;
	}
}

// ---- users

static bool is_root(const char *user)
{
	size_t n = strcspn(user, ":");
	return (n == 4 && !memcmp(user, "root", 4)) || (n == 1 && *user == '0');
}

static void root_user(struct lint *l)
{
	const struct instr *at = NULL;
	for (int i = l->last; i >= 0 && !at; i = l->stages[i].parent)
		for (size_t k = l->stages[i].s->n_instrs; k-- > 0 && !at;)
			if (l->stages[i].s->instrs[k]->kind == INSTR_USER)
				at = l->stages[i].s->instrs[k];
	if (at && (!at->n_words || !is_root(at->words[0])))
		return;
	const struct instr *from = l->stages[l->last].s->from;
	if (at)
		lint_find(l, at, "RootUser", at->pos, "the program is run as root");
	else if (!l->o->base_user || !*l->o->base_user || is_root(l->o->base_user))
		lint_find(l, from, "RootUser", from->pos,
		        "no USER in the final stage: the program is run as root");
}

void lint_stage_rules(struct lint *l, struct lint_stage *s)
{
	images(l, s);
	build_image(l, s);
	if (s->s->index == l->last)
		root_user(l);
}

// ---- how scripts fail

static bool is_set(const struct sh_command *c, char letter, const char *option)
{
	if (!sh_is(c, "set"))
		return false;
	for (size_t i = 1; i < c->n; i++) {
		const char *w = c->words[i].text;
		bool short_one = letter && w[0] == '-' && w[1] != '-' && strchr(w + 1, letter);
		if (!strcmp(w, option) || short_one)
			return true;
	}
	return false;
}

static bool script_sets(const struct sh_script *s, char letter, const char *option)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_set(&s->v[i], letter, option))
			return true;
	return false;
}

static void errexit(struct lint *l, const struct lint_stage *s, const struct lint_run *r)
{
	size_t lines = 0;
	if (!r->in->heredoc_only || s->errexit || r->in->n_heredocs != 1 ||
	        str_has_prefix(r->in->heredocs[0].body, "#!") ||
	        script_sets(&r->script, 'e', "errexit"))
		return;
	for (size_t i = 0; i < r->script.n; i++)
		lines += r->script.v[i].join == SH_THEN || r->script.v[i].join == SH_FIRST;
	if (lines > 1)
		lint_find(l, r->in, "HeredocWithoutErrexit", r->in->pos,
		        "only the last line's status counts: begin with set -e");
}

static bool fetches(const struct sh_command *c)
{
	return sh_is(c, "curl") || sh_is(c, "wget");
}

static bool is_shell(const struct sh_command *c)
{
	return sh_is(c, "sh") || sh_is(c, "bash") || sh_is(c, "python") || sh_is(c, "python3") ||
	       sh_is(c, "perl") || sh_is(c, "node");
}

static void pipes(struct lint *l, const struct lint_stage *s, const struct lint_run *r)
{
	bool safe = s->pipefail || script_sets(&r->script, '\0', "pipefail");
	for (size_t i = 0; i + 1 < r->script.n; i++) {
		const struct sh_command *c = &r->script.v[i], *next = &r->script.v[i + 1];
		if (!fetches(c) || next->join != SH_PIPE)
			continue;
		const char *into = next->n ? next->words[0].text : "";
		if (!safe)
			lint_find(l, r->in, "PipeWithoutPipefail", r->in->pos,
			        "when %s fails, %s gets half a file and may still succeed",
			        c->words[0].text, into);
		if (is_shell(next))
			lint_find(l, r->in, "RemoteScript", r->in->pos,
			        "%s runs whatever the server sends", into);
	}
}

static bool opens_to_all(const char *mode)
{
	return !strcmp(mode, "777") || !strcmp(mode, "0777") || !strcmp(mode, "a+w") ||
	       !strcmp(mode, "a+rw") || !strcmp(mode, "a+rwx") || !strcmp(mode, "a=rwx") ||
	       !strcmp(mode, "ugo+rwx") || !strcmp(mode, "o+w") || !strcmp(mode, "666");
}

static void command(struct lint *l, const struct lint_run *r, const struct sh_command *c)
{
	if (c->sudo)
		lint_find(l, r->in, "SudoUsed", r->in->pos, "USER says who runs a RUN");
	for (size_t i = 1; sh_is(c, "chmod") && i < c->n; i++) {
		if (!opens_to_all(c->words[i].text))
			continue;
		lint_find(l, r->in, "WorldWritable", r->in->pos,
		        "chmod %s lets every user write there", c->words[i].text);
		break;
	}
}

void lint_shell_rules(struct lint *l, struct lint_stage *s)
{
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct lint_run *r = &s->runs[i];
		const struct sh_command *first = r->script.n ? &r->script.v[0] : NULL;
		errexit(l, s, r);
		pipes(l, s, r);
		if (first && sh_is(first, "cd") && first->n == 2 && !first->nested &&
		        r->script.n > 1 && r->script.v[1].join == SH_AND)
			lint_find(l, r->in, "CdInsteadOfWorkdir", r->in->pos,
			        "WORKDIR %s holds for all that follows, and for CMD",
			        first->words[1].text);
		for (size_t k = 0; k < r->script.n; k++)
			command(l, r, &r->script.v[k]);
	}
	for (size_t i = 0; i < s->s->n_instrs; i++) {
		const struct instr *in = s->s->instrs[i];
		if (in->chmod && opens_to_all(in->chmod))
			lint_find(l, in, "WorldWritable", in->pos,
			        "--chmod=%s lets every user write there", in->chmod);
	}
}
