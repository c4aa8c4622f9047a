// SPDX-License-Identifier: Apache-2.0
// OSV records (schema 1.7): one flaw or advisory, the packages it concerns, and the ranges of their
// versions. What is wrong in a part of a record costs that part; the first such thing is told.
#include "advisory/feed-int.h"

#include "base/err.h"
#include "base/json_stream.h"
#include <string.h>

#define RECORD_MAX ((size_t)4 << 20)
#define MODULES_MAX 8 // that an advisory is about

struct osv {
	struct feed *feed;
	const struct jn *root;
	const char *id;
	struct stage_owner owner;  // the record
	struct stage_owner ranges; // who has the ranges: the record, or the one flaw it is about
	bool covers;               // it is about flaws with other names
	bool echo;                 // of one, and speaks for itself in words only
	enum severity word;        // the worst it says in words: of its own ranges, if it covers
	enum severity scored;      // and by vectors
	char source[32];
	struct err problem; // the first, if any
};

// Keeps what the data is to blame for; -1 for everything else.
static int blame(struct osv *o, struct err *why, struct err *e)
{
	if (why->kind != ERR_CORRUPT) {
		*e = *why;
		return -1;
	}
	if (o->problem.kind == ERR_NONE)
		o->problem = *why;
	return 0;
}

static int complain(struct osv *o, const char *what)
{
	if (o->problem.kind == ERR_NONE)
		err_set(&o->problem, ERR_CORRUPT, "%s", what);
	return 0;
}

// --- whose it is -------------------------------------------------------------------------------

static int link_all(struct osv *o, const struct jn *names, enum stage_link kind, const char *prefix,
        size_t *ret_n, struct err *e)
{
	for (size_t i = 0; i < jn_len(names); i++) {
		struct err why = ERR_INIT;
		const char *name = jn_str(jn_at(names, i));
		if (name && !str_has_prefix(name, prefix))
			continue;
		if (stage_link(o->feed->stage, &o->owner, name, kind, &why)) {
			if (blame(o, &why, e))
				return -1;
			continue;
		}
		++*ret_n;
	}
	return 0;
}

// "DEBIAN-CVE-2024-1" is about CVE-2024-1 and no advisory of its own.
static bool is_echo(const char *id, const struct jn *upstream)
{
	const char *name = jn_str(jn_at(upstream, 0));
	return jn_len(upstream) == 1 && name && *name && str_has_suffix(id, name);
}

static int link_names(struct osv *o, struct err *e)
{
	size_t aliases = 0, covered = 0;
	const struct jn *upstream = jn_get(o->root, "upstream");
	const char *ecosystem =
	        jn_get_str(jn_get(jn_at(jn_get(o->root, "affected"), 0), "package"), "ecosystem");
	struct ecosystem eco;
	o->ranges = o->owner;
	if (link_all(o, jn_get(o->root, "aliases"), STAGE_ALIAS, "", &aliases, e))
		return -1;
	o->covers = o->echo = is_echo(o->id, upstream);
	if (o->echo)
		return stage_name(o->feed->stage, jn_str(jn_at(upstream, 0)), &o->ranges.name, e);
	if (link_all(o, upstream, STAGE_COVERS, "", &covered, e))
		return -1;
	// Errata of rpm distributions were written before there was upstream.
	if (aliases + covered == 0 && ecosystem && ecosystem_parse(ecosystem, &eco) &&
	        ecosystem_is_rpm(eco.name) &&
	        link_all(o, jn_get(o->root, "related"), STAGE_COVERS, "CVE-", &covered, e))
		return -1;
	o->covers = covered > 0;
	return 0;
}

// --- how bad -----------------------------------------------------------------------------------

// Debian and Alpine give no scores: whoever made records of what they publish took NVD's.
static bool has_scores_of_nvd(const struct osv *o)
{
	return o->echo && (!strcmp(o->source, "debian") || !strcmp(o->source, "alpine"));
}

static int add_rating(struct osv *o, const char *vector, enum severity word, struct err *e)
{
	struct err why = ERR_INIT;
	struct cvss c = {.severity = word};
	if (vector && cvss_score(vector, &c, &why))
		return blame(o, &why, e);
	enum severity *worst = vector ? &o->scored : &o->word;
	if (c.severity > *worst)
		*worst = c.severity;
	const char *source = vector && has_scores_of_nvd(o) ? "nvd" : o->source;
	return stage_rating(o->feed->stage,
	        &(struct stage_rating){o->ranges, ORIGIN_ADVISORY, source, vector, word}, e);
}

static int add_severities(struct osv *o, const struct jn *list, struct err *e)
{
	for (size_t i = 0; i < jn_len(list); i++) {
		const char *type = jn_get_str(jn_at(list, i), "type");
		const char *score = jn_get_str(jn_at(list, i), "score");
		bool vector = type && str_has_prefix(type, "CVSS_");
		if (!score || !type)
			complain(o, "a severity without type or score");
		else if (add_rating(o, vector ? score : NULL,
		                 vector ? SEVERITY_UNKNOWN : severity_of_word(score), e))
			return -1;
	}
	return 0;
}

