// SPDX-License-Identifier: Apache-2.0
#include "run/trial.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/config.h"
#include "rootfs/rootfs.h"
#include "rootfs/users.h"
#include "run/mount_list.h"
#include "run/run.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- the ground

struct trial_ground {
	struct engine *g;
	struct holder *holder;
	struct step_emulator emulator;
	struct user_ids user;
	struct mount_list mounts;
	struct strv volumes; // what the mounts borrow from
	int *lowers;
	size_t n_lowers;
	char *cwd;
	enum step_network network;
	bool privileged;
};

static int open_ground(struct trial_ground *d, const struct image_config *c,
        const struct rootfs *root, const struct trial_options *o, struct err *e)
{
	const char *user = o->user ? o->user : c->user ? c->user : "";
	auto_view struct view *view = rootfs_view(d->g, root, -1, e);
	if (!view || user_lookup(view, user, &d->user, e) ||
	        engine_emulate(d->g, &c->platform, &d->emulator, e) ||
	        rootfs_open_trees(d->g, root, -1, &d->lowers, &d->n_lowers, e))
		return -1;
	if (o->volumes)
		strv_copy(&d->volumes, o->volumes);
	for (size_t i = 0; i < d->volumes.n; i++)
		if (mount_list_volume(&d->mounts, d->volumes.v[i], e))
			return -1;
	d->holder = engine_holder(d->g, e);
	return d->holder ? 0 : -1;
}

struct trial_ground *trial_ground_open(struct engine *g, const struct image_config *c,
        const struct rootfs *root, const struct trial_options *o, struct err *e)
{
	struct trial_ground *d = xcalloc(1, sizeof(*d));
	*d = (struct trial_ground){.g = g,
	        .cwd = fs_join_abs("/", c->working_dir ? c->working_dir : ""),
	        .network = o->network,
	        .privileged = o->privileged};
	if (!open_ground(d, c, root, o, e))
		return d;
	trial_ground_free(d);
	return NULL;
}

void trial_ground_free(struct trial_ground *d)
{
	if (!d)
		return;
	mount_list_release(&d->mounts, d->g->store);
	strv_release(&d->volumes);
	for (size_t i = 0; i < d->n_lowers; i++)
		close_fd(&d->lowers[i]);
	free(d->lowers);
	free(d->cwd);
	free(d);
}

// ---- what a command says

void trial_output_release(struct trial_output *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
	*o = (struct trial_output){0};
}

// Reads while the command runs, and ends it when its time is over.
struct listener {
	int fds[2]; // stdout, stderr
	int stop;   // written to once the time is over
	int64_t until;
	struct trial_output *to;
	bool stopped;
};

static int wait_ms(const struct listener *l)
{
	if (!l->until || l->stopped)
		return -1;
	int64_t left = (l->until - clock_ns() + 999999) / 1000000;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void stop_if_late(struct listener *l)
{
	uint64_t one = 1;
	if (!l->until || l->stopped || clock_ns() < l->until)
		return;
	l->stopped = true;
	(void)!write(l->stop, &one, sizeof(one));
}

static void keep(struct trial_output *o, struct buf *to, const char *p, size_t n)
{
	size_t room = TRIAL_OUTPUT_MAX - to->n;
	o->cut = o->cut || n > room;
	buf_add(to, p, n < room ? n : room);
}

static void *listen_to(void *arg)
{
	struct listener *l = arg;
	struct buf *to[] = {&l->to->out, &l->to->err};
	struct pollfd p[2] = {{l->fds[0], POLLIN, 0}, {l->fds[1], POLLIN, 0}};
	char data[16384];
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int ready = poll(p, 2, wait_ms(l));
		stop_if_late(l);
		for (int i = 0; i < 2 && ready > 0; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			ssize_t n = read(p[i].fd, data, sizeof(data));
			if (n <= 0)
				p[i].fd = -1;
			else
				keep(l->to, to[i], data, (size_t)n);
		}
	}
	return NULL;
}

// ---- a trial

struct trial {
	struct trial_ground *ground;
	struct upper_dirs upper;
	int n; // commands so far
};

