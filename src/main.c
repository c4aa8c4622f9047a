// SPDX-License-Identifier: Apache-2.0
// Dispatch by verb, or by the name of the program that hew stands in for. Called as HOLDER_ARGV0 it
// is the holder of a build (sandbox/holder.h).
#include "base/err.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "names/names.h"
#include "rootfs/engine.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int unknown_verb(const char *name)
{
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; commands[i] && n < ARRAY_LEN(names); i++)
		names[n++] = commands[i]->name;
	const char *near = str_nearest(name, names, n);
	struct err e = ERR_INIT;
	err_set(&e, ERR_USAGE, "unknown command: hew %s%s%s%s (see hew --help)", name,
	        near ? " (did you mean hew " : "", near ? near : "", near ? "?)" : "");
	ui_error(&e);
	return err_exit_status(&e);
}

static int show_help(const struct command *about)
{
	struct err e = ERR_INIT;
	auto_buf struct buf text = {0};
	if (about)
		command_help(about, &text);
	else
		commands_help(&text);
	fputs(buf_cstr(&text), stdout);
	if (command_flush(&e) == 0)
		return 0;
	ui_error(&e);
	return err_exit_status(&e);
}

// A verb of hew's, or of another program's that it stands in for.
static const struct command *find(const char *name)
{
	const struct command *c = command_find(name);
	return c ? c : names_called(name);
}

// What is opened first would take the place of one that is closed, and a process that hew runs gets
// these three as they are.
static bool open_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	if (!open_stdio())
		return 1;
	if (argc > 0 && !strcmp(argv[0], HOLDER_ARGV0))
		return holder_main(engine_jobs, engine_n_jobs);
	const struct command *called = argc > 0 ? names_called(argv[0]) : NULL;
	if (called)
		return names_main(called, argc, argv);
	const char *verb = argc > 1 ? argv[1] : "--help";
	if (!strcmp(verb, "--help") || !strcmp(verb, "-h") || !strcmp(verb, "help"))
		return show_help(argc > 2 ? find(argv[2]) : NULL);
	if (!strcmp(verb, "--version") || !strcmp(verb, "-v"))
		verb = "version";
	const struct command *own = command_find(verb), *other = own ? NULL : names_called(verb);
	return own     ? command_main(own, argc - 2, argv + 2)
	       : other ? names_verb(other, argc - 2, argv + 2)
	               : unknown_verb(verb);
}
