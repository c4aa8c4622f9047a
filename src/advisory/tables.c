// SPDX-License-Identifier: Apache-2.0
// Tables: EPSS scores, CVSS vectors and severities by CVE, fixes of Debian's advisories, and the
// releases of distro-info; and Debian's list of advisories, which is nearly one.
#include "advisory/feed-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096
#define COLUMNS_MAX 16

// Cuts a line in place; false: there are fewer columns than that.
static bool cut(char *line, char separator, char **columns, size_t least)
{
	size_t n = 0;
	line[strcspn(line, "\r")] = '\0';
	char *end = line + strlen(line);
	for (char *p = line; p && n < COLUMNS_MAX; n++) {
		columns[n] = p;
		p = strchr(p, separator);
		if (p)
			*p++ = '\0';
	}
	for (size_t i = n; i < COLUMNS_MAX; i++)
		columns[i] = end;
	return n >= least;
}

int feed_read_table(struct feed *f, const struct feed_table *t, struct err *e)
{
	auto_buf struct buf line = {0};
	bool too_long, header = true;
	int rc;
	while ((rc = input_line(f->in, LINE_MAX_BYTES, &line, &too_long, e)) > 0) {
		char *columns[COLUMNS_MAX];
		struct err why = ERR_INIT;
		if (line.n == 0 || line.p[0] == '#' || header) {
			header = header && (line.n == 0 || line.p[0] == '#');
			continue;
		}
		if (too_long || strlen(line.p) != line.n ||
		        !cut(line.p, t->separator, columns, t->columns))
			err_set(&why, ERR_CORRUPT, "not a row of %zu columns", t->columns);
		else if (!t->row(f, columns, &why))
			continue;
		if (feed_blame(f, f->in->line, &why, e))
			return -1;
	}
	return rc;
}

// --- EPSS: cve,epss,percentile -----------------------------------------------------------------

// "0.00043" in 1/100000; false: not a number from 0 to 1.
static bool read_share(const char *text, int *ret)
{
	int v = 0, digits = 0;
	const char *p = text;
	if (*p != '0' && *p != '1')
		return false;
	v = *p++ - '0';
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++)
			if (digits < 5) {
				v = v * 10 + (*p - '0');
				digits++;
			}
	for (; digits < 5; digits++)
		v *= 10;
	*ret = v;
	return !*p && v <= 100000;
}

static int epss_row(struct feed *f, char **c, struct err *e)
{
	int64_t name;
	int score, percentile;
	if (!read_share(c[1], &score) || !read_share(c[2], &percentile))
		return err_set(e, ERR_CORRUPT, "not a score: '%.40s', '%.40s'", c[1], c[2]);
	return stage_name(f->stage, c[0], &name, e) ||
	                       stage_epss(f->stage, name, score, percentile, e) ||
	                       stage_count(f->stage, "EPSS", NULL, false, e)
	               ? -1
	               : 0;
}

int feed_epss(struct feed *f, struct err *e)
{
	// "#model_version:v2025.03.14,score_date:2026-08-20T00:00:00+0000"
	struct str head;
	if (input_peek(f->in, &head, e))
		return -1;
	auto_free char *first = xstrndup(head.p, head.n < 200 ? head.n : 200);
	first[strcspn(first, "\n")] = '\0';
	const char *date = strstr(first, "score_date:");
	if (date && stage_date(f->stage, "EPSS", date + 11, e))
		return -1;
	return feed_read_table(f, &(struct feed_table){',', 3, epss_row}, e);
}

// --- by CVE ------------------------------------------------------------------------------------

// cve, source, vector
static int vector_row(struct feed *f, char **c, struct err *e)
{
	struct stage_rating r = {.origin = ORIGIN_TABLE, .source = c[1], .vector = c[2]};
	return stage_name(f->stage, c[0], &r.owner.name, e) || stage_rating(f->stage, &r, e) ||
	                       stage_count(f->stage, "CVSS by CVE", NULL, false, e)
	               ? -1
	               : 0;
}

int feed_vectors(struct feed *f, struct err *e)
{
	return feed_read_table(f, &(struct feed_table){'\t', 3, vector_row}, e);
}

// cve, and words of two sources
static int severity_row(struct feed *f, char **c, struct err *e)
{
	static const char *const sources[] = {"redhat", "grype"};
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct stage_rating r = {.origin = ORIGIN_TABLE,
		        .source = sources[i],
		        .severity = severity_of_word(c[1 + i])};
		if (stage_name(f->stage, c[0], &r.owner.name, e) || stage_rating(f->stage, &r, e))
			return -1;
	}
	return stage_count(f->stage, "severity by CVE", NULL, false, e);
}

int feed_severities(struct feed *f, struct err *e)
{
	return feed_read_table(f, &(struct feed_table){'\t', 2, severity_row}, e);
}

// --- Debian's advisories -----------------------------------------------------------------------

// One fix. An advisory of several lines is a record that all of them own.
static int debian_fix(struct feed *f, const char *release, const char *source, const char *fixed,
        const struct stage_owner *owner, struct err *e)
{
	struct stage_range r = {.owner = *owner, .fixed = fixed, .status = ADVISORY_FIXED};
	struct ecosystem eco;
	if (!*fixed || !ecosystem_debian(release, &eco))
		return err_set(e, ERR_CORRUPT, "a fix without a release or a version");
	return stage_package(f->stage, &eco, source, &r.package, e) || stage_range(f->stage, &r, e)
	               ? -1
	               : 0;
}

