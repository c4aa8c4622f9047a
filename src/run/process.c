// SPDX-License-Identifier: Apache-2.0
// hew run: a stored (or pulled) image as the root filesystem of one process, in the same sandbox as
// RUN. What it writes lands in a throw-away upper directory.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/signals.h"
#include "image/config.h"
#include "rootfs/rootfs.h"
#include "rootfs/stored_image.h"
#include "rootfs/users.h"
#include "run/foreground.h"
#include "run/health.h"
#include "run/mount_list.h"
#include "run/root.h"
#include "run/run.h"
#include "run/shell.h"
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
	struct step_emulator emulator;
	struct strv argv, env, probe;
	char *cwd;
	int stop_signal;
	int *lowers;
	size_t n_lowers;
	struct upper_dirs upper;
	struct mount_list mounts;
};

// ---- the image

static int read_image(struct image_process *p, struct err *e)
{
	if (p->r->root)
		p->config.platform = p->r->root->platform;
	if (p->r->root)
		return root_push(&p->engine, p->r->root->layers, p->r->root->n_layers, &p->root, e);
	return stored_image_load(&p->engine, &p->r->row->manifest, &p->config, e) ||
	                       rootfs_of_image(&p->engine, &p->config, &p->root, e)
	               ? -1
	               : 0;
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

void process_defaults(struct strv *env, const char *home)
{
	if (!strv_env_get(env, "PATH"))
		strv_env_set(env, "PATH",
		        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (!strv_env_get(env, "HOME"))
		strv_env_set(env, "HOME", home);
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
	process_defaults(&p->env, p->user.home);
	if (p->r->tty)
		foreground_env(&p->env);
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
	if (engine_emulate(&p->engine, &p->config.platform, &p->emulator, e))
		return -1;
	auto_view struct view *root = rootfs_view(&p->engine, &p->root, -1, e);
	if (!root || user_lookup(root, user, &p->user, e))
		return -1;
	make_command(p);
	if (!p->argv.n && p->r->root && shell_find(root, &p->argv, e))
		return -1;
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

static int add_mounts(struct image_process *p, struct err *e)
{
	if (p->r->root && root_mounts(&p->engine, p->r->root, &p->mounts, e))
		return -1;
	for (size_t i = 0; i < p->r->tmpfs.n; i++) {
		const char *path = p->r->tmpfs.v[i];
		if (*path != '/')
			return err_set(e, ERR_USAGE,
			        "invalid tmpfs \"%s\": an absolute path is expected", path);
		struct step_mount *m = mount_list_add(&p->mounts, path);
		m->type = STEP_TMPFS;
		m->mode = 01777;
	}
	for (size_t i = 0; i < p->r->volumes.n; i++)
		if (mount_list_volume(&p->mounts, p->r->volumes.v[i], e))
			return -1;
	return 0;
}

static int execute(struct image_process *p, struct foreground_result *ret, struct err *e)
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
	        .emulator = p->emulator,
	};
	const struct health_options health = {.check = &p->config.health,
	        .timeout_ns = p->r->check_timeout_ns,
	        .stop_signal = p->stop_signal,
	        .stop_timeout_ns = p->r->stop_timeout_ns,
	        .sink = p->r->sink};
	const struct foreground how = {.tty = p->r->tty,
	        .terminal = STDOUT_FILENO,
	        .health = p->r->check ? &health : NULL};
	mount_list_spec(&p->mounts, &spec);
	if (p->r->check)
		spec.probe.argv = (const char *const *)p->probe.v;
	struct holder *h = engine_holder(&p->engine, e);
	return h ? foreground_run(h, &spec, &how, ret, e) : -1;
}

static void release(struct image_process *p)
{
	engine_release(&p->engine);
	mount_list_release(&p->mounts, p->engine.store);
	for (size_t i = 0; i < p->n_lowers; i++)
		close_fd(&p->lowers[i]);
	if (p->upper.base)
		store_trash(p->engine.store, p->upper.base);
	upper_dirs_release(&p->upper);
	free(p->lowers);
	free(p->cwd);
	strv_release(&p->argv);
	strv_release(&p->env);
	strv_release(&p->probe);
	rootfs_release(&p->root);
	image_config_release(&p->config);
}

int image_run(
        struct store *s, const struct run_request *r, struct foreground_result *ret, struct err *e)
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
