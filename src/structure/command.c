// SPDX-License-Identifier: Apache-2.0
// Tests of commands, but for running them: what they get, and what is said of what they did.
#include "structure/structure.h"

#include "base/err.h"
#include "structure/pattern.h"
#include <string.h>

#define EXPANDED_MAX (1u << 20) // of one text
#define SHOWN_MAX 200

static bool is_name_char(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

// The name behind a "$", with or without braces; how many bytes it all takes, 0: it is none.
static size_t name_at(const char *p, struct str *ret)
{
	bool braces = p[1] == '{';
	const char *name = p + 1 + braces, *end = name;
	while (is_name_char(*end, end == name))
		end++;
	if (end == name || (braces && *end != '}'))
		return 0;
	*ret = (struct str){name, (size_t)(end - name)};
	return (size_t)(end - p) + braces;
}

// container-structure-test makes nothing of a name that the image does not know, and of $1 and $$;
// a script that is handed to a shell loses its own variables that way. (Issues 98 and 484 there.)
void structure_expand(const char *text, const struct strv *env, struct buf *ret)
{
	while (*text && ret->n < EXPANDED_MAX) {
		struct str name;
		size_t n = *text == '$' ? name_at(text, &name) : 0;
		auto_free char *key = n ? xstrndup(name.p, name.n) : NULL;
		const char *value = key ? strv_env_get(env, key) : NULL;
		if (value)
			buf_puts(ret, value);
		else
			buf_add(ret, text, n ? n : 1);
		text += n ? n : 1;
	}
}

// As a shell would set it: what is not known is empty, so that A=$A:b ends.
static int set_variable(const struct test_pair *v, struct strv *env, struct err *e)
{
	auto_buf struct buf value = {0};
	for (const char *p = v->value; *p;) {
		struct str name;
		size_t n = *p == '$' ? name_at(p, &name) : 0;
		auto_free char *key = n ? xstrndup(name.p, name.n) : NULL;
		const char *known = key ? strv_env_get(env, key) : NULL;
		if (!n)
			buf_putc(&value, *p);
		else
			buf_puts(&value, known ? known : "");
		p += n ? n : 1;
		if (value.n > EXPANDED_MAX)
			return err_set(e, ERR_USAGE, "the variable %.80s has more than %u bytes",
			        v->key, EXPANDED_MAX);
	}
	strv_env_set(env, v->key, buf_cstr(&value));
	return 0;
}

int command_environment(const struct structure *s, const struct command_test *t,
        const struct strv *image, struct strv *ret, struct err *e)
{
	strv_copy(ret, image);
	for (size_t i = 0; i < s->env.n; i++)
		if (set_variable(&s->env.v[i], ret, e))
			return -1;
	for (size_t i = 0; t && i < t->env.n; i++)
		if (set_variable(&t->env.v[i], ret, e))
			return -1;
	return 0;
}

// where: "output", "error"
static void judge_stream(const struct patterns *want, const struct patterns * not,
        const char *where, const struct buf *text, struct test_result *r)
{
	struct err e = ERR_INIT;
	for (size_t i = 0; i < want->n; i++) {
		int found = pattern_find(want->v[i], text->p, text->n, &e);
		if (found < 0)
			test_result_fail(r, "%s: %s", where, e.msg);
		if (!found)
			test_result_fail(r, "Expected string '%s' not found in %s '%.*s'%s",
			        want->v[i]->text, where,
			        text->n < SHOWN_MAX ? (int)text->n : SHOWN_MAX,
			        text->n ? text->p : "", text->n > SHOWN_MAX ? "..." : "");
	}
	for (size_t i = 0; i < not ->n; i++) {
		int found = pattern_find(not ->v[i], text->p, text->n, &e);
		if (found < 0)
			test_result_fail(r, "%s: %s", where, e.msg);
		if (found > 0)
			test_result_fail(
			        r, "Excluded string '%s' found in %s", not ->v[i]->text, where);
	}
}

void command_judge(const struct command_test *t, int status, struct test_result *r)
{
	judge_stream(&t->error, &t->no_error, "error", &r->err, r);
	judge_stream(&t->output, &t->no_output, "output", &r->out, r);
	if (status != (int)t->exit_code)
		test_result_fail(r,
		        "Test '%s' exited with incorrect error code. Expected: %d, Actual: %d",
		        t->name, (int)t->exit_code, status);
}
