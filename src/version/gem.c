// SPDX-License-Identifier: Apache-2.0
// Gem::Version: numbers and words; a word makes it a prerelease. A platform ("-x86_64-linux") is no
// part of a version.
#include "version/version-int.h"

const char *gem_flaw(const char *v)
{
	if (!is_digit(*v))
		return "it does not begin with a number";
	for (; *v; v++) {
		if (!is_digit(*v) && !is_letter(*v) && !strchr(".-_", *v))
			return "it may have letters, digits, and . - _ only";
	}
	return NULL;
}

// What is next: a run of digits or of letters. A hyphen is the word "pre".
static struct str next(const char **v)
{
	*v += strspn(*v, "._");
	if (**v == '-') {
		++*v;
		return STR("pre");
	}
	return is_letter(**v) ? take_letters(v) : take_digits(v);
}

static bool is_zero(struct str s)
{
	return !s.n || (all_digits(s) && !compare_numbers(s, (struct str){0}));
}

// Zeros are left out in front of the first word and at the end.
static struct str next_that_counts(const char **v, bool *in_words)
{
	const char *p = *v;
	struct str got = next(&p);
	while (is_zero(got) && *p)
		got = next(&p);
	bool word = got.n && !is_digit(*got.p);
	if (is_zero(got) || (word && !*in_words)) {
		*in_words = word;
		*v = p;
		return got;
	}
	return next(v);
}

int gem_compare(const char *a, const char *b)
{
	bool aw = false, bw = false;
	while (*a || *b) {
		struct str x = next_that_counts(&a, &aw), y = next_that_counts(&b, &bw);
		bool wx = x.n && is_letter(*x.p), wy = y.n && is_letter(*y.p);
		int order = wx != wy ? order_of(wy, wx)
		            : wx     ? compare_text(x, y)
		                     : compare_numbers(x, y);
		if (order)
			return order;
	}
	return 0;
}
