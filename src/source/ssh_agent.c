// SPDX-License-Identifier: Apache-2.0
// Our own agent lies in a temporary folder of the store, where nobody else can reach it. Its path
// would be too long for a socket's address: it is spoken to by way of our descriptor of the folder.
#include "source/ssh_agent.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/process.h"
#include "source/ssh-int.h"
#include "store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_NAME "agent.sock"

static const char *environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value && *value ? value : otherwise;
}

static void make_env(struct strv *env)
{
	strv_addf(env, "PATH=%s", environment("PATH", "/usr/local/bin:/usr/bin:/bin"));
	strv_addf(env, "HOME=%s", environment("HOME", "/"));
	strv_add(env, "SSH_AUTH_SOCK=" SOCKET_NAME);
	strv_add(env, "LC_ALL=C");
}

static int missing(const char *program, struct err *e)
{
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	return err_set(e, ERR_UNSUPPORTED,
	        "--ssh with key files needs the program %s: install the package openssh-client",
	        program);
}

static int start(struct ssh_agent *a, const struct strv *env, struct err *e)
{
	static const char *const argv[] = {"ssh-agent", "-D", "-a", SOCKET_NAME, NULL};
	struct process_spec spec = {
	        .argv = argv, .env = (const char *const *)env->v, .dir = a->dir};
	auto_buf struct buf said = {0};
	a->process = process_start(&spec, e);
	if (!a->process)
		return missing("ssh-agent", e);
	// It says where it listens once it does.
	return process_first_line(a->process, &said, e);
}

static int add_key(struct ssh_agent *a, const struct strv *env, const char *key, struct err *e)
{
	// The key is handed over open: wherever it lies, its name is no option.
	auto_fd int fd = open(key, O_RDONLY | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open the ssh key '%s'", key);
	auto_buf struct buf text = {0};
	if (fs_read_fd(fd, 1 << 20, &text, e))
		return err_wrap(e, "read the ssh key '%s'", key);
	explicit_bzero(text.p, text.n);
	auto_free char *real = realpath(key, NULL);
	const char *const argv[] = {"ssh-add", "-q", "--", real ? real : key, NULL};
	struct process_spec spec = {.argv = argv,
	        .env = (const char *const *)env->v,
	        .dir = a->dir,
	        .output_max = 65536};
	auto_process_output struct process_output o = {0};
	if (process_run(&spec, &o, e))
		return missing("ssh-add", e);
	if (!o.status)
		return 0;
	const char *why = buf_cstr(&o.err);
	return err_set(e, ERR_USAGE,
	        "the ssh key '%s' cannot be used: %.*s (a key with a passphrase has to be in an "
	        "agent: --ssh default)",
	        key, (int)strcspn(why, "\n"), why);
}

static int serve_keys(struct ssh_agent *a, const struct strv *paths, struct err *e)
{
	auto_strv struct strv env = {0};
	a->dir = store_temp_dir(a->store, &a->rel, e);
	if (a->dir < 0)
		return -1;
	if (fchmod(a->dir, 0700))
		return err_sys(e, "close a temporary folder to others");
	make_env(&env);
	if (start(a, &env, e))
		return -1;
	for (size_t i = 0; i < paths->n; i++)
		if (add_key(a, &env, paths->v[i], e))
			return -1;
	a->path = xasprintf("/proc/%d/fd/%d/" SOCKET_NAME, getpid(), a->dir);
	return 0;
}

struct ssh_agent *ssh_agent_open(struct store *s, const struct strv *paths, struct err *e)
{
	struct ssh_agent *a = xcalloc(1, sizeof(*a));
	struct stat st;
	a->store = s;
	a->dir = -1;
	bool is_socket = paths->n == 1 && stat(paths->v[0], &st) == 0 && S_ISSOCK(st.st_mode);
	if (is_socket)
		a->path = xstrdup(paths->v[0]);
	else if (serve_keys(a, paths, e)) {
		ssh_agent_close(a);
		return NULL;
	}
	return a;
}

void ssh_agent_close(struct ssh_agent *a)
{
	if (!a)
		return;
	process_stop(a->process);
	close_fd(&a->dir);
	if (a->rel)
		store_trash(a->store, a->rel);
	free(a->rel);
	free(a->path);
	free(a);
}

const char *ssh_agent_path(const struct ssh_agent *a)
{
	return a->path;
}
