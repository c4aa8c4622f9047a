// SPDX-License-Identifier: Apache-2.0
// A step_spec as bytes. Both ends are the same program on the same machine; still every length is
// checked against what is there, so that a slip in one half is an error in the other and not a
// crash.
#include "sandbox/step-int.h"

#include <string.h>

#define ABSENT UINT64_MAX

static void put_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof v);
}

static void put_bytes(struct buf *b, const void *p, size_t n)
{
	put_u64(b, n);
	buf_add(b, p, n);
	buf_putc(b, '\0');
}

static void put_str(struct buf *b, const char *s)
{
	if (s)
		put_bytes(b, s, strlen(s));
	else
		put_u64(b, ABSENT);
}

static void put_list(struct buf *b, const char *const *v)
{
	size_t n = 0;
	while (v && v[n])
		n++;
	put_u64(b, n);
	for (size_t i = 0; i < n; i++)
		put_str(b, v[i]);
}

struct reader {
	const char *p;
	size_t n;
	bool bad;
	struct arena *arena;
};

static uint64_t get_u64(struct reader *r)
{
	uint64_t v = 0;
	if (r->n < sizeof v) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->p, sizeof v);
	r->p += sizeof v;
	r->n -= sizeof v;
	return v;
}

static const void *get_bytes(struct reader *r, size_t *ret_n)
{
	uint64_t n = get_u64(r);
	*ret_n = 0;
	if (r->bad || n == ABSENT)
		return NULL;
	if (n >= r->n) {
		r->bad = true;
		return NULL;
	}
	const char *at = r->p;
	r->p += n + 1;
	r->n -= n + 1;
	*ret_n = n;
	return at;
}

static const char *get_str(struct reader *r)
{
	size_t n;
	return get_bytes(r, &n);
}

// How many elements follow; each takes at least one byte of what is left.
static size_t get_count(struct reader *r)
{
	uint64_t n = get_u64(r);
	if (n > r->n)
		r->bad = true;
	return r->bad ? 0 : n;
}

static const char *const *get_list(struct reader *r)
{
	size_t n = get_count(r);
	const char **v = arena_alloc(r->arena, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n && !r->bad; i++)
		v[i] = get_str(r);
	return v;
}

static bool uses_fds(const struct step_mount *m)
{
	return m->type == STEP_BIND || m->type == STEP_OVERLAY;
}

static void put_mounts(struct buf *b, const struct step_spec *s)
{
	put_u64(b, s->n_mounts);
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct step_mount *m = &s->mounts[i];
		put_u64(b, m->type);
		put_str(b, m->target);
		put_u64(b, uses_fds(m) ? (uint64_t)m->source_fd : 0);
		put_u64(b, m->n_lowers);
		put_str(b, m->source);
		put_u64(b, m->read_only);
		put_u64(b, m->own);
		put_u64(b, m->size);
		put_u64(b, m->mode);
		put_u64(b, m->uid);
		put_u64(b, m->gid);
		put_bytes(b, m->data, m->data_len);
	}
}

static void get_mounts(struct reader *r, struct step_spec *s)
{
	s->n_mounts = get_count(r);
	s->mounts = arena_alloc(r->arena, s->n_mounts * sizeof *s->mounts);
	for (size_t i = 0; i < s->n_mounts && !r->bad; i++) {
		struct step_mount *m = &s->mounts[i];
		m->type = (int)get_u64(r);
		m->target = get_str(r);
		m->source_fd = (int)get_u64(r);
		m->n_lowers = get_u64(r);
		m->source = get_str(r);
		m->read_only = get_u64(r);
		m->own = get_u64(r);
		m->size = get_u64(r);
		m->mode = (uint32_t)get_u64(r);
		m->uid = (uint32_t)get_u64(r);
		m->gid = (uint32_t)get_u64(r);
		m->data = get_bytes(r, &m->data_len);
	}
}

static void put_ids(struct buf *b, const struct step_spec *s)
{
	put_u64(b, s->uid);
	put_u64(b, s->gid);
	put_u64(b, s->n_groups);
	for (size_t i = 0; i < s->n_groups; i++)
		put_u64(b, s->groups[i]);
	put_u64(b, s->n_ulimits);
	for (size_t i = 0; i < s->n_ulimits; i++) {
		put_str(b, s->ulimits[i].name);
		put_u64(b, (uint64_t)s->ulimits[i].soft);
		put_u64(b, (uint64_t)s->ulimits[i].hard);
	}
}

