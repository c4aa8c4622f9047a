// SPDX-License-Identifier: Apache-2.0
// apk-package(5): number{.number}[letter]{_suffix[number]}[~hash][-rN]. What does not follow it is
// compared up to there, as apk-tools 2 does: everything that apk would install has an order.
#include "version/version-int.h"

// What a version is made of, in the order in which it may come; of two versions that are equal up
// to here, the one that goes on with the earlier kind is the newer.
enum token {
	FRACTION, // a number that is not the first: one with leading zeros counts as decimals
	NUMBER,
	LETTER,
	SUFFIX,
	SUFFIX_NUMBER,
	HASH,
	REVISION,
	END,
	INVALID,
};

struct reader {
	const char *p;
	enum token next;
};

// What a token says: compared by rank, then as a number.
struct value {
	int rank;
	struct str number;
};

static const char *const suffixes[] = {
        "alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"};
#define NO_SUFFIX 4

// *p stands behind "_". 0: none of them.
static int suffix_at(const char **p)
{
	struct str word = {*p, 0};
	while (word.p[word.n] >= 'a' && word.p[word.n] <= 'z')
		word.n++;
	for (int i = 0; i < (int)(sizeof(suffixes) / sizeof(*suffixes)); i++) {
		if (word.n && str_eq(word, suffixes[i])) {
			*p += word.n;
			return i - NO_SUFFIX;
		}
	}
	return 0;
}

static bool may_follow(enum token before, enum token next)
{
	return next >= before || (next == FRACTION && before == NUMBER) ||
	       (next == SUFFIX && before == SUFFIX_NUMBER) || (next == NUMBER && before == LETTER);
}

// Which token comes after one of kind `before`; p is moved behind what separates them.
static void look_ahead(struct reader *r, enum token before)
{
	enum token next = INVALID;
	char c = *r->p;
	if (!c) {
		r->next = END;
		return;
	}
	if (c >= 'a' && c <= 'z') {
		next = LETTER;
	} else if (is_digit(c)) { // "6.0p1" has a number after its letter
		next = before == SUFFIX ? SUFFIX_NUMBER : before == LETTER ? NUMBER : INVALID;
	} else if ((c == '-' || c == '.') && r->p[1] == 'r') {
		next = REVISION;
		r->p += 2;
	} else if ((c == '.' && is_digit(r->p[1])) || c == '_' || c == '~') {
		next = c == '.' ? FRACTION : c == '_' ? SUFFIX : HASH;
		r->p++;
	}
	r->next = may_follow(before, next) ? next : INVALID;
}

// Reads the token that is next. A suffix that is not known is before all, and nothing follows it.
static void read_token(struct reader *r, struct value *ret)
{
	enum token kind = r->next;
	*ret = (struct value){0};
	if (kind == LETTER) {
		ret->rank = (unsigned char)*r->p++;
	} else if (kind == SUFFIX) {
		ret->rank = suffix_at(&r->p);
		if (!ret->rank) {
			r->next = INVALID;
			ret->rank = -NO_SUFFIX - 1;
			return;
		}
	} else if (kind == HASH) {
		r->p += strspn(r->p, "0123456789abcdef");
	} else {
		ret->number = take_digits(&r->p);
	}
	look_ahead(r, kind == FRACTION ? NUMBER : kind);
}

const char *apk_flaw(const char *v)
{
	return is_digit(*v) || (*v == '.' && is_digit(v[1])) ? NULL
	                                                     : "it does not begin with a number";
}

static int compare_values(enum token kind, struct value a, struct value b)
{
	if (kind == FRACTION && (*a.number.p == '0' || *b.number.p == '0'))
		return compare_text(a.number, b.number);
	return a.rank != b.rank ? order_of(a.rank, b.rank) : compare_numbers(a.number, b.number);
}

// A suffix that marks what comes before a release, or is not known.
static bool is_early(struct reader r)
{
	struct value v;
	if (r.next != SUFFIX)
		return false;
	read_token(&r, &v);
	return v.rank < 0;
}

int apk_compare(const char *a, const char *b)
{
	struct reader x = {a, NUMBER}, y = {b, NUMBER};
	struct value v = {0}, w = {0};
	while (x.next == y.next && x.next < END) {
		enum token kind = x.next;
		read_token(&x, &v);
		read_token(&y, &w);
		int order = compare_values(kind, v, w);
		if (order)
			return order;
	}
	if (x.next == y.next)
		return 0;
	if (is_early(x))
		return -1;
	if (is_early(y))
		return 1;
	return order_of(y.next, x.next);
}
