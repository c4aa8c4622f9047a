// SPDX-License-Identifier: Apache-2.0
// Progress as JSON lines in buildx's rawjson shape: vertexes, statuses, logs, warnings.
#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <string.h>

static void put_time(struct jw *w, const char *key, int64_t ns)
{
	char text[TIME_TEXT];
	time_format((struct timestamp){ns / 1000000000, (int32_t)(ns % 1000000000)}, text);
	jw_kv(w, key, text);
}

// buildx names a vertex by a digest; ours is its number.
static void vertex_id(int step, char out[static 32])
{
	snprintf(out, 32, "step:%d", step);
}

static void put_vertex(struct jw *w, const struct event *ev, const struct ui_step *s)
{
	char id[32];
	vertex_id(ev->step, id);
	jw_key(w, "vertexes");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "digest", id);
	jw_kv(w, "name", s->name ? s->name : "");
	if (ev->kind != EVENT_STEP_PLANNED)
		put_time(w, "started", ev->at_ns - ev->duration_ns);
	if (s->state == STEP_ENDED)
		put_time(w, "completed", ev->at_ns);
	if (ev->kind == EVENT_STEP_CACHED)
		jw_kv_bool(w, "cached", true);
	if (ev->kind == EVENT_STEP_FAILED || ev->kind == EVENT_STEP_CANCELLED) {
		auto_free char *text = xstrndup(ev->text ? ev->text : "", ev->len);
		jw_kv(w, "error", text);
	}
	jw_object_end(w);
	jw_array_end(w);
}

static void put_status(struct jw *w, const struct event *ev)
{
	char id[32];
	vertex_id(ev->step, id);
	auto_free char *text = xstrndup(ev->text ? ev->text : "", ev->len);
	jw_key(w, "statuses");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "id", text);
	jw_kv(w, "vertex", id);
	jw_kv_int(w, "current", (int64_t)ev->current);
	jw_kv_int(w, "total", (int64_t)ev->total);
	put_time(w, "timestamp", ev->at_ns);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_log(struct jw *w, const struct event *ev)
{
	char id[32];
	auto_buf struct buf data = {0};
	vertex_id(ev->step, id);
	base64_encode(&data, ev->text, ev->len);
	jw_key(w, "logs");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "vertex", id);
	jw_kv_int(w, "stream", ev->stream);
	jw_kv(w, "data", buf_cstr(&data));
	put_time(w, "timestamp", ev->at_ns);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_warning(struct jw *w, const struct event *ev)
{
	auto_free char *text = xstrndup(ev->text ? ev->text : "", ev->len);
	jw_key(w, "warnings");
	jw_array(w);
	jw_object(w);
	jw_kv_int(w, "level", ev->kind == EVENT_WARN ? 1 : 0);
	jw_kv(w, "short", text);
	if (ev->line)
		jw_kv_int(w, "line", ev->line);
	jw_object_end(w);
	jw_array_end(w);
}

void raw_event(struct ui *u, const struct event *ev)
{
	auto_buf struct buf line = {0};
	struct jw w;
	struct ui_step *s = ui_step_of(u, ev->step);
	jw_begin(&w, &line, 0);
	jw_object(&w);
	if (ev->kind == EVENT_NOTE || ev->kind == EVENT_WARN)
		put_warning(&w, ev);
	else if (!s)
		return;
	else if (ev->kind == EVENT_STEP_LOG)
		put_log(&w, ev);
	else if (ev->kind == EVENT_PROGRESS)
		put_status(&w, ev);
	else
		put_vertex(&w, ev, s);
	jw_object_end(&w);
	buf_putc(&line, '\n');
	fwrite(line.p, 1, line.n, stderr);
}
