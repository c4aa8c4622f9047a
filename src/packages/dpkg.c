// SPDX-License-Identifier: Apache-2.0
// dpkg's database: stanzas of "Field: value" (deb-control(5)), the same one a file in the status.d
// of images without dpkg, and the lists of files that packages own.
#include "packages/packages-int.h"

struct stanza {
	struct buf name, version, arch, source;
	bool has_status, installed;
};

static void release(struct stanza *s)
{
	buf_release(&s->name);
	buf_release(&s->version);
	buf_release(&s->arch);
	buf_release(&s->source);
}

static void reset(struct stanza *s)
{
	buf_reset(&s->name);
	buf_reset(&s->version);
	buf_reset(&s->arch);
	buf_reset(&s->source);
	s->has_status = s->installed = false;
}

static void set(struct buf *b, struct str value)
{
	buf_reset(b);
	buf_add(b, value.p, value.n < LINE_LENGTH_MAX ? value.n : 0);
}

static void field(struct stanza *s, struct str line)
{
	struct str value;
	if (line_field(line, "Package", &value)) {
		set(&s->name, value);
	} else if (line_field(line, "Version", &value)) {
		set(&s->version, value);
	} else if (line_field(line, "Architecture", &value)) {
		set(&s->arch, value);
	} else if (line_field(line, "Source", &value)) {
		set(&s->source, value);
	} else if (line_field(line, "Status", &value)) {
		s->has_status = true;
		s->installed = value.n >= 10 && !memcmp(value.p + value.n - 10, " installed", 10);
	}
}

// A rebuild without a change of the source has "+bN" behind its version.
static void cut_rebuild(char *version)
{
	char *plus = strrchr(version, '+');
	if (plus && plus[1] == 'b' && plus[2] && plus[2 + strspn(plus + 2, "0123456789")] == '\0')
		*plus = '\0';
}

// "Source: name (version)", where both may be those of the package and then are not there.
static int add(struct scan *s, struct stanza *st, struct err *e)
{
	if (st->has_status && !st->installed)
		return 0;
	auto_free char *source = xstrdup(buf_cstr(&st->source));
	auto_free char *source_version = NULL;
	char *open = strstr(source, " (");
	if (open) {
		*open = '\0';
		source_version = xstrndup(open + 2, strcspn(open + 2, ")"));
	} else {
		source_version = xstrdup(buf_cstr(&st->version));
		cut_rebuild(source_version);
	}
	const struct package p = {
	        .type = PACKAGE_DEB,
	        .name = buf_cstr(&st->name),
	        .version = buf_cstr(&st->version),
	        .arch = st->arch.n ? st->arch.p : NULL,
	        .source = *source ? source : NULL,
	        .source_version =
	                strcmp(source_version, buf_cstr(&st->version)) ? source_version : NULL,
	};
	return scan_add(s, &p, e);
}

int scan_dpkg_status(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct stanza st = {0};
	struct str line;
	int more = 1, status = 0;
	while (more > 0 && !status) {
		more = line_next(&r, &line, e);
		if (more > 0 && line.n) {
			field(&st, line);
		} else if (more >= 0) {
			status = add(s, &st, e);
			reset(&st);
		}
	}
	release(&st);
	return more < 0 ? -1 : status;
}

// A path a line.
int scan_dpkg_list(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct str line;
	int more;
	while ((more = line_next(&r, &line, e)) > 0)
		scan_own(s, (struct str){0}, line);
	return more;
}

// A digest, blanks and a path a line.
int scan_dpkg_sums(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct str line;
	int more;
	while ((more = line_next(&r, &line, e)) > 0) {
		const char *blank = line.n ? memchr(line.p, ' ', line.n) : NULL;
		if (blank)
			scan_own(s, (struct str){0},
			        str_trim((struct str){blank, line.n - (size_t)(blank - line.p)}));
	}
	return more;
}