static void get_ids(struct reader *r, struct step_spec *s)
{
	s->uid = (uint32_t)get_u64(r);
	s->gid = (uint32_t)get_u64(r);
	s->n_groups = get_count(r);
	uint32_t *groups = arena_alloc(r->arena, s->n_groups * sizeof *groups);
	for (size_t i = 0; i < s->n_groups && !r->bad; i++)
		groups[i] = (uint32_t)get_u64(r);
	s->groups = groups;
	s->n_ulimits = get_count(r);
	struct step_ulimit *limits = arena_alloc(r->arena, s->n_ulimits * sizeof *limits);
	for (size_t i = 0; i < s->n_ulimits && !r->bad; i++) {
		limits[i].name = get_str(r);
		limits[i].soft = (int64_t)get_u64(r);
		limits[i].hard = (int64_t)get_u64(r);
	}
	s->ulimits = limits;
}

static void put_cgroup(struct buf *b, const struct cgroup_spec *c)
{
	put_str(b, c->parent);
	put_u64(b, (uint64_t)c->memory);
	put_u64(b, (uint64_t)c->memory_swap);
	put_u64(b, (uint64_t)c->cpu_shares);
	put_u64(b, (uint64_t)c->cpu_period);
	put_u64(b, (uint64_t)c->cpu_quota);
	put_str(b, c->cpuset_cpus);
	put_str(b, c->cpuset_mems);
}

static void get_cgroup(struct reader *r, struct cgroup_spec *c)
{
	c->parent = get_str(r);
	c->memory = (int64_t)get_u64(r);
	c->memory_swap = (int64_t)get_u64(r);
	c->cpu_shares = (int64_t)get_u64(r);
	c->cpu_period = (int64_t)get_u64(r);
	c->cpu_quota = (int64_t)get_u64(r);
	c->cpuset_cpus = get_str(r);
	c->cpuset_mems = get_str(r);
}

// Descriptors that not every step has.
enum {
	HAS_UPPER = 1 << 0,
	HAS_WORK = 1 << 1,
	HAS_SIGNALS = 1 << 2,
	HAS_PROBE = 1 << 3,
	HAS_EMULATOR = 1 << 4
};

static unsigned has_fds(const struct step_spec *s)
{
	return (s->upper >= 0 ? HAS_UPPER : 0u) | (s->work >= 0 ? HAS_WORK : 0u) |
	       (s->forward_signals && s->signal_fd >= 0 ? HAS_SIGNALS : 0u) |
	       (s->probe.argv ? HAS_PROBE : 0u) | (s->emulator.arch ? HAS_EMULATOR : 0u);
}

static size_t count_fixed(uint64_t has)
{
	return 3u + !!(has & HAS_UPPER) + !!(has & HAS_WORK) + !!(has & HAS_SIGNALS) +
	       (has & HAS_PROBE ? 2 : 0) + !!(has & HAS_EMULATOR);
}

void step_encode(const struct step_spec *s, struct buf *out)
{
	put_u64(out, has_fds(s));
	put_u64(out, s->n_lowers);
	put_u64(out, s->n_bind_fds);
	put_u64(out, s->volatile_overlay);
	put_u64(out, s->network);
	put_u64(out, s->etc_writable);
	put_u64(out, s->shm_size);
	put_u64(out, s->insecure);
	put_u64(out, s->tty);
	put_u64(out, s->forward_signals);
	put_list(out, s->argv);
	put_list(out, s->probe.argv);
	put_list(out, s->env);
	put_str(out, s->cwd);
	put_str(out, s->hostname);
	put_str(out, s->hosts);
	put_str(out, s->more_hosts);
	put_str(out, s->resolv_conf);
	put_str(out, s->emulator.arch);
	put_ids(out, s);
	put_mounts(out, s);
	put_cgroup(out, &s->cgroup);
}

size_t step_count_fds(const struct step_spec *s)
{
	return count_fixed(has_fds(s)) + s->n_lowers + s->n_bind_fds;
}

void step_list_fds(const struct step_spec *s, int *out)
{
	unsigned has = has_fds(s);
	*out++ = s->stdin_fd;
	*out++ = s->stdout_fd;
	*out++ = s->stderr_fd;
	if (has & HAS_UPPER)
		*out++ = s->upper;
	if (has & HAS_WORK)
		*out++ = s->work;
	if (has & HAS_SIGNALS)
		*out++ = s->signal_fd;
	if (has & HAS_PROBE) {
		*out++ = s->probe.output_fd;
		*out++ = s->probe.status_fd;
	}
	if (has & HAS_EMULATOR)
		*out++ = s->emulator.fd;
	for (size_t i = 0; i < s->n_lowers; i++)
		*out++ = s->lowers[i];
	for (size_t i = 0; i < s->n_bind_fds; i++)
		*out++ = s->bind_fds[i];
}

static void take_fds(struct step_spec *s, uint64_t has, const int *fds)
{
	s->stdin_fd = *fds++;
	s->stdout_fd = *fds++;
	s->stderr_fd = *fds++;
	s->upper = has & HAS_UPPER ? *fds++ : -1;
	s->work = has & HAS_WORK ? *fds++ : -1;
	s->signal_fd = has & HAS_SIGNALS ? *fds++ : -1;
	s->probe.output_fd = has & HAS_PROBE ? *fds++ : -1;
	s->probe.status_fd = has & HAS_PROBE ? *fds++ : -1;
	s->emulator.fd = has & HAS_EMULATOR ? *fds++ : -1;
	s->lowers = fds;
	s->bind_fds = fds + s->n_lowers;
}

