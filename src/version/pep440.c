// SPDX-License-Identifier: Apache-2.0
// PEP 440, read with its normalizations. PyPI has older versions too; those are compared part by
// part as setuptools did before, and come first.
#include "base/mem.h"
#include "version/version-int.h"

struct mark {
	bool present;
	int letter; // of a prerelease: a < b < rc
	struct str number;
};

struct pep440 {
	struct str epoch;
	const char *release; // numbers with dots between
	struct mark pre, post, dev;
	struct str local; // p NULL: none
};

static struct str number_after(const char **p)
{
	*p += **p == '-' || **p == '_' || **p == '.';
	return take_digits(p);
}

// One of the words, with or without a separator in front: *ret is its place in the list.
static bool take_mark(const char **p, const char *const *words, size_t n, struct mark *ret)
{
	const char *at = *p + (**p == '-' || **p == '_' || **p == '.');
	for (size_t i = 0; i < n; i++) {
		if (!take_keyword(&at, words[i]))
			continue;
		*ret = (struct mark){
		        .present = true, .letter = (int)i, .number = number_after(&at)};
		*p = at;
		return true;
	}
	return false;
}

static void take_pre(const char **p, struct mark *ret)
{
	static const char *const words[] = {"alpha", "a", "beta", "b", "preview", "pre", "rc", "c"};
	static const int letters[] = {0, 0, 1, 1, 2, 2, 2, 2};
	if (take_mark(p, words, ARRAY_LEN(words), ret))
		ret->letter = letters[ret->letter];
}

static void take_post(const char **p, struct mark *ret)
{
	static const char *const words[] = {"post", "rev", "r"};
	if (**p == '-' && is_digit((*p)[1])) {
		++*p;
		*ret = (struct mark){.present = true, .number = take_digits(p)};
		return;
	}
	if (take_mark(p, words, ARRAY_LEN(words), ret))
		ret->letter = 0;
}

// "+" and words of letters and digits with separators between.
static bool take_local(const char **p, struct str *ret)
{
	if (**p != '+')
		return true;
	const char *start = ++*p;
	for (;; ++*p) {
		if (!is_digit(**p) && !is_letter(**p))
			return false;
		while (is_digit(**p) || is_letter(**p))
			++*p;
		if (**p != '.' && **p != '-' && **p != '_')
			break;
	}
	*ret = (struct str){start, (size_t)(*p - start)};
	return true;
}

static bool parse(const char *v, struct pep440 *ret)
{
	static const char *const dev[] = {"dev"};
	*ret = (struct pep440){0};
	v += to_lower(*v) == 'v';
	const char *p = v;
	struct str epoch = take_digits(&p);
	if (epoch.n && *p == '!') {
		ret->epoch = epoch;
		v = p + 1;
	}
	ret->release = v;
	if (!is_digit(*v))
		return false;
	while (is_digit(*v)) {
		take_digits(&v);
		v += *v == '.' && is_digit(v[1]);
	}
	take_pre(&v, &ret->pre);
	take_post(&v, &ret->post);
	take_mark(&v, dev, 1, &ret->dev);
	return take_local(&v, &ret->local) && !*v;
}

const char *pep440_flaw(const char *v)
{
	return NULL; // what is no version of PEP 440 has the old order
}

static struct str next_number(const char **p)
{
	struct str got = take_digits(p);
	*p += **p == '.' && is_digit((*p)[1]);
	return got;
}

// Zeros at the end do not count: what is absent is 0.
static int compare_releases(const char *a, const char *b)
{
	while (is_digit(*a) || is_digit(*b)) {
		int order = compare_numbers(next_number(&a), next_number(&b));
		if (order)
			return order;
	}
	return 0;
}

static int compare_marks(struct mark a, struct mark b)
{
	return a.letter != b.letter ? order_of(a.letter, b.letter)
	                            : compare_numbers(a.number, b.number);
}

// Where a version stands among those with a prerelease: a development release of the release itself
// is before all of them, the release and what comes after it behind.
static int stage(const struct pep440 *v)
{
	if (v->pre.present)
		return 1;
	return !v->post.present && v->dev.present ? 0 : 2;
}

static struct str next_word(struct str *rest)
{
	struct str got = {rest->p, 0};
	while (got.n < rest->n && (is_digit(got.p[got.n]) || is_letter(got.p[got.n])))
		got.n++;
	size_t used = got.n + (got.n < rest->n);
	*rest = (struct str){rest->p + used, rest->n - used};
	return got;
}

// None is before any; word by word, numbers after words.
static int compare_locals(struct str a, struct str b)
{
	while (a.n && b.n) {
		struct str x = next_word(&a), y = next_word(&b);
		bool nx = all_digits(x), ny = all_digits(y);
		int order = nx != ny ? order_of(nx, ny)
		            : nx     ? compare_numbers(x, y)
		                     : compare_words(x, y);
		if (order)
			return order;
	}
	return order_of(a.n > 0, b.n > 0);
}

static int compare_parsed(const struct pep440 *a, const struct pep440 *b)
{
	int order = compare_numbers(a->epoch, b->epoch);
	if (!order)
		order = compare_releases(a->release, b->release);
	if (!order)
		order = order_of(stage(a), stage(b));
	if (!order)
		order = compare_marks(a->pre, b->pre);
	if (!order)
		order = order_of(a->post.present, b->post.present);
	if (!order)
		order = compare_marks(a->post, b->post);
	if (!order)
		order = order_of(!a->dev.present, !b->dev.present);
	if (!order)
		order = compare_marks(a->dev, b->dev);
	return order ? order : compare_locals(a->local, b->local);
}

int pep440_compare(const char *a, const char *b)
{
	struct pep440 x, y;
	bool valid = parse(a, &x), also = parse(b, &y);
	if (valid != also)
		return valid ? 1 : -1;
	return valid ? compare_parsed(&x, &y) : pep440_compare_legacy(a, b);
}