// release, source, fixed, cve, date, advisory
static int fixes_row(struct feed *f, char **c, struct err *e)
{
	struct stage_owner advisory = {0};
	if (stage_name(f->stage, c[5], &advisory.name, e) ||
	        stage_link(f->stage, &advisory, c[3], STAGE_COVERS, e) ||
	        debian_fix(f, c[0], c[1], c[2], &advisory, e))
		return -1;
	return stage_count(f->stage, "Debian advisories", c[4], false, e);
}

int feed_debian_fixes(struct feed *f, struct err *e)
{
	return feed_read_table(f, &(struct feed_table){'\t', 6, fixes_row}, e);
}

// [26 Nov 2025] DSA-6064-1 tryton-sao - security update
//	{CVE-2025-66420 CVE-...}
//	[bookworm] - tryton-sao 6.0.28+ds1-2+deb12u1
//	NOTE: ...
static int list_head(struct feed *f, char *line, struct stage_owner *ret, struct err *e)
{
	char *id = strchr(line, ']');
	if (!id)
		return err_set(e, ERR_CORRUPT, "an advisory without a date");
	id += 1 + strspn(id + 1, " ");
	id[strcspn(id, " \t\r")] = '\0';
	ret->version = 0;
	return stage_name(f->stage, id, &ret->name, e) ||
	                       stage_count(f->stage, "Debian advisories", NULL, false, e)
	               ? -1
	               : 0;
}

static int list_flaws(struct feed *f, char *p, const struct stage_owner *owner, struct err *e)
{
	p[strcspn(p, "}")] = '\0';
	while (*(p += strspn(p, " \t"))) {
		auto_free char *id = xstrndup(p, strcspn(p, " \t"));
		if (stage_link(f->stage, owner, id, STAGE_COVERS, e))
			return -1;
		p += strlen(id);
	}
	return 0;
}

static int list_fix(struct feed *f, char *p, const struct stage_owner *owner, struct err *e)
{
	char *release = p, *end = strchr(p, ']');
	char *source = end ? strstr(end, "- ") : NULL, *fixed;
	if (!source)
		return err_set(e, ERR_CORRUPT, "neither a package nor a version");
	*end = '\0';
	source += 2;
	source[strcspn(source, "\r")] = '\0';
	fixed = strchr(source, ' ');
	if (!fixed)
		return err_set(e, ERR_CORRUPT, "a package without a version");
	*fixed++ = '\0';
	if (*fixed == '<') // <not-affected>, <end-of-life>, ...: no fix
		return 0;
	fixed[strcspn(fixed, " \t")] = '\0';
	return debian_fix(f, release, source, fixed, owner, e);
}

static int list_line(struct feed *f, char *line, struct stage_owner *owner, struct err *e)
{
	if (*line == '[')
		return list_head(f, line, owner, e);
	line += strspn(line, " \t\r");
	if ((*line != '{' && *line != '[') || !owner->name)
		return 0;
	return *line == '{' ? list_flaws(f, line + 1, owner, e) : list_fix(f, line + 1, owner, e);
}

int feed_debian_list(struct feed *f, struct err *e)
{
	auto_buf struct buf line = {0};
	struct stage_owner owner = {0};
	bool too_long;
	int rc;
	while ((rc = input_line(f->in, (size_t)64 << 10, &line, &too_long, e)) > 0) {
		struct err why = ERR_INIT;
		buf_cstr(&line);
		if (too_long || strlen(line.p) != line.n)
			err_set(&why, ERR_CORRUPT, "a line of more than 64 KiB, or with a NUL");
		else if (!list_line(f, line.p, &owner, &why))
			continue;
		if (feed_blame(f, f->in->line, &why, e))
			return -1;
	}
	return rc;
}

// --- distro-info: version,codename,series,created,release,eol,eol-lts,... ----------------------

// The last day on which the public gets updates: of Debian's and Ubuntu's own people.
static int release_row(struct feed *f, char **c, struct err *e)
{
	const char *base = fs_base_name(f->in->name);
	bool ubuntu = str_has_prefix(base, "ubuntu");
	struct ecosystem eco = {0};
	c[0][strcspn(c[0], " ")] = '\0'; // "22.04 LTS"
	if (!*c[0] || strlen(c[0]) > 31 || strlen(c[2]) > 31)
		return 0; // unstable and experimental have no version
	snprintf(eco.name, sizeof(eco.name), "%s", ubuntu ? "Ubuntu" : "Debian");
	snprintf(eco.release, sizeof(eco.release), "%s", c[0]);
	const char *eol = !ubuntu && *c[6] ? c[6] : c[5];
	return stage_release(f->stage, &eco, c[2], strlen(eol) == 10 ? eol : "", e) ||
	                       stage_count(f->stage, "distro-info", NULL, false, e)
	               ? -1
	               : 0;
}

int feed_distro_info(struct feed *f, struct err *e)
{
	return feed_read_table(f, &(struct feed_table){',', 3, release_row}, e);
}
