// SPDX-License-Identifier: Apache-2.0
// Construction of struct err; the table of kinds is in err.h. Every text is formatted beside *e
// before *e changes, so that the arguments may point into the old message.
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// The functions themselves.
#undef err_set
#undef err_sys
#undef err_wrap
#undef err_at

#define MSG_SIZE sizeof(((struct err *)0)->msg)

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	struct err fresh = {.kind = kind};
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(fresh.msg, MSG_SIZE, fmt, ap);
	va_end(ap);
	*e = fresh;
	return -1;
}

int err_at(struct err *e, struct pos pos, const char *fmt, ...)
{
	struct err fresh = {.kind = ERR_DOCKERFILE, .pos = pos};
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(fresh.msg, MSG_SIZE, fmt, ap);
	va_end(ap);
	*e = fresh;
	return -1;
}

// e->msg becomes "<head>: <tail>". If both do not fit the head is cut: the cause matters more than
// the way to it.
static void join(char msg[static MSG_SIZE], const char *head, const char *tail)
{
	size_t h = strlen(head), t = strlen(tail);
	if (!t) {
		snprintf(msg, MSG_SIZE, "%s", head);
		return;
	}
	size_t room = t + 3 < MSG_SIZE ? MSG_SIZE - 3 - t : 0;
	if (h > room)
		h = room;
	snprintf(msg, MSG_SIZE, "%.*s%s%s", (int)h, head, h ? ": " : "", tail);
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	struct err fresh = {.kind = ERR_FAIL, .sys = saved};
	if (saved == ENOSPC || saved == EDQUOT)
		fresh.kind = ERR_SPACE;
	char head[MSG_SIZE], text[128];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	join(fresh.msg, head, strerror_r(saved, text, sizeof(text)));
	*e = fresh;
	errno = saved;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char head[MSG_SIZE], tail[MSG_SIZE];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	memcpy(tail, e->msg, sizeof(tail));
	tail[sizeof(tail) - 1] = '\0'; // *e may come from another process
	join(e->msg, head, tail);
	return -1;
}

static const struct {
	int status;
	const char *code;
} kinds[] = {
#define X(name, exit_status, text) [name] = {exit_status, text},
        ERR_KINDS(X)
#undef X
};

// The kind may come through a pipe from another process: whatever is not in the table is a failure.
static size_t kind_index(const struct err *e)
{
	size_t k = (size_t)e->kind;
	return k < sizeof(kinds) / sizeof(kinds[0]) && kinds[k].code ? k : ERR_FAIL;
}

int err_exit_status(const struct err *e)
{
	int status = kinds[kind_index(e)].status;
	return status ? status : 1;
}

const char *err_code(const struct err *e)
{
	return kinds[kind_index(e)].code;
}
