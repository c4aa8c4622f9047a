// SPDX-License-Identifier: Apache-2.0
// apk's database (apk-package(5) of installed packages): "P:name" lines, an empty line between
// packages; F: is a folder, R: a file in the one before.
#include "packages/packages-int.h"

#define FIELDS "PVAoF"

struct stanza {
	struct buf v[sizeof(FIELDS) - 1];
};

static struct buf *value_of(struct stanza *s, char field)
{
	const char *at = field ? strchr(FIELDS, field) : NULL;
	return at ? &s->v[at - FIELDS] : NULL;
}

static const char *text(struct stanza *s, char field)
{
	return buf_cstr(value_of(s, field));
}

static void field(struct scan *s, struct stanza *st, struct str line)
{
	const struct str value = {line.p + 2, line.n - 2};
	struct buf *b = value_of(st, *line.p);
	if (b) {
		buf_reset(b);
		buf_add(b, value.p, value.n);
	} else if (*line.p == 'R') {
		scan_own(s, str_of(text(st, 'F')), value);
	}
}

static int add(struct scan *s, struct stanza *st, struct err *e)
{
	const struct package p = {
	        .type = PACKAGE_APK,
	        .name = text(st, 'P'),
	        .version = text(st, 'V'),
	        .arch = text(st, 'A'),
	        .source = strcmp(text(st, 'o'), text(st, 'P')) ? text(st, 'o') : NULL,
	};
	int status = scan_add(s, &p, e);
	for (size_t i = 0; i < ARRAY_LEN(st->v); i++)
		buf_reset(&st->v[i]);
	return status;
}

int scan_apk(struct scan *s, const struct content *c, struct err *e)
{
	auto_lines struct line_reader r = line_reader_of(c);
	struct stanza st = {0};
	struct str line;
	int more = 1, status = 0;
	while (more > 0 && !status) {
		more = line_next(&r, &line, e);
		if (more > 0 && line.n > 2 && line.p[1] == ':')
			field(s, &st, line);
		else if (more == 0 || (more > 0 && !line.n))
			status = add(s, &st, e);
	}
	for (size_t i = 0; i < ARRAY_LEN(st.v); i++)
		buf_release(&st.v[i]);
	return more < 0 ? -1 : status;
}
