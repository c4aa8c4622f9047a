// SPDX-License-Identifier: Apache-2.0
#include "size/rules.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include <stdio.h>
#include <string.h>
#include <yaml.h>

static const struct {
	const char *name, *plain; // as .dive-ci has it, and as dive's own configuration has
} rules[] = {
        [RULE_LOWEST_EFFICIENCY] = {"lowestEfficiency", "lowest-efficiency-threshold"},
        [RULE_HIGHEST_WASTED_BYTES] = {"highestWastedBytes", "highest-wasted-bytes"},
        [RULE_HIGHEST_USER_WASTED] = {"highestUserWastedPercent", "highest-user-wasted-percent"},
};

const char *size_rule_name(enum size_rule_kind k)
{
	return rules[k].name;
}

struct size_rules size_rules_default(void)
{
	return (struct size_rules){.v = {
	                                   [RULE_LOWEST_EFFICIENCY] = {.on = true, .ratio = 0.9},
	                                   [RULE_HIGHEST_USER_WASTED] = {.on = true, .ratio = 0.1},
	                           }};
}

static bool is_off(const char *value)
{
	return !*value || str_ieq(value, "disabled") || str_ieq(value, "off") ||
	       str_ieq(value, "false");
}

static bool parse_ratio(const char *value, double *ret)
{
	char *end;
	if (strspn(value, "0123456789.eE+-") != strlen(value))
		return false;
	*ret = strtod(value, &end);
	return end > value && !*end && *ret >= 0 && *ret <= 1;
}

int size_rule_set(struct size_rules *r, enum size_rule_kind k, const char *value, struct err *e)
{
	struct size_rule rule = {.on = true};
	bool bytes = k == RULE_HIGHEST_WASTED_BYTES;
	if (is_off(value))
		rule.on = false;
	else if (!(bytes ? size_parse(value, &rule.bytes) : parse_ratio(value, &rule.ratio)))
		return err_set(e, ERR_USAGE, "invalid %s \"%.40s\": %s, or \"disabled\"",
		        rules[k].name, value,
		        bytes ? "bytes with a unit are expected, as 20MB"
		              : "a ratio between 0 and 1 is expected");
	r->v[k] = rule;
	return 0;
}

// ---- the file

struct reader {
	struct size_rules *rules;
	const char *name;
	yaml_document_t *doc;
	struct err *e;
};

static const char *text_of(const yaml_node_t *n)
{
	if (!n || n->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)n->data.scalar.value;
	return strlen(text) == n->data.scalar.length ? text : NULL;
}

static int refuse(const struct reader *r, const yaml_node_t *n, const char *what, const char *of)
{
	return err_set(r->e, ERR_USAGE, "%s:%zu: %s%.40s%s", r->name, n->start_mark.line + 1,
	        *of ? "'" : "", of, what);
}

static int read_rule(const struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
	const char *name = text_of(key), *text = text_of(value);
	size_t k = 0;
	if (!name)
		return refuse(r, key, "a name of a rule is wanted", "");
	while (k < SIZE_RULES && strcmp(name, rules[k].name) != 0 &&
	        strcmp(name, rules[k].plain) != 0)
		k++;
	if (k == SIZE_RULES)
		return refuse(r, key,
		        "' is no rule: lowestEfficiency, highestWastedBytes or "
		        "highestUserWastedPercent",
		        name);
	if (!text)
		return refuse(r, key, "' has no value", name);
	return size_rule_set(r->rules, (enum size_rule_kind)k, text, r->e)
	               ? err_wrap(r->e, "%s:%zu", r->name, value->start_mark.line + 1)
	               : 0;
}

// deep: below "rules".
static int read_mapping(const struct reader *r, const yaml_node_t *n, bool deep)
{
	if (n->type == YAML_SCALAR_NODE && n->data.scalar.length == 0)
		return 0; // "rules:" and nothing else
	if (n->type != YAML_MAPPING_NODE)
		return refuse(r, n, "rules and their values are wanted", "");
	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	        p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
		const yaml_node_t *value = yaml_document_get_node(r->doc, p->value);
		const char *name = text_of(key);
		int rc = !deep && name && !strcmp(name, "rules") ? read_mapping(r, value, true)
		                                                 : read_rule(r, key, value);
		if (rc)
			return -1;
	}
	return 0;
}

int size_rules_read(
        struct size_rules *r, const char *text, size_t n, const char *name, struct err *e)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct size_rules found = *r;
	if (n > SIZE_RULES_MAX)
		return err_set(e, ERR_USAGE, "%s: more than %u bytes", name, SIZE_RULES_MAX);
	if (!yaml_parser_initialize(&parser))
		return err_set(e, ERR_FAIL, "%s: no memory to read it", name);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	int rc = 0;
	if (!yaml_parser_load(&parser, &doc)) {
		rc = err_set(e, ERR_USAGE, "%s:%zu: %s", name, parser.problem_mark.line + 1,
		        parser.problem ? parser.problem : "no YAML");
	} else {
		const struct reader reader = {&found, name, &doc, e};
		const yaml_node_t *root = yaml_document_get_root_node(&doc);
		rc = root ? read_mapping(&reader, root, false) : 0;
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	if (!rc)
		*r = found;
	return rc;
}

// ---- judging. Comparisons as dive's: what is not a number breaks no rule.

bool size_rule_holds(const struct size_rules *r, enum size_rule_kind k,
        const struct dive_figures *f, char ret_why[static SIZE_RULE_TEXT])
{
	const struct size_rule *rule = &r->v[k];
	ret_why[0] = '\0';
	if (!rule->on)
		return true;
	switch (k) {
	case RULE_LOWEST_EFFICIENCY:
		if (!(rule->ratio > f->efficiency))
			return true;
		snprintf(ret_why, SIZE_RULE_TEXT,
		        "image efficiency is %.4g, and may not be below %g", f->efficiency,
		        rule->ratio);
		return false;
	case RULE_HIGHEST_WASTED_BYTES:
		if (f->wasted_bytes <= rule->bytes)
			return true;
		snprintf(ret_why, SIZE_RULE_TEXT,
		        "%llu bytes are wasted, and no more than %llu may be",
		        (unsigned long long)f->wasted_bytes, (unsigned long long)rule->bytes);
		return false;
	default:
		if (!(f->user_wasted > rule->ratio))
			return true;
		snprintf(ret_why, SIZE_RULE_TEXT,
		        "%.4g of what was added to the first layer is wasted, and no more than %g "
		        "may be",
		        f->user_wasted, rule->ratio);
		return false;
	}
}
