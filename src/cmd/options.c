// SPDX-License-Identifier: Apache-2.0
// Parsing by table, with docker's habits: --name value, --name=value, -nvalue, -n value, flags that
// may be given =true or =false, options and arguments in any order, "--" ends options.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/command.h"
#include <stdio.h>
#include <string.h>

struct parser {
	const struct command *c;
	int argc, at;
	char **argv;
	char *opts;
	struct err *e;
	bool noted[256]; // options that a note was printed for
};

static const struct option *by_name(const struct command *c, const char *name, size_t n)
{
	for (const struct option *o = c->options; o->name; o++)
		if (strlen(o->name) == n && !memcmp(o->name, name, n))
			return o;
	return NULL;
}

static const struct option *by_letter(const struct command *c, char letter)
{
	for (const struct option *o = c->options; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static int unknown(struct parser *p, const char *name)
{
	const char *names[256];
	size_t n = 0;
	for (const struct option *o = p->c->options; o->name && n < ARRAY_LEN(names); o++)
		names[n++] = o->name;
	const char *near = str_nearest(name, names, n);
	return err_set(p->e, ERR_USAGE, "unknown flag: --%s%s%s%s (see hew %s --help)", name,
	        near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "", p->c->name);
}

static int set_flag(struct parser *p, const struct option *o, const char *value)
{
	bool on = !value || str_ieq(value, "true") || str_ieq(value, "1") || str_ieq(value, "t");
	bool off = value && (str_ieq(value, "false") || str_ieq(value, "0") || str_ieq(value, "f"));
	if (!on && !off)
		return err_set(p->e, ERR_USAGE,
		        "invalid argument \"%s\" for --%s: true or false is expected", value,
		        o->name);
	*(bool *)(p->opts + o->offset) = o->kind == OPT_ON ? !on : on;
	return 0;
}

static int set_value(struct parser *p, const struct option *o, const char *value)
{
	switch (o->kind) {
	case OPT_STRING:
		*(const char **)(p->opts + o->offset) = value;
		return 0;
	case OPT_LIST:
		strv_add((struct strv *)(void *)(p->opts + o->offset), value);
		return 0;
	case OPT_INT:
		if (!str_to_i64(value, (int64_t *)(void *)(p->opts + o->offset)))
			return err_set(p->e, ERR_USAGE,
			        "invalid argument \"%s\" for --%s: a number is expected", value,
			        o->name);
		return 0;
	case OPT_NOTE:
		if ((size_t)(o - p->c->options) < ARRAY_LEN(p->noted)) {
			bool *noted = &p->noted[o - p->c->options];
			if (*noted)
				return 0;
			*noted = true;
		}
		fprintf(stderr, "hew: --%s is ignored: %s\n", o->name,
		        o->why ? o->why : "it has no effect here");
		return 0;
	default:
		return set_flag(p, o, value);
	}
}

static bool takes_value(const struct option *o)
{
	return o->kind != OPT_FLAG && o->kind != OPT_ON && !(o->kind == OPT_NOTE && !o->arg);
}

static int next_value(struct parser *p, const struct option *o, const char *shown)
{
	if (p->at + 1 >= p->argc)
		return err_set(p->e, ERR_USAGE, "flag needs an argument: %s", shown);
	return set_value(p, o, p->argv[++p->at]);
}

static int long_option(struct parser *p, const char *arg)
{
	const char *eq = strchr(arg, '=');
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
	const struct option *o = by_name(p->c, arg, n);
	if (!o) {
		auto_free char *name = xstrndup(arg, n);
		return unknown(p, name);
	}
	if (eq || !takes_value(o))
		return set_value(p, o, eq ? eq + 1 : NULL);
	auto_free char *shown = xasprintf("--%s", o->name);
	return next_value(p, o, shown);
}

static int short_options(struct parser *p, const char *arg)
{
	for (; *arg; arg++) {
		const struct option *o = by_letter(p->c, *arg);
		char shown[3] = {'-', *arg, '\0'};
		if (!o)
			return err_set(p->e, ERR_USAGE,
			        "unknown shorthand flag: '%c' in -%s (see hew %s --help)", *arg,
			        arg, p->c->name);
		if (arg[1] == '=')
			return set_value(p, o, arg + 2);
		if (!takes_value(o)) {
			if (set_value(p, o, NULL))
				return -1;
			continue;
		}
		if (arg[1])
			return set_value(p, o, arg + 1);
		return next_value(p, o, shown);
	}
	return 0;
}

int options_parse(const struct command *c, int argc, char **argv, void *opts, struct strv *args,
        bool *ret_help, struct err *e)
{
	struct parser p = {c, argc, 0, argv, opts, e, {0}};
	bool ended = false;
	*ret_help = false;
	for (; p.at < argc; p.at++) {
		const char *arg = argv[p.at];
		if (ended || arg[0] != '-' || !arg[1]) {
			strv_add(args, arg);
			ended |= c->stop_at_args;
			continue;
		}
		if (!strcmp(arg, "--")) {
			ended = true;
			if (c->keep_dashes)
				strv_add(args, arg);
			continue;
		}
		if (!strcmp(arg, "--help") || (!strcmp(arg, "-h") && !by_letter(c, 'h'))) {
			*ret_help = true;
			return 0;
		}
		if (arg[1] == '-' ? long_option(&p, arg + 2) : short_options(&p, arg + 1))
			return -1;
	}
	return 0;
}

// ---- help

static void option_line(const struct option *o, struct buf *out)
{
	char left[64];
	int n = o->letter ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
	                  : snprintf(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		n += snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->arg);
	if (n > 34)
		buf_printf(out, "%s\n%36s%s\n", left, "", o->help);
	else
		buf_printf(out, "%-36s%s\n", left, o->help);
}

void command_help(const struct command *c, struct buf *out)
{
	buf_printf(out, "Usage: hew %s %s\n\n%s\n", c->name, c->args, c->summary);
	if (c->alias)
		buf_printf(out, "\nAlso: hew %s\n", c->alias);
	buf_puts(out, "\nOptions:\n");
	for (const struct option *o = c->options; o->name; o++)
		if (o->help)
			option_line(o, out);
	buf_printf(out, "%-36s%s\n", by_letter(c, 'h') ? "      --help" : "  -h, --help",
	        "Show this help");
	if (c->details)
		buf_printf(out, "\n%s", c->details);
	buf_printf(out, "\nMore: man hew-%s\n", c->page ? c->page : c->name);
}

void commands_help(struct buf *out)
{
	buf_puts(out, "Usage: hew COMMAND [OPTIONS]\n\n"
	              "Builds container images from Dockerfiles: no daemon, no root needed, one "
	              "program.\n\n"
	              "Commands:\n");
	for (size_t i = 0; commands[i]; i++)
		buf_printf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	buf_puts(out, "\nTry:  hew build -t app .\n"
	              "      hew run app\n"
	              "Help: hew COMMAND --help, man hew\n");
}
