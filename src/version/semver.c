// SPDX-License-Identifier: Apache-2.0
// semver.org 2.0.0, with what npm's "loose" mode takes: a leading v, missing or more numbers, a
// prerelease without its hyphen.
#include "version/version-int.h"

// In front of the first number.
static const char *start_of(const char *v)
{
	return v + (*v == 'v' || *v == 'V' || *v == '=');
}

const char *semver_flaw(const char *v)
{
	v = start_of(v);
	if (!is_digit(*v))
		return "it does not begin with a number";
	return v[strspn(v, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-+_~")]
	               ? "it may have letters, digits, and . - + _ ~ only"
	               : NULL;
}

static int compare_identifiers(struct str a, struct str b)
{
	bool x = all_digits(a), y = all_digits(b);
	if (x != y)
		return x ? -1 : 1;
	return x ? compare_numbers(a, b) : compare_text(a, b);
}

static struct str identifier(struct str *rest)
{
	const char *dot = memchr(rest->p, '.', rest->n);
	struct str got = {rest->p, dot ? (size_t)(dot - rest->p) : rest->n};
	size_t used = got.n + (dot != NULL);
	*rest = (struct str){rest->p + used, rest->n - used};
	return got;
}

// Without one is after any; otherwise identifier by identifier, fewer first.
static int compare_prereleases(struct str a, struct str b)
{
	if (!a.n || !b.n)
		return order_of(!a.n, !b.n);
	while (a.n && b.n) {
		int order = compare_identifiers(identifier(&a), identifier(&b));
		if (order)
			return order;
	}
	return order_of((long)a.n, (long)b.n);
}

static struct str next_number(const char **v)
{
	struct str got = take_digits(v);
	if (**v == '.' && is_digit((*v)[1]))
		++*v;
	return got;
}

static struct str prerelease_at(const char *v)
{
	v += *v == '-' || *v == '.';
	return (struct str){v, strcspn(v, "+")};
}

int semver_compare(const char *a, const char *b)
{
	a = start_of(a);
	b = start_of(b);
	while (is_digit(*a) || is_digit(*b)) {
		int order = compare_numbers(next_number(&a), next_number(&b));
		if (order)
			return order;
	}
	return compare_prereleases(prerelease_at(a), prerelease_at(b));
}
