// SPDX-License-Identifier: Apache-2.0
// hew build --on-error shell: the root filesystem as a failed RUN left it, with its mounts, for the
// user to look around in. Everything that the step holds open (caches, secrets, sockets, locks of
// its caches) stays until they leave. Other steps have ended by then.
#include "base/cancel.h"
#include "exec/run-int.h"
#include "run/foreground.h"
#include "run/shell.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool run_keep_failed(struct run_state *r, const struct err *why)
{
	struct exec *x = r->x;
	if (!x->req->shell_on_error || why->kind != ERR_STEP)
		return false;
	pthread_mutex_lock(&x->lock);
	bool first = !x->stop && !x->failed_run;
	if (first) {
		x->failed_run = r;
		r->failure = *why;
	}
	pthread_mutex_unlock(&x->lock);
	return first;
}

// A volatile overlay marks its work folder, which the kernel then refuses to take once more.
static int renew_work(int at, const char *path, int *work, struct err *e)
{
	auto_fd int base = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0 || mkdirat(base, "again", 0700))
		return err_sys(e, "make a work directory for the shell");
	int fd = openat(base, "again", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the work directory of the shell");
	close_fd(work);
	*work = fd;
	return 0;
}

static int renew_all(struct run_state *r, struct err *e)
{
	struct mount_list *l = &r->mounts;
	if (renew_work(store_root_fd(r->x->store), r->upper.base, &r->upper.work, e))
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		const struct step_mount *m = &l->v[i];
		size_t upper = (size_t)m->source_fd + m->n_lowers;
		if (m->type == STEP_OVERLAY && !m->read_only &&
		        renew_work(l->binds[upper], "..", &l->binds[upper + 1], e))
			return -1;
	}
	return 0;
}

static int open_shell(struct run_state *r, struct err *e)
{
	auto_strv struct strv argv = {0};
	struct exec *x = r->x;
	struct step_spec spec;
	struct foreground_result result = {0};
	const struct foreground how = {.tty = true, .terminal = shell_terminal()};
	auto_view struct view *root = rootfs_view(&x->engine, &r->below, r->step->id, e);
	strv_copy(&argv, &x->req->shell);
	if (!root || (!argv.n && shell_find(root, &argv, e)) || renew_all(r, e))
		return -1;
	foreground_env(&r->env);
	run_spec(r, &spec);
	spec.argv = (const char *const *)argv.v;
	struct holder *h = engine_holder(&x->engine, e);
	return h ? foreground_run(h, &spec, &how, &result, e) : -1;
}

void run_shell(struct exec *x)
{
	struct run_state *r = x->failed_run;
	struct err e = ERR_INIT;
	x->failed_run = NULL;
	if (!r)
		return;
	if (cancel_requested()) {
		run_state_free(r);
		return;
	}
	if (shell_terminal() < 0) {
		event_note(x->req->sink,
		        "--on-error shell: standard input and output are no terminal: "
		        "no shell was started (hew shell works without one)");
	} else {
		if (x->req->step_aside)
			x->req->step_aside(x->req->step_aside_arg);
		event_note(x->req->sink, "%s: %s", r->step->name, r->failure.msg);
		event_note(x->req->sink, "a shell in what it left; 'exit' ends the build");
		if (open_shell(r, &e))
			event_warn(x->req->sink, 0, "no shell was started: %s", e.msg);
	}
	run_state_free(r);
}
