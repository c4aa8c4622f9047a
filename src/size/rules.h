// SPDX-License-Identifier: Apache-2.0
// The rules that dive holds an image to in CI (its file .dive-ci): parsed and judged as dive does.
#pragma once

#include "size/weigh.h"

struct err;

enum size_rule_kind {
	RULE_LOWEST_EFFICIENCY,
	RULE_HIGHEST_WASTED_BYTES,
	RULE_HIGHEST_USER_WASTED,
	SIZE_RULES
};
struct size_rule {
	bool on;
	double ratio;   // 0..1, but for
	uint64_t bytes; // RULE_HIGHEST_WASTED_BYTES
};
struct size_rules {
	struct size_rule v[SIZE_RULES];
};
const char *size_rule_name(enum size_rule_kind k); // "lowestEfficiency"
// dive's: efficiency 0.9, any number of wasted bytes, a tenth of what was added to the base.
struct size_rules size_rules_default(void);
// As dive takes it: a ratio, or bytes with a unit; "", disabled, off, false: the rule is off.
// ERR_USAGE.
int size_rule_set(struct size_rules *r, enum size_rule_kind k, const char *value, struct err *e);
// YAML: the rules by name, below "rules" or alone. What it does not say stays. name: for messages.
#define SIZE_RULES_MAX (64u << 10)
int size_rules_read(
        struct size_rules *r, const char *text, size_t n, const char *name, struct err *e);

#define SIZE_RULE_TEXT 160
// True: the image passes, or the rule is off. Why it does not, else.
bool size_rule_holds(const struct size_rules *r, enum size_rule_kind k,
        const struct dive_figures *f, char ret_why[static SIZE_RULE_TEXT]);
