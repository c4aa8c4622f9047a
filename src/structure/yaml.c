// SPDX-License-Identifier: Apache-2.0
// The reader behind the tables. libyaml keeps an alias as another reference to the same node, so a
// small document can be a large tree or one without an end: texts are counted as they are read, and
// the tables are only so deep.
#include "structure/yaml-int.h"

#include "base/err.h"
#include "structure/pattern.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define VALUES_MAX 200000 // of one file, aliases counted as often as they are used
#define PATTERNS_MAX 10000
#define KEYS_MAX 64   // of one mapping; no table has as many
#define MERGE_DEPTH 8 // "<<" inside "<<"

struct yaml_reader {
	struct structure *s;
	yaml_document_t *doc;
	size_t values;
	struct err *e;
};

int yaml_refuse(struct yaml_reader *r, size_t line, const char *fmt, ...)
{
	char what[800];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(r->e, ERR_USAGE, "%s:%zu: %s", r->s->file, line, what);
}

static yaml_node_t *node(struct yaml_reader *r, int index)
{
	return yaml_document_get_node(r->doc, index);
}

static size_t line_of(const yaml_node_t *n)
{
	return n->start_mark.line + 1;
}

// NULL: not a text.
static const char *text_of(const yaml_node_t *n)
{
	if (!n || n->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)n->data.scalar.value;
	return strlen(text) == n->data.scalar.length ? text : NULL;
}

static bool is_plain(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

static bool is_null(const yaml_node_t *n)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
	return is_plain(n) && is_one_of((const char *)n->data.scalar.value, words);
}

static int count(struct yaml_reader *r, const yaml_node_t *at, size_t more)
{
	r->values += more;
	return r->values > VALUES_MAX ? yaml_refuse(r, line_of(at), "too many values in one file")
	                              : 0;
}

// ---- values

static int read_text(struct yaml_reader *r, const char *key, yaml_node_t *n, const char **ret)
{
	const char *text = text_of(n);
	if (!text)
		return yaml_refuse(r, line_of(n), "%s: a text is wanted", key);
	*ret = arena_strdup(&r->s->arena, text);
	return count(r, n, 1);
}

static int read_bool(struct yaml_reader *r, const char *key, yaml_node_t *n, bool *ret)
{
	static const char *const yes[] = {
	        "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", NULL};
	static const char *const no[] = {
	        "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N", NULL};
	const char *text = text_of(n);
	*ret = text && is_plain(n) && is_one_of(text, yes);
	if (*ret || (text && is_plain(n) && is_one_of(text, no)))
		return 0;
	return yaml_refuse(r, line_of(n), "%s: true or false is wanted", key);
}

static int read_int(struct yaml_reader *r, const char *key, yaml_node_t *n, int64_t *ret)
{
	const char *text = text_of(n);
	char *end = NULL;
	errno = 0;
	long long v = text && *text ? strtoll(text, &end, 0) : 0;
	if (!end || *end || errno || v < INT32_MIN || v > UINT32_MAX)
		return yaml_refuse(r, line_of(n), "%s: a number is wanted", key);
	*ret = v;
	return 0;
}

// Members of a sequence; -1: it is none.
static int64_t members(
        struct yaml_reader *r, const char *key, const yaml_node_t *n, const char *what)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return yaml_refuse(r, line_of(n), "%s: a list%s is wanted", key, what);
	int64_t all = n->data.sequence.items.top - n->data.sequence.items.start;
	return count(r, n, (size_t)all) ? -1 : all;
}

static yaml_node_t *member(struct yaml_reader *r, const yaml_node_t *n, int64_t i)
{
	return node(r, n->data.sequence.items.start[i]);
}

static int read_texts(struct yaml_reader *r, const char *key, yaml_node_t *n, struct texts *ret)
{
	int64_t all = members(r, key, n, " of texts");
	if (all < 0)
		return -1;
	*ret = (struct texts){
	        arena_alloc(&r->s->arena, ((size_t)all + 1) * sizeof(*ret->v)), 0, true};
	for (; ret->n < (size_t)all; ret->n++)
		if (read_text(r, key, member(r, n, (int64_t)ret->n), &ret->v[ret->n]))
			return -1;
	return 0;
}

struct pattern *yaml_pattern(struct yaml_reader *r, const char *text, size_t line)
{
	struct structure *s = r->s;
	struct err why = ERR_INIT;
	if (s->n_patterns == PATTERNS_MAX) {
		yaml_refuse(r, line, "more than %d regular expressions in one file", PATTERNS_MAX);
		return NULL;
	}
	struct pattern *p = arena_alloc(&s->arena, sizeof(*p));
	if (pattern_compile(text, p, &why)) {
		yaml_refuse(r, line, "%s", why.msg);
		return NULL;
	}
	s->patterns = xreallocarray(s->patterns, s->n_patterns + 1, sizeof(struct pattern *));
	s->patterns[s->n_patterns++] = p;
	return p;
}

