// SPDX-License-Identifier: Apache-2.0
// The bytes of an image configuration, and so its digest. BuildKit marshals the image, then patches
// the result as a map of raw members: top-level names come out sorted, everything below in the
// order of Go's structs (OCI ImageConfig first, docker's additions after it), map keys sorted,
// members with an empty value left out. One deliberate difference: lists that may not be left out
// (rootfs.diff_ids, history) are written [] where BuildKit writes null, which the OCI schema does
// not allow.
#include "base/json.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/descriptor-int.h"
#include <string.h>

static void put_text(struct jw *w, const char *key, const char *s)
{
	if (s && *s)
		jw_kv(w, key, s);
}

static void put_int(struct jw *w, const char *key, int64_t v)
{
	if (v)
		jw_kv_int(w, key, v);
}

static void put_time(struct jw *w, const char *key, struct timestamp t)
{
	char text[TIME_TEXT];
	time_format(t, text);
	jw_kv(w, key, text);
}

static void put_list(struct jw *w, const char *key, const struct strv *list)
{
	if (list->n == 0)
		return;
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < list->n; i++)
		jw_str(w, list->v[i]);
	jw_array_end(w);
}

static void put_names(struct jw *w, const char *key, const struct strv *names)
{
	if (names->n == 0)
		return;
	jw_key(w, key);
	jw_object(w);
	for (size_t i = 0; i < names->n; i++) {
		jw_key(w, names->v[i]);
		jw_object(w);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static void put_labels(struct jw *w, const struct strv *labels)
{
	if (labels->n == 0)
		return;
	jw_key(w, "Labels");
	jw_object(w);
	for (size_t i = 0; i < labels->n; i++) {
		size_t n = key_length(labels->v[i]);
		auto_free char *key = xstrndup(labels->v[i], n);
		jw_kv(w, key, labels->v[i][n] ? labels->v[i] + n + 1 : "");
	}
	jw_object_end(w);
}

static void put_health(struct jw *w, const struct healthcheck *h)
{
	jw_key(w, "Healthcheck");
	jw_object(w);
	put_list(w, "Test", &h->test);
	put_int(w, "Interval", h->interval_ns);
	put_int(w, "Timeout", h->timeout_ns);
	put_int(w, "StartPeriod", h->start_period_ns);
	put_int(w, "StartInterval", h->start_interval_ns);
	put_int(w, "Retries", h->retries);
	jw_object_end(w);
}

static void put_runtime(struct jw *w, const struct image_config *c)
{
	jw_object(w);
	put_text(w, "User", c->user);
	put_names(w, "ExposedPorts", &c->exposed_ports);
	put_list(w, "Env", &c->env);
	put_list(w, "Entrypoint", &c->entrypoint);
	put_list(w, "Cmd", &c->cmd);
	put_names(w, "Volumes", &c->volumes);
	put_text(w, "WorkingDir", c->working_dir);
	put_labels(w, &c->labels);
	put_text(w, "StopSignal", c->stop_signal);
	if (c->args_escaped)
		jw_kv_bool(w, "ArgsEscaped", true);
	if (c->has_health)
		put_health(w, &c->health);
	put_list(w, "OnBuild", &c->on_build);
	put_list(w, "Shell", &c->shell);
	jw_object_end(w);
}

static void put_history(struct jw *w, const struct image_config *c)
{
	jw_array(w);
	for (size_t i = 0; i < c->n_history; i++) {
		const struct history *h = &c->history[i];
		jw_object(w);
		if (h->has_created)
			put_time(w, "created", h->created);
		put_text(w, "created_by", h->created_by);
		put_text(w, "author", h->author);
		put_text(w, "comment", h->comment);
		if (h->empty_layer)
			jw_kv_bool(w, "empty_layer", true);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_rootfs(struct jw *w, const struct image_config *c)
{
	jw_object(w);
	jw_kv(w, "type", "layers");
	jw_key(w, "diff_ids");
	jw_array(w);
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		char text[DIGEST_TEXT];
		digest_text(&c->diff_ids[i], text);
		jw_str(w, text);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void put_created(struct jw *w, const struct image_config *c)
{
	if (c->has_created) {
		put_time(w, "created", c->created);
		return;
	}
	for (size_t i = c->n_history; i > 0; i--)
		if (c->history[i - 1].has_created) {
			put_time(w, "created", c->history[i - 1].created);
			return;
		}
}

void image_config_write(const struct image_config *c, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv(&w, "architecture", c->platform.arch);
	put_text(&w, "author", c->author);
	jw_key(&w, "config");
	put_runtime(&w, c);
	put_created(&w, c);
	jw_key(&w, "history");
	put_history(&w, c);
	put_text(&w, "moby.buildkit.cache.v0", c->inline_cache);
	jw_kv(&w, "os", c->platform.os);
	put_text(&w, "os.version", c->platform.os_version);
	jw_key(&w, "rootfs");
	put_rootfs(&w, c);
	put_text(&w, "variant", c->platform.variant);
	jw_object_end(&w);
}
