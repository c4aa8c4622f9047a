// SPDX-License-Identifier: Apache-2.0
// BuildKit's checks that need variables, stages or base images, in its words (dockerfile2llb's
// validations.go). The FROM lines of all stages are checked first, as BuildKit does, also of those
// that the target does not need; an instruction is checked when it is carried out.
#include "base/fs.h"
#include "graph/graph-int.h"

#include "dockerfile/git_ref.h"
#include "image/reference.h"

#include <stdio.h>

#define NAME_MAX_COMPARED 64
#define NEAR 3        // edits that are too many for a suggestion
#define HINTS_MAX 200 // a file with more undefined names than that gets no more suggestions

// Levenshtein's distance, as BuildKit's suggestions have it; NEAR or more is NEAR.
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[NAME_MAX_COMPARED + 1];
	if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED || n >= m + NEAR || m >= n + NEAR)
		return NEAR;
	for (size_t k = 0; k <= m; k++)
		row[k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			size_t best = diagonal + (a[i - 1] != b[k - 1]);
			diagonal = row[k];
			best = row[k] + 1 < best ? row[k] + 1 : best;
			row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
		}
	}
	return row[m];
}

// " (did you mean <mark>NAME?)" of the nearest among the keys of a "K=V" list, or "".
static const char *near_key(
        struct builder *b, const char *name, const struct strv *env, const char *mark)
{
	size_t best = NEAR;
	char key[NAME_MAX_COMPARED + 2], found[sizeof(key)] = "";
	if (b->n_hints++ >= HINTS_MAX)
		return "";
	for (size_t i = 0; i < env->n; i++) {
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(env->v[i], "="), env->v[i]);
		size_t d = distance(name, key);
		if (d < best) {
			best = d;
			memcpy(found, key, sizeof(key));
		}
	}
	return *found ? arena_printf(&b->g->arena, " (did you mean %s%s?)", mark, found) : "";
}

// ---- variables of instructions

void undefined_note(void *undefined, const char *name)
{
	struct undefined *u = undefined;
	if (!strv_has(&u->names, name))
		strv_add(&u->names, name);
}

static bool is_declared(const struct stage_state *s, const char *name)
{
	for (size_t i = 0; i < s->n_args; i++)
		if (strcmp(s->args[i].key, name) == 0)
			return true;
	return strcmp(name, "BUILDKIT_SBOM_SCAN_CONTEXT") == 0 ||
	       strcmp(name, "BUILDKIT_SBOM_SCAN_STAGE") == 0;
}

void undefined_report(struct undefined *u)
{
	for (size_t i = 0; i < u->names.n && !u->s->unknown_base; i++)
		if (!is_declared(u->s, u->names.v[i]))
			dockerfile_warn(u->b->df, u->in, "UndefinedVar", u->in->pos,
			        "Usage of undefined variable '$%s'%s", u->names.v[i],
			        near_key(u->b, u->names.v[i], &u->s->vars, "$"));
	strv_release(&u->names);
}

// ---- FROM

struct from_word {
	const struct strv *vars;
	struct strv matched, unmatched;
};

static const char *from_get(void *arg, const char *name)
{
	struct from_word *w = arg;
	const char *v = strv_env_get(w->vars, name);
	if (v && !strv_has(&w->matched, name))
		strv_add(&w->matched, name);
	return v;
}

static void from_undefined(void *arg, const char *name)
{
	struct from_word *w = arg;
	if (!strv_has(&w->unmatched, name))
		strv_add(&w->unmatched, name);
}

static void from_word_release(struct from_word *w)
{
	strv_release(&w->matched);
	strv_release(&w->unmatched);
}

static int from_expand(
        struct builder *b, struct from_word *w, const char *word, char **ret, struct err *e)
{
	w->vars = w->vars ? w->vars : &b->globals;
	struct expand_env env = {from_get, w, b->df->escape, from_undefined, w};
	return expand_word(&env, word, ret, e);
}