static int rate(struct osv *o, struct err *e)
{
	const struct jn *affected = jn_get(o->root, "affected");
	const char *word = jn_get_str(jn_get(o->root, "database_specific"), "severity");
	size_t n = 0;
	while (o->id[n] && o->id[n] != '-' && n + 1 < sizeof(o->source)) {
		o->source[n] =
		        (char)(o->id[n] >= 'A' && o->id[n] <= 'Z' ? o->id[n] | 32 : o->id[n]);
		n++;
	}
	if (str_has_prefix(o->id, "MAL-")) // the package is the harm
		word = "critical";
	if (add_severities(o, jn_get(o->root, "severity"), e))
		return -1;
	for (size_t i = 0; i < jn_len(affected); i++)
		if (add_severities(o, jn_get(jn_at(affected, i), "severity"), e))
			return -1;
	return severity_of_word(word) ? add_rating(o, NULL, severity_of_word(word), e) : 0;
}

// --- what is affected --------------------------------------------------------------------------

static int add_range(struct osv *o, struct stage_range *r, struct err *e)
{
	struct err why = ERR_INIT;
	r->status = r->fixed ? ADVISORY_FIXED : ADVISORY_AFFECTED;
	return stage_range(o->feed->stage, r, &why) ? blame(o, &why, e) : 0;
}

static const char *lower_bound(const char *version)
{
	return version && strcmp(version, "0") != 0 && strcmp(version, "0.0.0-0") != 0 ? version
	                                                                               : NULL;
}

// Events come in order: what opens a range, and what ends it.
static int add_events(struct osv *o, const struct jn *events, struct stage_range *r, struct err *e)
{
	bool open = false;
	for (size_t i = 0; i < jn_len(events); i++) {
		const struct jn *event = jn_at(events, i);
		const char *introduced = jn_get_str(event, "introduced");
		const char *fixed = jn_get_str(event, "fixed");
		const char *last = jn_get_str(event, "last_affected");
		if (!introduced && !fixed && !last)
			continue; // a limit
		if (open == (introduced != NULL))
			return complain(o, "events of a range that are out of order");
		open = introduced != NULL;
		if (introduced) {
			r->introduced = lower_bound(introduced);
			r->fixed = r->last_affected = NULL;
			continue;
		}
		r->fixed = fixed;
		r->last_affected = fixed ? NULL : last;
		if (add_range(o, r, e))
			return -1;
	}
	return open ? add_range(o, r, e) : 0;
}

static bool is_usable(const struct jn *range)
{
	const char *type = jn_get_str(range, "type");
	return type && strcmp(type, "GIT") != 0; // which are commits
}

// Single versions, where no range says more.
static int add_versions(
        struct osv *o, const struct jn *versions, struct stage_range *r, struct err *e)
{
	r->fixed = NULL;
	for (size_t i = 0; i < jn_len(versions); i++) {
		r->introduced = r->last_affected = jn_str(jn_at(versions, i));
		if (r->introduced && add_range(o, r, e))
			return -1;
	}
	return 0;
}

// Under one name of a package. r: what is the same for all its ranges.
static int add_package(struct osv *o, const struct jn *affected, const struct ecosystem *eco,
        const char *name, struct stage_range r, struct err *e)
{
	struct err why = ERR_INIT;
	const struct jn *ranges = jn_get(affected, "ranges");
	bool usable = false;
	if (stage_package(o->feed->stage, eco, name, &r.package, &why))
		return blame(o, &why, e);
	for (size_t i = 0; i < jn_len(ranges); i++) {
		if (!is_usable(jn_at(ranges, i)))
			continue;
		usable = true;
		if (add_events(o, jn_get(jn_at(ranges, i), "events"), &r, e))
			return -1;
	}
	return usable ? 0 : add_versions(o, jn_get(affected, "versions"), &r, e);
}

static bool is_modular(const struct jn *affected)
{
	const struct jn *ranges = jn_get(affected, "ranges");
	for (size_t i = 0; i < jn_len(ranges); i++) {
		const struct jn *events = jn_get(jn_at(ranges, i), "events");
		for (size_t k = 0; k < jn_len(events); k++) {
			const char *fixed = jn_get_str(jn_at(events, k), "fixed");
			if (fixed && version_is_modular(fixed))
				return true;
		}
	}
	return false;
}

// The same package comes in several streams, each with fixes of its own: only the title says which
// are meant.
static int add_modular(struct osv *o, const struct jn *affected, const struct ecosystem *eco,
        const char *name, const struct stage_range *r, struct err *e)
{
	struct str modules[MODULES_MAX];
	const char *title = jn_get_str(o->root, "summary");
	size_t n = title ? modules_of_title(title, modules, ARRAY_LEN(modules)) : 0;
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf full = {0};
		auto_free char *module = xstrndup(modules[i].p, modules[i].n);
		package_module_name(module, name, &full);
		if (add_package(o, affected, eco, buf_cstr(&full), *r, e))
			return -1;
	}
	return n ? 0 : add_package(o, affected, eco, name, *r, e);
}

