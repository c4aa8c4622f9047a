// SPDX-License-Identifier: Apache-2.0
#include "run/foreground.h"

#include "base/buf.h"
#include "base/mem.h"
#include "run/health.h"
#include "run/terminal.h"
#include "sandbox/step.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

// ---- signals: written by handlers into a pipe whose other end the step's init reads

static int signal_pipe = -1;
static const struct terminal *signal_terminal; // hears of a new size from the kernel

static void on_signal(int sig)
{
	int saved = errno;
	if (sig == SIGWINCH && signal_terminal)
		terminal_resize(signal_terminal);
	else
		(void)!write(signal_pipe, &sig, sizeof(sig));
	errno = saved;
}

static const int forwarded[] = {
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

static void forward_signals(int to, struct sigaction *ret_before)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	signal_pipe = to;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
		sigaction(forwarded[i], &sa, &ret_before[i]);
		if (forwarded[i] == SIGHUP && ret_before[i].sa_handler == SIG_IGN) // nohup means it
			sigaction(SIGHUP, &ret_before[i], NULL);
	}
}

static void stop_forwarding(const struct sigaction *before)
{
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		sigaction(forwarded[i], &before[i], NULL);
}

// ---- the process

static int run_step(struct holder *h, struct step_spec *spec, const struct health *health,
        struct foreground_result *ret, struct err *e)
{
	struct step_result result = {0};
	if (health)
		health_descriptors(health, &spec->probe);
	int failed = step_run(h, spec, -1, &result, e);
	ret->status = result.exit_status;
	step_result_release(&result);
	return failed;
}

static int run_checked(struct holder *h, struct step_spec *spec, const struct health_options *o,
        int requests, struct foreground_result *ret, struct err *e)
{
	struct health *health = health_begin(o, requests, e);
	if (!health)
		return -1;
	int failed = run_step(h, spec, health, ret, e);
	ret->unhealthy = !health_end(health, ret->status, !failed, &ret->why);
	if (!ret->unhealthy)
		ret->status = 0; // however it took being stopped
	return failed;
}

int foreground_run(struct holder *h, struct step_spec *spec, const struct foreground *how,
        struct foreground_result *ret, struct err *e)
{
	int signals[2];
	struct terminal *terminal = NULL;
	struct sigaction before[ARRAY_LEN(forwarded)];
	if (pipe2(signals, O_CLOEXEC | O_NONBLOCK))
		return err_sys(e, "make a pipe");
	auto_fd int reading = signals[0];
	auto_fd int writing = signals[1];
	if (how->tty && isatty(STDIN_FILENO) && !(terminal = terminal_open(how->terminal, e)))
		return -1;
	spec->stdin_fd = terminal ? terminal_slave(terminal) : 0;
	spec->stdout_fd = terminal ? terminal_slave(terminal) : 1;
	spec->stderr_fd = terminal ? terminal_slave(terminal) : 2;
	spec->tty = terminal != NULL;
	spec->forward_signals = true;
	spec->signal_fd = reading;
	signal_terminal = terminal;
	forward_signals(writing, before);
	if (terminal)
		terminal_resize(terminal); // once a change would be heard of
	int status = how->health ? run_checked(h, spec, how->health, writing, ret, e)
	                         : run_step(h, spec, NULL, ret, e);
	stop_forwarding(before);
	signal_terminal = NULL;
	terminal_close(terminal);
	return status;
}

void foreground_env(struct strv *env)
{
	const char *term = getenv("TERM");
	if (!strv_env_get(env, "TERM"))
		strv_env_set(env, "TERM", term ? term : "xterm");
}
