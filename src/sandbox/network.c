// SPDX-License-Identifier: Apache-2.0
// A network of the step's own with pasta(1) between it and the outside: pasta opens ordinary
// sockets on the host for what the step sends, forwards no port into it, and does not lead to the
// host's own services. Two processes beside the step:
//
//   supervisor      makes the network namespace and lives in it; the step's init inherits it
//     `- net        stays in the host's; process 1 of a pid namespace, dies with the supervisor
//         `- pasta  its process 2, so it goes with the other however that one ended
//
// That pasta is up it says through the file that it is to write its process id to: a pipe.
#include "sandbox/network.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX 16384 // of pasta's own words; the rest is dropped
#define START_MS 20000

// ---- the program

char *network_pasta_path(void)
{
	const char *path = getenv("PATH");
	auto_strv struct strv dirs = {0};
	strv_split(&dirs, path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		auto_free char *file = xasprintf("%s/pasta", dirs.v[i]);
		struct stat st;
		if (file[0] == '/' && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		        access(file, X_OK) == 0)
			return steal_ptr(&file);
	}
	return NULL;
}

bool network_tun_usable(void)
{
	return access("/dev/net/tun", R_OK | W_OK) == 0;
}

// ---- resolv.conf

static bool is_loopback(const char *address)
{
	return str_has_prefix(address, "127.") || !strcmp(address, "::1");
}

bool network_resolv_conf(const char *host, struct buf *ret)
{
	bool forwarded = false;
	auto_strv struct strv lines = {0};
	strv_split(&lines, host, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char address[64];
		const char *line = lines.v[i];
		if (!*line && i + 1 == lines.n)
			continue;
		if (sscanf(line, " nameserver %63s", address) != 1 || !is_loopback(address)) {
			buf_printf(ret, "%s\n", line);
			continue;
		}
		if (!forwarded)
			buf_puts(ret, "nameserver " NETWORK_DNS_IPV4 "\n");
		forwarded = true;
	}
	return forwarded;
}

// ---- the two processes

struct plumbing {
	char *program;
	pid_t supervisor;
	int word;  // one byte comes when the network namespace is there; its end: nobody wants us
	int ready; // pasta writes to it
	int said;  // a file for what it complains of
	bool forward_dns;
};

// Descriptors of pasta: what it takes paths for is passed as descriptors that it opens again.
static _Noreturn void exec_pasta(const struct plumbing *p, int netns)
{
	static char *const env[] = {NULL};
	const char *argv[] = {"pasta", "--foreground", "--quiet", "--config-net", "--no-map-gw",
	        "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns",
	        "none", "--runas", "0", "--no-netns-quit", "--pid", "/proc/self/fd/1",
	        "--netns-only", "--netns", "/proc/self/fd/0",
	        p->forward_dns ? "--dns-forward" : NULL, NETWORK_DNS_IPV4, NULL};
	step_reset_signals();
	// From high to low, for one may lie where another goes.
	int high[] = {fcntl(netns, F_DUPFD_CLOEXEC, 10), fcntl(p->ready, F_DUPFD_CLOEXEC, 10),
	        fcntl(p->said, F_DUPFD_CLOEXEC, 10)};
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			_exit(1);
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	execve(p->program, (char *const *)(uintptr_t)argv, env);
	dprintf(2, "exec %s: %s\n", p->program, strerror(errno));
	_exit(127);
}

static bool is_wanted(const struct plumbing *p)
{
	struct pollfd hup = {.fd = p->word};
	return poll(&hup, 1, 0) == 0;
}

