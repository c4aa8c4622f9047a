// SPDX-License-Identifier: Apache-2.0
// --chmod: an octal mode, or chmod(1)'s symbols (u=rwX,go=rX), as the Dockerfile language takes
// them.
#include "base/buf.h"
#include "base/err.h"
#include "exec/exec-int.h"

struct clause {
	uint32_t who; // mask of rwx bits and special bits it may touch
	char op;
	uint32_t bits;
	bool big_x;
	char copy_from; // 'u', 'g', 'o' or 0
};

static uint32_t who_mask(char c)
{
	switch (c) {
	case 'u':
		return 04700;
	case 'g':
		return 02070;
	case 'o':
		return 01007;
	case 'a':
		return 07777;
	default:
		return 0;
	}
}

static bool take_perm(char c, struct clause *cl)
{
	switch (c) {
	case 'r':
		cl->bits |= 0444;
		return true;
	case 'w':
		cl->bits |= 0222;
		return true;
	case 'x':
		cl->bits |= 0111;
		return true;
	case 'X':
		cl->big_x = true;
		return true;
	case 's':
		cl->bits |= 06000;
		return true;
	case 't':
		cl->bits |= 01000;
		return true;
	case 'u':
	case 'g':
	case 'o':
		cl->copy_from = c;
		return true;
	default:
		return false;
	}
}

static uint32_t copied_bits(char from, uint32_t mode)
{
	uint32_t three = from == 'u' ? mode >> 6 : from == 'g' ? mode >> 3 : mode;
	return (three & 7) * 0111;
}

static uint32_t clause_apply(const struct clause *c, uint32_t mode, bool is_dir)
{
	uint32_t bits = c->bits;
	if (c->big_x && (is_dir || (mode & 0111)))
		bits |= 0111;
	if (c->copy_from)
		bits |= copied_bits(c->copy_from, mode);
	bits &= c->who;
	if (c->op == '+')
		return mode | bits;
	if (c->op == '-')
		return mode & ~bits;
	return (mode & ~(c->who & 0777)) | bits;
}

// Applies one clause ("go=rX", several operators allowed) and returns the position after it, or
// NULL.
static const char *one_clause(const char *p, uint32_t *mode, bool is_dir)
{
	uint32_t who = 0;
	while (who_mask(*p))
		who |= who_mask(*p++);
	if (!who)
		who = 07777;
	if (*p != '+' && *p != '-' && *p != '=')
		return NULL;
	while (*p == '+' || *p == '-' || *p == '=') {
		struct clause c = {.who = who, .op = *p++};
		while (take_perm(*p, &c))
			p++;
		*mode = clause_apply(&c, *mode, is_dir);
	}
	return p;
}

static bool apply_symbols(const char *spec, uint32_t *mode, bool is_dir)
{
	const char *p = spec;
	for (;;) {
		p = one_clause(p, mode, is_dir);
		if (!p || (*p && *p != ','))
			return false;
		if (!*p)
			return true;
		p++;
	}
}

uint32_t chmod_apply(const char *spec, uint32_t mode, bool is_dir)
{
	uint32_t octal;
	if (str_to_octal(spec, &octal))
		return octal & 07777;
	apply_symbols(spec, &mode, is_dir);
	return mode;
}

int chmod_parse_check(const char *spec, struct err *e)
{
	uint32_t octal, mode = 0;
	if ((str_to_octal(spec, &octal) && octal <= 07777) || apply_symbols(spec, &mode, false))
		return 0;
	return err_set(e, ERR_DOCKERFILE,
	        "invalid chmod parameter: '%s'. it should be an octal number up to 07777 or "
	        "symbols like u=rwX,go=rX",
	        spec);
}
