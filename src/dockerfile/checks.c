// SPDX-License-Identifier: Apache-2.0
// BuildKit's build checks: their names, descriptions and links, and `check=...`, which silences
// them (as a directive for the file, as a comment for the instruction below it). After BuildKit's
// frontend/dockerfile/linter; a check that is found elsewhere is told to dockerfile_warn too.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

#include <stdarg.h>

#define URL(name) "https://docs.docker.com/go/dockerfile/rule/" name "/"

const struct check_rule check_rules[] = {
        {"StageNameCasing", "Stage names should be lowercase", URL("stage-name-casing"), false},
        {"FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword",
                URL("from-as-casing"), false},
        {"NoEmptyContinuation", "Empty continuation lines will become errors in a future release",
                URL("no-empty-continuation"), false},
        {"ConsistentInstructionCasing",
                "All commands within the Dockerfile should use the same casing (either upper or "
                "lower)",
                URL("consistent-instruction-casing"), false},
        {"DuplicateStageName", "Stage names should be unique", URL("duplicate-stage-name"), false},
        {"ReservedStageName", "Reserved words should not be used as stage names",
                URL("reserved-stage-name"), false},
        {"JSONArgsRecommended",
                "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior "
                "related to OS signals",
                URL("json-args-recommended"), false},
        {"MaintainerDeprecated",
                "The MAINTAINER instruction is deprecated, use a label instead to define an image "
                "author",
                URL("maintainer-deprecated"), false},
        {"UndefinedArgInFrom", "FROM command must use declared ARGs", URL("undefined-arg-in-from"),
                false},
        {"WorkdirRelativePath",
                "Relative workdir without an absolute workdir declared within the build can have "
                "unexpected results if the base image changes",
                URL("workdir-relative-path"), false},
        {"UndefinedVar", "Variables should be defined before their use", URL("undefined-var"),
                false},
        {"MultipleInstructionsDisallowed",
                "Multiple instructions of the same type should not be used in the same stage",
                URL("multiple-instructions-disallowed"), false},
        {"LegacyKeyValueFormat",
                "Legacy key/value format with whitespace separator should not be used",
                URL("legacy-key-value-format"), false},
        {"InvalidBaseImagePlatform", "Base image platform does not match expected target platform",
                NULL, false},
        {"RedundantTargetPlatform",
                "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is "
                "the default behavior",
                URL("redundant-target-platform"), false},
        {"SecretsUsedInArgOrEnv", "Sensitive data should not be used in the ARG or ENV commands",
                URL("secrets-used-in-arg-or-env"), false},
        {"InvalidDefaultArgInFrom",
                "Default value for global ARG results in an empty or invalid base image name",
                URL("invalid-default-arg-in-from"), false},
        {"FromPlatformFlagConstDisallowed", "FROM --platform flag should not use a constant value",
                URL("from-platform-flag-const-disallowed"), false},
        {"CopyIgnoredFile", "Attempting to Copy file that is excluded by .dockerignore",
                URL("copy-ignored-file"), false},
        {"InvalidDefinitionDescription",
                "Comment for build stage or argument should follow the format: `# <arg/stage name> "
                "<description>`. If this is not intended to be a description comment, add an empty "
                "line or comment between the instruction and the comment.",
                URL("invalid-definition-description"), true},
        {"ExposeProtoCasing", "Protocol in EXPOSE instruction should be lowercase",
                URL("expose-proto-casing"), false},
        {"ExposeInvalidFormat",
                "IP address and host-port mapping should not be used in EXPOSE instruction. This "
                "will become an error in a future release",
                URL("expose-invalid-format"), false},
};
const size_t n_check_rules = ARRAY_LEN(check_rules);

const struct check_rule *check_rule_find(const char *name)
{
	for (size_t i = 0; i < n_check_rules; i++)
		if (strcmp(check_rules[i].name, name) == 0)
			return &check_rules[i];
	return NULL;
}

static struct str cut(struct str *rest, char at)
{
	const char *p = memchr(rest->p, at, rest->n);
	struct str head = {rest->p, p ? (size_t)(p - rest->p) : rest->n};
	size_t skip = head.n + (p != NULL);
	*rest = (struct str){rest->p + skip, rest->n - skip};
	return head;
}

const char *const *rule_list(struct arena *a, struct str names)
{
	struct list l = {0};
	bool more = true;
	while (more) {
		more = memchr(names.p, ',', names.n) != NULL;
		struct str name = rune_trim(cut(&names, ','));
		list_add(a, &l, arena_strndup(a, name.p, name.n));
	}
	return list_end(a, &l);
}

