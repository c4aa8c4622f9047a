// SPDX-License-Identifier: Apache-2.0
#include "structure/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include <pcre2.h>
#include <string.h>

#define PATTERN_MAX 65536
#define STEPS_MAX 10000000 // PCRE2's own default; of each place where a match could begin
#define SEARCH_NS INT64_C(30000000000)
#define HEAP_KIB (64 << 10)

void pattern_release(struct pattern *p)
{
	pcre2_code_free(p->code);
	free(p->text);
	*p = (struct pattern){0};
}

static pcre2_code *compile(const char *text, int *ret_code, PCRE2_SIZE *ret_at)
{
	static const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY |
	                                PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C |
	                                PCRE2_NO_AUTO_CAPTURE | PCRE2_AUTO_CALLOUT;
	pcre2_compile_context *how = pcre2_compile_context_create(NULL);
	if (!how)
		return NULL;
	pcre2_set_newline(how, PCRE2_NEWLINE_LF);
	pcre2_code *code = pcre2_compile(
	        (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, ret_code, ret_at, how);
	pcre2_compile_context_free(how);
	return code;
}

int pattern_compile(const char *text, struct pattern *ret, struct err *e)
{
	int code = PCRE2_ERROR_NOMEMORY;
	PCRE2_SIZE at = 0;
	char why[256] = "";
	if (strlen(text) > PATTERN_MAX)
		return err_set(
		        e, ERR_USAGE, "a regular expression of more than %d bytes", PATTERN_MAX);
	ret->code = compile(text, &code, &at);
	if (!ret->code) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return err_set(e, ERR_USAGE, "the regular expression '%.200s': %s (at byte %zu)",
		        text, why, at);
	}
	ret->text = xstrdup(text);
	return 0;
}

// Asked between the parts of a pattern: STEPS_MAX alone would let a search over a large text take
// days. One part may take as long as it takes to read the text, so it cannot be asked seldom.
struct patience {
	int64_t until;
	unsigned asked;
};

static int go_on(pcre2_callout_block *at, void *arg)
{
	struct patience *p = arg;
	if (++p->asked % 64)
		return 0;
	return cancel_requested() || clock_ns() > p->until ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int search(const struct pattern *p, const char *text, size_t n, pcre2_match_context *how)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (!how || !data) {
		pcre2_match_data_free(data);
		return PCRE2_ERROR_NOMEMORY;
	}
	struct patience patience = {.until = clock_ns() + SEARCH_NS};
	pcre2_set_callout(how, go_on, &patience);
	pcre2_set_match_limit(how, STEPS_MAX);
	pcre2_set_heap_limit(how, HEAP_KIB);
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, n, 0, 0, data, how);
	pcre2_match_data_free(data);
	return rc;
}

int pattern_find(const struct pattern *p, const char *text, size_t n, struct err *e)
{
	char why[256] = "";
	pcre2_match_context *how = pcre2_match_context_create(NULL);
	int rc = search(p, text ? text : "", n, how);
	pcre2_match_context_free(how);
	if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
		return rc >= 0;
	pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof(why));
	return err_set(e, ERR_FAIL, "the search for '%.200s' was given up: %s", p->text, why);
}