static _Noreturn void net_main(const struct plumbing *p)
{
	char path[64], byte;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hew-net");
	// Nothing of the step's: who reads its output waits for the last that could write to it.
	int kept[] = {p->word, p->ready, p->said};
	for (int i = 0; i < 3; i++)
		if ((kept[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, 100)) < 0)
			_exit(1);
	close_range(0, 99, 0);
	for (int i = 0; i < 3; i++)
		if (dup2(kept[i], 3 + i) < 0)
			_exit(1);
	close_range(6, ~0u, 0);
	struct plumbing own = *p;
	own.word = 3, own.ready = 4, own.said = 5;
	// The supervisor may have died before the first line of this function.
	if (read(own.word, &byte, 1) != 1 || !is_wanted(&own))
		_exit(1);
	snprintf(path, sizeof path, "/proc/%d/ns/net", p->supervisor);
	int netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		dprintf(own.said, "open %s: %s\n", path, strerror(errno));
	pid_t pasta = netns < 0 || fault_point("sandbox.network.fork") < 0 ? -1 : fork();
	if (pasta == 0)
		exec_pasta(&own, netns);
	close(own.ready); // pasta has the last one
	while (pasta > 0 && waitpid(pasta, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(1);
}

// ---- the supervisor's side

// With the last line that pasta wrote.
int network_failed(const struct network *n, struct err *e)
{
	char text[SAID_MAX + 1];
	ssize_t got = pread(n->said, text, SAID_MAX, 0);
	text[got > 0 ? got : 0] = '\0';
	char *last = text, *rest = text, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			last = line;
	return err_set(e, ERR_SANDBOX, "pasta, which gives the step its network: %s%s",
	        *last ? last : "it ended without a word",
	        network_tun_usable() ? "" : " (/dev/net/tun cannot be opened by this user)");
}

static int start_net(struct network *n, const struct plumbing *p, struct err *e)
{
	n->pid =
	        fault_point("sandbox.network.clone") < 0 ? -1 : step_clone(CLONE_NEWPID, &n->pidfd);
	if (n->pid == 0)
		net_main(p);
	return n->pid < 0 ? err_sys(e, "start the process that keeps the step's network") : 0;
}

static int await_pasta(struct network *n, int ready, int cancel, struct err *e)
{
	char text[32];
	struct pollfd p[2] = {{.fd = ready, .events = POLLIN}, {.fd = cancel, .events = POLLIN}};
	int r;
	while ((r = poll(p, 2, START_MS)) < 0 && errno == EINTR)
		;
	if (r == 0)
		return err_set(
		        e, ERR_SANDBOX, "pasta did not come up within %d seconds", START_MS / 1000);
	if (p[1].revents)
		return err_set(e, ERR_CANCELLED, "cancelled");
	return read(ready, text, sizeof text) > 0 ? 0 : network_failed(n, e);
}

static int open_said(struct err *e)
{
	auto_fd int fd = memfd_create("hew-net", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, SAID_MAX) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return err_sys(e, "make a file for pasta's messages");
	return steal_fd(&fd);
}

static int start(struct network *n, bool forward_dns, int cancel, struct err *e)
{
	int word[2], ready[2];
	auto_free char *program = network_pasta_path();
	if (!program)
		return err_set(e, ERR_SANDBOX,
		        "pasta is not installed: install the package passt, or leave --network "
		        "pasta out");
	if ((n->said = open_said(e)) < 0)
		return -1;
	if (pipe2(word, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	n->word = word[1];
	auto_fd int word_in = word[0];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	auto_fd int ready_in = ready[0], ready_out = ready[1];
	struct plumbing p = {.program = program,
	        .supervisor = getpid(),
	        .word = word_in,
	        .ready = ready_out,
	        .said = n->said,
	        .forward_dns = forward_dns};
	if (start_net(n, &p, e) < 0)
		return -1;
	close_fd(&ready_out);
	ready_out = -1;
	// Only now: the other process is to stay in the host's network.
	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(e, "make a network namespace");
	if (write(n->word, "", 1) != 1)
		return network_failed(n, e);
	return await_pasta(n, ready_in, cancel, e);
}

int network_start(struct network *n, bool forward_dns, int cancel, struct err *e)
{
	*n = NETWORK_NONE;
	return start(n, forward_dns, cancel, e);
}

void network_stop(struct network *n)
{
	if (n->pid > 0) {
		syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
		while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_fd(&n->pidfd);
	close_fd(&n->word);
	close_fd(&n->said);
	*n = NETWORK_NONE;
}
