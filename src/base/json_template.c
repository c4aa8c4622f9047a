// SPDX-License-Identifier: Apache-2.0
// One pass over the template: what stands between braces is parsed each time it is met, a range
// runs its body once for each member of a list.
#include "base/json_template.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 16

struct template
{
	const struct jn *root;
	enum template_json json;
	struct buf *out; // NULL: parsed, not printed
	int depth;
	struct err *e;
};

// What an expression is: a node, or text.
struct value {
	const struct jn *node;
	char *text; // NULL: it is the node
};

static int bad(struct template *t, const char *what, const char *at, size_t n)
{
	return err_set(t->e, ERR_USAGE,
	        "format: %s at '%.*s' (there are {{.Path}}, {{json .Path}}, {{println .Path}}, "
	        "{{index .Path \"key\"}}, {{range .Path}}...{{end}})",
	        what, (int)(n < 40 ? n : 40), at);
}

// ---- paths

static const struct jn *member(const struct jn *o, const char *name)
{
	const struct jn *found = jn_get(o, name), *value;
	const char *key;
	for (size_t i = 0; !found && jn_is_object(o) && jn_member(o, i, &key, &value); i++)
		if (str_ieq(key, name))
			found = value;
	return found;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void skip_blanks(const char **p)
{
	while (isspace((unsigned char)**p))
		(*p)++;
}

static int path(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	const char *from = *p;
	const struct jn *n = dot;
	while (**p == '.') {
		size_t len = 0;
		while (is_name((*p)[1 + len]))
			len++;
		if (len == 0 && *p != from)
			return bad(t, "no name", from, strlen(from));
		auto_free char *name = xstrndup(*p + 1, len);
		if (len > 0 && n == t->root && !member(n, name))
			return err_set(t->e, ERR_USAGE, "format: there is no '.%s'", name);
		if (len > 0)
			n = member(n, name);
		*p += 1 + len;
	}
	*ret = (struct value){.node = n};
	return 0;
}

// ---- expressions

static int expression(struct template *t, const char **p, const struct jn *dot, struct value *ret);

static bool take_word(const char **p, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(*p, word, n) != 0 || is_name((*p)[n]))
		return false;
	*p += n;
	skip_blanks(p);
	return true;
}

static int operand(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	skip_blanks(p);
	if (**p == '.')
		return path(t, p, dot, ret);
	if (**p != '(' || t->depth >= DEPTH_MAX)
		return bad(t, "something unknown", *p, strlen(*p));
	(*p)++;
	t->depth++;
	int rc = expression(t, p, dot, ret);
	t->depth--;
	skip_blanks(p);
	if (rc == 0 && **p != ')')
		rc = bad(t, "a ')' is missing", *p, strlen(*p));
	if (rc)
		return -1;
	(*p)++;
	if (**p != '.' || ret->text)
		return 0;
	return path(t, p, ret->node, ret); // (index ...).Name
}

// A key of an object, or a place in a list. 1 taken, 0 there is none, -1.
static int take_key(struct template *t, const char **p, struct value *v)
{
	skip_blanks(p);
	if (isdigit((unsigned char)**p)) {
		char *end;
		unsigned long i = strtoul(*p, &end, 10);
		*p = end;
		v->node = jn_at(v->node, i);
		return 1;
	}
	if (**p != '"')
		return 0;
	const char *end = strchr(*p + 1, '"');
	if (!end)
		return bad(t, "a '\"' is missing", *p, strlen(*p));
	auto_free char *key = xstrndup(*p + 1, (size_t)(end - *p) - 1);
	v->node = jn_get(v->node, key);
	*p = end + 1;
	return 1;
}

static int index_of(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	if (operand(t, p, dot, ret))
		return -1;
	for (;;) {
		int rc = take_key(t, p, ret);
		if (rc <= 0)
			return rc;
	}
}

static int text_of(struct template *t, const struct value *v, struct buf *out)
{
	if (v->text) {
		buf_puts(out, v->text);
	} else if (jn_is_object(v->node)) {
		return err_set(t->e, ERR_USAGE,
		        "format: an object has no text of its own: write {{json .Path}}");
	} else if (jn_is_array(v->node)) {
		buf_putc(out, '[');
		for (size_t i = 0; i < jn_len(v->node); i++) {
			if (i)
				buf_putc(out, ' ');
			if (text_of(t, &(struct value){.node = jn_at(v->node, i)}, out))
				return -1;
		}
		buf_putc(out, ']');
	} else if (jn_is_string(v->node)) {
		buf_puts(out, jn_str(v->node));
	} else if (!jn_is_null(v->node)) {
		jn_dump(v->node, out);
	}
	return 0;
}

