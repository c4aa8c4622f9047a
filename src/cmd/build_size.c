// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_size.h"

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/size.h"
#include "exec/build.h"
#include "session/images.h"
#include "session/session.h"

int build_size_parse(const char *text, struct build_size *ret, struct err *e)
{
	if (!text)
		return 0;
	ret->wanted = true;
	return size_parse(text, &ret->max)
	               ? 0
	               : err_set(e, ERR_USAGE,
	                         "invalid --max-size \"%s\": a size is expected, as 50MB", text);
}

static int check(const struct build_size *b, struct session *s, const struct build_image *im,
        const char *name, struct err *e)
{
	struct size_image m = {0};
	struct engine g;
	char is[24], may[24];
	session_engine(s, &g);
	int rc = size_image_of(s, &g, name, &im->manifest, &m, e);
	if (!rc && m.bytes == WEIGH_UNKNOWN)
		rc = size_image_weigh(s, &g, &m, e);
	if (!rc)
		rc = size_gate(s, &g, &m, b->max, "--max-size", e);
	if (!rc) {
		size_format(m.bytes, is);
		size_format(b->max, may);
		event_note(session_sink(s), "weighed %s: %s of the %s it may", name, is, may);
	}
	size_image_release(&m);
	engine_release(&g);
	return rc;
}

int build_size_check(const struct build_size *b, struct session *s, const struct build_request *r,
        const struct build_result *built, struct err *e)
{
	char id[DIGEST_TEXT];
	digest_text(build_result_id(built), id);
	auto_free char *name = r->tags.n ? short_name(r->tags.v[0]) : xstrdup(id);
	for (size_t i = 0; b->wanted && i < built->n_images; i++) {
		if (!check(b, s, &built->images[i], name, e))
			continue;
		if (e->kind != ERR_TOO_LARGE)
			return err_wrap(e, "--max-size");
		struct err why = *e;
		return err_set(e, ERR_TOO_LARGE,
		        "%s. The image (%s) was given no name and went nowhere", why.msg, id);
	}
	return 0;
}
