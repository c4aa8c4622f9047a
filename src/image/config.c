// SPDX-License-Identifier: Apache-2.0
// Image configurations in memory: read from a document, copied, edited. Follows OCI image-spec
// config.md and docker's additions (Healthcheck, OnBuild, Shell, ArgsEscaped). Every count is
// checked before anything is allocated for it; labels, ports and volumes are kept sorted.
#include "image/config.h"
#include "base/mem.h"
#include "image/descriptor-int.h"
#include <string.h>

static void history_release(struct history *h)
{
	free(h->created_by);
	free(h->author);
	free(h->comment);
}

void image_config_release(struct image_config *c)
{
	free(c->author);
	free(c->user);
	free(c->working_dir);
	free(c->stop_signal);
	free(c->inline_cache);
	struct strv *lists[] = {&c->env, &c->cmd, &c->entrypoint, &c->shell, &c->exposed_ports,
	        &c->volumes, &c->labels, &c->on_build, &c->health.test};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_release(lists[i]);
	free(c->diff_ids);
	for (size_t i = 0; i < c->n_history; i++)
		history_release(&c->history[i]);
	free(c->history);
	*c = (struct image_config){0};
}

static struct strv copy_list(const struct strv *src)
{
	struct strv copy = {0};
	strv_copy(&copy, src);
	return copy;
}

void image_config_copy(struct image_config *dst, const struct image_config *src)
{
	struct image_config c = *src;
	c.author = xstrdup_null(src->author);
	c.user = xstrdup_null(src->user);
	c.working_dir = xstrdup_null(src->working_dir);
	c.stop_signal = xstrdup_null(src->stop_signal);
	c.env = copy_list(&src->env);
	c.cmd = copy_list(&src->cmd);
	c.entrypoint = copy_list(&src->entrypoint);
	c.shell = copy_list(&src->shell);
	c.exposed_ports = copy_list(&src->exposed_ports);
	c.volumes = copy_list(&src->volumes);
	c.labels = copy_list(&src->labels);
	c.on_build = copy_list(&src->on_build);
	c.health.test = copy_list(&src->health.test);
	c.inline_cache = NULL;
	c.diff_ids = NULL;
	c.n_diff_ids = 0;
	for (size_t i = 0; i < src->n_diff_ids; i++)
		image_config_add_diff_id(&c, &src->diff_ids[i]);
	c.history = NULL;
	c.n_history = 0;
	for (size_t i = 0; i < src->n_history; i++) {
		struct history *h = image_config_add_history(&c);
		*h = src->history[i];
		h->created_by = xstrdup_null(h->created_by);
		h->author = xstrdup_null(h->author);
		h->comment = xstrdup_null(h->comment);
	}
	image_config_release(dst);
	*dst = c;
}

// Both lists carry no capacity: they grow when their length is a power of two.
static void *grow(void *p, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? xreallocarray(p, n ? n * 2 : 1, size) : p;
}

struct history *image_config_add_history(struct image_config *c)
{
	c->history = grow(c->history, c->n_history, sizeof(*c->history));
	struct history *h = &c->history[c->n_history++];
	*h = (struct history){0};
	return h;
}

void image_config_add_diff_id(struct image_config *c, const struct digest *d)
{
	c->diff_ids = grow(c->diff_ids, c->n_diff_ids, sizeof(*c->diff_ids));
	c->diff_ids[c->n_diff_ids++] = *d;
}

static void insert_at(struct strv *list, size_t at, char *entry)
{
	strv_take(list, entry);
	memmove(&list->v[at + 1], &list->v[at], (list->n - 1 - at) * sizeof(*list->v));
	list->v[at] = entry;
}

// Puts `entry` (owned from here on) where its key belongs; an entry of the same key is replaced.
static void insert_sorted(struct strv *list, char *entry)
{
	size_t low = 0, high = list->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = key_value_cmp(&list->v[mid], &entry);
		if (order == 0) {
			free(list->v[mid]);
			list->v[mid] = entry;
			return;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	insert_at(list, low, entry);
}

void image_config_set_label(struct image_config *c, const char *key, const char *value)
{
	insert_sorted(&c->labels, xasprintf("%s=%s", key, value));
}

int name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Ports and volumes have no value, and their names may hold a '='.
static void add_name(struct strv *list, const char *name)
{
	size_t low = 0, high = list->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(list->v[mid], name);
		if (order == 0)
			return;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	insert_at(list, low, xstrdup(name));
}

void image_config_add_port(struct image_config *c, const char *port)
{
	add_name(&c->exposed_ports, port);
}

void image_config_add_volume(struct image_config *c, const char *path)
{
	add_name(&c->volumes, path);
}
