// SPDX-License-Identifier: Apache-2.0
// As a plugin of the docker command: what it asks ahead, and how it has work given up. Where there
// is no terminal the signals reach docker alone; it ends the connection to a socket that it names.
#include "base/cancel.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "names/names-int.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int plugin_metadata(const struct command *c)
{
	auto_buf struct buf out = {0};
	struct jw w;
	struct err e = ERR_INIT;
	bool builder = c == &cmd_buildx;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv(&w, "SchemaVersion", "0.1.0");
	jw_kv(&w, "Vendor", "hew");
	jw_kv(&w, "Version", builder ? "v" BUILDX_AS : "v" HEW_VERSION);
	jw_kv(&w, "ShortDescription", c->summary);
	jw_object_end(&w);
	puts(buf_cstr(&out));
	return command_flush(&e) ? 1 : 0;
}

// "@name" is of Linux's abstract names, which begin with NUL.
static int connect_to(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	if (n < 2 || n >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, name, n);
	if (*name == '@')
		to.sun_path[0] = '\0';
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*name != '@'));
	if (fd < 0 || connect(fd, (const struct sockaddr *)(const void *)&to, size))
		return -1;
	return steal_fd(&fd);
}

static void *watch(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char ignored[64];
	ssize_t n;
	do
		n = TEMP_FAILURE_RETRY(read(fd, ignored, sizeof(ignored)));
	while (n > 0);
	cancel_trigger(SIGTERM);
	close(fd);
	return NULL;
}

// A docker that has no such socket, or is gone already, is none that could cancel.
int plugin_watch(struct err *e)
{
	const char *name = getenv("DOCKER_CLI_PLUGIN_SOCKET");
	pthread_t thread;
	sigset_t all, before;
	int fd = name && *name ? connect_to(name) : -1;
	unsetenv("DOCKER_CLI_PLUGIN_SOCKET"); // not for what we start
	if (fd < 0)
		return 0;
	if (cancel_fd() < 0 && cancel_install(e)) {
		close(fd);
		return -1;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, watch, (void *)(intptr_t)fd) == 0)
		pthread_detach(thread);
	else
		close(fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return 0;
}
