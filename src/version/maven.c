// SPDX-License-Identifier: Apache-2.0
// org.apache.maven.artifact.versioning.ComparableVersion: numbers and words between dots; a hyphen
// and the change between a digit and a letter begin a list within the list, which is its last item.
// So all lists are one row of items with marks where the next begins. Later versions of Maven put a
// hyphen in front of any word ("1.0.RC1" is "1-RC1"); the advisories of OSV are not written for
// that.
#include "base/mem.h"
#include "version/version-int.h"

enum kind { ITEM_NUMBER, ITEM_WORD, ITEM_LIST };

struct item {
	enum kind kind;
	struct str text;
	int rank; // of a word; WORD_UNKNOWN: by its letters
};

#define ITEMS_MAX (2 * VERSION_TEXT_MAX + 2)
struct row {
	struct item v[ITEMS_MAX];
	size_t n;
};

static const char *const words[] = {"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"};
#define WORD_RELEASE 5
#define WORD_UNKNOWN ((int)ARRAY_LEN(words))

static bool is_word(struct str s, const char *word)
{
	const char *p = s.p;
	return s.n == strlen(word) && take_keyword(&p, word);
}

static int rank_of(struct str s, bool before_digit)
{
	static const struct {
		const char *name;
		int rank;
	} others[] = {{"ga", WORD_RELEASE}, {"final", WORD_RELEASE}, {"release", WORD_RELEASE},
	        {"cr", 3}};
	for (int i = 0; before_digit && s.n == 1 && i < 3; i++) {
		if (to_lower(*s.p) == words[i][0])
			return i;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (is_word(s, others[i].name))
			return others[i].rank;
	}
	for (int i = 0; i < WORD_UNKNOWN; i++) {
		if (is_word(s, words[i]))
			return i;
	}
	return WORD_UNKNOWN;
}

static void add(
        struct row *r, enum kind kind, const char *begin, const char *end, bool before_digit)
{
	struct str text = {begin, (size_t)(end - begin)};
	r->v[r->n++] =
	        (struct item){kind, text, kind == ITEM_WORD ? rank_of(text, before_digit) : 0};
}

static void add_list(struct row *r)
{
	r->v[r->n++] = (struct item){.kind = ITEM_LIST};
}

static bool is_null(const struct item *it)
{
	return it->kind == ITEM_NUMBER ? !compare_numbers(it->text, (struct str){0})
	                               : it->kind == ITEM_WORD && it->rank == WORD_RELEASE;
}

// Whatever is null at the end of a list goes, and a list that is empty then. A list is the last
// item of the one around it, so one way from the end to the start does it for all.
static void trim(struct row *r)
{
	size_t end = r->n, first = end;
	bool tail = true;
	for (size_t i = end; i-- > 0;) {
		bool list = r->v[i].kind == ITEM_LIST;
		if (list ? first == end : tail && is_null(&r->v[i]))
			continue;
		tail = list;
		r->v[--first] = r->v[i];
	}
	r->n = end - first;
	memmove(r->v, &r->v[first], r->n * sizeof(*r->v));
}

static void parse(const char *v, struct row *r)
{
	const char *start = v;
	bool digits = false;
	r->n = 0;
	for (; *v; v++) {
		if (*v == '.' || *v == '-') {
			add(r, digits || v == start ? ITEM_NUMBER : ITEM_WORD, start, v, false);
			start = v + 1;
			if (*v == '-')
				add_list(r);
		} else if (is_digit(*v) != digits) {
			if (v > start) {
				add(r, digits ? ITEM_NUMBER : ITEM_WORD, start, v, !digits);
				add_list(r);
				start = v;
			}
			digits = !digits;
		}
	}
	if (v > start)
		add(r, digits ? ITEM_NUMBER : ITEM_WORD, start, v, false);
	trim(r);
}

const char *maven_flaw(const char *v)
{
	return NULL;
}

static int compare_word_items(const struct item *a, const struct item *b)
{
	if (a->rank != b->rank || a->rank != WORD_UNKNOWN)
		return order_of(a->rank, b->rank);
	return compare_words(a->text, b->text);
}

static int compare_items(const struct item *a, const struct item *b)
{
	static const int order[] = {[ITEM_WORD] = 0, [ITEM_LIST] = 1, [ITEM_NUMBER] = 2};
	if (a->kind != b->kind)
		return order_of(order[a->kind], order[b->kind]);
	if (a->kind == ITEM_LIST)
		return 0;
	return a->kind == ITEM_NUMBER ? compare_numbers(a->text, b->text)
	                              : compare_word_items(a, b);
}

// With nothing where the item is.
static int compare_to_none(const struct item *it)
{
	if (it->kind == ITEM_WORD)
		return order_of(it->rank, WORD_RELEASE);
	return it->kind == ITEM_NUMBER && !is_null(it);
}

int maven_compare(const char *a, const char *b)
{
	struct row x, y;
	parse(a, &x);
	parse(b, &y);
	for (size_t i = 0; i < x.n || i < y.n; i++) {
		int order = i >= x.n   ? -compare_to_none(&y.v[i])
		            : i >= y.n ? compare_to_none(&x.v[i])
		                       : compare_items(&x.v[i], &y.v[i]);
		if (order)
			return order;
	}
	return 0;
}
