// SPDX-License-Identifier: Apache-2.0
// Variables: global arguments, the predefined and platform ones, and what a stage sees. ARG and ENV
// write the same list and the last writer wins, as BuildKit does it (its documentation says
// otherwise).
#include "graph/graph-int.h"
#include <strings.h>

const char *build_arg(const struct builder *b, const char *key)
{
	if (b->epoch && strcmp(key, "SOURCE_DATE_EPOCH") == 0)
		return b->epoch;
	return b->o->build_args ? strv_env_get(b->o->build_args, key) : NULL;
}

static void set_platform(struct strv *vars, const char *prefix, const struct platform *p)
{
	char text[80];
	platform_text(p, text);
	const char *const names[] = {"PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"};
	const char *const values[] = {text, p->os, p->os_version, p->arch, p->variant};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *key = xasprintf("%s%s", prefix, names[i]);
		strv_env_set(vars, key, values[i]);
	}
}

// What a default mentions, while it is expanded.
struct mentions {
	struct strv *vars, *names;
};

static const char *mention(void *arg, const char *name)
{
	struct mentions *m = arg;
	const char *v = strv_env_get(m->vars, name);
	if (v && m->names && !strv_has(m->names, name))
		strv_add(m->names, name);
	return v;
}

static int global_arg(struct builder *b, struct strv *vars, const struct instr *in,
        const struct key_value *kv, const char *given, struct strv *deps, struct err *e)
{
	if (given) {
		strv_env_set(vars, kv->key, given);
		return 0;
	}
	if (!kv->value)
		return 0;
	struct mentions m = {vars, deps};
	struct expand_env env = {mention, &m, b->df->escape, NULL};
	auto_free char *value = NULL;
	if (expand_word(&env, kv->value, &value, e)) {
		e->pos = in->pos;
		return -1;
	}
	strv_env_set(vars, kv->key, value);
	return 0;
}

// A later declaration takes the place of an earlier one and keeps what that depended on.
static struct arg_info *global_info(struct builder *b, const struct instr *in, size_t k)
{
	const struct key_value *kv = &in->pairs[k];
	size_t at = (uintptr_t)map_get(&b->global_at, kv->key);
	if (at == 0) {
		size_t n = b->n_global_args;
		if ((n & (n - 1)) == 0) // 0, 1, 2, 4, ...
			b->global_args = xreallocarray(
			        b->global_args, n ? 2 * n : 1, sizeof(*b->global_args));
		b->global_args[n] = (struct arg_info){.name = kv->key};
		at = ++b->n_global_args;
		map_set(&b->global_at, kv->key, (void *)(uintptr_t)at);
	}
	struct arg_info *info = &b->global_args[at - 1];
	info->doc = kv->doc;
	info->pos = in->pos;
	return info;
}

static void platform_args(struct builder *b, struct strv *vars)
{
	set_platform(vars, "BUILD", &b->o->build_platform);
	set_platform(vars, "TARGET", b->target);
	const struct stage *last = &b->df->stages[b->df->n_stages - 1];
	const char *target = b->o->target ? b->o->target : last->name;
	strv_env_set(vars, "TARGETSTAGE", target ? target : "default");
	for (size_t i = 0; i < vars->n; i++) {
		const char *eq = strchr(vars->v[i], '=');
		auto_free char *key = xstrndup(vars->v[i], (size_t)(eq - vars->v[i]));
		const char *given = build_arg(b, key);
		if (given)
			strv_env_set(vars, key, given);
	}
}

int vars_globals(struct builder *b, struct err *e)
{
	platform_args(b, &b->globals);
	for (size_t i = 0; i < b->df->n_global_args; i++) {
		const struct instr *in = b->df->global_args[i];
		for (size_t k = 0; k < in->n_pairs; k++) {
			struct arg_info *info = global_info(b, in, k);
			if (global_arg(b, &b->globals, in, &in->pairs[k], build_arg(b, info->name),
			            &info->deps, e))
				return -1;
			const char *value = strv_env_get(&b->globals, info->name);
			info->value = arena_strdup(&b->g->arena, value ? value : "");
			if (check_size(b, in, e))
				return -1;
		}
	}
	return 0;
}

int vars_defaults(struct builder *b, struct strv *ret, struct err *e)
{
	platform_args(b, ret);
	for (size_t i = 0; i < b->df->n_global_args; i++) {
		const struct instr *in = b->df->global_args[i];
		for (size_t k = 0; k < in->n_pairs; k++)
			if (global_arg(b, ret, in, &in->pairs[k], NULL, NULL, e))
				return -1;
	}
	return 0;
}

