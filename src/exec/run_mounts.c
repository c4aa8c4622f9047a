// SPDX-License-Identifier: Apache-2.0
// What RUN --mount asks for, as mounts of the sandbox. A stage or an image is shown as an overlay
// of its trees and nothing is copied; what comes from the context is copied first, because a step
// sees it with other owners and without what is ignored.
#include "base/fs.h"
#include "exec/run-int.h"
#include "source/ssh_agent.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct step_mount *add_mount(struct run_state *r, const char *target)
{
	return mount_list_add(&r->mounts, target);
}

// A descriptor that stays open as long as the step runs, also if hew does not.
static int hold(struct run_state *r, int fd)
{
	return mount_list_hold(&r->mounts, fd);
}

// Shows `source` in what n trees make together; they are held from now on. What is written to it is
// thrown away after the step.
static int add_overlay(struct run_state *r, const struct run_mount *m, const char *source,
        const int *trees, size_t n, struct err *e)
{
	const struct overlay_mount o = {
	        .target = m->target, .source = source, .read_only = m->read_only};
	return mount_list_overlay(&r->mounts, &r->x->engine, &o, trees, n, e);
}

static int bind_stage(struct run_state *r, const struct run_mount *m, struct err *e)
{
	struct rootfs root = {0};
	auto_free int *trees = NULL;
	size_t n = 0;
	if (m->from.kind == FROM_STEP)
		rootfs_copy(&root, &r->x->states[m->from.step].root);
	int failed = rootfs_open_trees(&r->x->engine, &root, r->step->id, &trees, &n, e);
	rootfs_release(&root);
	if (failed)
		for (size_t i = 0; i < n; i++)
			close_fd(&trees[i]);
	return failed ? -1 : add_overlay(r, m, m->source, trees, n, e);
}

// The files as a layer: as they are now, which the key has to say as well. The build's record names
// it, so that the same can be shown again.
static const struct mounted_layer *take_layer(
        struct run_state *r, const struct run_mount *m, struct err *e)
{
	const struct step *s = r->step;
	struct mounted_layer *known = &r->x->states[s->id].mounted[m - s->run.mounts], now = {0};
	struct err first = ERR_INIT;
	if (selection_layer(r->x, &m->from, m->source, s->id, &now, &first)) {
		if (!source_is_stale(&m->from, &first)) {
			*e = first;
			return NULL;
		}
		if (selection_layer(r->x, &m->from, m->source, s->id, &now, e))
			return NULL;
	}
	r->moved |= !hash_eq(&now.content, &known->content);
	*known = now;
	return known;
}

static int bind_context(struct run_state *r, const struct run_mount *m, struct err *e)
{
	const struct mounted_layer *files = take_layer(r, m, e);
	int tree = files ? layer_open_tree(&r->x->engine, &files->layer, r->step->id, e) : -1;
	if (tree < 0)
		return -1;
	auto_free char *clean = fs_clean_rel(m->source);
	const char *source = files->is_dir ? "/" : arena_strdup(&r->arena, fs_base_name(clean));
	return add_overlay(r, m, source, &tree, 1, e);
}

// ---- cache mounts

// Of the mounts of one id, the first that says what it begins with.
static const struct run_mount *find_seed(const struct run_state *r, const char *id)
{
	const struct run_op *op = &r->step->run;
	for (size_t i = 0; i < op->n_mounts; i++) {
		const struct run_mount *m = &op->mounts[i];
		if (m->type == MOUNT_CACHE && m->from.kind != FROM_SCRATCH && !strcmp(m->id, id))
			return m;
	}
	return NULL;
}

// As another step could have left it there: all of it, or nothing.
static int seed_cache(
        struct run_state *r, const char *id, const char *name, const char *sharing, struct err *e)
{
	struct engine *g = &r->x->engine;
	const struct run_mount *m = find_seed(r, id);
	if (!m || !store_cache_vacant(g->store, name, g->rung.flavour))
		return 0;
	const struct mounted_layer *files = take_layer(r, m, e);
	if (!files || cache_mount_put(g, name, sharing, &files->layer, r->step->id, e) < 0)
		return -1;
	return 0;
}