static void report_unused(struct builder *b, const struct instr *in, const struct from_word *w)
{
	auto_strv struct strv known = {0};
	if (!w->unmatched.n)
		return;
	strv_copy(&known, &b->globals);
	for (size_t i = 0; i < b->n_global_args; i++)
		if (!strv_env_get(&b->globals, b->global_args[i].name))
			strv_addf(&known, "%s=", b->global_args[i].name);
	for (size_t i = 0; i < w->unmatched.n; i++)
		if (!strv_env_get(&known, w->unmatched.v[i]))
			dockerfile_warn(b->df, in, "UndefinedArgInFrom", in->pos,
			        "FROM argument '%s' is not declared%s", w->unmatched.v[i],
			        near_key(b, w->unmatched.v[i], &known, ""));
}

static void note_used(struct stage_state *s, const struct from_word *w)
{
	for (size_t i = 0; i < w->matched.n; i++)
		outline_used(s, w->matched.v[i]);
}

static int check_base(
        struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	struct from_word w = {0};
	auto_free char *base = NULL;
	int status = from_expand(b, &w, in->base, &base, e);
	report_unused(b, in, &w);
	note_used(s, &w);
	from_word_release(&w);
	if (status == 0 && *base)
		return 0;
	if (status == 0)
		err_set(e, ERR_DOCKERFILE, "base name (%s) should not be blank", in->base);
	e->pos = in->pos;
	return -1;
}

static void check_constant(struct builder *b, const struct instr *in, const char *text)
{
	struct platform p;
	struct err ignored = ERR_INIT;
	const char *stage = in->stage_name ? in->stage_name : "";
	if (platform_parse(text, &p, &ignored) || strstr(stage, p.os) || strstr(stage, p.arch))
		return;
	auto_buf struct buf q = {0};
	quote_go(&q, str_of(text));
	dockerfile_warn(b->df, in, "FromPlatformFlagConstDisallowed", in->pos,
	        "FROM --platform flag should not use constant value %s", buf_cstr(&q));
}

static void check_target_platform(
        struct builder *b, const struct instr *in, const struct from_word *w, const char *text)
{
	const char *target = strv_env_get(&b->globals, "TARGETPLATFORM");
	if (w->matched.n != 1 || w->unmatched.n > 0 || !target ||
	        strcmp(w->matched.v[0], "TARGETPLATFORM") != 0 || strcmp(text, target) != 0)
		return;
	dockerfile_warn(b->df, in, "RedundantTargetPlatform", in->pos,
	        "Setting platform to predefined %s in FROM is redundant as this is the default "
	        "behavior",
	        in->platform);
}

static int bad_platform(
        struct builder *b, const struct instr *in, const struct from_word *w, struct err *e)
{
	const char *hint = "";
	for (size_t i = 0; i < w->unmatched.n && !*hint; i++)
		hint = near_key(b, w->unmatched.v[i], &b->globals, "");
	const struct err plain = *e;
	return err_at(e, in->pos, "%s%s", plain.msg, hint);
}

static int check_platform(
        struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	struct from_word w = {0};
	struct platform p;
	auto_free char *text = NULL;
	int status = from_expand(b, &w, in->platform, &text, e);
	if (status == 0) {
		report_unused(b, in, &w);
		check_target_platform(b, in, &w, text);
		if (w.matched.n == 0 && w.unmatched.n == 0)
			check_constant(b, in, text);
		if (!*text)
			status = err_set(e, ERR_DOCKERFILE,
			        "empty platform value from expression %s", in->platform);
		else if (platform_parse(text, &p, e))
			status = err_wrap(e, "failed to parse platform %s", in->platform);
	}
	if (status)
		bad_platform(b, in, &w, e);
	note_used(s, &w);
	from_word_release(&w);
	return status;
}

// FROM must name an image when nothing is given with --build-arg, too.
static void check_defaults(struct builder *b)
{
	auto_strv struct strv defaults = {0};
	struct err ignored = ERR_INIT;
	if (vars_defaults(b, &defaults, &ignored))
		return; // the build fails for the same reason
	for (size_t i = 0; i < b->df->n_stages; i++) {
		const struct instr *in = b->df->stages[i].from;
		struct from_word w = {.vars = &defaults};
		auto_free char *base = NULL;
		auto_reference struct reference r = {0};
		int status = from_expand(b, &w, in->base, &base, &ignored);
		from_word_release(&w);
		if (status)
			return;
		if (reference_parse(base, &r, &ignored))
			dockerfile_warn(b->df, in, "InvalidDefaultArgInFrom", in->pos,
			        "Default value for ARG %s results in empty or invalid base image "
			        "name",
			        in->base);
	}
}