struct expand_env vars_env(struct stage_state *s, struct undefined *u)
{
	struct expand_env env = {expand_get_strv, &s->vars, s->df->escape, NULL};
	if (u) {
		env.undefined = undefined_note;
		env.undefined_arg = u;
	}
	return env;
}

int vars_expand(struct builder *b, struct stage_state *s, const struct instr *in, const char *word,
        const char **ret, struct err *e)
{
	struct undefined u = {b, s, in, {0}};
	struct expand_env env = vars_env(s, &u);
	auto_free char *out = NULL;
	int status = expand_word(&env, word, &out, e);
	undefined_report(&u);
	if (status) {
		e->pos = in->pos;
		return -1;
	}
	*ret = arena_strdup(&b->g->arena, out);
	return check_size(b, in, e);
}

// Arguments that steer the builder and never reach a process.
static bool is_builder_arg(const char *key)
{
	return !strcmp(key, "BUILDKIT_SBOM_SCAN_CONTEXT") ||
	       !strcmp(key, "BUILDKIT_SBOM_SCAN_STAGE");
}

static void declare(struct stage_state *s, const char *key, const char *value)
{
	for (; s->n_args_at < s->n_args; s->n_args_at++) // those of the stage below too
		map_set(&s->args_at, s->args[s->n_args_at].key,
		        (void *)(uintptr_t)(s->n_args_at + 1));
	size_t at = (uintptr_t)map_get(&s->args_at, key);
	if (at > 0) {
		s->args[at - 1].value = value;
		return;
	}
	if (s->n_args == s->cap_args) {
		s->cap_args = s->cap_args ? 2 * s->cap_args : 8;
		s->args = xreallocarray(s->args, s->cap_args, sizeof(*s->args));
	}
	s->args[s->n_args++] = (struct declared_arg){key, value, 0};
}

const char *vars_declared(struct stage_state *s, struct declared_arg *a)
{
	size_t n = strlen(a->key);
	for (; a->at < s->vars.n; a->at++) {
		const char *kv = s->vars.v[a->at];
		if (strncmp(kv, a->key, n) == 0 && kv[n] == '=')
			return kv + n + 1;
	}
	return a->value ? a->value : "";
}

int vars_arg(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, "ARG");
	for (size_t i = 0; i < in->n_pairs; i++) {
		const char *key, *value = NULL;
		if (vars_expand(b, s, in, in->pairs[i].key, &key, e))
			return -1;
		check_secret(b, in, key);
		const char *given = build_arg(b, key);
		if (given)
			value = arena_strdup(&b->g->arena, given);
		else if (in->pairs[i].value && vars_expand(b, s, in, in->pairs[i].value, &value, e))
			return -1;
		else if (!in->pairs[i].value && strv_env_get(&b->globals, key))
			value = arena_strdup(&b->g->arena, strv_env_get(&b->globals, key));
		if (value && !is_builder_arg(key))
			strv_env_set(&s->vars, key, value);
		declare(s, key, value);
		outline_used(s, key);
		if (given || in->pairs[i].value || !value)
			outline_arg(s, in, &(struct key_value){key, NULL, in->pairs[i].doc}, value);
		buf_printf(&text, " %s%s%s", key, value ? "=" : "", value ? value : "");
	}
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

int vars_default(struct builder *b, struct strv *vars, const struct instr *in,
        const struct key_value *kv, const char *given, struct err *e)
{
	return global_arg(b, vars, in, kv, given, NULL, e);
}

void vars_proxy(const struct builder *b, struct strv *ret)
{
	static const char *const names[] = {
	        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"};
	for (size_t i = 0; b->o->build_args && i < b->o->build_args->n; i++) {
		const char *kv = b->o->build_args->v[i];
		const char *eq = strchr(kv, '=');
		for (size_t k = 0; eq && k < ARRAY_LEN(names); k++) {
			size_t n = strlen(names[k]);
			if ((size_t)(eq - kv) != n || strncasecmp(kv, names[k], n) != 0)
				continue;
			char lower[16] = "";
			for (size_t c = 0; c < n; c++)
				lower[c] = names[k][c] == '_' ? '_' : (char)(names[k][c] | 0x20);
			strv_env_set(ret, names[k], eq + 1);
			strv_env_set(ret, lower, eq + 1);
		}
	}
}