static const char *sharing_name(int sharing)
{
	static const char *const names[] = {
	        [SHARING_SHARED] = "shared",
	        [SHARING_PRIVATE] = "private",
	        [SHARING_LOCKED] = "locked",
	};
	return names[sharing];
}

// An empty cache begins with what another machine had in it, if that was imported. It is a cache:
// without it the step runs as well.
static int fill_cache(struct run_state *r, const char *name, const char *sharing, struct err *e)
{
	struct hash key = store_cache_key(name);
	if (cache_mount_fill(&r->x->engine, name, sharing, r->step->id, e) >= 0)
		return 0;
	if (e->kind == ERR_CANCELLED || e->kind == ERR_SPACE)
		return -1;
	event_warn(r->x->req->sink, 0, "%s: it begins empty", e->msg);
	*e = ERR_INIT;
	return store_step_drop(r->x->store, &key, e);
}

static int by_id(const void *a, const void *b)
{
	const struct held_cache *x = a, *y = b;
	return strcmp(x->id, y->id);
}

// Each id once, as the strictest of its mounts wants it.
static void list_caches(struct run_state *r)
{
	const struct run_op *op = &r->step->run;
	size_t n = 0;
	r->caches = xcalloc(op->n_mounts + 1, sizeof(*r->caches));
	for (size_t i = 0; i < op->n_mounts; i++)
		if (op->mounts[i].type == MOUNT_CACHE)
			r->caches[n++] = (struct held_cache){
			        .id = op->mounts[i].id, .sharing = op->mounts[i].sharing};
	qsort(r->caches, n, sizeof(*r->caches), by_id);
	for (size_t i = 0; i < n; i++) {
		struct held_cache *last = r->n_caches ? &r->caches[r->n_caches - 1] : NULL;
		if (last && !strcmp(last->id, r->caches[i].id)) {
			if (r->caches[i].sharing > last->sharing)
				last->sharing = r->caches[i].sharing;
			continue;
		}
		r->caches[r->n_caches++] = r->caches[i];
	}
}

// The first of its copies that nobody uses.
static int lock_private(struct store *s, struct held_cache *c, struct err *e)
{
	for (size_t k = 0;; k++) {
		// no id has a line end in it
		auto_free char *name = k ? xasprintf("%s\n%zu", c->id, k) : xstrdup(c->id);
		auto_free char *lock = xasprintf("cache-%s", name);
		bool taken = false;
		c->lock = store_trylock(s, lock, &taken, e);
		if (!c->lock && !taken)
			return -1;
		if (c->lock) {
			c->name = steal_ptr(&name);
			return 0;
		}
	}
}

// As BuildKit: whoever shares a cache has it together with others who do; `locked` waits until it
// has it alone, `private` takes another one instead. All of a step in one order, so that no two
// steps wait for each other; who wants a private one never waits.
static int lock_caches(struct run_state *r, struct err *e)
{
	struct store *s = r->x->store;
	list_caches(r);
	for (size_t i = 0; i < r->n_caches; i++) {
		struct held_cache *c = &r->caches[i];
		if (c->sharing == SHARING_PRIVATE) {
			if (lock_private(s, c, e))
				return -1;
			continue;
		}
		auto_free char *lock = xasprintf("cache-%s", c->id);
		c->name = xstrdup(c->id);
		c->lock = c->sharing == SHARING_LOCKED ? store_lock(s, lock, e)
		                                       : store_lock_shared(s, lock, e);
		if (!c->lock)
			return -1;
	}
	return 0;
}

static const char *cache_name(const struct run_state *r, const char *id)
{
	const struct held_cache key = {.id = id};
	const struct held_cache *c =
	        bsearch(&key, r->caches, r->n_caches, sizeof(*r->caches), by_id);
	return c->name;
}

