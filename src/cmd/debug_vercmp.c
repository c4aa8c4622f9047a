// SPDX-License-Identifier: Apache-2.0
// `hew debug vercmp`: which of two versions is the older one.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include "cmd/words.h"
#include "version/version.h"
#include <stdio.h>
#include <string.h>

#define PAIRS_BYTES_MAX (16u << 20)

static char sign(int order)
{
	return order < 0 ? '<' : order > 0 ? '>' : '=';
}

// Lines "A B" become "A < B".
static int compare_lines(enum version_scheme s, char *text, struct err *e)
{
	for (char *line = text, *end; *line; line = end) {
		int order;
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		char *second = line + strcspn(line, " \t");
		if (*second)
			*second++ = '\0';
		if (version_compare(s, line, second, &order, e))
			return -1;
		printf("%s %c %s\n", line, sign(order), second);
	}
	return 0;
}

int debug_vercmp(const struct strv *args, struct err *e)
{
	static const char usage[] = "debug vercmp ECOSYSTEM A B, or ECOSYSTEM - for lines of A B";
	enum version_scheme s;
	int order;
	if (need_args(args, 3, 4, usage, e))
		return -1;
	if (!version_scheme_find(args->v[1], &s))
		return err_set(e, ERR_USAGE,
		        "unknown ecosystem \"%s\": dpkg, apk, rpm, semver, pep440, go, maven, gem, "
		        "or a name that OSV or a package URL has for one of these",
		        args->v[1]);
	if (args->n == 3) {
		auto_buf struct buf text = {0};
		if (strcmp(args->v[2], "-") != 0)
			return err_set(e, ERR_USAGE, "usage: hew %s", usage);
		return fs_read_fd(0, PAIRS_BYTES_MAX, &text, e)
		               ? err_wrap(e, "read standard input")
		               : compare_lines(s, text.n ? text.p : (char[1]){0}, e);
	}
	if (version_compare(s, args->v[2], args->v[3], &order, e))
		return -1;
	printf("%c\n", sign(order));
	return 0;
}
