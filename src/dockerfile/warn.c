// SPDX-License-Identifier: Apache-2.0
// The checks that BuildKit makes while it parses, with its names and words. Those of an instruction
// that is carried out (they need variables, base images or the context) are the graph's.
#include "base/map.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

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
	bool lower = all_lower(in->keyword), upper = all_upper(in->keyword);
	if ((lower && !all_lower(as)) || (upper && !all_upper(as)))
		dockerfile_warn(d, in, "FromAsCasing", in->pos,
		        "'%s' and '%s' keywords' casing do not match", as, in->keyword);
}

// The last comment above should begin with a name that the instruction defines.
static void warn_description(
        struct dockerfile *d, const struct instr *in, const char *const *names, size_t n)
{
	const char *const *last = in->comments;
	if (!last || n == 0)
		return;
	while (last[1])
		last++;
	size_t word = strcspn(*last, " ");
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == word && memcmp(names[i], *last, word) == 0)
			return;
	dockerfile_warn(d, in, "InvalidDefinitionDescription", in->pos,
	        "Comment for %s should follow the format: `# %s <description>`",
	        instr_name(in->kind), n > 1 ? "<arg_key>" : names[0]);
}

static void warn_arg(struct dockerfile *d, const struct instr *in)
{
	const char **names = arena_alloc(&d->arena, (in->n_pairs + 1) * sizeof(*names));
	for (size_t i = 0; i < in->n_pairs; i++)
		names[i] = in->pairs[i].key;
	warn_description(d, in, names, in->n_pairs);
}

void warn_instr(struct dockerfile *d, const struct draft *dr)
{
	const struct instr *in = dr->in;
	if (in->kind == INSTR_FROM) {
		warn_from(d, dr);
		warn_description(d, in, &in->stage_name, in->stage_name != NULL);
	}
	if (in->kind == INSTR_ARG && check_is_on(d, in, "InvalidDefinitionDescription"))
		warn_arg(d, in);
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

void warn_file(struct dockerfile *d)
{
	warn_stage_names(d);
	warn_casing(d);
}