// Whoever is the first to use a cache begins it, and others that come wait for that.
static int open_cache(struct run_state *r, const struct run_mount *m, struct err *e)
{
	int held = -1;
	struct store *s = r->x->store;
	const char *name = cache_name(r, m->id), *sharing = sharing_name(m->sharing);
	auto_free char *lock_name = xasprintf("begin-%s", name);
	struct store_lock *lock = store_lock(s, lock_name, e);
	if (!lock)
		return -1;
	int dir = fill_cache(r, name, sharing, e) || seed_cache(r, m->id, name, sharing, e)
	                  ? -1
	                  : store_cache_dir(s, name, sharing, r->x->engine.rung.flavour, &held, e);
	store_unlock(lock);
	if (dir >= 0)
		hold(r, held);
	return dir;
}

// A cache mount belongs to the user of the step unless told otherwise; changing that changes the
// folder, it does not make a second cache.
static int mount_cache(struct run_state *r, const struct run_mount *m, struct err *e)
{
	auto_fd int dir = open_cache(r, m, e);
	if (dir < 0)
		return -1;
	struct step_mount *to = add_mount(r, m->target);
	to->read_only = m->read_only;
	to->own = true;
	to->uid = m->uid >= 0 ? (uint32_t)m->uid : r->user.uid;
	to->gid = m->gid >= 0 ? (uint32_t)m->gid : r->user.gid;
	to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0755;
	to->type = STEP_BIND;
	to->source_fd = hold(r, steal_fd(&dir));
	return 0;
}

// ---- the others

static int mount_secret(struct run_state *r, const struct run_mount *m, struct err *e)
{
	const struct build_secret *s = build_secret_find(r->x->req, m->id);
	if (!s && m->required)
		return err_set(e, ERR_STEP,
		        "secret %s: not found (give it with --secret id=%s,src=FILE)", m->id,
		        m->id);
	if (!s)
		return 0;
	redactor_add(&r->redactor, s->data, s->len);
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
	strv_take(&r->mounts.scratch, path);
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
	to->type = STEP_BIND;
	to->source_fd = hold(r, fd);
	return 0;
}

static int add_run_mount(struct run_state *r, const struct run_mount *m, struct err *e)
{
	switch (m->type) {
	case MOUNT_BIND:
		return m->from.kind == FROM_CONTEXT ? bind_context(r, m, e) : bind_stage(r, m, e);
	case MOUNT_CACHE:
		return mount_cache(r, m, e);
	case MOUNT_SECRET:
		return mount_secret(r, m, e);
	case MOUNT_TMPFS: {
		struct step_mount *to = add_mount(r, m->target);
		to->type = STEP_TMPFS;
		to->read_only = m->read_only;
		to->size = m->size > 0 ? (uint64_t)m->size : 0;
		to->mode = m->mode >= 0 ? (uint32_t)m->mode & 07777 : 0;
		return 0;
	}
	default:
		return mount_ssh(r, m, e);
	}
}

int run_add_mounts(struct run_state *r, struct err *e)
{
	const struct run_op *op = &r->step->run;
	if (lock_caches(r, e))
		return -1;
	for (size_t i = 0; i < op->n_mounts; i++)
		if (add_run_mount(r, &op->mounts[i], e))
			return -1;
	if (r->moved)
		run_key(r->x, r->step, &r->x->states[r->step->id]);
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

void run_mounts_release(struct run_state *r)
{
	for (size_t i = 0; i < r->n_caches; i++) {
		store_unlock(r->caches[i].lock);
		free(r->caches[i].name);
	}
	for (size_t i = 0; i < r->n_forwards; i++)
		ssh_forward_stop(r->forwards[i]);
	free(r->forwards);
	free(r->caches);
	mount_list_release(&r->mounts, r->x->store);
}
