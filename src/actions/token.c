// SPDX-License-Identifier: Apache-2.0
// What a token says of the refs it is for. It is not verified: the service does that, and what is
// read here only decides where to look.
#include "actions/actions-int.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include <string.h>

#define SCOPES_MAX 16
#define SCOPE_MAX 1024
enum permission { MAY_READ = 1, MAY_WRITE = 2 };

// The middle one of three parts.
static struct jdoc *read_claims(const char *token)
{
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	const char *from = strchr(token, '.'), *to = from ? strchr(from + 1, '.') : NULL;
	if (!to)
		return NULL;
	auto_free char *part = xstrndup(from + 1, (size_t)(to - from - 1));
	return base64_decode(&text, part) ? jdoc_parse(buf_cstr(&text), text.n, &ignored) : NULL;
}

static bool is_scope(const char *text)
{
	return text && *text && strlen(text) <= SCOPE_MAX && !strpbrk(text, "\n\r");
}

static void take_scopes(const struct jn *list, struct strv *readable, char **writable)
{
	for (size_t i = 0; i < jn_len(list) && i < SCOPES_MAX; i++) {
		const char *scope = jn_get_str(jn_at(list, i), "Scope");
		int64_t may = jn_int(jn_get(jn_at(list, i), "Permission"), 0);
		if (!is_scope(scope))
			continue;
		if (may & MAY_READ)
			strv_add(readable, scope);
		if (may & MAY_WRITE) { // the last one counts, as for BuildKit
			free(*writable);
			*writable = xstrdup(scope);
		}
	}
}

static void take_environment(struct strv *readable, char **writable)
{
	const char *ref = getenv("GITHUB_REF"), *base = getenv("GITHUB_BASE_REF");
	if (is_scope(ref)) {
		strv_add(readable, ref);
		*writable = xstrdup(ref);
	}
	if (is_scope(base))
		strv_addf(readable, "refs/heads/%s", base);
}

// The ref's own cache is the one that fits best.
static void put_first(struct strv *readable, const char *first)
{
	for (size_t i = 0; first && i < readable->n; i++)
		if (!strcmp(readable->v[i], first)) {
			char *own = readable->v[i];
			memmove(readable->v + 1, readable->v, i * sizeof(*readable->v));
			readable->v[0] = own;
			return;
		}
}

void token_scopes(const char *token, struct strv *ret_readable, char **ret_writable)
{
	auto_jdoc struct jdoc *claims = read_claims(token);
	const char *text = claims ? jn_get_str(jdoc_root(claims), "ac") : NULL;
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *ac = text ? jdoc_parse(text, strlen(text), &ignored) : NULL;
	if (ac)
		take_scopes(jdoc_root(ac), ret_readable, ret_writable);
	if (!ret_readable->n && !*ret_writable)
		take_environment(ret_readable, ret_writable);
	put_first(ret_readable, *ret_writable);
}
