// SPDX-License-Identifier: Apache-2.0
// Runs a credential helper as any other program (base/process.h): without a shell or a terminal,
// what it prints bounded, and gone when hew is.

#include "registry/credential_helper.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/process.h"
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define HELPER_OUTPUT_MAX (1u << 20)

// The suffix comes from a configuration file: a name, never a path or an option.
static bool suffix_is_valid(const char *s)
{
	if (!*s || strlen(s) > 64)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_' && *s != '.')
			return false;
	return true;
}

static void trim(struct buf *b)
{
	while (b->n > 0 && isspace((unsigned char)b->p[b->n - 1]))
		b->p[--b->n] = '\0';
}

// The protocol has its errors on standard output; what breaks says so on standard error.
static int judge(const char *program, struct process_output *o, struct err *e)
{
	if (o->status == 0)
		return HELPER_OK;
	trim(&o->out);
	trim(&o->err);
	const char *said = buf_cstr(o->out.n ? &o->out : &o->err);
	if (strstr(said, "credentials not found") || strstr(said, "no credentials server URL"))
		return HELPER_NONE;
	if (o->status > 128)
		return err_set(
		        e, ERR_AUTH, "'%s' was killed by signal %d", program, o->status - 128);
	return err_set(e, ERR_AUTH, "'%s' failed with status %d: %.300s", program, o->status, said);
}

int credential_helper_run(
        const char *suffix, const char *verb, const char *input, struct buf *ret, struct err *e)
{
	if (!suffix_is_valid(suffix))
		return err_set(e, ERR_AUTH, "'%s' is not the name of a credential helper", suffix);
	auto_free char *program = xasprintf("docker-credential-%s", suffix);
	const char *const argv[] = {program, verb, NULL};
	const struct process_spec spec = {.argv = argv,
	        .env = (const char *const *)environ,
	        .dir = -1,
	        .output_max = HELPER_OUTPUT_MAX,
	        .input = input};
	auto_process_output struct process_output o = {0};
	if (process_run(&spec, &o, e) < 0) {
		if (e->kind == ERR_FAIL)
			e->kind = ERR_AUTH;
		return e->kind == ERR_NOT_FOUND ? HELPER_MISSING : -1;
	}
	int answer = judge(program, &o, e);
	if (answer == HELPER_OK)
		buf_add(ret, o.out.p, o.out.n);
	return answer;
}
