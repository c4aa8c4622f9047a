// SPDX-License-Identifier: Apache-2.0
// The folders a build may copy from, each with its ignore file and stat index.
#include "base/fs.h"
#include "exec/exec-int.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_image_context(const char *value)
{
	return str_has_prefix(value, "docker-image://") || str_has_prefix(value, "oci-layout://");
}

static struct named_context *add_context(struct exec *x, const char *name, const char *value)
{
	x->contexts = xreallocarray(x->contexts, x->n_contexts + 1, sizeof(*x->contexts));
	struct named_context *c = &x->contexts[x->n_contexts++];
	*c = (struct named_context){.name = name ? xstrdup(name) : NULL, .value = xstrdup(value)};
	return c;
}

// The name of a folder's stat index: by its real path, so that two ways to it share one.
static char *index_name(const char *path)
{
	auto_free char *real = realpath(path, NULL);
	struct hash h = hash_bytes(real ? real : path, strlen(real ? real : path));
	char hex[HASH_HEX];
	hash_hex(&h, hex);
	return xstrdup(hex);
}

static int open_view(struct exec *x, struct named_context *c, const char *dockerfile, struct err *e)
{
	if (context_ignore_load(c->value, dockerfile, &c->ignore, &c->ignore_name, e))
		return -1;
	auto_fd int dir =
	        openat(store_root_fd(x->store), "contexts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *name = index_name(c->value);
	c->view = context_open(c->value, c->ignore, dir, name, e);
	return c->view ? 0 : -1;
}

int contexts_open(struct exec *x, struct err *e)
{
	const struct build_request *r = x->req;
	struct named_context *main_context = add_context(x, NULL, r->context ? r->context : "");
	if (r->context && open_view(x, main_context, r->dockerfile, e))
		return -1;
	for (size_t i = 0; i < r->build_contexts.n; i++) {
		const char *kv = r->build_contexts.v[i], *eq = strchr(kv, '=');
		if (!eq || eq == kv || !eq[1])
			return err_set(e, ERR_USAGE,
			        "invalid build context '%s': it must look like name=value", kv);
		auto_free char *name = xstrndup(kv, (size_t)(eq - kv));
		struct named_context *c = add_context(x, name, eq + 1);
		if (str_has_prefix(c->value, "oci-layout://"))
			return err_set(e, ERR_UNSUPPORTED,
			        "build context '%s': oci-layout:// is not supported", name);
		if (!is_image_context(c->value) && open_view(x, c, NULL, e))
			return err_wrap(e, "build context '%s'", name);
	}
	return 0;
}

// The build stands without the index, the next one only has to read more.
static void save_index(struct exec *x, const struct named_context *c)
{
	auto_buf struct buf index = {0};
	struct err why = ERR_INIT;
	if (!c->view || !context_learnt(c->view, &index))
		return;
	auto_free char *name = index_name(c->value);
	if (store_context_put(x->store, name, index.p, index.n, &why))
		event_note(x->req->sink, "the index of %s was not saved: %s", c->value, why.msg);
}

void contexts_close(struct exec *x)
{
	for (size_t i = 0; i < x->n_contexts; i++) {
		struct named_context *c = &x->contexts[i];
		save_index(x, c);
		view_free(c->view);
		ignore_free(c->ignore);
		free(c->ignore_name);
		free(c->name);
		free(c->value);
	}
	free(x->contexts);
	x->contexts = NULL;
	x->n_contexts = 0;
}

struct named_context *context_find(struct exec *x, const char *name)
{
	for (size_t i = 0; i < x->n_contexts; i++) {
		const char *have = x->contexts[i].name;
		if (name ? have && !strcmp(have, name) : !have)
			return &x->contexts[i];
	}
	return NULL;
}
