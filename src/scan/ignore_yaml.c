// SPDX-License-Identifier: Apache-2.0
// Trivy's .trivyignore.yaml and the ignore list of grype's configuration. A key that is not known
// here is refused: passed over, it would make the entry speak of more than was meant.
#include "scan/ignore-int.h"

#include "base/err.h"
#include <string.h>
#include <yaml.h>

#define TEXTS_MAX 1000000 // of all lists: aliases may repeat them

struct reader {
	struct ignores *ignores;
	const char *name;
	yaml_document_t *doc;
	size_t texts;
	struct err *e;
};

static yaml_node_t *node(struct reader *r, int index)
{
	return yaml_document_get_node(r->doc, index);
}

static size_t line_of(const yaml_node_t *n)
{
	return n->start_mark.line + 1;
}

static int refuse(struct reader *r, const yaml_node_t *n, const char *what)
{
	return err_set(r->e, ERR_USAGE, "%s:%zu: %s", r->name, line_of(n), what);
}

// NULL: not a text.
static const char *text_of(const yaml_node_t *n)
{
	if (!n || n->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)n->data.scalar.value;
	return strlen(text) == n->data.scalar.length ? text : NULL;
}

static const char *keep(struct reader *r, const char *text)
{
	return arena_strdup(&r->ignores->arena, text);
}

static int read_list(struct reader *r, yaml_node_t *n, const char *const **ret, size_t *ret_n)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return refuse(r, n, "a list of texts is wanted");
	size_t items = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	r->texts += items;
	if (r->texts > TEXTS_MAX)
		return refuse(r, n, "too many texts");
	const char **v = arena_alloc(&r->ignores->arena, (items + 1) * sizeof(*v));
	for (size_t i = 0; i < items; i++) {
		const char *text = text_of(node(r, n->data.sequence.items.start[i]));
		if (!text)
			return refuse(r, n, "a list of texts is wanted");
		v[i] = keep(r, text);
	}
	*ret = v;
	*ret_n = items;
	return 0;
}

static int read_text(struct reader *r, yaml_node_t *n, const char **ret)
{
	const char *text = text_of(n);
	if (!text)
		return refuse(r, n, "a text is wanted");
	*ret = *text ? keep(r, text) : NULL;
	return 0;
}

static int read_id(struct reader *r, yaml_node_t *n, struct ignore_rule *rule)
{
	const char **id = arena_alloc(&r->ignores->arena, sizeof(*id));
	if (read_text(r, n, id))
		return -1;
	rule->ids = id;
	rule->n_ids = *id != NULL;
	return 0;
}

// --- mappings ----------------------------------------------------------------------------------

typedef int read_key(struct reader *r, const char *key, yaml_node_t *value, void *arg);

static int each_key(struct reader *r, yaml_node_t *n, read_key *read, void *arg)
{
	if (n->type != YAML_MAPPING_NODE)
		return refuse(r, n, "keys and values are wanted");
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	        p++) {
		const char *key = text_of(node(r, p->key));
		if (!key)
			return refuse(r, n, "a key that is no text");
		if (read(r, key, node(r, p->value), arg))
			return -1;
	}
	return 0;
}

static int unknown_key(struct reader *r, const char *key, const yaml_node_t *at)
{
	return err_set(
	        r->e, ERR_USAGE, "%s:%zu: '%.40s' is not understood", r->name, line_of(at), key);
}

static int trivy_key(struct reader *r, const char *key, yaml_node_t *value, void *arg)
{
	struct ignore_rule *rule = arg;
	const char *date = NULL;
	if (!strcmp(key, "id"))
		return read_id(r, value, rule);
	if (!strcmp(key, "paths"))
		return read_list(r, value, &rule->paths, &rule->n_paths);
	if (!strcmp(key, "purls"))
		return read_list(r, value, &rule->purls, &rule->n_purls);
	if (!strcmp(key, "statement"))
		return 0;
	if (strcmp(key, "expired_at") != 0)
		return unknown_key(r, key, value);
	if (read_text(r, value, &date))
		return -1;
	return date && !ignore_date(date, rule->until)
	               ? refuse(r, value, "expired_at is no day: YYYY-MM-DD")
	               : 0;
}

static int grype_package_key(struct reader *r, const char *key, yaml_node_t *value, void *arg)
{
	struct ignore_rule *rule = arg;
	if (!strcmp(key, "name"))
		return read_text(r, value, &rule->name);
	if (!strcmp(key, "version"))
		return read_text(r, value, &rule->version);
	if (!strcmp(key, "type"))
		return read_text(r, value, &rule->type);
	if (strcmp(key, "location") != 0)
		return unknown_key(r, key, value);
	const char **path = arena_alloc(&r->ignores->arena, sizeof(*path));
	if (read_text(r, value, path))
		return -1;
	rule->paths = path;
	rule->n_paths = *path != NULL;
	return 0;
}

static int grype_key(struct reader *r, const char *key, yaml_node_t *value, void *arg)
{
	struct ignore_rule *rule = arg;
	if (!strcmp(key, "vulnerability"))
		return read_id(r, value, rule);
	if (!strcmp(key, "fix-state"))
		return read_text(r, value, &rule->fix_state);
	if (!strcmp(key, "package"))
		return each_key(r, value, grype_package_key, rule);
	if (!strcmp(key, "reason") || !strcmp(key, "include-aliases"))
		return 0;
	return unknown_key(r, key, value);
}

// --- documents ---------------------------------------------------------------------------------

static bool says_something(const struct ignore_rule *r)
{
	return r->n_ids || r->n_paths || r->n_purls || r->name || r->version || r->type ||
	       r->fix_state;
}

static int read_entries(struct reader *r, yaml_node_t *list, read_key *read, bool id_needed)
{
	if (text_of(list) && !*text_of(list))
		return 0; // "vulnerabilities:" and nothing
	if (list->type != YAML_SEQUENCE_NODE)
		return refuse(r, list, "a list is wanted");
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	        i < list->data.sequence.items.top; i++) {
		struct ignore_rule rule = {0};
		yaml_node_t *entry = node(r, *i);
		if (each_key(r, entry, read, &rule))
			return -1;
		if (id_needed ? !rule.n_ids : !says_something(&rule))
			return refuse(r, entry, "an entry that does not say what is ignored");
		rule.reason = arena_printf(
		        &r->ignores->arena, "ignored by %s line %zu", r->name, line_of(entry));
		if (ignore_add(r->ignores, &rule, r->name, r->e))
			return -1;
	}
	return 0;
}

// Of other sections nothing concerns packages.
static int section(struct reader *r, const char *key, yaml_node_t *value, void *arg)
{
	if (!strcmp(key, "vulnerabilities"))
		return read_entries(r, value, trivy_key, true);
	if (!strcmp(key, "ignore"))
		return read_entries(r, value, grype_key, false);
	return 0;
}

static int read_document(struct reader *r)
{
	yaml_node_t *root = yaml_document_get_root_node(r->doc);
	return root ? each_key(r, root, section, NULL) : 0;
}

int ignore_read_yaml(struct ignores *i, const char *name, const char *text, size_t n, struct err *e)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	if (!yaml_parser_initialize(&parser))
		return err_set(e, ERR_FAIL, "%s: out of memory", name);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	if (!yaml_parser_load(&parser, &doc)) {
		err_set(e, ERR_USAGE, "%s:%zu: %s", name, parser.problem_mark.line + 1,
		        parser.problem ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		return -1;
	}
	struct reader r = {.ignores = i, .name = name, .doc = &doc, .e = e};
	int rc = read_document(&r);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return rc;
}