static bool has_sources(const struct step_spec *s, const struct step_mount *m)
{
	size_t first = (size_t)m->source_fd;
	if (!uses_fds(m))
		return true;
	if (m->type == STEP_BIND)
		return first < s->n_bind_fds;
	return m->source && first <= s->n_bind_fds && m->n_lowers <= s->n_bind_fds - first &&
	       (m->read_only || s->n_bind_fds - first - m->n_lowers >= 2);
}

static int check(const struct step_spec *s, struct err *e)
{
	if (!s->argv[0] || !s->cwd || s->cwd[0] != '/')
		return err_set(e, ERR_SANDBOX, "a step without a program or an absolute directory");
	if (s->n_lowers == 0 && s->upper < 0)
		return err_set(e, ERR_SANDBOX, "a step without a root filesystem");
	if (s->n_lowers > 0 && s->upper >= 0 && s->work < 0)
		return err_set(e, ERR_SANDBOX, "a step with an upper but no work directory");
	if (s->emulator.arch && s->emulator.fd < 0)
		return err_set(e, ERR_SANDBOX, "a step to be emulated without an emulator");
	if (s->probe.argv && (!s->probe.argv[0] || s->signal_fd < 0))
		return err_set(e, ERR_SANDBOX, "a probe that cannot be started");
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct step_mount *m = &s->mounts[i];
		if (!m->target || m->target[0] != '/')
			return err_set(e, ERR_SANDBOX, "mount target '%s' is not absolute",
			        m->target ? m->target : "");
		if (!has_sources(s, m))
			return err_set(e, ERR_SANDBOX, "mount '%s' has no source", m->target);
	}
	return 0;
}

int step_decode(struct step_plan *p, const void *payload, size_t n, const int *fds, size_t n_fds,
        struct err *e)
{
	struct step_spec *s = &p->s;
	struct reader r = {.p = payload, .n = n, .arena = &p->arena};
	uint64_t has = get_u64(&r);
	s->n_lowers = get_u64(&r);
	s->n_bind_fds = get_u64(&r);
	s->volatile_overlay = get_u64(&r);
	s->network = (enum step_network)get_u64(&r);
	s->etc_writable = get_u64(&r);
	s->shm_size = get_u64(&r);
	s->insecure = get_u64(&r);
	s->tty = get_u64(&r);
	s->forward_signals = get_u64(&r);
	s->argv = get_list(&r);
	const char *const *probe = get_list(&r);
	s->probe.argv = has & HAS_PROBE ? probe : NULL;
	s->env = get_list(&r);
	s->cwd = get_str(&r);
	s->hostname = get_str(&r);
	s->hosts = get_str(&r);
	s->more_hosts = get_str(&r);
	s->resolv_conf = get_str(&r);
	s->emulator.arch = get_str(&r);
	get_ids(&r, s);
	get_mounts(&r, s);
	get_cgroup(&r, &s->cgroup);
	size_t fixed = count_fixed(has);
	if (r.bad || r.n != 0 || n_fds < fixed || s->n_lowers > n_fds - fixed ||
	        s->n_bind_fds != n_fds - fixed - s->n_lowers)
		return err_set(e, ERR_SANDBOX, "a step arrived damaged in the sandbox holder");
	take_fds(s, has, fds);
	return check(s, e);
}

void step_result_encode(const struct step_result *r, struct buf *out)
{
	put_u64(out, (uint64_t)r->exit_status);
	put_u64(out, r->killed);
	put_u64(out, (uint64_t)r->user_us);
	put_u64(out, (uint64_t)r->sys_us);
	put_u64(out, (uint64_t)r->max_rss_kib);
	put_list(out, (const char *const *)r->stubs.v);
}

int step_result_decode(struct step_result *ret, const void *p, size_t n, struct err *e)
{
	auto_arena struct arena arena = {0};
	struct reader r = {.p = p, .n = n, .arena = &arena};
	struct step_result got = {.exit_status = (int)get_u64(&r)};
	got.killed = get_u64(&r);
	got.user_us = (int64_t)get_u64(&r);
	got.sys_us = (int64_t)get_u64(&r);
	got.max_rss_kib = (int64_t)get_u64(&r);
	const char *const *stubs = get_list(&r);
	if (r.bad)
		return err_set(e, ERR_SANDBOX, "the result of a step arrived damaged");
	for (size_t i = 0; stubs[i]; i++)
		strv_add(&got.stubs, stubs[i]);
	*ret = got;
	return 0;
}
