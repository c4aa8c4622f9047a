// SPDX-License-Identifier: Apache-2.0
// deb-version(7).
#include "version/version-int.h"

struct dpkg_version {
	struct str epoch, upstream, revision;
};

static struct dpkg_version split(const char *v)
{
	struct dpkg_version d = {.revision = STR("")};
	const char *colon = strchr(v, ':'), *dash;
	if (colon) {
		d.epoch = (struct str){v, (size_t)(colon - v)};
		v = colon + 1;
	}
	dash = strrchr(v, '-');
	d.upstream = (struct str){v, dash ? (size_t)(dash - v) : strlen(v)};
	if (dash)
		d.revision = str_of(dash + 1);
	return d;
}

const char *dpkg_flaw(const char *v)
{
	struct dpkg_version d = split(v);
	if (d.epoch.p && !all_digits(d.epoch))
		return "what is before the colon is no number";
	if (!d.upstream.n)
		return "it has no upstream part";
	for (; *v; v++) {
		if (!is_digit(*v) && !is_letter(*v) && !strchr(".+-~:", *v))
			return "it may have letters, digits, and . + - ~ : only";
	}
	return NULL;
}

// '~' before the end, the end before letters, letters before all else. A digit is an end.
static int weight(struct str s, size_t i)
{
	char c = i < s.n ? s.p[i] : '0';
	if (is_digit(c))
		return 0;
	if (is_letter(c))
		return c;
	return c == '~' ? -1 : c + 256;
}

static struct str number_at(struct str s, size_t *i)
{
	struct str got = {s.p + *i, 0};
	while (*i < s.n && is_digit(s.p[*i])) {
		got.n++;
		++*i;
	}
	return got;
}

static int compare_part(struct str a, struct str b)
{
	size_t i = 0, k = 0;
	while (i < a.n || k < b.n) {
		while ((i < a.n && !is_digit(a.p[i])) || (k < b.n && !is_digit(b.p[k]))) {
			int order = order_of(weight(a, i), weight(b, k));
			if (order)
				return order;
			i++;
			k++;
		}
		int order = compare_numbers(number_at(a, &i), number_at(b, &k));
		if (order)
			return order;
	}
	return 0;
}

int dpkg_compare(const char *a, const char *b)
{
	struct dpkg_version x = split(a), y = split(b);
	int order = compare_numbers(x.epoch, y.epoch);
	if (!order)
		order = compare_part(x.upstream, y.upstream);
	return order ? order : compare_part(x.revision, y.revision);
}
