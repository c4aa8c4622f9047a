// SPDX-License-Identifier: Apache-2.0
// Runs a credential helper: spawned without a shell, input in a memory file (no pipe that could
// block or raise SIGPIPE), output bounded, waited for with an eye on cancellation.

#include "registry/credential_helper.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

static int memory_file(const char *text, struct err *e)
{
	auto_fd int fd = memfd_create("credential", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "make a memory file");
	if (fs_write_all(fd, text, strlen(text), e) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind a memory file");
	return steal_fd(&fd);
}

// errno of posix_spawnp; its standard error is ours.
static int spawn(const char *program, const char *verb, int in_fd, int out_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	char *const argv[] = {xstrdup(program), xstrdup(verb), NULL};
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int rc = posix_spawnp(ret, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(argv[0]);
	free(argv[1]);
	return rc;
}

static int read_bounded(int fd, struct buf *out, struct err *e)
{
	for (;;) {
		char chunk[4096];
		struct pollfd pfds[2] = {
		        {.fd = fd, .events = POLLIN}, {.fd = cancel_fd(), .events = POLLIN}};
		if (cancel_check(e) < 0)
			return -1;
		if (poll(pfds, 2, 1000) < 0 && errno != EINTR)
			return err_sys(e, "wait for the credential helper");
		if (!pfds[0].revents)
			continue;
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read from the credential helper");
		if (n == 0)
			return 0;
		if (n > 0 && out->n + (size_t)n > HELPER_OUTPUT_MAX)
			return err_set(e, ERR_AUTH, "the credential helper prints too much");
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	}
}

static int wait_for(pid_t pid, int *ret_status, struct err *e)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the credential helper");
	return 0;
}

static int judge(const char *program, int status, struct buf *out, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return HELPER_OK;
	while (out->n > 0 && isspace((unsigned char)out->p[out->n - 1]))
		out->p[--out->n] = '\0';
	const char *said = buf_cstr(out);
	if (strstr(said, "credentials not found") || strstr(said, "no credentials server URL"))
		return HELPER_NONE;
	if (WIFSIGNALED(status))
		return err_set(
		        e, ERR_AUTH, "'%s' was killed by signal %d", program, WTERMSIG(status));
	return err_set(e, ERR_AUTH, "'%s' failed with status %d: %.300s", program,
	        WEXITSTATUS(status), said);
}

int credential_helper_run(
        const char *suffix, const char *verb, const char *input, struct buf *ret, struct err *e)
{
	if (!suffix_is_valid(suffix))
		return err_set(e, ERR_AUTH, "'%s' is not the name of a credential helper", suffix);
	int fds[2], status = 0;
	pid_t pid;
	auto_free char *program = xasprintf("docker-credential-%s", suffix);
	auto_fd int in_fd = memory_file(input, e);
	if (in_fd < 0)
		return -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	auto_fd int out_fd = fds[0];
	int rc = spawn(program, verb, in_fd, fds[1], &pid);
	close(fds[1]);
	if (rc == ENOENT)
		return HELPER_MISSING;
	if (rc != 0) {
		errno = rc;
		return err_sys(e, "run '%s'", program);
	}
	rc = read_bounded(out_fd, ret, e);
	if (rc < 0)
		kill(pid, SIGKILL);
	if (wait_for(pid, &status, e) < 0 || rc < 0)
		return -1;
	return judge(program, status, ret, e);
}
