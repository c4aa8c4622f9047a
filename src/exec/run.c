// SPDX-License-Identifier: Apache-2.0
// RUN: the root filesystem as an overlay of trees, the mounts it asks for, the process, and the
// layer that its upper directory becomes.
#include "base/fs.h"
#include "exec/exec-int.h"
#include "exec/jobs.h"
#include "sandbox/step.h"
#include "source/ssh_agent.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

// Everything one RUN holds open; released whatever happened.
struct run_state {
	struct exec *x;
	const struct step *step;
	int *lowers; // top first
	size_t n_lowers;
	char *upper_path;
	int upper, work;
	int tar, index; // of the layer that the upper becomes
	struct commit_reply made;
	struct step_mount *mounts;
	size_t n_mounts;
	int *binds;
	size_t n_binds;
	struct store_lock **locks; // of cache mounts
	size_t n_locks;
	struct ssh_forward **forwards; // to ssh agents
	size_t n_forwards, n_ssh;      // n_ssh: mounts seen
	struct strv scratch;           // directories to trash afterwards
	struct strv env;
	struct user_ids user;
	struct arena arena;
	bool committed;
};

// Once the upper has become a tree, only overlayfs' empty work folders are left: they go at once.
// What a failed step wrote may be large and waits in the trash.
static void drop_scratch(struct run_state *r)
{
	struct err ignored = ERR_INIT;
	for (size_t i = 0; i < r->scratch.n; i++) {
		const char *path = r->scratch.v[i];
		if (!r->committed || fs_remove_tree(store_root_fd(r->x->store), path, &ignored))
			store_trash(r->x->store, path);
	}
}

static void run_state_release(struct run_state *r)
{
	for (size_t i = 0; i < r->n_lowers; i++)
		close_fd(&r->lowers[i]);
	for (size_t i = 0; i < r->n_binds; i++)
		close_fd(&r->binds[i]);
	for (size_t i = 0; i < r->n_locks; i++)
		store_unlock(r->locks[i]);
	for (size_t i = 0; i < r->n_forwards; i++)
		ssh_forward_stop(r->forwards[i]);
	drop_scratch(r);
	close_fd(&r->upper);
	close_fd(&r->work);
	close_fd(&r->tar);
	close_fd(&r->index);
	free(r->lowers);
	free(r->mounts);
	free(r->binds);
	free(r->locks);
	free(r->forwards);
	free(r->upper_path);
	strv_release(&r->scratch);
	strv_release(&r->env);
	arena_release(&r->arena);
}

// ---- root filesystem

static int open_upper(struct run_state *r, struct err *e)
{
	auto_free char *base = NULL;
	auto_fd int dir = store_temp_dir(r->x->store, &base, e);
	if (dir < 0)
		return -1;
	if (mkdirat(dir, "upper", 0755) || mkdirat(dir, "work", 0700))
		return err_sys(e, "make the step's directories");
	if (fchmodat(dir, "upper", 0755, 0)) // whatever the umask
		return err_sys(e, "make the step's directories");
	r->upper_path = xasprintf("%s/upper", base);
	strv_add(&r->scratch, base);
	r->upper = openat(dir, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->work = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->upper < 0 || r->work < 0)
		return err_sys(e, "open the step's directories");
	r->tar = store_temp_file(r->x->store, e);
	r->index = r->tar < 0 ? -1 : store_temp_file(r->x->store, e);
	return r->index < 0 ? -1 : 0;
}

// ---- mounts

static struct step_mount *add_mount(struct run_state *r, const char *target)
{
	r->mounts = xreallocarray(r->mounts, r->n_mounts + 1, sizeof(*r->mounts));
	struct step_mount *m = &r->mounts[r->n_mounts++];
	*m = (struct step_mount){.target = target, .source_fd = -1};
	return m;
}

// A descriptor that stays open as long as the step runs, also if hew does not.
static int hold(struct run_state *r, int fd)
{
	r->binds = xreallocarray(r->binds, r->n_binds + 1, sizeof(*r->binds));
	r->binds[r->n_binds] = fd;
	return (int)r->n_binds++;
}

