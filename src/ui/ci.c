// SPDX-License-Identifier: Apache-2.0
// In a job of GitHub or GitLab: what a build printed is folded, and what is wrong with a line of
// the Dockerfile is shown at that line. Both services read this from the output itself.
#include "base/err.h"
#include "base/mem.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_true(const char *variable)
{
	const char *value = getenv(variable);
	return value && !strcmp(value, "true");
}

enum ci_service ci_service(void)
{
	return is_true("GITHUB_ACTIONS") ? CI_GITHUB : is_true("GITLAB_CI") ? CI_GITLAB : CI_NONE;
}

void ui_section(struct ui *u, const char *title)
{
	u->service = u->kind == UI_PLAIN ? ci_service() : CI_NONE;
	u->folded = u->service != CI_NONE;
	if (u->service == CI_GITHUB)
		fprintf(stderr, "::group::%s\n", title);
	else if (u->service == CI_GITLAB)
		fprintf(stderr, "\033[0Ksection_start:%lld:hew[collapsed=true]\r\033[0K%s\n",
		        (long long)time(NULL), title);
}

void ui_section_end(struct ui *u)
{
	pthread_mutex_lock(&u->lock);
	if (u->folded && u->service == CI_GITHUB)
		fputs("::endgroup::\n", stderr);
	else if (u->folded)
		fprintf(stderr, "\033[0Ksection_end:%lld:hew\r\033[0K\n", (long long)time(NULL));
	u->folded = false;
	pthread_mutex_unlock(&u->lock);
}

// Relative to the checkout, as annotations want it.
void ui_source(struct ui *u, const char *file)
{
	const char *top = getenv("GITHUB_WORKSPACE");
	size_t n = top ? strlen(top) : 0;
	while (n && top[n - 1] == '/')
		n--;
	free(u->source);
	if (n && !strncmp(file, top, n) && file[n] == '/')
		file += n + 1;
	u->source = xstrdup(file);
}

// A value of a workflow command: what would end it is written as a percent and two digits.
static void put_value(struct buf *out, const char *s, const char *special)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || strchr(special, *s))
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
		else
			buf_putc(out, *s);
}

static void annotate(const struct ui *u, const char *level, int line, const char *text)
{
	auto_buf struct buf out = {0};
	buf_printf(&out, "::%s ", level);
	if (u->source) {
		buf_puts(&out, "file=");
		put_value(&out, u->source, "%:,");
		buf_printf(&out, ",line=%d", line);
	}
	buf_puts(&out, "::");
	put_value(&out, text, "%");
	fprintf(stderr, "%s\n", buf_cstr(&out));
}

void ci_warnings(const struct ui *u)
{
	for (size_t i = 0; i < u->warnings.n; i++)
		annotate(u, "warning", u->warning_lines[i], u->warnings.v[i]);
}

void ui_error_at(struct ui *u, int line, const struct err *e)
{
	if (u->service == CI_GITHUB && u->source && line > 0)
		annotate(u, "error", line, e->msg);
}
