// SPDX-License-Identifier: Apache-2.0
// The base image of one that was built here: FROM takes it without giving it a name in the store,
// but the record of the build has its name and its layers.
#include "base/err.h"
#include "session/images.h"
#include "session/record.h"
#include "subject/size_image.h"
#include <string.h>

static bool begins_with(const struct size_image *m, const struct jn *layers)
{
	size_t n = jn_len(layers);
	for (size_t i = 0; i < n; i++) {
		struct digest d;
		struct err ignored = ERR_INIT;
		const char *text = jn_str(jn_at(layers, i));
		if (i >= m->n || !text || digest_parse(text, &d, &ignored) ||
		        !digest_eq(&d, &m->config.diff_ids[i]))
			return false;
	}
	return n > 0;
}

static void take_record(struct size_image *m, const struct record *r)
{
	const struct jn *bases = jn_get(r->root, "bases");
	for (size_t i = 0; i < jn_len(bases); i++) {
		const struct jn *layers = jn_get(jn_at(bases, i), "layers");
		const char *image = jn_get_str(jn_at(bases, i), "image");
		if (!image || !begins_with(m, layers) ||
		        (m->kin.base && jn_len(layers) <= m->kin.base_layers))
			continue;
		free(m->kin.base);
		m->kin.base = short_name(image);
		m->kin.base_layers = jn_len(layers);
	}
}

void size_base_find(struct store *s, struct size_image *m)
{
	struct build_list builds = {0};
	struct err ignored = ERR_INIT;
	char id[DIGEST_TEXT];
	digest_text(&m->manifest.config.digest, id);
	if (m->kin.base || store_build_list(s, &builds, &ignored))
		return;
	for (size_t i = 0; i < builds.n && !m->kin.base; i++) {
		auto_record struct record r = {0};
		struct err skipped = ERR_INIT;
		if (builds.v[i].json && strstr(builds.v[i].json, id) &&
		        !record_open(&builds.v[i], &r, &skipped))
			take_record(m, &r);
	}
	build_list_release(&builds);
}
