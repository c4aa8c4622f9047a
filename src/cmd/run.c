// SPDX-License-Identifier: Apache-2.0
// hew run: tries an image. The host's network, a throw-away root filesystem, the exit status passed
// on.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "exec/build.h"
#include <errno.h>
#include <string.h>

struct run_options {
	struct strv env, volumes, tmpfs, publish;
	const char *workdir, *user, *entrypoint, *hostname, *network, *name;
	bool rm, interactive, tty, detach, read_only, insecure;
};

#define AT(member) offsetof(struct run_options, member)
static const struct option options[] = {
        {"detach", 'd', OPT_FLAG, AT(detach), NULL, NULL},
        {"entrypoint", 0, OPT_STRING, AT(entrypoint), "COMMAND",
                "Run this instead of the image's entrypoint"},
        {"env", 'e', OPT_LIST, AT(env), "KEY[=VALUE]", "Set an environment variable"},
        {"hostname", 'h', OPT_STRING, AT(hostname), "NAME", "Host name seen inside"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates for a pull"},
        {"interactive", 'i', OPT_FLAG, AT(interactive), NULL,
                "Accepted; standard input is always passed on"},
        {"name", 0, OPT_STRING, AT(name), "NAME", NULL},
        {"network", 0, OPT_STRING, AT(network), "MODE", "host (default) or none"},
        {"publish", 'p', OPT_LIST, AT(publish), "PORTS", NULL},
        {"read-only", 0, OPT_FLAG, AT(read_only), NULL, "Make the root filesystem read-only"},
        {"rm", 0, OPT_FLAG, AT(rm), NULL, "Accepted; nothing is ever kept"},
        {"tmpfs", 0, OPT_LIST, AT(tmpfs), "PATH", "Mount an empty tmpfs"},
        {"tty", 't', OPT_FLAG, AT(tty), NULL, "Give the process a terminal, if there is one"},
        {"user", 'u', OPT_STRING, AT(user), "USER[:GROUP]", "Run as this user"},
        {"volume", 'v', OPT_LIST, AT(volumes), "HOST:PATH[:ro]",
                "Show a file or folder of the machine inside"},
        {"workdir", 'w', OPT_STRING, AT(workdir), "PATH", "Working directory"},
        OPTION_END,
};

static void release(void *p)
{
	struct run_options *o = p;
	strv_release(&o->env);
	strv_release(&o->volumes);
	strv_release(&o->tmpfs);
	strv_release(&o->publish);
}

static int check(const struct run_options *o, struct err *e)
{
	if (o->publish.n)
		return err_set(e, ERR_UNSUPPORTED,
		        "-p %s: hew run uses the host's network, so every port is reachable as it "
		        "is; leave -p out",
		        o->publish.v[0]);
	if (o->detach)
		return err_set(e, ERR_UNSUPPORTED,
		        "-d: hew has no daemon and leaves nothing running; put & behind the "
		        "command instead");
	if (o->network && strcmp(o->network, "host") != 0 && strcmp(o->network, "none") != 0)
		return err_set(e, ERR_USAGE, "invalid network \"%s\": host or none", o->network);
	return 0;
}

// As docker's: whoever calls can tell hew's own failures from the program's.
static int failure_status(const struct err *e)
{
	if (e->kind == ERR_CANCELLED)
		return err_exit_status(e);
	if (e->kind != ERR_STEP)
		return 125;
	return e->sys == ENOENT ? 127 : 126;
}

static int run_image(struct run_options *o, const struct strv *args, int *ret_status, struct err *e)
{
	auto_session struct session s = {.insecure = o->insecure};
	if (need_args(args, 1, 100000, "run [OPTIONS] IMAGE [COMMAND...]", e) || check(o, e) ||
	        session_open(&s, true, e))
		return -1;
	s.ui = ui_new(UI_AUTO, "Pulling");
	struct run_request r = {.image = args->v[0],
	        .workdir = o->workdir,
	        .user = o->user,
	        .entrypoint = o->entrypoint,
	        .has_entrypoint = o->entrypoint != NULL,
	        .hostname = o->hostname,
	        .network_none = o->network && !strcmp(o->network, "none"),
	        .read_only = o->read_only,
	        .tty = o->tty,
	        .sink = session_sink(&s),
	        .registry = session_registry,
	        .registry_arg = &s};
	for (size_t i = 1; i < args->n; i++)
		strv_add(&r.command, args->v[i]);
	strv_copy(&r.env, &o->env);
	strv_copy(&r.volumes, &o->volumes);
	strv_copy(&r.tmpfs, &o->tmpfs);
	int failed = image_run(s.store, &r, ret_status, e);
	run_request_release(&r);
	ui_finish(s.ui, failed != 0);
	return failed;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	int status = 0;
	if (run_image(opts, args, &status, e)) {
		ui_error(e);
		return failure_status(e);
	}
	return status;
}

const struct command cmd_run = {
        .name = "run",
        .args = "[OPTIONS] IMAGE [COMMAND...]",
        .summary = "Try an image: run a command in it",
        .details = "The process has the host's network; what it writes is thrown away. Its exit "
                   "status is hew's;\n"
                   "signals are passed on to it. 125: hew itself failed; 126: the command cannot "
                   "be run;\n"
                   "127: it was not found.\n",
        .options = options,
        .size = sizeof(struct run_options),
        .stop_at_args = true,
        .run = run,
        .release = release,
};