struct trial *trial_open(struct trial_ground *d, struct err *e)
{
	struct trial *t = xcalloc(1, sizeof(*t));
	*t = (struct trial){.ground = d, .upper = UPPER_DIRS_NONE};
	if (!upper_dirs_open(d->g, &t->upper, e))
		return t;
	trial_close(t);
	return NULL;
}

void trial_close(struct trial *t)
{
	if (!t)
		return;
	if (t->upper.base)
		store_trash(t->ground->g->store, t->upper.base);
	upper_dirs_release(&t->upper);
	free(t);
}

// A volatile overlay marks its work folder, which the kernel then refuses to take once more.
static int renew_work(struct trial *t, struct err *e)
{
	auto_fd int base = openat(store_root_fd(t->ground->g->store), t->upper.base,
	        O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *name = xasprintf("work-%d", t->n);
	if (base < 0 || mkdirat(base, name, 0700))
		return err_sys(e, "make a work directory");
	int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open a work directory");
	close_fd(&t->upper.work);
	t->upper.work = fd;
	return 0;
}

static struct step_spec spec_of(const struct trial *t)
{
	const struct trial_ground *d = t->ground;
	struct step_spec spec = {.lowers = d->lowers,
	        .n_lowers = d->n_lowers,
	        .upper = t->upper.upper,
	        .work = t->upper.work,
	        .volatile_overlay = true,
	        .etc_writable = true,
	        .cwd = d->cwd,
	        .hostname = "hew",
	        .uid = d->user.uid,
	        .gid = d->user.gid,
	        .groups = d->user.groups,
	        .n_groups = d->user.n_groups,
	        .network = d->network,
	        .insecure = d->privileged,
	        .emulator = d->emulator,
	        .signal_fd = -1};
	mount_list_spec(&d->mounts, &spec);
	return spec;
}

// With somebody who reads what it says. out, err: the ends it writes to, closed when it is over.
static int run_heard(struct trial *t, struct step_spec *spec, struct listener *l, int out, int err,
        struct err *e)
{
	struct step_result result = {0};
	pthread_t reader;
	spec->stdout_fd = out;
	spec->stderr_fd = err;
	errno = pthread_create(&reader, NULL, listen_to, l);
	bool heard = errno == 0; // or the command would wait for ever on a full pipe
	int rc = heard ? step_run(t->ground->holder, spec, l->stop, &result, e)
	               : err_sys(e, "start a thread");
	close(out);
	close(err);
	if (heard)
		pthread_join(reader, NULL);
	l->to->status = result.exit_status;
	step_result_release(&result);
	if (!rc || !l->stopped || cancel_requested())
		return rc;
	l->to->timed_out = true;
	return 0;
}

static int run_with_pipes(
        struct trial *t, struct step_spec *spec, struct listener *l, struct err *e)
{
	int out[2], err[2];
	if (pipe2(out, O_CLOEXEC))
		return err_sys(e, "make a pipe");
	if (pipe2(err, O_CLOEXEC)) {
		close(out[0]);
		close(out[1]);
		return err_sys(e, "make a pipe");
	}
	l->fds[0] = out[0];
	l->fds[1] = err[0];
	int rc = run_heard(t, spec, l, out[1], err[1], e);
	close(out[0]);
	close(err[0]);
	return rc;
}

int trial_run(
        struct trial *t, const struct trial_command *c, struct trial_output *ret, struct err *e)
{
	auto_strv struct strv env = {0};
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_fd int stop = eventfd(0, EFD_CLOEXEC);
	if (null < 0 || stop < 0)
		return err_sys(e, "prepare a command");
	if (t->n++ && renew_work(t, e))
		return -1;
	strv_copy(&env, c->env);
	process_defaults(&env, t->ground->user.home);
	struct step_spec spec = spec_of(t);
	spec.argv = c->argv;
	spec.env = (const char *const *)env.v;
	spec.stdin_fd = null;
	struct listener l = {.stop = stop, .until = c->until, .to = ret};
	return run_with_pipes(t, &spec, &l, e);
}
