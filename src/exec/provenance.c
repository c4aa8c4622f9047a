// SPDX-License-Identifier: Apache-2.0
// What a build knows of itself, for the predicates that were asked for (attest/provenance.h).
#include "attest/provenance.h"

#include "base/fs.h"
#include "base/map.h"
#include "exec/exec-int.h"

void source_note(struct exec *x, const char *uri, const char *algorithm, const char *hex)
{
	pthread_mutex_lock(&x->lock);
	bool known = false;
	for (size_t i = 0; i < x->n_sources && !known; i++)
		known = !strcmp(x->sources[i].uri, uri) && !strcmp(x->sources[i].hex, hex);
	if (!known) {
		x->sources = xreallocarray(x->sources, x->n_sources + 1, sizeof(*x->sources));
		struct provenance_source *s = &x->sources[x->n_sources++];
		*s = (struct provenance_source){.uri = xstrdup(uri), .algorithm = algorithm};
		snprintf(s->hex, sizeof(s->hex), "%s", hex);
	}
	pthread_mutex_unlock(&x->lock);
}

void sources_release(struct exec *x)
{
	for (size_t i = 0; i < x->n_sources; i++)
		free(x->sources[i].uri);
	free(x->sources);
}

static bool has_local(const struct exec *x, bool context_is_remote)
{
	const struct build_request *r = x->req;
	bool found = !context_is_remote || r->dockerfile_text ||
	             (r->dockerfile && *r->dockerfile == '/');
	for (size_t i = 0; i < x->n_contexts; i++)
		found |= x->contexts[i].is_folder;
	return found;
}

// All that must not be met again: each once, for there is a limit.
struct hiding {
	struct scrub scrub;
	struct map seen;
};

static void hide_pairs(struct hiding *h, const struct strv *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *eq = strchr(pairs->v[i], '=');
		auto_free char *name =
		        eq ? xstrndup(pairs->v[i], (size_t)(eq - pairs->v[i])) : NULL;
		if (!eq || !name_is_secret(name) || map_has(&h->seen, eq + 1))
			continue;
		map_set(&h->seen, eq + 1, h);
		scrub_hide(&h->scrub, eq + 1, strlen(eq + 1));
	}
}

static void hide(const struct exec *x, struct hiding *h)
{
	for (size_t i = 0; i < x->req->n_secrets; i++)
		scrub_hide(&h->scrub, x->req->secrets[i].data, x->req->secrets[i].len);
	hide_pairs(h, &x->req->build_args);
	for (size_t i = 0; i < x->graph->n_steps; i++)
		hide_pairs(h, &x->graph->steps[i]->run.env);
	for (size_t i = 0; i < x->graph->n_results; i++)
		hide_pairs(h, &x->graph->results[i].config.env);
}

static bool layer_of(void *arg, int step, size_t i, struct layer_said *ret)
{
	const struct exec *x = arg;
	const struct step *s = x->graph->steps[step];
	const struct rootfs *root = &x->states[step].root;
	size_t below = s->parent >= 0 ? x->states[s->parent].root.n : 0;
	struct layer_info info;
	if (x->states[step].state != STEP_DONE || below + i >= root->n)
		return false;
	*ret = (struct layer_said){.diff_id = root->layers[below + i]};
	if (store_layer_get(x->store, &ret->diff_id, &info))
		ret->size = info.tar_size;
	return true;
}

void build_provenance(struct exec *x, const struct buf *text, struct build_result *ret)
{
	const struct build_request *r = x->req;
	const struct named_context *main = context_find(x, NULL);
	struct hiding h = {0};
	struct provenance p = {.graph = x->graph,
	        .sources = x->sources,
	        .n_sources = x->n_sources,
	        .context_is_remote = r->context && !r->context_stdin && main && !main->is_folder,
	        .path = r->dockerfile_text ? "Dockerfile" : fs_base_name(x->path),
	        .text = {text->p, text->n},
	        .build_args = &r->build_args,
	        .labels = &r->labels,
	        .build_contexts = &r->build_contexts,
	        .target = r->target,
	        .no_cache = r->no_cache,
	        .id = x->id,
	        .began = {x->time, 0},
	        .ended = {time_now().sec, 0},
	        .layer_of = layer_of,
	        .arg = x,
	        .scrub = &h.scrub};
	p.has_local = has_local(x, p.context_is_remote);
	hide(x, &h);
	ret->provenance = xcalloc(r->n_provenance + 1, sizeof(*ret->provenance));
	for (; ret->n_provenance < r->n_provenance; ret->n_provenance++)
		provenance_write(
		        &p, &r->provenance[ret->n_provenance], &ret->provenance[ret->n_provenance]);
	map_release(&h.seen);
}
