// SPDX-License-Identifier: Apache-2.0
// RUN: the root filesystem as an overlay of trees, the process, and the layer that its upper
// directory becomes.
#include "base/fs.h"
#include "exec/run-int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

// Once the upper has become a tree, only overlayfs' empty work folders are left: they go at once.
// What a failed step wrote may be large and waits in the trash.
static void drop_scratch(struct run_state *r)
{
	struct err ignored = ERR_INIT;
	const char *path = r->upper.base;
	if (path && (!r->committed || fs_remove_tree(store_root_fd(r->x->store), path, &ignored)))
		store_trash(r->x->store, path);
	upper_dirs_release(&r->upper);
}

void run_state_free(struct run_state *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_lowers; i++)
		close_fd(&r->lowers[i]);
	run_mounts_release(r);
	drop_scratch(r);
	close_fd(&r->tar);
	close_fd(&r->index);
	free(r->lowers);
	strv_release(&r->env);
	rootfs_release(&r->below);
	arena_release(&r->arena);
	free(r);
}

// ---- root filesystem

static int open_upper(struct run_state *r, struct err *e)
{
	if (upper_dirs_open(&r->x->engine, &r->upper, e))
		return -1;
	r->tar = store_temp_file(r->x->store, e);
	r->index = r->tar < 0 ? -1 : store_temp_file(r->x->store, e);
	return r->index < 0 ? -1 : 0;
}

// ---- output

struct log_reader {
	struct exec *x;
	int step;
	int fds[2]; // stdout, stderr
	const struct redactor *redactor;
	struct buf held[2];
};

static void show(struct log_reader *l, int i, const char *p, size_t n)
{
	auto_buf struct buf shown = {0};
	if (l->redactor->n) {
		redact(l->redactor, &l->held[i], p, n, &shown);
		p = shown.p;
		n = shown.n;
	}
	if (n)
		event_emit(l->x->req->sink, &(struct event){.kind = EVENT_STEP_LOG,
		                                    .step = l->step,
		                                    .text = p,
		                                    .len = n,
		                                    .stream = i + 1});
}

static void *read_logs(void *arg)
{
	struct log_reader *l = arg;
	struct pollfd p[2] = {{l->fds[0], POLLIN, 0}, {l->fds[1], POLLIN, 0}};
	char data[16384];
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			ssize_t n = read(p[i].fd, data, sizeof(data));
			if (n <= 0)
				p[i].fd = -1;
			show(l, i, data, n > 0 ? (size_t)n : 0);
		}
	}
	return NULL;
}

// ---- the process

static int lookup_user(struct run_state *r, struct err *e)
{
	const char *user = r->step->run.user;
	if (!*user || !strcmp(user, "root") || !strcmp(user, "0"))
		user = "0";
	auto_view struct view *root = rootfs_view(&r->x->engine, &r->below, r->step->id, e);
	if (!root || user_lookup(root, user, &r->user, e))
		return -1;
	return 0;
}

static void make_env(struct run_state *r)
{
	const struct run_op *op = &r->step->run;
	strv_copy(&r->env, &op->env);
	for (size_t i = 0; i < op->proxy_env.n; i++) {
		const char *kv = op->proxy_env.v[i], *eq = strchr(kv, '=');
		auto_free char *key = xstrndup(kv, (size_t)(eq - kv));
		if (!strv_env_get(&r->env, key))
			strv_add(&r->env, kv);
	}
	if (!strv_env_get(&r->env, "HOME"))
		strv_env_set(&r->env, "HOME", r->user.home);
}

enum step_network step_network_of(enum net_mode mode)
{
	return mode == NET_NONE    ? STEP_NET_NONE
	       : mode == NET_PASTA ? STEP_NET_PASTA
	                           : STEP_NET_HOST;
}

// The command line's settings, in the words of the sandbox.
static void take_settings(struct run_state *r, struct step_spec *spec)
{
	const struct build_request *req = r->x->req;
	struct step_ulimit *limits = arena_alloc(&r->arena, (req->n_ulimits + 1) * sizeof(*limits));
	auto_buf struct buf hosts = {0};
	for (size_t i = 0; i < req->n_ulimits; i++)
		limits[i] = (struct step_ulimit){
		        req->ulimits[i].name, req->ulimits[i].soft, req->ulimits[i].hard};
	for (size_t i = 0; i < req->hosts.n; i++)
		buf_printf(&hosts, "%s\n", req->hosts.v[i]);
	spec->ulimits = limits;
	spec->n_ulimits = req->n_ulimits;
	spec->more_hosts = arena_strdup(&r->arena, buf_cstr(&hosts));
	spec->shm_size = req->shm_size;
	spec->cgroup = req->cgroup;
}

void run_spec(struct run_state *r, struct step_spec *ret)
{
	const struct run_op *op = &r->step->run;
	*ret = (struct step_spec){
	        .lowers = r->lowers,
	        .n_lowers = r->n_lowers,
	        .upper = r->upper.upper,
	        .work = r->upper.work,
	        .volatile_overlay = true,
	        .argv = (const char *const *)op->argv.v,
	        .env = (const char *const *)r->env.v,
	        .cwd = op->cwd,
	        .uid = r->user.uid,
	        .gid = r->user.gid,
	        .groups = r->user.groups,
	        .n_groups = r->user.n_groups,
	        .network = step_network_of(op->network),
	        .hostname = op->hostname,
	        .insecure = op->insecure,
	        .emulator = r->emulator,
	        .signal_fd = -1,
	};
	mount_list_spec(&r->mounts, ret);
	take_settings(r, ret);
}

