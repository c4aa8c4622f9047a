// SPDX-License-Identifier: Apache-2.0
// Parses what a registry says when it wants credentials. The text comes from outside: names and
// values are bounded by the header, unknown schemes and parameters are passed over.

#include "registry/challenge.h"

#include "base/mem.h"
#include <ctype.h>

void challenge_release(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = (struct challenge){0};
}

static bool is_token(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static const char *skip_separators(const char *s)
{
	return s + strspn(s, " \t,");
}

// A token or a quoted string. Control characters are dropped: the value goes into URLs and
// messages.
static const char *read_value(const char *s, struct buf *out)
{
	bool quoted = *s == '"';
	if (quoted)
		s++;
	while (*s && (quoted ? *s != '"' : *s != ',' && *s != ' ' && *s != '\t')) {
		if (quoted && *s == '\\' && s[1])
			s++;
		if (!iscntrl((unsigned char)*s))
			buf_putc(out, *s);
		s++;
	}
	return quoted && *s ? s + 1 : s;
}

static void set_param(struct challenge *c, const char *name, size_t n, struct buf *value)
{
	const struct {
		const char *name;
		char **slot;
	} params[] = {{"realm", &c->realm}, {"service", &c->service}, {"scope", &c->scope},
	        {"error", &c->error}};
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		if (strlen(params[i].name) == n && strncasecmp(params[i].name, name, n) == 0 &&
		        !*params[i].slot)
			*params[i].slot = buf_steal(value);
	}
}

// One scheme with its parameters; returns where the next begins.
static const char *parse_one(const char *s, struct challenge *ret)
{
	const char *scheme = s;
	while (is_token(*s))
		s++;
	size_t n = (size_t)(s - scheme);
	if (n == 0)
		return s + strlen(s);
	if (n == 6 && strncasecmp(scheme, "Bearer", n) == 0)
		ret->kind = CHALLENGE_BEARER;
	else if (n == 5 && strncasecmp(scheme, "Basic", n) == 0)
		ret->kind = CHALLENGE_BASIC;
	for (;;) {
		s = skip_separators(s);
		const char *name = s;
		while (is_token(*s))
			s++;
		size_t name_n = (size_t)(s - name);
		const char *eq = s + strspn(s, " \t");
		if (name_n == 0)
			return s + strlen(s);
		if (*eq != '=')
			return name; // a token without '=' is the next scheme
		auto_buf struct buf value = {0};
		s = read_value(eq + 1 + strspn(eq + 1, " \t"), &value);
		set_param(ret, name, name_n, &value);
	}
}

void challenge_parse(const char *header, struct challenge *ret)
{
	*ret = (struct challenge){0};
	for (const char *s = skip_separators(header); *s;) {
		auto_challenge struct challenge c = {0};
		s = parse_one(s, &c);
		if (c.kind == CHALLENGE_BEARER && !c.realm)
			c.kind = CHALLENGE_NONE;
		if (c.kind > ret->kind) {
			struct challenge weaker = *ret;
			*ret = c;
			c = weaker;
		}
	}
}

// Length of "type:name:" in front of the actions. The name may hold colons (a host with a port).
static size_t resource_length(const char *scope)
{
	const char *first = strchr(scope, ':'), *last = strrchr(scope, ':');
	return first && last != first ? (size_t)(last + 1 - scope) : 0;
}

static void add_actions(char **scope, const char *actions)
{
	auto_strv struct strv have = {0}, more = {0};
	strv_split(&have, *scope + resource_length(*scope), ',');
	strv_split(&more, actions, ',');
	for (size_t i = 0; i < more.n; i++) {
		if (!*more.v[i] || strv_has(&have, more.v[i]))
			continue;
		char *longer = xasprintf("%s,%s", *scope, more.v[i]);
		free(*scope);
		*scope = longer;
	}
}

static void scope_add(struct strv *set, const char *scope)
{
	size_t n = resource_length(scope);
	for (size_t i = 0; n && i < set->n; i++) {
		if (resource_length(set->v[i]) == n && strncmp(set->v[i], scope, n) == 0) {
			add_actions(&set->v[i], scope + n);
			return;
		}
	}
	if (*scope && !strv_has(set, scope))
		strv_add(set, scope);
}

void scope_add_list(struct strv *set, const char *scopes)
{
	auto_strv struct strv parts = {0};
	strv_split(&parts, scopes, ' ');
	for (size_t i = 0; i < parts.n && i < 32; i++)
		scope_add(set, parts.v[i]);
}

void scope_add_repository(struct strv *set, const char *repository, const char *actions)
{
	auto_free char *scope = xasprintf("repository:%s:%s", repository, actions);
	scope_add(set, scope);
}
