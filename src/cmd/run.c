// SPDX-License-Identifier: Apache-2.0
// hew run: tries an image. The host's network, a throw-away root filesystem, the exit status passed
// on.
#include "run/run.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/signals.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "image/platform.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <string.h>

#define STOP_TIMEOUT_NS INT64_C(10000000000) // docker's

struct run_options {
	struct strv env, volumes, tmpfs, publish;
	const char *workdir, *user, *entrypoint, *hostname, *network, *name, *platform;
	const char *check_timeout, *stop_signal, *stop_timeout;
	bool quiet, rm, interactive, tty, detach, read_only, insecure, check;
};

#define AT(member) offsetof(struct run_options, member)
static const struct option options[] = {
        {"check", 0, OPT_FLAG, AT(check), NULL,
                "Run the image's HEALTHCHECK beside the command, then stop both"},
        {"check-timeout", 0, OPT_STRING, AT(check_timeout), "TIME",
                "How long it may take until that succeeds, e.g. 90s"},
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
        {"network", 0, OPT_STRING, AT(network), "MODE", "host (default), none, or pasta: its own"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an image for several, the one for this platform"},
        {"publish", 'p', OPT_LIST, AT(publish), "PORTS", NULL},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Show no progress of a pull"},
        {"read-only", 0, OPT_FLAG, AT(read_only), NULL, "Make the root filesystem read-only"},
        {"rm", 0, OPT_FLAG, AT(rm), NULL, "Accepted; nothing is ever kept"},
        {"stop-signal", 0, OPT_STRING, AT(stop_signal), "SIGNAL",
                "What stops the command after --check"},
        {"stop-timeout", 0, OPT_STRING, AT(stop_timeout), "TIME",
                "How long it may take to stop before it is killed (10s)"},
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
		        "is; leave -p out (and no port leads into --network none or pasta)",
		        o->publish.v[0]);
	if (o->detach)
		return err_set(e, ERR_UNSUPPORTED,
		        "-d: hew has no daemon and leaves nothing running; put & behind the "
		        "command instead");
	if (o->stop_signal && !signal_number(o->stop_signal))
		return err_set(e, ERR_USAGE, "invalid --stop-signal \"%s\"", o->stop_signal);
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

// A number of seconds, or a duration with units. text may be NULL: *ret stays.
static int take_time(const char *option, const char *text, int64_t *ret, struct err *e)
{
	uint64_t seconds;
	int64_t ns;
	struct err ignored = ERR_INIT;
	if (!text)
		return 0;
	if (str_to_u64(text, &seconds) && seconds <= INT32_MAX)
		ns = (int64_t)seconds * 1000000000;
	else if (value_duration(text, &ns, &ignored) || ns < 0)
		return err_set(e, ERR_USAGE, "invalid --%s \"%s\": 30, 30s or 1m30s is expected",
		        option, text);
	*ret = ns;
	return 0;
}

// Its progress is over before the image's process has the terminal.
static int pull(struct session *s, const struct run_options *o, const char *image,
        const struct platform *p, struct image_row *ret, struct err *e)
{
	s->ui = ui_new(o->quiet ? UI_QUIET : UI_AUTO, "Pulling");
	int status = pull_image(s, 0, image, p, ret, e);
	ui_finish(s->ui, status != 0);
	session_close(s);
	s->insecure = o->insecure;
	return status ? status : session_open(s, true, e);
}

// Nobody asked for a platform: whatever a plain image is for will do.
static int find_or_pull(struct session *s, const struct run_options *o, const char *image,
        struct image_row *ret, struct err *e)
{
	struct platform p = platform_host();
	if (o->platform && platform_parse(o->platform, &p, e))
		return -1;
	int absent = find_image(s->store, image, ret, e) ? 1 : 0;
	if (absent && e->kind != ERR_NOT_FOUND)
		return -1;
	if (!absent && !ret->is_index && !o->platform)
		return 0;
	if (!absent)
		absent = narrow_image(s->store, &p, ret, e);
	if (absent > 0) {
		image_row_release(ret);
		absent = pull(s, o, image, &p, ret, e) ? -1 : narrow_image(s->store, &p, ret, e);
	}
	return absent ? err_wrap(e, "%s", image) : 0;
}

static int run_image(struct run_options *o, const struct strv *args, struct foreground_result *ret,
        struct err *e)
{
	auto_session struct session s = {.insecure = o->insecure};
	struct image_row row = {0};
	int64_t check_timeout = 0, stop_timeout = STOP_TIMEOUT_NS;
	enum net_mode network = NET_DEFAULT;
	if (need_args(args, 1, 100000, "run [OPTIONS] IMAGE [COMMAND...]", e) || check(o, e) ||
	        network_of(o->network, &network, e) ||
	        take_time("check-timeout", o->check_timeout, &check_timeout, e) ||
	        take_time("stop-timeout", o->stop_timeout, &stop_timeout, e) ||
	        session_open(&s, true, e) || find_or_pull(&s, o, args->v[0], &row, e))
		return -1;
	s.ui = ui_new(UI_PLAIN, "Running");
	struct run_request r = {.image = args->v[0],
	        .row = &row,
	        .workdir = o->workdir,
	        .user = o->user,
	        .entrypoint = o->entrypoint,
	        .has_entrypoint = o->entrypoint != NULL,
	        .hostname = o->hostname,
	        .network = step_network_of(network),
	        .read_only = o->read_only,
	        .tty = o->tty,
	        .check = o->check,
	        .check_timeout_ns = check_timeout,
	        .stop_signal = o->stop_signal,
	        .stop_timeout_ns = stop_timeout,
	        .sink = session_sink(&s),
	        .registry = session_registry,
	        .registry_arg = &s};
	for (size_t i = 1; i < args->n; i++)
		strv_add(&r.command, args->v[i]);
	strv_copy(&r.env, &o->env);
	strv_copy(&r.volumes, &o->volumes);
	strv_copy(&r.tmpfs, &o->tmpfs);
	int failed = image_run(s.store, &r, ret, e);
	run_request_release(&r);
	image_row_release(&row);
	ui_finish(s.ui, failed || ret->unhealthy);
	return failed;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct foreground_result result = {0};
	if (run_image(opts, args, &result, e)) {
		ui_error(e);
		return failure_status(e);
	}
	if (result.unhealthy) {
		ui_error(&result.why);
		return 1;
	}
	return result.status;
}

const struct command cmd_run = {
        .name = "run",
        .args = "[OPTIONS] IMAGE [COMMAND...]",
        .summary = "Try an image: run a command in it",
        .details = "The process has the host's network unless told otherwise; what it writes is "
                   "thrown away.\n"
                   "Its exit status is hew's; signals are passed on to it. 125: hew itself failed; "
                   "126: the\n"
                   "command cannot be run; 127: it was not found. With --check: 0 if the image is "
                   "healthy,\n"
                   "1 if not.\n",
        .options = options,
        .size = sizeof(struct run_options),
        .stop_at_args = true,
        .run = run,
        .release = release,
};
