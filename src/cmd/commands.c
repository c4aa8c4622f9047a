// SPDX-License-Identifier: Apache-2.0
// The list of verbs and the way one is run: parse, help, run, report.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/verbs.h"
#include "ui/ui.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
        &cmd_build,
        &cmd_run,
        &cmd_images,
        &cmd_inspect,
        &cmd_history,
        &cmd_scan,
        &cmd_sbom,
        &cmd_size,
        &cmd_test,
        &cmd_diff,
        &cmd_report,
        &cmd_browse,
        &cmd_why,
        &cmd_builds,
        &cmd_shell,
        &cmd_pull,
        &cmd_push,
        &cmd_copy,
        &cmd_index,
        &cmd_tag,
        &cmd_rmi,
        &cmd_save,
        &cmd_load,
        &cmd_export,
        &cmd_import,
        &cmd_login,
        &cmd_logout,
        &cmd_du,
        &cmd_prune,
        &cmd_cache_mount,
        &cmd_lint,
        &cmd_lock,
        &cmd_db,
        &cmd_debug,
        &cmd_doctor,
        &cmd_install,
        &cmd_uninstall,
        &cmd_completion,
        &cmd_version,
        NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name) ||
		        (commands[i]->alias && !strcmp(commands[i]->alias, name)))
			return commands[i];
	return NULL;
}

int command_flush(struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (!errno)
		errno = EIO;
	return err_sys(e, "write standard output");
}

static int report(const struct command *c, struct err *e)
{
	if (e->kind == ERR_SPACE) {
		struct err plain = *e;
		err_set(e, ERR_SPACE,
		        "%s; if that is where the store lies, 'hew prune -a' makes room",
		        plain.msg);
	}
	ui_error(e);
	return c->failure_status ? c->failure_status : err_exit_status(e);
}

// "--ignore-unfixed" is also TRIVY_IGNORE_UNFIXED. TRIVY_VERSION is which one to install.
static void take_variables(const struct command *c, struct strv *ret)
{
	for (const struct option *o = c->options; c->env && o->name; o++) {
		if (!strcmp(o->name, "version"))
			continue;
		auto_free char *name = xasprintf("%s%s", c->env, o->name);
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
		const char *value = getenv(name);
		if (value && *value)
			strv_addf(ret, "--%s=%s", o->name, value);
	}
}

int command_main(const struct command *c, int argc, char **argv)
{
	struct err e = ERR_INIT;
	auto_free void *opts = xcalloc(1, c->size ? c->size : 1);
	auto_strv struct strv args = {0}, words = {0};
	bool help = false;
	int status = 0;
	take_variables(c, &words);
	// the command line itself, not a copy: login takes a password off it
	if (options_parse(c, (int)words.n, words.v, opts, &args, &help, &e) ||
	        options_parse(c, argc, argv, opts, &args, &help, &e)) {
		status = -1;
	} else if (help) {
		auto_buf struct buf text = {0};
		command_help(c, &text);
		fputs(buf_cstr(&text), stdout);
	} else {
		status = c->run(opts, &args, &e);
	}
	if (c->release)
		c->release(opts);
	if (status < 0)
		return report(c, &e);
	if (status == 0 && command_flush(&e)) {
		ui_error(&e);
		return err_exit_status(&e);
	}
	return status;
}