static void bind_to(struct run_state *r, struct step_mount *m, int fd)
{
	m->type = STEP_BIND;
	m->source_fd = hold(r, fd);
}

// What a writable bind mount shows: a copy of its own, thrown away after the step.
static int private_copy(struct run_state *r, const struct digest *layer, struct err *e)
{
	char *path = NULL;
	auto_fd int dir = store_temp_dir(r->x->store, &path, e);
	if (dir < 0)
		return -1;
	strv_take(&r->scratch, path);
	if (layer_unpack(r->x, layer, NULL, dir, false, e))
		return -1;
	return steal_fd(&dir);
}

static int mount_bind(struct run_state *r, const struct run_mount *m, struct err *e)
{
	struct digest layer;
	bool is_dir;
	if (selection_layer(r->x, &m->from, m->source, r->step->id, &layer, &is_dir, e))
		return -1;
	auto_fd int tree = m->read_only ? layer_open_tree(r->x, &layer, r->step->id, e)
	                                : private_copy(r, &layer, e);
	if (tree < 0)
		return -1;
	struct step_mount *to = add_mount(r, m->target);
	to->read_only = m->read_only;
	if (is_dir) {
		bind_to(r, to, steal_fd(&tree));
		return 0;
	}
	int fd = openat(tree, fs_base_name(m->source), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s' for the bind mount at %s", m->source, m->target);
	bind_to(r, to, fd);
	return 0;
}

static int seed_cache(struct run_state *r, const struct run_mount *m, int dir, struct err *e)
{
	auto_strv struct strv names = {0};
	struct err ignored = ERR_INIT; // not ours to list: the holder looks again
	struct digest layer;
	bool is_dir;
	if (m->from.kind == FROM_SCRATCH || (fs_list_dir(dir, &names, &ignored) == 0 && names.n))
		return 0;
	if (selection_layer(r->x, &m->from, m->source, r->step->id, &layer, &is_dir, e))
		return -1;
	return layer_unpack(r->x, &layer, NULL, dir, true, e);
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// All locks of the step's cache mounts, in one order, so that no two steps wait for each other.
static int lock_caches(struct run_state *r, struct err *e)
{
	const struct run_op *op = &r->step->run;
	auto_strv struct strv names = {0};
	for (size_t i = 0; i < op->n_mounts; i++) {
		const struct run_mount *m = &op->mounts[i];
		if (m->type == MOUNT_CACHE && m->sharing != SHARING_SHARED)
			strv_take(&names, xasprintf("cache-%s", m->id));
	}
	if (!names.n)
		return 0;
	qsort(names.v, names.n, sizeof(*names.v), name_order);
	r->locks = xcalloc(names.n, sizeof(*r->locks));
	for (size_t i = 0; i < names.n; i++) {
		if (i && !strcmp(names.v[i], names.v[i - 1]))
			continue;
		struct store_lock *lock = store_lock(r->x->store, names.v[i], e);
		if (!lock)
			return -1;
		r->locks[r->n_locks++] = lock;
	}
	return 0;
}

// A cache mount belongs to the user of the step unless told otherwise; changing that changes the
// folder, it does not make a second cache.
static int mount_cache(struct run_state *r, const struct run_mount *m, struct err *e)
{
	int lock;
	auto_fd int dir = store_cache_dir(r->x->store, m->id, r->x->rung.flavour, &lock, e);
	if (dir < 0)
		return -1;
	hold(r, lock);
	if (seed_cache(r, m, dir, e))
		return -1;
	struct step_mount *to = add_mount(r, m->target);
	to->read_only = m->read_only;
	to->own = true;
	to->uid = m->uid >= 0 ? (uint32_t)m->uid : r->user.uid;
	to->gid = m->gid >= 0 ? (uint32_t)m->gid : r->user.gid;
	to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0755;
	bind_to(r, to, steal_fd(&dir));
	return 0;
}

static int mount_secret(struct run_state *r, const struct run_mount *m, struct err *e)
{
	const struct build_request *req = r->x->req;
	const struct build_secret *s = NULL;
	for (size_t i = 0; i < req->n_secrets; i++)
		if (!strcmp(req->secrets[i].id, m->id))
			s = &req->secrets[i];
	if (!s && m->required)
		return err_set(e, ERR_STEP,
		        "secret %s: not found (give it with --secret id=%s,src=FILE)", m->id,
		        m->id);
	if (!s)
		return 0;
	if (m->env) {
		auto_free char *value = xstrndup(s->data, s->len);
		strv_env_set(&r->env, m->env, value);
	}
	if (!m->target)
		return 0;
	struct step_mount *to = add_mount(r, m->target);
	to->type = STEP_FILE;
	to->data = s->data;
	to->data_len = s->len;
	to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0400;
	to->uid = m->uid >= 0 ? (uint32_t)m->uid : 0;
	to->gid = m->gid >= 0 ? (uint32_t)m->gid : 0;
	to->read_only = true;
	return 0;
}

// A socket of this step's own, that leads to the agent.
static int forward_agent(struct run_state *r, struct ssh_agent *agent, struct err *e)
{
	char *path = NULL;
	auto_fd int dir = store_temp_dir(r->x->store, &path, e);
	if (dir < 0)
		return -1;
	strv_take(&r->scratch, path);
	struct ssh_forward *f = ssh_forward_start(agent, dir, "agent", e);
	if (!f)
		return -1;
	r->forwards = xreallocarray(r->forwards, r->n_forwards + 1, sizeof(struct ssh_forward *));
	r->forwards[r->n_forwards++] = f;
	int fd = openat(dir, "agent", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open the socket of the ssh agent") : fd;
}

static int mount_ssh(struct run_state *r, const struct run_mount *m, struct err *e)
{
	struct ssh_agent *agent = NULL;
	const char *target =
	        m->target ? m->target
	                  : arena_printf(&r->arena, "/run/buildkit/ssh_agent.%zu", r->n_ssh);
	r->n_ssh++;
	if (!strv_env_get(&r->env, "SSH_AUTH_SOCK"))
		strv_env_set(&r->env, "SSH_AUTH_SOCK", target);
	int found = ssh_find(r->x, m->id, &agent, e);
	if (!found && m->required)
		return err_set(e, ERR_STEP, "ssh agent %s: not given (give it with --ssh %s)",
		        m->id, m->id);
	if (found <= 0)
		return found;
	int fd = forward_agent(r, agent, e);
	if (fd < 0)
		return -1;
	struct step_mount *to = add_mount(r, target);
	to->own = true;
	to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0600;
	to->uid = m->uid >= 0 ? (uint32_t)m->uid : 0;
	to->gid = m->gid >= 0 ? (uint32_t)m->gid : 0;
	bind_to(r, to, fd);
	return 0;
}

static int add_run_mount(struct run_state *r, const struct run_mount *m, struct err *e)
{
	switch (m->type) {
	case MOUNT_BIND:
		return mount_bind(r, m, e);
	case MOUNT_CACHE:
		return mount_cache(r, m, e);
	case MOUNT_SECRET:
		return mount_secret(r, m, e);
	case MOUNT_TMPFS: {
		struct step_mount *to = add_mount(r, m->target);
		to->type = STEP_TMPFS;
		to->size = m->size > 0 ? (uint64_t)m->size : 0;
		to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0;
		return 0;
	}
	default:
		return mount_ssh(r, m, e);
	}
}

static int add_mounts(struct run_state *r, struct err *e)
{
	const struct run_op *op = &r->step->run;
	if (lock_caches(r, e))
		return -1;
	for (size_t i = 0; i < op->n_mounts; i++)
		if (add_run_mount(r, &op->mounts[i], e))
			return -1;
	if (!op->script)
		return 0;
	struct step_mount *m =
	        add_mount(r, arena_printf(&r->arena, "/dev/pipes/%s", op->script_name));
	m->type = STEP_FILE;
	m->data = op->script;
	m->data_len = strlen(op->script);
	m->mode = 0755;
	m->read_only = true;
	return 0;
}

// ---- output

struct log_reader {
	struct exec *x;
	int step;
	int fds[2]; // stdout, stderr
};

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
			if (n <= 0) {
				p[i].fd = -1;
				continue;
			}
			event_emit(l->x->req->sink, &(struct event){.kind = EVENT_STEP_LOG,
			                                    .step = l->step,
			                                    .text = data,
			                                    .len = (size_t)n,
			                                    .stream = i + 1});
		}
	}
	return NULL;
}

