// SPDX-License-Identifier: Apache-2.0
// Which findings count, and the words for what is asked.
#include "scan/filter.h"

#include "base/buf.h"
#include "base/err.h"
#include "scan/ignore-int.h"
#include <string.h>

// Trivy's words, which reports have, too.
static const struct {
	const char *word;
	unsigned statuses;
} words[] = {
        {"affected", 1 << ADVISORY_AFFECTED | 1 << ADVISORY_NO_DSA},
        {"fixed", 1 << ADVISORY_FIXED},
        {"will_not_fix", 1 << ADVISORY_IGNORED},
        {"fix_deferred", 1 << ADVISORY_POSTPONED},
        {"end_of_life", 1 << ADVISORY_END_OF_LIFE},
        {"under_investigation", 1 << ADVISORY_UNDETERMINED},
        {"not_affected", 0},
        {"unknown", 0},
};

const char *status_word(enum advisory_status s)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].statuses & 1u << s)
			return words[i].word;
	return "unknown";
}

// Each word between commas, without blanks around it.
static int each_word(const char *text, const char *what,
        bool (*take)(const char *word, unsigned *ret), unsigned *ret, struct err *e)
{
	auto_strv struct strv list = {0};
	unsigned got = 0;
	strv_split(&list, text, ',');
	for (size_t i = 0; i < list.n; i++) {
		char *word = list.v[i] + strspn(list.v[i], " \t");
		word[strcspn(word, " \t")] = '\0';
		if (!take(word, &got))
			return err_set(e, ERR_USAGE, "'%.60s' is no %s", word, what);
	}
	*ret = got;
	return 0;
}

static bool take_severity(const char *word, unsigned *ret)
{
	for (unsigned s = SEVERITY_UNKNOWN; s <= SEVERITY_CRITICAL; s++) {
		if (str_ieq(word, severity_name((enum severity)s))) {
			*ret |= 1u << s;
			return true;
		}
	}
	return false;
}

static bool take_status(const char *word, unsigned *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ieq(word, words[i].word)) {
			*ret |= words[i].statuses;
			return true;
		}
	}
	return false;
}

int severities_parse(const char *text, unsigned *ret, struct err *e)
{
	return each_word(text,
	        "severity: there are CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE and UNKNOWN",
	        take_severity, ret, e);
}

int statuses_parse(const char *text, unsigned *ret, struct err *e)
{
	return each_word(text,
	        "status: there are affected, fixed, will_not_fix, fix_deferred, end_of_life, "
	        "under_investigation, not_affected and unknown",
	        take_status, ret, e);
}

static bool is_of_distribution(const struct finding *f)
{
	enum package_type t = f->package->package->type;
	return t == PACKAGE_DEB || t == PACKAGE_APK || t == PACKAGE_RPM;
}

// What was asked for.
static const char *not_asked(struct scan *s, const struct scan_filter *o, const struct finding *f)
{
	if (o->no_os && is_of_distribution(f))
		return "packages of the distribution are left out";
	if (o->no_library && !is_of_distribution(f))
		return "packages of languages are left out";
	if (o->severities && !(o->severities & 1u << f->severity))
		return arena_printf(
		        &s->arena, "severity %s is left out", severity_name(f->severity));
	if (o->ignore_statuses & 1u << f->status)
		return arena_printf(&s->arena, "status %s is left out", status_word(f->status));
	return NULL;
}

// What nobody wants to see unasked.
static const char *of_no_concern(struct scan *s, const struct finding *f)
{
	int flags = f->package->package->flags;
	if (flags & PACKAGE_HEADERS)
		return "kernel headers: no kernel runs here";
	if (flags & PACKAGE_OWNED)
		return "a distribution's package owns it";
	if (f->severity == SEVERITY_NEGLIGIBLE && f->published && is_of_distribution(f))
		return arena_printf(&s->arena, "unimportant, says %s", f->ecosystem);
	return NULL;
}

void scan_filter(struct scan *s, const struct scan_filter *f)
{
	for (size_t i = 0; i < s->n; i++) {
		struct finding *x = &s->v[i];
		x->hidden = not_asked(s, f, x);
		if (!x->hidden && f->ignores)
			x->hidden = ignores_reason(f->ignores, x, f->today ? f->today : "");
		if (!x->hidden && !f->all)
			x->hidden = of_no_concern(s, x);
	}
}
