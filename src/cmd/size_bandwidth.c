// SPDX-License-Identifier: Apache-2.0
// How fast a line is, in the words that people use for it.
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/size.h"
#include <string.h>

#define BANDWIDTHS_MAX 16

void bandwidths_release(struct bandwidths *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].text);
	free(b->v);
	*b = (struct bandwidths){0};
}

// What is left of the text without an ending that it has.
static bool cut(char *text, const char *ending)
{
	if (!str_has_suffix(text, ending))
		return false;
	text[strlen(text) - strlen(ending)] = '\0';
	return true;
}

// A small b is a bit, a large one a byte, as usual; without either it is bits.
static bool parse(const char *word, double *ret)
{
	auto_free char *text = xstrdup(word);
	uint64_t n;
	bool bits = cut(text, "bps");
	if (!bits) {
		bool per_second = cut(text, "/s");
		bits = cut(text, "bits") || cut(text, "bit") || cut(text, "b");
		if (!bits && per_second && cut(text, "B")) {
			if (!size_parse(text, &n) || !n)
				return false;
			*ret = (double)n;
			return true;
		}
	}
	if (str_has_suffix(text, "B") || !size_parse(text, &n) || !n)
		return false;
	*ret = (double)n / 8;
	return true;
}

int bandwidths_parse(const struct strv *texts, struct bandwidths *ret, struct err *e)
{
	auto_strv struct strv words = {0};
	for (size_t i = 0; i < texts->n; i++)
		strv_split(&words, texts->v[i], ',');
	if (words.n > BANDWIDTHS_MAX)
		return err_set(e, ERR_USAGE, "--bandwidth: more than %d", BANDWIDTHS_MAX);
	ret->v = xcalloc(words.n + 1, sizeof(*ret->v));
	for (; ret->n < words.n; ret->n++) {
		struct bandwidth *b = &ret->v[ret->n];
		if (!parse(words.v[ret->n], &b->bytes))
			return err_set(e, ERR_USAGE,
			        "invalid --bandwidth \"%s\": bits a second are expected, as 100M, "
			        "or bytes, as 12MB/s",
			        words.v[ret->n]);
		b->text = xstrdup(words.v[ret->n]);
	}
	return 0;
}