// The step and its layer in one request to the holder.
static int run_job(struct run_state *r, struct holder *h, const struct step_spec *spec,
        struct step_result *result, struct err *e)
{
	struct layer_writer_options o = exec_writer_options(r->x);
	struct commit_request req = {.max_mtime = o.max_mtime,
	        .clamp = o.clamp_mtime,
	        .userxattr = r->x->engine.rung.userxattr};
	auto_buf struct buf payload = {0}, reply = {0};
	size_t n_fds = 3 + step_count_fds(spec);
	auto_free int *fds = xcalloc(n_fds, sizeof(*fds));
	memcpy(fds, (int[]){r->upper.upper, r->tar, r->index}, 3 * sizeof(*fds));
	step_list_fds(spec, fds + 3);
	buf_add(&payload, &req, sizeof(req));
	step_encode(spec, &payload);
	if (holder_call(
	            h, "run", payload.p, payload.n, fds, n_fds, r->x->engine.stop_fd, &reply, e))
		return -1;
	if (reply.n < sizeof(r->made))
		return err_set(e, ERR_FAIL, "run a step: malformed answer");
	memcpy(&r->made, reply.p, sizeof(r->made));
	return step_result_decode(result, reply.p + sizeof(r->made), reply.n - sizeof(r->made), e);
}

static int execute(
        struct run_state *r, struct log_reader *log, struct step_result *result, struct err *e)
{
	struct holder *h = engine_holder(&r->x->engine, e);
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out[2], err[2];
	if (!h)
		return -1;
	if (null < 0 || pipe2(out, O_CLOEXEC))
		return err_sys(e, "make a pipe");
	if (pipe2(err, O_CLOEXEC)) {
		close(out[0]);
		close(out[1]);
		return err_sys(e, "make a pipe");
	}
	*log = (struct log_reader){
	        .x = r->x, .step = r->step->id, .fds = {out[0], err[0]}, .redactor = &r->redactor};
	struct step_spec spec;
	run_spec(r, &spec);
	spec.stdin_fd = null;
	spec.stdout_fd = out[1];
	spec.stderr_fd = err[1];
	pthread_t reader;
	errno = pthread_create(&reader, NULL, read_logs, log);
	bool reads = errno == 0; // or the step would wait for ever on a full pipe
	int status = reads ? run_job(r, h, &spec, result, e) : err_sys(e, "start a thread");
	close(out[1]);
	close(err[1]);
	if (reads)
		pthread_join(reader, NULL);
	close(out[0]);
	close(err[0]);
	buf_release(&log->held[0]);
	buf_release(&log->held[1]);
	return status;
}

// ---- the layer

static int commit(
        struct run_state *r, const struct step_result *result, struct digest *ret, struct err *e)
{
	struct exec *x = r->x;
	struct layer_result layer = {.diff_id = r->made.diff_id,
	        .tar_size = r->made.tar_size,
	        .content_id = r->made.content_id};
	layer.index = layer_index_open(r->index, e);
	int status = layer.index ? store_layer_commit(x->store, r->tar, &layer, e) : -1;
	layer_result_release(&layer);
	auto_free char *upper = xasprintf("%s/upper", r->upper.base);
	// the upper is the layer's tree already, unless stubs lie in it that the layer leaves out
	if (!status && !result->stubs.n)
		status = layer_keep_tree(&x->engine, &r->made.diff_id, upper, e);
	*ret = r->made.diff_id;
	r->committed = !status && !result->stubs.n;
	return status;
}

static int failed_step(struct run_state *r, const struct step_result *result, struct err *e)
{
	auto_buf struct buf shown = {0};
	const struct strv *argv = &r->step->run.argv;
	for (size_t i = 0; i < argv->n; i++)
		buf_printf(&shown, "%s%s", i ? " " : "", argv->v[i]);
	if (shown.n > 300) {
		buf_reset(&shown);
		for (size_t i = 0; i < argv->n; i++)
			buf_printf(&shown, "%s%.280s", i ? " " : "", argv->v[i]);
		if (shown.n > 300)
			shown.p[shown.n = 300] = '\0';
		buf_puts(&shown, "...");
	}
	err_set(e, ERR_STEP, "process \"%s\" did not complete successfully: exit code: %d",
	        buf_cstr(&shown), result->exit_status);
	e->pos = r->step->pos;
	return -1;
}

// All that the command needs.
static int prepare(struct run_state *r, struct err *e)
{
	step_input(r->x, r->step->parent, &r->below);
	if (engine_emulate(&r->x->engine, &r->step->platform, &r->emulator, e) || lookup_user(r, e))
		return -1;
	make_env(r);
	return rootfs_open_trees(
	               &r->x->engine, &r->below, r->step->id, &r->lowers, &r->n_lowers, e) ||
	                       open_upper(r, e) || run_add_mounts(r, e)
	               ? -1
	               : 0;
}

int run_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct run_state *r = xcalloc(1, sizeof(*r));
	struct step_result result = {0};
	struct log_reader log;
	*r = (struct run_state){
	        .x = x, .step = s, .upper = UPPER_DIRS_NONE, .tar = -1, .index = -1};
	int status = prepare(r, e);
	bool ready = !status;
	if (!status)
		status = execute(r, &log, &result, e);
	if (!status && result.exit_status)
		status = failed_step(r, &result, e);
	bool ran = status && ready && e->kind == ERR_STEP;
	if (!status)
		status = commit(r, &result, ret, e);
	step_result_release(&result);
	if (!ran || !run_keep_failed(r, e))
		run_state_free(r);
	return status;
}
