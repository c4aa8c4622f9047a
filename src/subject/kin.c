// SPDX-License-Identifier: Apache-2.0
#include "subject/kin.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "session/images.h"
#include <string.h>

void image_kin_release(struct image_kin *k)
{
	free(k->base);
	free(k->shared);
	*k = (struct image_kin){0};
}

static bool is_below(const struct image_config *base, const struct image_config *c)
{
	if (!base->n_diff_ids || base->n_diff_ids >= c->n_diff_ids)
		return false;
	for (size_t i = 0; i < base->n_diff_ids; i++) {
		if (!digest_eq(&base->diff_ids[i], &c->diff_ids[i]))
			return false;
	}
	return true;
}

// The largest image with a name whose layers this one's begin with.
static void take_base(const struct image_row *row, const struct image_config *other,
        const struct image_config *c, struct image_kin *k)
{
	if (!row->name || other->n_diff_ids <= k->base_layers || !is_below(other, c))
		return;
	free(k->base);
	k->base = short_name(row->name);
	k->base_layers = other->n_diff_ids;
}

static void count_shared(
        const struct image_config *other, const struct image_config *c, struct image_kin *k)
{
	for (size_t i = 0; i < c->n_diff_ids; i++)
		for (size_t n = 0; n < other->n_diff_ids; n++)
			if (digest_eq(&c->diff_ids[i], &other->diff_ids[n])) {
				k->shared[i]++;
				break;
			}
}

// An image has a row for each of its names, one after the other or not.
static bool seen_before(const struct image_list *l, size_t i)
{
	for (size_t n = 0; n < i; n++)
		if (digest_eq(&l->v[n].manifest, &l->v[i].manifest))
			return true;
	return false;
}

void image_kin_find(struct store *s, const struct image_config *c, const struct digest *self,
        struct image_kin *ret)
{
	struct image_list images = {0};
	struct err ignored = ERR_INIT;
	*ret = (struct image_kin){.shared = xcalloc(c->n_diff_ids + 1, sizeof(*ret->shared))};
	int failed = store_image_list(s, &images, &ignored);
	for (size_t i = 0; !failed && i < images.n; i++) {
		auto_config struct image_config other = {0};
		struct err skipped = ERR_INIT;
		if (load_config(s, &images.v[i], &other, NULL, &skipped))
			continue;
		take_base(&images.v[i], &other, c, ret);
		if (!(self && digest_eq(self, &images.v[i].manifest)) && !seen_before(&images, i))
			count_shared(&other, c, ret);
	}
	image_list_release(&images);
	if (!ret->base)
		ret->base_layers = image_guess_base(c);
}

size_t image_guess_base(const struct image_config *c)
{
	size_t layers = 0, guess = 0;
	for (size_t i = 0; i + 1 < c->n_history; i++) {
		const struct history *h = &c->history[i];
		layers += !h->empty_layer;
		if (h->empty_layer && h->created_by && strstr(h->created_by, "CMD ["))
			guess = layers;
	}
	return guess < c->n_diff_ids ? guess : 0;
}

const char *image_instruction(const struct image_config *c, size_t layer)
{
	for (size_t i = 0; i < c->n_history; i++) {
		if (!c->history[i].empty_layer && layer-- == 0)
			return c->history[i].created_by;
	}
	return NULL;
}

char *instruction_short(const char *created_by, size_t width)
{
	static const char shell[] = "/bin/sh -c ", nop[] = "#(nop) ", mark[] = " # buildkit";
	auto_free char *text = xstrdup(created_by ? created_by : "");
	char *p = text;
	if (str_has_suffix(p, mark))
		p[strlen(p) - strlen(mark)] = '\0';
	auto_free char *run = NULL;
	if (str_has_prefix(p, "RUN /bin/sh -c "))
		p = run = xasprintf("RUN %s", p + strlen("RUN /bin/sh -c "));
	else if (str_has_prefix(p, shell))
		p += strlen(shell);
	if (str_has_prefix(p, nop))
		p += strlen(nop);
	p += strspn(p, " ");
	if (strlen(p) <= width)
		return xstrdup(p);
	int n = (int)width - 3;
	while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80) // not inside a character
		n--;
	return xasprintf("%.*s...", n, p);
}
