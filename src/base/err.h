// SPDX-License-Identifier: Apache-2.0
// The one way to report failure. A struct err is plain data on the caller's stack: nothing to free,
// and it can be written through a pipe by a sandboxed child and read by its parent as it is.
//
// A fallible function returns 0 or -1 and takes `struct err *e` last; on -1 *e says what was tried,
// why it failed and what to do. All constructors return -1, so a failure is one line:
//     return err_sys(e, "open '%s'", path);
#pragma once

#include <stdbool.h>
#include <stddef.h>

// X(name, exit status, code in JSON output). The exit statuses are documented in hew(1).
#define ERR_KINDS(X)                                                                               \
	X(ERR_NONE, 0, "none")                                                                     \
	X(ERR_FAIL, 1, "failed")               /* anything without a kind of its own */            \
	X(ERR_USAGE, 2, "usage")               /* command line */                                  \
	X(ERR_DOCKERFILE, 3, "dockerfile")     /* does not parse, unknown stage, bad flag */       \
	X(ERR_CONTEXT, 4, "context")           /* file missing, ignored, changed while copied */   \
	X(ERR_STEP, 5, "step")                 /* a RUN exited non-zero */                         \
	X(ERR_NOT_FOUND, 6, "not-found")       /* image, tag or object does not exist */           \
	X(ERR_NET, 7, "network")               /* unreachable, timeout, TLS */                     \
	X(ERR_AUTH, 8, "denied")               /* wrong or missing credentials, no permission */   \
	X(ERR_CORRUPT, 9, "corrupt")           /* digest, length or format is not what was said */ \
	X(ERR_SPACE, 10, "no-space")           /* disk or quota full */                            \
	X(ERR_SANDBOX, 11, "sandbox")          /* the machine refuses what the step needs */       \
	X(ERR_UNSUPPORTED, 12, "unsupported")  /* valid, but hew cannot do it */                   \
	X(ERR_DIFFERS, 13, "not-reproducible") /* built twice, with another result */              \
	X(ERR_VULNERABLE, 14, "vulnerable")    /* --scan found what was not to be there */         \
	X(ERR_TOO_LARGE, 15, "too-large")      /* an image weighs or wastes more than it may */    \
	X(ERR_CANCELLED, 130, "cancelled")     /* Ctrl-C or SIGTERM */

enum err_kind {
#define X(name, status, code) name,
	ERR_KINDS(X)
#undef X
};

// Where in a Dockerfile: line and column count from 1; line 0 means nowhere.
struct pos {
	int line, col;
	int end_line, end_col;
};

struct err {
	enum err_kind kind;
	int sys;        // errno of the first cause, 0 if none
	struct pos pos; // Dockerfile position, if any
	char msg[1000]; // always NUL-terminated; control characters are escaped when printed
};

#define ERR_INIT ((struct err){0})

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
        __attribute__((format(printf, 3, 4), cold));
// Appends ": strerror(errno)". ENOSPC and EDQUOT become ERR_SPACE, all else ERR_FAIL.
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));
// Puts "<text>: " in front of what *e says already; keeps kind, sys and pos.
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));
// Like err_set, with a position. kind is ERR_DOCKERFILE.
int err_at(struct err *e, struct pos pos, const char *fmt, ...)
        __attribute__((format(printf, 3, 4), cold));

// The value once more, where it can be seen: a compiler or an analyser reads one file at a time and
// would believe that a failure may be 0, and what is unset on failure used.
#define ERR_VALUE(call) \
	({              \
		call;   \
		-1;     \
	})
#define err_set(...) ERR_VALUE(err_set(__VA_ARGS__))
#define err_sys(...) ERR_VALUE(err_sys(__VA_ARGS__))
#define err_wrap(...) ERR_VALUE(err_wrap(__VA_ARGS__))
#define err_at(...) ERR_VALUE(err_at(__VA_ARGS__))

int err_exit_status(const struct err *e);
const char *err_code(const struct err *e);
