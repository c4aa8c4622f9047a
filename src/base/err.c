// SPDX-License-Identifier: Apache-2.0
// Construction of struct err; the table of kinds is in err.h.
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	*e = (struct err){.kind = kind};
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int err_at(struct err *e, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	*e = (struct err){.kind = ERR_DOCKERFILE, .pos = pos};
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	*e = (struct err){
	        .kind = saved == ENOSPC || saved == EDQUOT ? ERR_SPACE : ERR_FAIL, .sys = saved};
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	char text[128];
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror_r(saved, text, sizeof(text)));
	errno = saved;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->msg)];
	va_list ap;
	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg), room = sizeof(e->msg) - 3, keep = strlen(inner);
	if (n + keep > room) // the cause matters more than the way to it
		n = keep < room ? room - keep : 0;
	if (n)
		n += (size_t)snprintf(e->msg + n, 3, ": ");
	memcpy(e->msg + n, inner, keep < room - n + 3 ? keep + 1 : room - n + 3);
	e->msg[sizeof(e->msg) - 1] = '\0';
	return -1;
}

int err_exit_status(const struct err *e)
{
	static const int status[] = {
#define X(name, exit_status, code) [name] = exit_status,
	        ERR_KINDS(X)
#undef X
	};
	return status[e->kind] ? status[e->kind] : 1;
}

const char *err_code(const struct err *e)
{
	static const char *const codes[] = {
#define X(name, exit_status, code) [name] = code,
	        ERR_KINDS(X)
#undef X
	};
	return codes[e->kind];
}