static int read_patterns(
        struct yaml_reader *r, const char *key, yaml_node_t *n, struct patterns *ret)
{
	int64_t all = members(r, key, n, " of regular expressions");
	if (all < 0)
		return -1;
	ret->v = arena_alloc(&r->s->arena, ((size_t)all + 1) * sizeof(*ret->v));
	for (ret->n = 0; ret->n < (size_t)all; ret->n++) {
		yaml_node_t *at = member(r, n, (int64_t)ret->n);
		const char *text = "";
		if (read_text(r, key, at, &text) ||
		        !(ret->v[ret->n] = yaml_pattern(r, text, line_of(at))))
			return -1;
	}
	return 0;
}

static int read_commands(
        struct yaml_reader *r, const char *key, yaml_node_t *n, struct commands *ret)
{
	int64_t all = members(r, key, n, " of commands");
	if (all < 0)
		return -1;
	ret->v = arena_alloc(&r->s->arena, ((size_t)all + 1) * sizeof(*ret->v));
	for (ret->n = 0; ret->n < (size_t)all; ret->n++) {
		yaml_node_t *at = member(r, n, (int64_t)ret->n);
		if (read_texts(r, key, at, &ret->v[ret->n]))
			return -1;
		if (!ret->v[ret->n].n)
			return yaml_refuse(r, line_of(at), "%s: a command without a word", key);
	}
	return 0;
}

// ---- mappings

static int read_object(struct yaml_reader *r, const char *key, yaml_node_t *n,
        const struct yaml_object *o, void *ret);

static int read_objects(struct yaml_reader *r, const struct yaml_field *f, yaml_node_t *n, char *to)
{
	int64_t all = members(r, f->key, n, "");
	if (all < 0)
		return -1;
	char *v = arena_alloc(&r->s->arena, ((size_t)all + 1) * f->each->size);
	size_t done = (size_t)all;
	for (size_t i = 0; i < done; i++)
		if (read_object(
		            r, f->key, member(r, n, (int64_t)i), f->each, v + i * f->each->size))
			return -1;
	memcpy(to + f->offset, &v, sizeof(v));
	memcpy(to + f->n_offset, &done, sizeof(done));
	return 0;
}

// "key:" with nothing behind it says nothing.
static int read_field(struct yaml_reader *r, const struct yaml_field *f, yaml_node_t *n, char *to)
{
	void *at = to + f->offset;
	if (is_null(n))
		return 0;
	switch (f->kind) {
	case FIELD_TEXT:
		return read_text(r, f->key, n, at);
	case FIELD_BOOL:
		return read_bool(r, f->key, n, at);
	case FIELD_INT:
		return read_int(r, f->key, n, at);
	case FIELD_TEXTS:
		return read_texts(r, f->key, n, at);
	case FIELD_PATTERNS:
		return read_patterns(r, f->key, n, at);
	case FIELD_COMMANDS:
		return read_commands(r, f->key, n, at);
	case FIELD_OBJECT:
		return read_object(r, f->key, n, f->each, at);
	case FIELD_OBJECTS:
		return read_objects(r, f, n, to);
	}
	return yaml_refuse(r, line_of(n), "%s: unknown kind of value", f->key);
}

static const struct yaml_field *field_of(const struct yaml_field *all, const char *key)
{
	for (; all->key; all++)
		if (!strcmp(all->key, key))
			return all;
	return NULL;
}

