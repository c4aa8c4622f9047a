// SPDX-License-Identifier: Apache-2.0
// Debian's security tracker as one document of JSON:
//   {source: {CVE: {description, releases: {codename: {status, fixed_version, urgency, nodsa,
//   nodsa_reason}}}}}
// A flaw of a source package is read at a time. What is resolved in version "0" never was in there.
#include "advisory/feed-int.h"

#include "base/err.h"
#include "base/json_stream.h"
#include <string.h>

#define ENTRY_MAX ((size_t)1 << 20)

static enum advisory_status open_status(const struct jn *r, const char *urgency)
{
	const char *nodsa = jn_get_str(r, "nodsa"), *reason = jn_get_str(r, "nodsa_reason");
	if (urgency && !strcmp(urgency, "end-of-life"))
		return ADVISORY_END_OF_LIFE;
	if (reason && !strcmp(reason, "ignored"))
		return ADVISORY_IGNORED;
	if (reason && !strcmp(reason, "postponed"))
		return ADVISORY_POSTPONED;
	return nodsa ? ADVISORY_NO_DSA : ADVISORY_AFFECTED;
}

static int add_release(struct feed *f, const char *codename, const struct jn *r, const char *source,
        int64_t flaw, struct err *e)
{
	const char *status = jn_get_str(r, "status"), *fixed = jn_get_str(r, "fixed_version");
	const char *urgency = jn_get_str(r, "urgency");
	struct ecosystem eco;
	struct stage_range range = {.owner = {flaw, 0},
	        .severity = severity_of_word(urgency),
	        .note = jn_get_str(r, "nodsa")};
	if (!status || !ecosystem_debian(codename, &eco))
		return err_set(e, ERR_CORRUPT, "'%s' has no status in %.32s", source, codename);
	if (!strcmp(status, "undetermined")) {
		range.status = ADVISORY_UNDETERMINED;
	} else if (!strcmp(status, "open")) {
		range.status = open_status(r, urgency);
	} else if (!strcmp(status, "resolved") && fixed) {
		if (!strcmp(fixed, "0"))
			return 0;
		range.status = ADVISORY_FIXED;
		range.fixed = fixed;
	} else {
		return err_set(e, ERR_CORRUPT, "'%s' is '%.32s' in %s", source, status, codename);
	}
	return stage_package(f->stage, &eco, source, &range.package, e) ||
	                       stage_range(f->stage, &range, e)
	               ? -1
	               : 0;
}

static int add_entry(
        struct feed *f, const char *source, const char *id, struct str raw, struct err *e)
{
	int64_t flaw;
	const char *codename;
	const struct jn *release;
	auto_jdoc struct jdoc *d = jdoc_parse(raw.p, raw.n, e);
	if (!d || stage_name(f->stage, id, &flaw, e) ||
	        stage_description(f->stage, flaw, jn_get_str(jdoc_root(d), "description"), e))
		return -1;
	const struct jn *releases = jn_get(jdoc_root(d), "releases");
	for (size_t i = 0; jn_member(releases, i, &codename, &release); i++)
		if (add_release(f, codename, release, source, flaw, e))
			return -1;
	return stage_count(f->stage, "Debian tracker", NULL, false, e);
}

int feed_tracker(struct feed *f, struct err *e)
{
	struct json_element el;
	int rc;
	auto_json_stream struct json_stream *s =
	        json_stream_new(&(struct json_stream_source){input_read, f->in}, 2, ENTRY_MAX);
	while ((rc = json_stream_next(s, &el, e)) > 0) {
		struct err why = ERR_INIT;
		if (el.too_long || !el.keys[0] || !el.keys[1] || el.depth != 2)
			err_set(&why, ERR_CORRUPT, "not a flaw of a source package");
		else if (!add_entry(f, el.keys[0], el.keys[1], el.raw, &why))
			continue;
		if (feed_blame(f, el.line, &why, e))
			return -1;
	}
	return rc;
}