static bool has_usable(const struct jn *affected)
{
	const struct jn *ranges = jn_get(affected, "ranges");
	for (size_t i = 0; i < jn_len(ranges); i++)
		if (is_usable(jn_at(ranges, i)))
			return true;
	return jn_len(jn_get(affected, "versions")) > 0;
}

static int add_affected(struct osv *o, const struct jn *affected, struct err *e)
{
	struct ecosystem eco;
	const struct jn *package = jn_get(affected, "package");
	const char *ecosystem = jn_get_str(package, "ecosystem"),
	           *name = jn_get_str(package, "name");
	struct stage_range r = {.owner = o->ranges,
	        .note = jn_get_str(jn_get(affected, "database_specific"), "informational"),
	        .severity = severity_of_word(
	                jn_get_str(jn_get(affected, "ecosystem_specific"), "urgency"))};
	if (!package) // commits of a repository
		return 0;
	if (!ecosystem || !name || !ecosystem_parse(ecosystem, &eco))
		return complain(o, "a package without an ecosystem or a name");
	// an echo's vectors rate the flaw, not what the publisher makes of it
	if (!r.severity && o->covers)
		r.severity = o->word || o->echo ? o->word : o->scored;
	if (!has_usable(affected))
		return 0;
	return ecosystem_is_rpm(eco.name) && is_modular(affected)
	               ? add_modular(o, affected, &eco, name, &r, e)
	               : add_package(o, affected, &eco, name, r, e);
}

// --- a record ----------------------------------------------------------------------------------

static int read_record(struct osv *o, struct str raw, struct err *e)
{
	const char *summary = jn_get_str(o->root, "summary");
	const char *withdrawn = jn_get_str(o->root, "withdrawn");
	const struct jn *affected = jn_get(o->root, "affected");
	struct stage_record r = {
	        .id = o->id,
	        .modified = jn_get_str(o->root, "modified"),
	        .published = jn_get_str(o->root, "published"),
	        .title = summary && *summary ? summary : jn_get_str(o->root, "details"),
	        .bytes = raw,
	        .withdrawn = withdrawn && *withdrawn,
	};
	int rc = stage_record(o->feed->stage, &r, &o->owner, e);
	if (rc <= 0 || r.withdrawn)
		return rc < 0 ? -1 : 0;
	if (link_names(o, e) || rate(o, e))
		return -1;
	for (size_t i = 0; i < jn_len(affected); i++)
		if (add_affected(o, jn_at(affected, i), e))
			return -1;
	return 0;
}

int osv_record(struct feed *f, const struct jn *root, struct str raw, size_t line, struct err *e)
{
	struct osv o = {.feed = f, .root = root, .id = jn_get_str(root, "id")};
	struct err why = ERR_INIT;
	if (!o.id)
		complain(&o, "not an OSV record: it has no id");
	else if (read_record(&o, raw, &why))
		return feed_blame(f, line, &why, e);
	return o.problem.kind ? feed_blame(f, line, &o.problem, e) : 0;
}

static int parse_record(struct feed *f, struct str raw, size_t line, struct err *e)
{
	struct err why = ERR_INIT;
	auto_jdoc struct jdoc *d = jdoc_parse(raw.p, raw.n, &why);
	return d ? osv_record(f, jdoc_root(d), raw, line, e) : feed_blame(f, line, &why, e);
}

static int too_long(struct feed *f, size_t line, struct err *e)
{
	struct err why = ERR_INIT;
	err_set(&why, ERR_CORRUPT, "a record of more than %zu MiB", RECORD_MAX >> 20);
	return feed_blame(f, line, &why, e);
}

int feed_osv_lines(struct feed *f, struct err *e)
{
	auto_buf struct buf line = {0};
	bool long_line;
	int rc;
	while ((rc = input_line(f->in, RECORD_MAX, &line, &long_line, e)) > 0) {
		struct str s = {buf_cstr(&line), line.n};
		if (s.n == 0 || strspn(s.p, " \t\r") == s.n)
			continue;
		if (long_line ? too_long(f, f->in->line, e) : parse_record(f, s, f->in->line, e))
			return -1;
	}
	return rc;
}

int feed_osv_document(struct feed *f, struct err *e)
{
	struct str head;
	struct json_element el;
	int rc;
	if (input_peek(f->in, &head, e))
		return -1;
	const char *p = head.p;
	size_t depth = 0;
	while (p < head.p + head.n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	depth = p < head.p + head.n && *p == '[';
	auto_json_stream struct json_stream *s =
	        json_stream_new(&(struct json_stream_source){input_read, f->in}, depth, RECORD_MAX);
	while ((rc = json_stream_next(s, &el, e)) > 0)
		if (el.too_long ? too_long(f, el.line, e) : parse_record(f, el.raw, el.line, e))
			return -1;
	return rc;
}
