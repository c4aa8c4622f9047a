// SPDX-License-Identifier: Apache-2.0
// The flags of the instructions: which there are, and BuildKit's rules for writing them. An empty
// value of a text flag counts as not given, except where that would be an error.
#include "base/err.h"
#include "dockerfile/parse-int.h"

#include <stddef.h>

enum flag_type { FLAG_TEXT, FLAG_BOOL, FLAG_LIST };

struct flag_def {
	const char *name;
	enum flag_type type;
	size_t offset; // in struct flag_values
	unsigned kinds;
};

#define ON(kind) (1u << INSTR_##kind)
#define FLAG(name, type, member, kinds)                                 \
	{                                                               \
		name, type, offsetof(struct flag_values, member), kinds \
	}
static const struct flag_def flag_defs[] = {
        FLAG("platform", FLAG_TEXT, platform, ON(FROM)),
        FLAG("mount", FLAG_LIST, mounts, ON(RUN)),
        FLAG("network", FLAG_TEXT, network, ON(RUN)),
        FLAG("security", FLAG_TEXT, security, ON(RUN)),
        FLAG("device", FLAG_LIST, devices, ON(RUN)),
        FLAG("from", FLAG_TEXT, from, ON(COPY)),
        FLAG("parents", FLAG_BOOL, parents, ON(COPY)),
        FLAG("chown", FLAG_TEXT, chown, ON(COPY) | ON(ADD)),
        FLAG("chmod", FLAG_TEXT, chmod, ON(COPY) | ON(ADD)),
        FLAG("link", FLAG_BOOL, link, ON(COPY) | ON(ADD)),
        FLAG("exclude", FLAG_LIST, excludes, ON(COPY) | ON(ADD)),
        FLAG("checksum", FLAG_TEXT, checksum, ON(ADD)),
        FLAG("keep-git-dir", FLAG_BOOL, keep_git_dir, ON(ADD)),
        FLAG("unpack", FLAG_BOOL, unpack, ON(ADD)),
        FLAG("interval", FLAG_TEXT, interval, ON(HEALTHCHECK)),
        FLAG("timeout", FLAG_TEXT, timeout, ON(HEALTHCHECK)),
        FLAG("start-period", FLAG_TEXT, start_period, ON(HEALTHCHECK)),
        FLAG("start-interval", FLAG_TEXT, start_interval, ON(HEALTHCHECK)),
        FLAG("retries", FLAG_TEXT, retries, ON(HEALTHCHECK)),
};

const char *suggest(const char *word, const char *const *names, size_t n, struct buf *b)
{
	const char *near = str_nearest(word, names, n);
	if (near && strcmp(near, word) != 0)
		buf_printf(b, " (did you mean %s?)", near);
	return buf_cstr(b);
}

static int unknown_flag(enum instr_kind kind, const char *name, struct err *e)
{
	const char *names[ARRAY_LEN(flag_defs)];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(flag_defs); i++)
		if (flag_defs[i].kinds & 1u << kind)
			names[n++] = flag_defs[i].name;
	auto_buf struct buf hint = {0};
	return err_set(
	        e, ERR_DOCKERFILE, "unknown flag: --%s%s", name, suggest(name, names, n, &hint));
}

static int set_bool(struct flag_bool *to, const char *name, const char *value, struct err *e)
{
	if (value && !*value)
		return err_set(e, ERR_DOCKERFILE, "missing a value on flag: --%s", name);
	to->set = true;
	to->value = !value || str_ieq(value, "true");
	if (to->value || str_ieq(value, "false"))
		return 0;
	return err_set(
	        e, ERR_DOCKERFILE, "expecting boolean value for flag --%s, not: %s", name, value);
}

static int set_flag(struct arena *a, const struct flag_def *f, const char *value,
        struct flag_values *ret, struct err *e)
{
	void *to = (char *)ret + f->offset;
	if (f->type == FLAG_BOOL)
		return set_bool(to, f->name, value, e);
	if (!value)
		return err_set(e, ERR_DOCKERFILE, "missing a value on flag: --%s", f->name);
	if (f->type == FLAG_LIST)
		list_add(a, to, value);
	else
		*(const char **)to = value;
	return 0;
}

int flags_parse(struct arena *a, enum instr_kind kind, const struct list *words,
        struct flag_values *ret, struct err *e)
{
	uint32_t seen = 0;
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i] + 2, *eq = strchr(word, '=');
		const char *name = eq ? arena_strndup(a, word, (size_t)(eq - word)) : word;
		size_t f = 0;
		while (f < ARRAY_LEN(flag_defs) && (!(flag_defs[f].kinds & 1u << kind) ||
		                                           strcmp(flag_defs[f].name, name) != 0))
			f++;
		if (f == ARRAY_LEN(flag_defs))
			return unknown_flag(kind, name, e);
		if (seen & 1u << f && flag_defs[f].type != FLAG_LIST)
			return err_set(e, ERR_DOCKERFILE, "duplicate flag specified: --%s", name);
		seen |= 1u << f;
		if (set_flag(a, &flag_defs[f], eq ? eq + 1 : NULL, ret, e) < 0)
			return -1;
	}
	return 0;
}