static int unknown_key(
        struct yaml_reader *r, const struct yaml_field *all, const yaml_node_t *at, const char *key)
{
	const char *names[KEYS_MAX];
	size_t n = 0;
	for (; all[n].key && n < KEYS_MAX; n++)
		names[n] = all[n].key;
	const char *near = str_nearest(key, names, n);
	return yaml_refuse(r, line_of(at), "'%.80s' is no key here%s%s%s", key,
	        near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

// Which keys of a mapping, and of those it merges, have been read: the first counts.
struct mapping {
	const struct yaml_object *o;
	const struct yaml_field *seen[KEYS_MAX];
	size_t n;
	char *to;
};

static bool was_read(const struct mapping *m, const struct yaml_field *f, size_t from)
{
	for (size_t i = from; i < m->n; i++)
		if (m->seen[i]->offset == f->offset) // or an older name of it
			return true;
	return false;
}

// own: of this mapping; what is merged into it does not override.
static int read_pair(struct yaml_reader *r, struct mapping *m, yaml_node_pair_t *p, size_t from)
{
	yaml_node_t *name = node(r, p->key);
	const char *key = text_of(name);
	if (!key)
		return yaml_refuse(r, line_of(name), "a key that is no text");
	const struct yaml_field *f = field_of(m->o->fields, key);
	if (!f && m->o->loose)
		return 0;
	if (!f)
		return unknown_key(r, m->o->fields, name, key);
	if (was_read(m, f, from))
		return yaml_refuse(r, line_of(name), "%s: given twice", key);
	if (was_read(m, f, 0) || m->n == KEYS_MAX)
		return 0;
	m->seen[m->n++] = f;
	return read_field(r, f, node(r, p->value), m->to);
}

static bool is_merge(struct yaml_reader *r, const yaml_node_pair_t *p)
{
	const yaml_node_t *key = node(r, p->key);
	return key && is_plain(key) && !strcmp((const char *)key->data.scalar.value, "<<");
}

// What is merged into a mapping is read when its own keys are.
static int read_mapping(
        struct yaml_reader *r, const char *key, yaml_node_t *n, struct mapping *m, int depth)
{
	size_t from = m->n;
	if (n->type == YAML_SEQUENCE_NODE && depth > 0) {
		int64_t all = members(r, key, n, "");
		for (int64_t i = 0; i < all; i++)
			if (read_mapping(r, key, member(r, n, i), m, depth + 1))
				return -1;
		return all < 0 ? -1 : 0;
	}
	if (n->type != YAML_MAPPING_NODE)
		return yaml_refuse(r, line_of(n), "%s: keys and values are wanted", key);
	if (depth > MERGE_DEPTH)
		return yaml_refuse(r, line_of(n), "%s: '<<' too deep", key);
	yaml_node_pair_t *start = n->data.mapping.pairs.start, *top = n->data.mapping.pairs.top;
	if (count(r, n, (size_t)(top - start)))
		return -1;
	for (yaml_node_pair_t *p = start; p < top; p++)
		if (!is_merge(r, p) && read_pair(r, m, p, from))
			return -1;
	for (yaml_node_pair_t *p = start; p < top; p++)
		if (is_merge(r, p) && read_mapping(r, key, node(r, p->value), m, depth + 1))
			return -1;
	return 0;
}

static int read_object(struct yaml_reader *r, const char *key, yaml_node_t *n,
        const struct yaml_object *o, void *ret)
{
	struct mapping m = {.o = o, .to = ret};
	if (o->begin)
		o->begin(ret);
	if (read_mapping(r, key, n, &m, 0))
		return -1;
	return o->check ? o->check(r, ret, line_of(n)) : 0;
}

// ---- documents

static int refuse_syntax(struct yaml_reader *r, const yaml_parser_t *parser)
{
	return yaml_refuse(r, parser->problem_mark.line + 1, "%s",
	        parser->problem ? parser->problem : "neither YAML nor JSON");
}

// Tests in a second document would be tests that never run.
static int is_alone(struct yaml_reader *r, yaml_parser_t *parser)
{
	yaml_document_t more;
	if (!yaml_parser_load(parser, &more))
		return refuse_syntax(r, parser);
	const yaml_node_t *root = yaml_document_get_root_node(&more);
	int rc = root && !is_null(root)
	                 ? yaml_refuse(r, line_of(root), "a second document in one file")
	                 : 0;
	yaml_document_delete(&more);
	return rc;
}

static int read_document(
        struct yaml_reader *r, yaml_parser_t *parser, const struct yaml_object *root)
{
	yaml_node_t *top = yaml_document_get_root_node(r->doc);
	if (!top || is_null(top))
		return yaml_refuse(r, 1, "the file is empty");
	return read_object(r, "the file", top, root, r->s) ? -1 : is_alone(r, parser);
}

int yaml_read(struct structure *s, const char *text, size_t n, const struct yaml_object *root,
        struct err *e)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	auto_buf struct buf joined = {0};
	struct yaml_reader r = {.s = s, .doc = &doc, .e = e};
	if (!yaml_parser_initialize(&parser))
		return err_set(e, ERR_FAIL, "%s: out of memory", s->file);
	yaml_join_surrogates(text, n, &joined);
	yaml_parser_set_input_string(&parser, (const unsigned char *)buf_cstr(&joined), joined.n);
	int rc = -1;
	if (!yaml_parser_load(&parser, &doc)) {
		refuse_syntax(&r, &parser);
	} else {
		rc = read_document(&r, &parser, root);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return rc;
}
