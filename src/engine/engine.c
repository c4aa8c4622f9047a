// SPDX-License-Identifier: Apache-2.0
// The Docker Engine API, as far as an image has to get in: /version, /info, /images. An archive is
// written by a thread into a pipe, from which it is sent in chunks: it is never on the disk.
#include "engine/engine.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/find.h"
#include "registry/http.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STALL_SECONDS 60
#define IMAGES_ASKED 200 // of those there are, newest first

struct engine {
	struct http *http;
	char *socket; // NULL: by host
	char *base;   // "http://host"
	char *name;
	bool shares_layers; // docker's own layer store
};

void engine_free(struct engine *g)
{
	if (!g)
		return;
	http_free(g->http);
	free(g->socket);
	free(g->base);
	free(g->name);
	free(g);
}

void engine_free_ptr(struct engine **g)
{
	engine_free(*g);
}

const char *engine_name(const struct engine *g)
{
	return g->name;
}

// ---- asking

static int refused(const struct http_response *rs, const char *what, struct err *e)
{
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(rs->body.p ? rs->body.p : "", rs->body.n, &ignored);
	const char *message = doc ? jn_get_str(jdoc_root(doc), "message") : NULL;
	return err_set(e, ERR_FAIL, "%s: status %d%s%s", what, rs->status, message ? ": " : "",
	        message ? message : "");
}

static int perform(struct engine *g, struct http_request *rq, const char *path,
        struct http_response *rs, struct err *e)
{
	auto_free char *url = xasprintf("%s%s", g->base, path);
	rq->url = url;
	rq->unix_socket = g->socket;
	rq->max_answer = JSON_MAX;
	if (http_perform(g->http, rq, rs, e))
		return -1;
	return rs->status == 200 ? 0 : refused(rs, path, e);
}

static struct jdoc *ask(struct engine *g, const char *path, struct err *e)
{
	auto_response struct http_response rs = {0};
	struct http_request rq = {.method = "GET"};
	if (perform(g, &rq, path, &rs, e))
		return NULL;
	return jdoc_parse(rs.body.p ? rs.body.p : "", rs.body.n, e);
}

// ---- opening

static bool is_podman(const struct jn *version)
{
	const struct jn *parts = jn_get(version, "Components");
	for (size_t i = 0; i < jn_len(parts); i++) {
		const char *name = jn_get_str(jn_at(parts, i), "Name");
		if (name && str_has_prefix(name, "Podman"))
			return true;
	}
	return false;
}

// docker with containerd's image store takes whole images only, as podman does.
static int is_classic(struct engine *g, struct err *e)
{
	auto_jdoc struct jdoc *info = ask(g, "/info", e);
	if (!info)
		return -1;
	const struct jn *rows = jn_get(jdoc_root(info), "DriverStatus");
	for (size_t i = 0; i < jn_len(rows); i++) {
		const char *value = jn_str(jn_at(jn_at(rows, i), 1));
		if (value && str_has_prefix(value, "io.containerd.snapshotter"))
			return 0;
	}
	return 1;
}

static int greet(struct engine *g, const char *endpoint, struct err *e)
{
	auto_jdoc struct jdoc *version = ask(g, "/version", e);
	if (!version)
		return -1;
	const char *number = jn_get_str(jdoc_root(version), "Version");
	bool podman = is_podman(jdoc_root(version));
	int classic = podman ? 0 : is_classic(g, e);
	if (classic < 0)
		return -1;
	g->shares_layers = classic;
	g->name = xasprintf(
	        "%s %s (%s)", podman ? "podman" : "docker", number ? number : "?", endpoint);
	return 0;
}

static struct engine *open_endpoint(const char *endpoint, struct err *e)
{
	auto_engine struct engine *g = xcalloc(1, sizeof(*g));
	if (str_has_prefix(endpoint, "unix://")) {
		g->socket = engine_socket(endpoint, e);
		if (!g->socket)
			return NULL;
		g->base = xstrdup("http://localhost");
	} else if (str_has_prefix(endpoint, "tcp://") && !getenv("DOCKER_TLS_VERIFY")) {
		g->base = xasprintf("http://%s", endpoint + strlen("tcp://"));
	} else {
		err_set(e, ERR_UNSUPPORTED, "%s: only unix:// and tcp:// without TLS are supported",
		        endpoint);
		return NULL;
	}
	g->http = http_new(STALL_SECONDS);
	if (greet(g, endpoint, e)) {
		err_wrap(e, "%s", endpoint);
		return NULL;
	}
	return steal_ptr(&g);
}

struct engine *engine_open(const char *context, struct err *e)
{
	auto_strv struct strv endpoints = {0};
	auto_buf struct buf tried = {0};
	bool given;
	if (engine_endpoints(context, &endpoints, &given, e))
		return NULL;
	for (size_t i = 0; i < endpoints.n; i++) {
		struct engine *g = open_endpoint(endpoints.v[i], e);
		if (g || e->kind == ERR_CANCELLED)
			return g;
		buf_printf(&tried, "%s%s", tried.n ? "; " : "", e->msg);
	}
	err_set(e, ERR_NOT_FOUND, "no docker or podman answers: %s", buf_cstr(&tried));
	return NULL;
}