static int as_json(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	auto_buf struct buf out = {0};
	struct value v = {0};
	if (operand(t, p, dot, &v))
		return -1;
	if (v.text) // of a text: never met in what people write
		jw_quote(&out, v.text, false);
	else if (t->json == TEMPLATE_INDENTED)
		jn_dump_indented(v.node, &out);
	else
		jn_dump(v.node, &out);
	free(v.text);
	ret->text = buf_steal(&out);
	return 0;
}

static int as_line(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	auto_buf struct buf out = {0};
	struct value v = {0};
	skip_blanks(p);
	bool empty = **p != '.' && **p != '(';
	if (!empty && operand(t, p, dot, &v))
		return -1;
	int rc = empty ? 0 : text_of(t, &v, &out);
	free(v.text);
	if (rc)
		return -1;
	buf_putc(&out, '\n');
	ret->text = buf_steal(&out);
	return 0;
}

static int expression(struct template *t, const char **p, const struct jn *dot, struct value *ret)
{
	skip_blanks(p);
	if (take_word(p, "json"))
		return as_json(t, p, dot, ret);
	if (take_word(p, "println"))
		return as_line(t, p, dot, ret);
	if (take_word(p, "index"))
		return index_of(t, p, dot, ret);
	return operand(t, p, dot, ret);
}

// ---- text and actions

static int body(struct template *t, const char **p, const struct jn *dot, bool inside);

static int action_end(struct template *t, const char **p)
{
	skip_blanks(p);
	bool trim = (*p)[0] == '-' && (*p)[1] == '}';
	*p += trim;
	if (strncmp(*p, "}}", 2) != 0)
		return bad(t, "'}}' is expected", *p, strlen(*p));
	*p += 2;
	if (trim)
		skip_blanks(p);
	return 0;
}

// The body once for each member; once without printing if there is none, to find its end.
static int range(struct template *t, const char **p, const struct jn *dot)
{
	struct value v = {0};
	if (operand(t, p, dot, &v))
		return -1;
	bool is_list = !v.text;
	free(v.text);
	if (!is_list || (v.node && !jn_is_array(v.node) && !jn_is_null(v.node)))
		return bad(t, "no list", *p, strlen(*p));
	if (action_end(t, p))
		return -1;
	if (t->depth >= DEPTH_MAX)
		return bad(t, "too deep", *p, strlen(*p));
	t->depth++;
	const char *from = *p;
	struct buf *out = t->out;
	size_t n = out ? jn_len(v.node) : 0;
	int rc = 0;
	if (n == 0) {
		t->out = NULL;
		rc = body(t, p, NULL, true);
		t->out = out;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		*p = from;
		rc = body(t, p, jn_at(v.node, i), true);
	}
	t->depth--;
	return rc;
}

static int print(struct template *t, const char **p, const struct jn *dot)
{
	struct value v = {0};
	if (expression(t, p, dot, &v))
		return -1;
	int rc = t->out ? text_of(t, &v, t->out) : 0;
	free(v.text);
	return rc || action_end(t, p) ? -1 : 0;
}

// Up to the end of the text, or of the range that it is inside of.
static int body(struct template *t, const char **p, const struct jn *dot, bool inside)
{
	for (;;) {
		const char *open = strstr(*p, "{{");
		size_t n = open ? (size_t)(open - *p) : strlen(*p);
		bool trim = open && open[2] == '-' && isspace((unsigned char)open[3]);
		size_t shown = n;
		while (trim && shown > 0 && isspace((unsigned char)(*p)[shown - 1]))
			shown--;
		if (t->out)
			buf_add(t->out, *p, shown);
		*p += n;
		if (!open)
			return inside ? bad(t, "{{end}} is missing", "", 0) : 0;
		*p += trim ? 3 : 2;
		skip_blanks(p);
		if (inside && take_word(p, "end"))
			return action_end(t, p);
		if (take_word(p, "range") ? range(t, p, dot) : print(t, p, dot))
			return -1;
	}
}

int template_print(const char *text, const struct jn *root, enum template_json json,
        struct buf *out, struct err *e)
{
	struct template t = {.root = root, .json = json, .out = out, .e = e};
	return body(&t, &text, root, false);
}
