// SPDX-License-Identifier: Apache-2.0
// hew run: a stored (or pulled) image as the root filesystem of one process, in the same sandbox as
// RUN. What it writes lands in a throw-away upper directory; signals that reach hew are passed on.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/signals.h"
#include "image/config.h"
#include "image/platform.h"
#include "image/reference.h"
#include "rootfs/rootfs.h"
#include "rootfs/stored_image.h"
#include "rootfs/users.h"
#include "run/health.h"
#include "run/run.h"
#include "run/terminal.h"
#include "sandbox/step.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

void run_request_release(struct run_request *r)
{
	strv_release(&r->command);
	strv_release(&r->env);
	strv_release(&r->volumes);
	strv_release(&r->tmpfs);
}

struct image_process {
	struct engine engine;
	const struct run_request *r;
	struct image_config config;
	struct rootfs root;
	struct user_ids user;
	struct strv argv, env, probe;
	char *cwd;
	int stop_signal;
	int *lowers;
	size_t n_lowers;
	struct upper_dirs upper;
	struct step_mount *mounts;
	size_t n_mounts;
	int *binds;
	size_t n_binds;
};

// ---- the image

static int find_image(struct image_process *p, struct err *e)
{
	const struct image_row *row = p->r->row;
	struct platform host = platform_host();
	auto_reference struct reference ref = {0};
	struct digest manifest;
	if (!row->name)
		return stored_image_load(&p->engine, &row->manifest, &p->config, e);
	if (reference_parse(row->name, &ref, e))
		return -1;
	return stored_image_find(&p->engine, &ref, &host, 0, &manifest, &p->config, e) > 0 ? 0 : -1;
}

static int read_image(struct image_process *p, struct err *e)
{
	return find_image(p, e) || rootfs_of_image(&p->engine, &p->config, &p->root, e) ? -1 : 0;
}

// ---- the process

static void make_command(struct image_process *p)
{
	const struct run_request *r = p->r;
	if (r->has_entrypoint && *r->entrypoint)
		strv_add(&p->argv, r->entrypoint);
	if (!r->has_entrypoint)
		for (size_t i = 0; i < p->config.entrypoint.n; i++)
			strv_add(&p->argv, p->config.entrypoint.v[i]);
	const struct strv *rest = r->command.n || r->has_entrypoint ? &r->command : &p->config.cmd;
	for (size_t i = 0; i < rest->n; i++)
		strv_add(&p->argv, rest->v[i]);
}

