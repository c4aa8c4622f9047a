// SPDX-License-Identifier: Apache-2.0
// The order of setuptools before PEP 440, for what does not follow it: runs of digits, of letters,
// of the rest. Words are before numbers, and the word "final" is at the end and wherever a hyphen
// is.
#include "version/version-int.h"

struct row {
	struct str v[VERSION_TEXT_MAX + 1];
	size_t n;
};

static bool is_zero(struct str s)
{
	return all_digits(s) && !compare_numbers(s, (struct str){0});
}

static int kind_of(char c)
{
	if (is_digit(c) || is_letter(c))
		return is_digit(c) ? 1 : 2;
	return c == '.' || c == '-' ? 3 : 0;
}

static struct str next(const char **p)
{
	static const struct {
		const char *name;
		struct str means;
	} words[] = {{"pre", {"c", 1}}, {"preview", {"c", 1}}, {"rc", {"c", 1}}, {"dev", {"@", 1}},
	        {"-", {"final-", 6}}};
	struct str got = {*p, 1};
	int kind = kind_of(*got.p);
	while (kind != 3 && got.p[got.n] && kind_of(got.p[got.n]) == kind)
		got.n++;
	*p += got.n;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *at = got.p;
		if (got.n == strlen(words[i].name) && take_keyword(&at, words[i].name))
			return words[i].means;
	}
	return got;
}

// A word that is before "final" makes a prerelease, with a hyphen in front or not; zeros in front
// of any word do not count.
static void add(struct row *r, struct str part)
{
	if (!all_digits(part)) {
		if (compare_words(part, STR("final")) < 0) {
			while (r->n && str_eq(r->v[r->n - 1], "final-"))
				r->n--;
		}
		while (r->n && is_zero(r->v[r->n - 1]))
			r->n--;
	}
	r->v[r->n++] = part;
}

static void parse(const char *v, struct row *r)
{
	r->n = 0;
	while (*v) {
		struct str part = next(&v);
		if (!str_eq(part, "."))
			add(r, part);
	}
	add(r, STR("final"));
}

int pep440_compare_legacy(const char *a, const char *b)
{
	struct row x, y;
	parse(a, &x);
	parse(b, &y);
	for (size_t i = 0; i < x.n && i < y.n; i++) {
		bool nx = all_digits(x.v[i]), ny = all_digits(y.v[i]);
		int order = nx != ny ? order_of(nx, ny)
		            : nx     ? compare_numbers(x.v[i], y.v[i])
		                     : compare_words(x.v[i], y.v[i]);
		if (order)
			return order;
	}
	return order_of((long)x.n, (long)y.n);
}