// ---- what it has

static size_t same_layers(const struct jn *layers, const struct digest *diff_ids, size_t n)
{
	size_t i = 0;
	struct err ignored = ERR_INIT;
	struct digest d;
	while (i < n && i < jn_len(layers) &&
	        digest_parse(jn_str(jn_at(layers, i)), &d, &ignored) == 0 &&
	        digest_eq(&d, &diff_ids[i]))
		i++;
	return i;
}

// One that is removed meanwhile has nothing.
static size_t image_has(struct engine *g, const char *id, const struct digest *diff_ids, size_t n)
{
	struct err ignored = ERR_INIT;
	auto_free char *path = xasprintf("/images/%s/json", id);
	auto_jdoc struct jdoc *image = ask(g, path, &ignored);
	if (!image)
		return 0;
	return same_layers(jn_get(jn_get(jdoc_root(image), "RootFS"), "Layers"), diff_ids, n);
}

int engine_has_layers(
        struct engine *g, const struct digest *diff_ids, size_t n, size_t *ret, struct err *e)
{
	*ret = 0;
	if (!g->shares_layers)
		return 0;
	auto_jdoc struct jdoc *images = ask(g, "/images/json", e);
	if (!images)
		return -1;
	const struct jn *list = jdoc_root(images);
	for (size_t i = 0; i < jn_len(list) && i < IMAGES_ASKED && *ret < n; i++) {
		const char *id = jn_get_str(jn_at(list, i), "Id");
		struct err ignored = ERR_INIT;
		struct digest d;
		if (!id || digest_parse(id, &d, &ignored))
			continue;
		size_t has = image_has(g, id, diff_ids, n);
		if (has > *ret)
			*ret = has;
	}
	return 0;
}

// ---- loading

struct writer {
	int (*write)(void *arg, int fd, struct err *e);
	void *arg;
	int in, out; // ends of the pipe
	pthread_t thread;
	bool running;
	int rc;
	struct err error;
};

static void *write_archive(void *arg)
{
	struct writer *w = arg;
	w->rc = w->write(w->arg, w->in, &w->error);
	close_fd(&w->in);
	return NULL;
}

// Signals are the main thread's, and a reader that is gone is an error like any other.
static int start(struct writer *w, struct err *e)
{
	int ends[2];
	sigset_t all, before;
	if (pipe2(ends, O_CLOEXEC))
		return err_sys(e, "make a pipe");
	w->out = ends[0];
	w->in = ends[1];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->running = pthread_create(&w->thread, NULL, write_archive, w) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!w->running)
		close_fd(&w->in);
	return w->running ? 0 : err_set(e, ERR_FAIL, "cannot start a thread");
}

static int join(struct writer *w, struct err *e)
{
	if (w->running)
		pthread_join(w->thread, NULL);
	w->running = false;
	if (w->rc)
		*e = w->error;
	return w->rc;
}

static ssize_t read_archive(void *arg, void *p, size_t n, struct err *e)
{
	struct writer *w = arg;
	ssize_t got;
	do
		got = read(w->out, p, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read a pipe");
	return got == 0 && join(w, e) ? -1 : got;
}

// Documents one after the other, a line each; the status was sent before the work was done.
static int check_answer(const struct http_response *rs, struct err *e)
{
	auto_strv struct strv lines = {0};
	auto_free char *text = xstrndup(rs->body.p ? rs->body.p : "", rs->body.n);
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		struct err ignored = ERR_INIT;
		auto_jdoc struct jdoc *line = jdoc_parse(lines.v[i], strlen(lines.v[i]), &ignored);
		const char *error = line ? jn_get_str(jdoc_root(line), "error") : NULL;
		if (error)
			return err_set(e, ERR_FAIL, "%s", error);
	}
	return 0;
}

int engine_load(
        struct engine *g, int (*write)(void *arg, int fd, struct err *e), void *arg, struct err *e)
{
	struct writer w = {.write = write, .arg = arg, .in = -1, .out = -1};
	struct err of_writer = ERR_INIT;
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	strv_add(&headers, "Content-Type: application/x-tar");
	struct http_request rq = {
	        .method = "POST", .headers = &headers, .read_body = read_archive, .read_arg = &w};
	int rc = start(&w, e);
	if (!rc)
		rc = perform(g, &rq, "/images/load?quiet=1", &rs, e);
	close_fd(&w.out); // now the writer ends, whatever it does
	w.out = -1;
	join(&w, &of_writer);
	if (!rc)
		rc = check_answer(&rs, e);
	return rc ? err_wrap(e, "load into %s", g->name) : 0;
}
