// SPDX-License-Identifier: Apache-2.0
// What an image may weigh and waste, and what is said when it is too much: the heaviest parts that
// make it so, each counted once.
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/size.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

#define REASONS 5

struct reason {
	uint64_t bytes;
	char *text;
};
struct reasons {
	struct reason v[REASONS]; // heaviest first
	size_t n;
};

// Takes the text.
static void offer(struct reasons *r, uint64_t bytes, char *text)
{
	size_t at = r->n;
	while (at > 0 && r->v[at - 1].bytes < bytes)
		at--;
	if (at == REASONS || !bytes) {
		free(text);
		return;
	}
	if (r->n == REASONS)
		free(r->v[--r->n].text);
	memmove(&r->v[at + 1], &r->v[at], (r->n - at) * sizeof(*r->v));
	r->v[at] = (struct reason){bytes, text};
	r->n++;
}

static char *waste_text(const struct waste_finding *f)
{
	auto_free char *path = f->package ? xasprintf("package %s", f->package)
	                                  : xasprintf("/%s%s", f->path, f->folder ? "/" : "");
	return xasprintf(
	        "%s (%s, layer %zu): %s", path, waste_kind_name(f->kind), f->layer + 1, f->advice);
}

// What a layer weighs without what is waste of it.
static void offer_layers(struct reasons *r, const struct size_image *m)
{
	auto_free uint64_t *rest = xcalloc(m->n + 1, sizeof(*rest));
	uint64_t base = 0;
	for (size_t i = 0; i < m->n; i++)
		rest[i] = m->layers[i].bytes;
	for (size_t i = 0; i < m->waste.n; i++) {
		const struct waste_finding *f = &m->waste.v[i];
		rest[f->layer] -= f->bytes < rest[f->layer] ? f->bytes : rest[f->layer];
	}
	for (size_t i = 0; i < m->n; i++) {
		if (i < m->base_layers) {
			base += rest[i];
			continue;
		}
		auto_free char *by = instruction_short(m->layers[i].instruction, 100);
		offer(r, rest[i], xasprintf("what layer %zu brings: %s", i + 1, by));
	}
	offer(r, base,
	        xasprintf("the base image%s%s: a smaller one, as -slim, alpine or distroless",
	                m->base ? " " : "", m->base ? m->base : ""));
}

static void print_reasons(const struct size_image *m)
{
	struct reasons r = {0};
	offer_layers(&r, m);
	for (size_t i = 0; i < m->waste.n; i++)
		offer(&r, m->waste.v[i].bytes, waste_text(&m->waste.v[i]));
	for (size_t i = 0; i < r.n; i++) {
		char bytes[24];
		auto_buf struct buf safe = {0};
		size_format(r.v[i].bytes, bytes);
		ui_escape(r.v[i].text, strlen(r.v[i].text), &safe);
		fprintf(stderr, "%8s  %s\n", bytes, buf_cstr(&safe));
		free(r.v[i].text);
	}
}

int size_gate(struct session *s, struct engine *g, struct size_image *m, uint64_t max,
        const char *gate, struct err *e)
{
	char is[24], may[24], more[24];
	if (m->bytes <= max)
		return 0;
	if (size_image_waste(s, g, m, e))
		return -1;
	ui_finish(s->ui, false); // what follows is no progress
	print_reasons(m);
	size_format(m->bytes, is);
	size_format(max, may);
	size_format(m->bytes - max, more);
	return err_set(e, ERR_TOO_LARGE,
	        "%s: %s weighs %s, %s more than the %s it may: its heaviest parts are listed "
	        "above, hew size --waste has all",
	        gate, m->name, is, more, may);
}

int size_ci(const struct size_image *m, const struct size_rules *rules, bool quiet, struct err *e)
{
	char why[SIZE_RULE_TEXT];
	auto_buf struct buf broken = {0};
	for (size_t k = 0; k < SIZE_RULES; k++) {
		const char *name = size_rule_name((enum size_rule_kind)k);
		bool holds = size_rule_holds(rules, (enum size_rule_kind)k, &m->weight.dive, why);
		const char *word = !rules->v[k].on ? "SKIP" : holds ? "PASS" : "FAIL";
		if (!quiet)
			printf("%s: %s%s%s%s\n", word, name, *why ? " (" : "", why,
			        *why ? ")" : "");
		if (!holds)
			buf_printf(&broken, "%s%s: %s", broken.n ? "; " : "", name, why);
	}
	return broken.n ? err_set(e, ERR_TOO_LARGE, "%s: %s (hew size --waste says what is wasted)",
	                          m->name, buf_cstr(&broken))
	                : 0;
}