static void make_env(struct image_process *p)
{
	strv_copy(&p->env, &p->config.env);
	for (size_t i = 0; i < p->r->env.n; i++) {
		const char *kv = p->r->env.v[i], *eq = strchr(kv, '=');
		auto_free char *key = eq ? xstrndup(kv, (size_t)(eq - kv)) : xstrdup(kv);
		const char *value = eq ? eq + 1 : getenv(key);
		if (value)
			strv_env_set(&p->env, key, value);
	}
	if (!strv_env_get(&p->env, "PATH"))
		strv_env_set(&p->env, "PATH",
		        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (!strv_env_get(&p->env, "HOME"))
		strv_env_set(&p->env, "HOME", p->user.home);
	if (p->r->tty && !strv_env_get(&p->env, "TERM"))
		strv_env_set(&p->env, "TERM", getenv("TERM") ? getenv("TERM") : "xterm");
}

// As docker runs it: a line for the shell is for the image's own.
static int make_probe(struct image_process *p, struct err *e)
{
	const struct strv *test = &p->config.health.test;
	const char *kind = test->n > 1 ? test->v[0] : "NONE";
	if (!strcmp(kind, "CMD-SHELL") && p->config.shell.n) {
		strv_copy(&p->probe, &p->config.shell);
	} else if (!strcmp(kind, "CMD-SHELL")) {
		strv_add(&p->probe, "/bin/sh");
		strv_add(&p->probe, "-c");
	} else if (strcmp(kind, "CMD") != 0) {
		return err_set(e, ERR_USAGE,
		        "--check: '%s' has no HEALTHCHECK; give its Dockerfile one", p->r->image);
	}
	for (size_t i = 1; i < test->n; i++)
		strv_add(&p->probe, test->v[i]);
	return 0;
}

static int find_stop_signal(struct image_process *p, struct err *e)
{
	const char *name = p->r->stop_signal ? p->r->stop_signal : p->config.stop_signal;
	p->stop_signal = name && *name ? signal_number(name) : SIGTERM;
	return p->stop_signal ? 0 : err_set(e, ERR_USAGE, "invalid stop signal \"%s\"", name);
}

static int prepare(struct image_process *p, struct err *e)
{
	const char *user = p->r->user ? p->r->user : p->config.user ? p->config.user : "";
	auto_view struct view *root = rootfs_view(&p->engine, &p->root, -1, e);
	if (!root || user_lookup(root, user, &p->user, e))
		return -1;
	make_command(p);
	make_env(p);
	auto_free char *cwd = fs_join_abs("/", p->config.working_dir ? p->config.working_dir : "");
	p->cwd = fs_join_abs(cwd, p->r->workdir ? p->r->workdir : "");
	if (!p->argv.n)
		return err_set(e, ERR_USAGE,
		        "no command: the image has neither CMD nor ENTRYPOINT; give one after its "
		        "name");
	return p->r->check && (make_probe(p, e) || find_stop_signal(p, e)) ? -1 : 0;
}

static int open_root(struct image_process *p, struct err *e)
{
	if (rootfs_open_trees(&p->engine, &p->root, -1, &p->lowers, &p->n_lowers, e))
		return -1;
	if (p->r->read_only)
		return 0; // no upper: the sandbox closes the root for writing
	return upper_dirs_open(&p->engine, &p->upper, e);
}

static struct step_mount *add_mount(struct image_process *p, const char *target)
{
	p->mounts = xreallocarray(p->mounts, p->n_mounts + 1, sizeof(*p->mounts));
	struct step_mount *m = &p->mounts[p->n_mounts++];
	*m = (struct step_mount){.target = target, .source_fd = -1};
	return m;
}

// HOST:PATH[:ro|rw]
static int add_volume(struct image_process *p, char *spec, struct err *e)
{
	char *target = strchr(spec, ':');
	if (!target || target[1] != '/')
		return err_set(
		        e, ERR_USAGE, "invalid volume \"%s\": HOST:PATH[:ro] is expected", spec);
	*target++ = '\0';
	char *mode = strchr(target, ':');
	if (mode)
		*mode++ = '\0';
	if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		return err_set(e, ERR_USAGE, "invalid volume mode \"%s\": ro or rw", mode);
	int fd = open(spec, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "volume '%s'", spec);
	p->binds = xreallocarray(p->binds, p->n_binds + 1, sizeof(*p->binds));
	p->binds[p->n_binds] = fd;
	struct step_mount *m = add_mount(p, target);
	m->type = STEP_BIND;
	m->read_only = mode && !strcmp(mode, "ro");
	m->source_fd = (int)p->n_binds++;
	return 0;
}

static int add_mounts(struct image_process *p, struct err *e)
{
	for (size_t i = 0; i < p->r->tmpfs.n; i++) {
		const char *path = p->r->tmpfs.v[i];
		if (*path != '/')
			return err_set(e, ERR_USAGE,
			        "invalid tmpfs \"%s\": an absolute path is expected", path);
		struct step_mount *m = add_mount(p, path);
		m->type = STEP_TMPFS;
		m->mode = 01777;
	}
	for (size_t i = 0; i < p->r->volumes.n; i++)
		if (add_volume(p, p->r->volumes.v[i], e))
			return -1;
	return 0;
}

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

static void forward_signals(int to)
{
	static const int signals[] = {
	        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	signal_pipe = to;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

static int run_step(struct image_process *p, int signals, const struct terminal *terminal,
        const struct health *health, int *ret_status, struct err *e)
{
	struct step_spec spec = {
	        .lowers = p->lowers,
	        .n_lowers = p->n_lowers,
	        .upper = p->upper.upper,
	        .work = p->upper.work,
	        .volatile_overlay = true,
	        .etc_writable = true,
	        .argv = (const char *const *)p->argv.v,
	        .env = (const char *const *)p->env.v,
	        .cwd = p->cwd,
	        .hostname = p->r->hostname ? p->r->hostname : "hew",
	        .uid = p->user.uid,
	        .gid = p->user.gid,
	        .groups = p->user.groups,
	        .n_groups = p->user.n_groups,
	        .network = p->r->network,
	        .mounts = p->mounts,
	        .n_mounts = p->n_mounts,
	        .bind_fds = p->binds,
	        .n_bind_fds = p->n_binds,
	        .stdin_fd = terminal ? terminal_slave(terminal) : 0,
	        .stdout_fd = terminal ? terminal_slave(terminal) : 1,
	        .stderr_fd = terminal ? terminal_slave(terminal) : 2,
	        .tty = terminal != NULL,
	        .forward_signals = true,
	        .signal_fd = signals,
	};
	if (health) {
		spec.probe.argv = (const char *const *)p->probe.v;
		health_descriptors(health, &spec.probe);
	}
	struct step_result result = {0};
	int status = step_run(p->engine.holder, &spec, -1, &result, e);
	*ret_status = result.exit_status;
	step_result_release(&result);
	return status;
}

static int run_checked(struct image_process *p, const int signals[2],
        const struct terminal *terminal, struct run_result *ret, struct err *e)
{
	struct health_options o = {.check = &p->config.health,
	        .timeout_ns = p->r->check_timeout_ns,
	        .stop_signal = p->stop_signal,
	        .stop_timeout_ns = p->r->stop_timeout_ns,
	        .sink = p->r->sink};
	struct health *health = health_begin(&o, signals[1], e);
	if (!health)
		return -1;
	int failed = run_step(p, signals[0], terminal, health, &ret->status, e);
	ret->unhealthy = !health_end(health, ret->status, !failed, &ret->why);
	if (!ret->unhealthy)
		ret->status = 0; // however it took being stopped
	return failed;
}

static int execute(struct image_process *p, struct run_result *ret, struct err *e)
{
	int signals[2];
	struct terminal *terminal = NULL;
	if (!engine_holder(&p->engine, e))
		return -1;
	if (pipe2(signals, O_CLOEXEC | O_NONBLOCK))
		return err_sys(e, "make a pipe");
	if (p->r->tty && isatty(STDIN_FILENO) && !(terminal = terminal_open(e)))
		return -1;
	signal_terminal = terminal;
	forward_signals(signals[1]);
	int status = p->r->check ? run_checked(p, signals, terminal, ret, e)
	                         : run_step(p, signals[0], terminal, NULL, &ret->status, e);
	signal_terminal = NULL;
	terminal_close(terminal);
	close(signals[0]);
	return status;
}

static void release(struct image_process *p)
{
	engine_release(&p->engine);
	for (size_t i = 0; i < p->n_lowers; i++)
		close_fd(&p->lowers[i]);
	for (size_t i = 0; i < p->n_binds; i++)
		close_fd(&p->binds[i]);
	if (p->upper.base)
		store_trash(p->engine.store, p->upper.base);
	upper_dirs_release(&p->upper);
	free(p->lowers);
	free(p->binds);
	free(p->mounts);
	free(p->cwd);
	strv_release(&p->argv);
	strv_release(&p->env);
	strv_release(&p->probe);
	rootfs_release(&p->root);
	image_config_release(&p->config);
}

int image_run(struct store *s, const struct run_request *r, struct run_result *ret, struct err *e)
{
	struct image_process p = {.engine = {.store = s,
	                                  .sink = r->sink,
	                                  .open_registry = r->registry,
	                                  .open_registry_arg = r->registry_arg,
	                                  .stop_fd = -1},
	        .r = r,
	        .upper = UPPER_DIRS_NONE};
	engine_init(&p.engine);
	int status = read_image(&p, e) || prepare(&p, e) || open_root(&p, e) || add_mounts(&p, e) ||
	                             execute(&p, ret, e)
	                     ? -1
	                     : 0;
	release(&p);
	return status;
}