int check_froms(struct builder *b, struct err *e)
{
	check_defaults(b);
	for (size_t i = 0; i < b->df->n_stages; i++) {
		const struct instr *in = b->df->stages[i].from;
		if (check_base(b, &b->states[i], in, e) ||
		        (in->platform && check_platform(b, &b->states[i], in, e)))
			return -1;
	}
	return 0;
}

void check_image(struct builder *b, const struct instr *in, const char *ref,
        const struct platform *want, const struct graph_image *image)
{
	const struct platform *have = &image->config.platform;
	if (image->unknown || image->config.n_diff_ids == 0 ||
	        (strcmp(want->os, have->os) == 0 && strcmp(want->arch, have->arch) == 0))
		return;
	char expected[80], actual[80];
	platform_text(want, expected);
	platform_text(have, actual);
	dockerfile_warn(b->df, in, "InvalidBaseImagePlatform", in->pos,
	        "Base image %s was pulled with platform \"%s\", expected \"%s\" for current build",
	        ref, actual, expected);
}

// ---- instructions

void check_once(struct builder *b, const struct instr *in, const struct instr **last)
{
	// The earlier one is the one that has no effect.
	if (*last)
		dockerfile_warn(b->df, *last, "MultipleInstructionsDisallowed", (*last)->pos,
		        "Multiple %s instructions should not be used in the same stage because "
		        "only the last one will be used",
		        in->keyword);
	*last = in;
}

void check_shell_form(struct builder *b, const struct stage_state *s, const struct instr *in)
{
	if (!in->json && s->config.shell.n == 0)
		dockerfile_warn(b->df, in, "JSONArgsRecommended", in->pos,
		        "JSON arguments recommended for %s to prevent unintended behavior related "
		        "to OS signals",
		        in->keyword);
}

void check_legacy(struct builder *b, const struct instr *in)
{
	if (in->legacy_pair)
		dockerfile_warn(b->df, in, "LegacyKeyValueFormat", in->pos,
		        "\"%s key=value\" should be used instead of legacy \"%s key value\" format",
		        in->keyword, in->keyword);
}

void check_secret(struct builder *b, const struct instr *in, const char *key)
{
	if (!name_is_secret(key))
		return;
	auto_buf struct buf q = {0};
	quote_go(&q, str_of(key));
	dockerfile_warn(b->df, in, "SecretsUsedInArgOrEnv", in->pos,
	        "Do not use ARG or ENV instructions for sensitive data (%s %s)",
	        instr_name(in->kind), buf_cstr(&q));
}

void check_workdir(
        struct builder *b, struct stage_state *s, const struct instr *in, const char *path)
{
	if (!s->workdir_set && *path != '/') {
		auto_buf struct buf q = {0};
		quote_go(&q, str_of(path));
		dockerfile_warn(b->df, in, "WorkdirRelativePath", in->pos,
		        "Relative workdir %s can have unexpected results if the base image changes",
		        buf_cstr(&q));
	}
	s->workdir_set = true;
}

void check_source(struct builder *b, const struct instr *in, const char *source)
{
	struct graph_resolver *r = b->o->resolver;
	bool remote = strstr(source, "://") ||
	              (in->kind == INSTR_ADD && git_ref_is(source, false)); // git@host:repository
	if (!r->ignores || remote || !r->ignores(r, source))
		return;
	auto_free char *clean = fs_clean_rel(source);
	auto_buf struct buf q = {0};
	quote_go(&q, str_of(*clean ? clean : "."));
	dockerfile_warn(b->df, in, "CopyIgnoredFile", in->pos,
	        "Attempting to %s file %s that is excluded by .dockerignore",
	        in->kind == INSTR_ADD ? "Add" : "Copy", buf_cstr(&q));
}