// ---- the process

static int lookup_user(struct run_state *r, const struct rootfs *below, struct err *e)
{
	const char *user = r->step->run.user;
	if (!*user || !strcmp(user, "root") || !strcmp(user, "0"))
		user = "0";
	auto_view struct view *root = rootfs_view(r->x, below, r->step->id, e);
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

// The step and its layer in one request to the holder.
static int run_job(struct run_state *r, struct holder *h, const struct step_spec *spec,
        struct step_result *result, struct err *e)
{
	struct layer_writer_options o = exec_writer_options(r->x);
	struct commit_request req = {.max_mtime = o.max_mtime,
	        .clamp = o.clamp_mtime,
	        .userxattr = r->x->rung.userxattr};
	auto_buf struct buf payload = {0}, reply = {0};
	size_t n_fds = 3 + step_count_fds(spec);
	auto_free int *fds = xcalloc(n_fds, sizeof(*fds));
	memcpy(fds, (int[]){r->upper, r->tar, r->index}, 3 * sizeof(*fds));
	step_list_fds(spec, fds + 3);
	buf_add(&payload, &req, sizeof(req));
	step_encode(spec, &payload);
	if (holder_call(h, "run", payload.p, payload.n, fds, n_fds, r->x->stop_fd, &reply, e))
		return -1;
	if (reply.n < sizeof(r->made))
		return err_set(e, ERR_FAIL, "run a step: malformed answer");
	memcpy(&r->made, reply.p, sizeof(r->made));
	return step_result_decode(result, reply.p + sizeof(r->made), reply.n - sizeof(r->made), e);
}

static int execute(
        struct run_state *r, struct log_reader *log, struct step_result *result, struct err *e)
{
	const struct run_op *op = &r->step->run;
	struct holder *h = exec_holder(r->x, e);
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
	*log = (struct log_reader){.x = r->x, .step = r->step->id, .fds = {out[0], err[0]}};
	struct step_spec spec = {
	        .lowers = r->lowers,
	        .n_lowers = r->n_lowers,
	        .upper = r->upper,
	        .work = r->work,
	        .volatile_overlay = true,
	        .argv = (const char *const *)op->argv.v,
	        .env = (const char *const *)r->env.v,
	        .cwd = op->cwd,
	        .uid = r->user.uid,
	        .gid = r->user.gid,
	        .groups = r->user.groups,
	        .n_groups = r->user.n_groups,
	        .network = op->network_none ? STEP_NET_NONE : STEP_NET_HOST,
	        .mounts = r->mounts,
	        .n_mounts = r->n_mounts,
	        .bind_fds = r->binds,
	        .n_bind_fds = r->n_binds,
	        .stdin_fd = null,
	        .stdout_fd = out[1],
	        .stderr_fd = err[1],
	        .signal_fd = -1,
	};
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
	// the upper is the layer's tree already, unless stubs lie in it that the layer leaves out
	if (!status && !result->stubs.n)
		status = layer_keep_tree(x, &r->made.diff_id, r->upper_path, e);
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

int run_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct run_state r = {.x = x, .step = s, .upper = -1, .work = -1, .tar = -1, .index = -1};
	struct rootfs below = {0};
	struct step_result result = {0};
	struct log_reader log;
	step_input(x, s->parent, &below);
	int status = lookup_user(&r, &below, e);
	if (!status) {
		make_env(&r);
		status = rootfs_open_trees(x, &below, s->id, &r.lowers, &r.n_lowers, e);
	}
	if (!status)
		status = open_upper(&r, e);
	if (!status)
		status = add_mounts(&r, e);
	if (!status)
		status = execute(&r, &log, &result, e);
	if (!status && result.exit_status)
		status = failed_step(&r, &result, e);
	if (!status)
		status = commit(&r, &result, ret, e);
	step_result_release(&result);
	rootfs_release(&below);
	run_state_release(&r);
	return status;
}
