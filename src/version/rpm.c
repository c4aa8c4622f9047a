// SPDX-License-Identifier: Apache-2.0
// rpm-version(7): [epoch:]version[-release].
#include "version/version-int.h"

struct rpm_version {
	struct str epoch, version, release; // release.p NULL: there is none
};

static struct rpm_version split(const char *v)
{
	struct rpm_version r = {.epoch = STR("0")};
	const char *colon = strchr(v, ':'), *dash;
	if (colon) {
		if (colon > v)
			r.epoch = (struct str){v, (size_t)(colon - v)};
		v = colon + 1;
	}
	dash = strrchr(v, '-');
	r.version = (struct str){v, dash ? (size_t)(dash - v) : strlen(v)};
	if (dash)
		r.release = str_of(dash + 1);
	return r;
}

const char *rpm_flaw(const char *v)
{
	return split(v).version.n ? NULL : "it has no version before the release";
}

static bool counts(char c)
{
	return is_digit(c) || is_letter(c) || c == '~' || c == '^';
}

static struct str skip(struct str s, size_t n)
{
	return (struct str){s.p + n, s.n - n};
}

static struct str skip_separators(struct str s)
{
	while (s.n && !counts(*s.p))
		s = skip(s, 1);
	return s;
}

static struct str run_of(struct str s, bool digits)
{
	struct str run = {s.p, 0};
	while (run.n < s.n && (digits ? is_digit(s.p[run.n]) : is_letter(s.p[run.n])))
		run.n++;
	return run;
}

// Only one of them has a mark here: '~' is before everything, the end too; '^' is after the end,
// and before everything else.
static bool differ_by_mark(const struct str *a, const struct str *b, int *ret)
{
	bool at = a->n && *a->p == '~', bt = b->n && *b->p == '~';
	bool ac = a->n && *a->p == '^', bc = b->n && *b->p == '^';
	if (at != bt) {
		*ret = at ? -1 : 1;
		return true;
	}
	if (!at && ac != bc) {
		int order = (ac ? b : a)->n ? -1 : 1;
		*ret = ac ? order : -order;
		return true;
	}
	return false;
}

static int compare_part(struct str a, struct str b)
{
	while (a.n || b.n) {
		int order = 0;
		a = skip_separators(a);
		b = skip_separators(b);
		if (differ_by_mark(&a, &b, &order))
			return order;
		if (!a.n || !b.n)
			break;
		if (*a.p == '~' || *a.p == '^') {
			a = skip(a, 1);
			b = skip(b, 1);
			continue;
		}
		bool digits = is_digit(*a.p);
		struct str x = run_of(a, digits), y = run_of(b, digits);
		if (!y.n) // of a number and a word, the number is the newer
			return digits ? 1 : -1;
		order = digits ? compare_numbers(x, y) : compare_text(x, y);
		if (order)
			return order;
		a = skip(a, x.n);
		b = skip(b, y.n);
	}
	return order_of((long)a.n, (long)b.n);
}

int rpm_compare(const char *a, const char *b)
{
	struct rpm_version x = split(a), y = split(b);
	int order = compare_part(x.epoch, y.epoch);
	if (!order)
		order = compare_part(x.version, y.version);
	if (order)
		return order;
	if (!x.release.p || !y.release.p)
		return order_of(x.release.p != NULL, y.release.p != NULL);
	return compare_part(x.release, y.release);
}
