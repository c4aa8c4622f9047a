// SPDX-License-Identifier: Apache-2.0
// The checks that the text alone decides, with BuildKit's names and words. What needs variables,
// base images or the context is found later.
#include "base/map.h"
#include "dockerfile/parse-int.h"
#include "dockerfile/unicode-int.h"

#include <stdarg.h>

const char *const *skip_list(struct arena *a, struct str check)
{
	struct list rules = {0};
	while (check.n > 0) {
		const char *semi = memchr(check.p, ';', check.n);
		size_t n = semi ? (size_t)(semi - check.p) : check.n;
		struct str part = rune_trim((struct str){check.p, n});
		n += semi != NULL;
		check = (struct str){check.p + n, check.n - n};
		const char *eq = memchr(part.p, '=', part.n);
		if (!eq || !str_eq(rune_trim((struct str){part.p, (size_t)(eq - part.p)}), "skip"))
			continue;
		struct str v = {eq + 1, part.n - (size_t)(eq + 1 - part.p)};
		for (;;) {
			const char *comma = memchr(v.p, ',', v.n);
			n = comma ? (size_t)(comma - v.p) : v.n;
			struct str rule = rune_trim((struct str){v.p, n});
			list_add(a, &rules, arena_strndup(a, rule.p, rule.n));
			if (!comma)
				break;
			v = (struct str){comma + 1, v.n - n - 1};
		}
	}
	return list_end(a, &rules);
}

static bool skips(const char *const *list, const char *rule)
{
	for (; list && *list; list++)
		if (strcmp(*list, rule) == 0 || strcmp(*list, "all") == 0)
			return true;
	return false;
}

void dockerfile_warn(struct dockerfile *d, const struct instr *in, const char *rule, struct pos pos,
        const char *fmt, ...)
{
	if (skips(d->skip_checks, rule) || (in && skips(in->skip_checks, rule)))
		return;
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (d->n_warnings == d->cap_warnings) {
		d->cap_warnings = d->cap_warnings ? d->cap_warnings * 2 : 8;
		struct warning *v = arena_alloc(&d->arena, d->cap_warnings * sizeof(*v));
		if (d->n_warnings > 0)
			memcpy(v, d->warnings, d->n_warnings * sizeof(*v));
		d->warnings = v;
	}
	d->warnings[d->n_warnings++] = (struct warning){.rule = rule,
	        .detail = arena_strndup(&d->arena, buf_cstr(&text), text.n),
	        .pos = pos};
}

static bool all_lower(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return false;
	return true;
}

static bool all_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'a' && *s <= 'z')
			return false;
	return true;
}

static void warn_from(struct dockerfile *d, const struct draft *dr)
{
	const struct instr *in = dr->in;
	if (!in->stage_name)
		return;
	if (strcmp(in->stage_name, in->stage_name_raw) != 0)
		dockerfile_warn(d, in, "StageNameCasing", in->pos,
		        "Stage name '%s' should be lowercase", in->stage_name_raw);
	const char *as = dr->args.v[1];
	if (all_lower(in->keyword) ? !all_lower(as) : !all_upper(as))
		dockerfile_warn(d, in, "FromAsCasing", in->pos,
		        "'%s' and '%s' keywords' casing do not match", as, in->keyword);
}

void warn_instr(struct dockerfile *d, const struct draft *dr)
{
	const struct instr *in = dr->in;
	const char *name = instr_name(in->kind);
	if (in->kind == INSTR_FROM)
		warn_from(d, dr);
	if (in->legacy_pair)
		dockerfile_warn(d, in, "LegacyKeyValueFormat", in->pos,
		        "\"%s key=value\" should be used instead of legacy \"%s key value\" format",
		        name, name);
	if (in->kind == INSTR_MAINTAINER)
		dockerfile_warn(d, in, "MaintainerDeprecated", in->pos,
		        "Maintainer instruction is deprecated in favor of using label");
}

static void warn_stage_names(struct dockerfile *d)
{
	auto_map struct map seen = {0};
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		if (!s->name)
			continue;
		if (strcmp(s->name, "context") == 0 || strcmp(s->name, "scratch") == 0)
			dockerfile_warn(d, s->from, "ReservedStageName", s->from->pos,
			        "Stage name should not use the same name as reserved stage \"%s\"",
			        s->name);
		if (map_has(&seen, s->name))
			dockerfile_warn(d, s->from, "DuplicateStageName", s->from->pos,
			        "Duplicate stage name \"%s\", stage names should be unique",
			        s->name);
		map_set(&seen, s->name, s->from);
	}
}

static void warn_case(struct dockerfile *d, const struct instr *in, bool want_lower)
{
	if (want_lower ? all_lower(in->keyword) : all_upper(in->keyword))
		return;
	dockerfile_warn(d, in, "ConsistentInstructionCasing", in->pos,
	        "Command '%s' should match the case of the command majority (%s)", in->keyword,
	        want_lower ? "lowercase" : "uppercase");
}

static void warn_casing(struct dockerfile *d)
{
	size_t lower = 0, upper = 0;
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		lower += all_lower(s->from->keyword);
		upper += all_upper(s->from->keyword);
		for (size_t k = 0; k < s->n_instrs; k++) {
			lower += all_lower(s->instrs[k]->keyword);
			upper += all_upper(s->instrs[k]->keyword);
		}
	}
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		warn_case(d, s->from, lower > upper);
		for (size_t k = 0; k < s->n_instrs; k++)
			warn_case(d, s->instrs[k], lower > upper);
	}
}

struct last_used {
	const struct instr *cmd, *entrypoint, *healthcheck;
};

static void warn_repeated(struct dockerfile *d, const struct instr **last, const struct instr *in)
{
	// The earlier one is the one that has no effect.
	if (*last)
		dockerfile_warn(d, *last, "MultipleInstructionsDisallowed", (*last)->pos,
		        "Multiple %s instructions should not be used in the same stage because "
		        "only "
		        "the last one will be used",
		        in->keyword);
	*last = in;
}

// Returns whether SHELL is set at the end of the stage.
static bool warn_stage(struct dockerfile *d, const struct stage *s, bool shell)
{
	struct last_used last = {0};
	for (size_t i = 0; i < s->n_instrs; i++) {
		const struct instr *in = s->instrs[i];
		if (in->kind == INSTR_SHELL)
			shell = true;
		if (in->kind == INSTR_HEALTHCHECK)
			warn_repeated(d, &last.healthcheck, in);
		if (in->kind != INSTR_CMD && in->kind != INSTR_ENTRYPOINT)
			continue;
		warn_repeated(d, in->kind == INSTR_CMD ? &last.cmd : &last.entrypoint, in);
		if (!in->json && !shell)
			dockerfile_warn(d, in, "JSONArgsRecommended", in->pos,
			        "JSON arguments recommended for %s to prevent unintended behavior "
			        "related to OS signals",
			        in->keyword);
	}
	return shell;
}

void warn_file(struct dockerfile *d)
{
	auto_map struct map shells = {0}; // stage names after which SHELL is set
	warn_stage_names(d);
	warn_casing(d);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		bool shell = warn_stage(d, s, map_has(&shells, s->from->base));
		if (s->name && shell)
			map_set(&shells, s->name, s->from);
		else if (s->name)
			map_del(&shells, s->name);
	}
}