static int bad_option(struct str part, struct err *e)
{
	auto_buf struct buf q = {0};
	quote_go(&q, part);
	return err_set(e, ERR_DOCKERFILE, "invalid check option %s", buf_cstr(&q));
}

static int set_error(struct str part, struct str value, struct check_config *ret, struct err *e)
{
	auto_free char *text = xstrndup(value.p, value.n);
	if (value_bool(text, &ret->error))
		return 0;
	auto_buf struct buf p = {0}, v = {0};
	quote_go(&p, part);
	quote_go(&v, value);
	return err_set(e, ERR_DOCKERFILE,
	        "failed to parse check option %s: strconv.ParseBool: parsing %s: invalid syntax",
	        buf_cstr(&p), buf_cstr(&v));
}

static int set_option(struct arena *a, struct str part, struct check_config *ret, struct err *e)
{
	struct str value = part;
	if (!memchr(part.p, '=', part.n))
		return bad_option(part, e);
	struct str key = rune_trim(cut(&value, '='));
	value = rune_trim(value);
	bool all = str_eq(value, "all");
	if (str_eq(key, "skip")) {
		ret->skip_all |= all;
		ret->skip = all ? ret->skip : rule_list(a, value);
	} else if (str_eq(key, "experimental")) {
		ret->experimental_all |= all;
		ret->experimental = all ? ret->experimental : rule_list(a, value);
	} else if (str_eq(key, "error")) {
		return set_error(part, value, ret, e);
	} else {
		return bad_option(key, e);
	}
	return 0;
}

// At most three parts: what follows the second semicolon is one.
int check_config_parse(struct arena *a, struct str text, struct check_config *ret, struct err *e)
{
	*ret = (struct check_config){0};
	text = rune_trim(text);
	for (int i = 0; text.n > 0 && i < 3; i++) {
		bool last = i == 2 || !memchr(text.p, ';', text.n);
		struct str part = last ? text : cut(&text, ';');
		if (set_option(a, part, ret, e) < 0)
			return -1;
		if (last)
			break;
	}
	return 0;
}

static bool names(const char *const *list, const char *rule)
{
	for (; list && *list; list++)
		if (strcmp(*list, rule) == 0)
			return true;
	return false;
}

static bool skips(const struct check_config *c, const char *rule)
{
	return c && (c->skip_all || names(c->skip, rule));
}

static bool enables(const struct check_config *c, const char *rule)
{
	return c && (c->experimental_all || names(c->experimental, rule));
}

bool check_is_on(const struct dockerfile *d, const struct instr *in, const char *rule)
{
	const struct check_rule *r = check_rule_find(rule);
	const struct check_config *here = in ? in->checks : NULL;
	if (r && r->experimental)
		return enables(&d->checks, rule) || enables(here, rule);
	return !skips(&d->checks, rule) && !skips(here, rule);
}

void dockerfile_warn(struct dockerfile *d, const struct instr *in, const char *rule, struct pos pos,
        const char *fmt, ...)
{
	if (!check_is_on(d, in, rule))
		return;
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (d->n_warnings == d->cap_warnings) {
		d->cap_warnings = d->cap_warnings ? d->cap_warnings * 2 : 8;
		struct warning *v = arena_alloc(&d->arena, d->cap_warnings * sizeof(*v));
		if (d->n_warnings > 0)
			memcpy(v, d->warnings, d->n_warnings * sizeof(*v));
		d->warnings = v;
	}
	d->warnings[d->n_warnings++] = (struct warning){.rule = rule,
	        .detail = arena_strndup(&d->arena, buf_cstr(&text), text.n),
	        .pos = pos};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int dockerfile_check_error(const struct dockerfile *d, struct err *e)
{
	if (!d->checks.error || d->n_warnings == 0)
		return 0;
	const char *found[64];
	size_t n = 0;
	for (size_t i = 0; i < d->n_warnings && n < ARRAY_LEN(found); i++) {
		size_t k = 0;
		while (k < n && strcmp(found[k], d->warnings[i].rule) != 0)
			k++;
		if (k == n)
			found[n++] = d->warnings[i].rule;
	}
	qsort(found, n, sizeof(*found), by_name);
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", found[i]);
	return err_set(e, ERR_DOCKERFILE, "lint violation found for rules: %s", buf_cstr(&text));
}
