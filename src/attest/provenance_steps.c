// SPDX-License-Identifier: Apache-2.0
// Of mode=max: the steps in the shape of BuildKit's LLB, as far as its readers look at it and
// without environments, where they stand in the Dockerfile, and the layers they made.
#include "attest/provenance-int.h"

#include "base/base64.h"
#include "base/mem.h"
#include "image/manifest.h"
#include <stdio.h>
#include <string.h>

// ---- the steps

static void put_inputs(struct jw *w, const struct step *s)
{
	jw_key(w, "inputs");
	jw_array(w);
	char text[24];
	snprintf(text, sizeof(text), "step%d:0", s->parent);
	if (s->parent >= 0)
		jw_str(w, text);
	snprintf(text, sizeof(text), "step%d:0", s->copy.from.step);
	if (s->kind == STEP_COPY && s->copy.from.kind == FROM_STEP)
		jw_str(w, text);
	for (size_t i = 0; i < s->run.n_mounts; i++) {
		const struct run_mount *m = &s->run.mounts[i];
		snprintf(text, sizeof(text), "step%d:0", m->from.step);
		if (m->type == MOUNT_BIND && m->from.kind == FROM_STEP)
			jw_str(w, text);
	}
	jw_array_end(w);
}

static void put_exec(struct writing *t, const struct step *s)
{
	jw_key(&t->w, "exec");
	jw_object(&t->w);
	jw_key(&t->w, "meta");
	jw_object(&t->w);
	jw_key(&t->w, "args");
	jw_array(&t->w);
	for (size_t i = 0; i < s->run.argv.n; i++) {
		const char *arg = s->run.argv.v[i];
		auto_free char *shown = scrub_text(t->p->scrub, arg, strlen(arg));
		jw_str(&t->w, shown);
	}
	jw_array_end(&t->w);
	provenance_put_shown(t, "cwd", s->run.cwd ? s->run.cwd : "/");
	if (s->run.user && *s->run.user)
		provenance_put_shown(t, "user", s->run.user);
	jw_object_end(&t->w);
	if (s->run.network == NET_NONE)
		jw_kv(&t->w, "network", "NONE");
	jw_object_end(&t->w);
}

static void put_copy(struct writing *t, const struct copy_op *op)
{
	for (size_t i = 0; i < op->sources.n; i++) {
		jw_object(&t->w);
		jw_key(&t->w, "Action");
		jw_object(&t->w);
		jw_key(&t->w, "copy");
		jw_object(&t->w);
		provenance_put_shown(t, "src", op->sources.v[i]);
		provenance_put_shown(t, "dest", op->dest);
		jw_object_end(&t->w);
		jw_object_end(&t->w);
		jw_object_end(&t->w);
	}
}

static void put_mkdir(struct writing *t, const char *path)
{
	jw_object(&t->w);
	jw_key(&t->w, "Action");
	jw_object(&t->w);
	jw_key(&t->w, "mkdir");
	jw_object(&t->w);
	provenance_put_shown(t, "path", path);
	jw_kv_bool(&t->w, "makeParents", true);
	jw_object_end(&t->w);
	jw_object_end(&t->w);
	jw_object_end(&t->w);
}

static void put_file(struct writing *t, const struct step *s)
{
	jw_key(&t->w, "file");
	jw_object(&t->w);
	jw_key(&t->w, "actions");
	jw_array(&t->w);
	if (s->kind == STEP_COPY)
		put_copy(t, &s->copy);
	else
		put_mkdir(t, s->workdir.path);
	jw_array_end(&t->w);
	jw_object_end(&t->w);
}

static void put_source(struct writing *t, const struct step *s)
{
	char digest[DIGEST_TEXT];
	const char *name = s->image->name;
	digest_text(&s->image->manifest, digest);
	auto_free char *id = strstr(name, "://") ? xstrdup(name)
	                     : strchr(name, '@') ? xasprintf("docker-image://%s", name)
	                                         : xasprintf("docker-image://%s@%s", name, digest);
	jw_key(&t->w, "source");
	jw_object(&t->w);
	provenance_put_shown(t, "identifier", id);
	jw_object_end(&t->w);
}

static void put_step(struct writing *t, const struct step *s)
{
	char id[16];
	snprintf(id, sizeof(id), "step%d", s->id);
	jw_object(&t->w);
	jw_kv(&t->w, "id", id);
	jw_key(&t->w, "op");
	jw_object(&t->w);
	jw_key(&t->w, "Op");
	jw_object(&t->w);
	if (s->kind == STEP_RUN)
		put_exec(t, s);
	else if (s->kind == STEP_IMAGE)
		put_source(t, s);
	else
		put_file(t, s);
	jw_object_end(&t->w);
	jw_key(&t->w, "platform");
	jw_object(&t->w);
	jw_kv(&t->w, "Architecture", s->platform.arch);
	jw_kv(&t->w, "OS", s->platform.os);
	if (*s->platform.variant)
		jw_kv(&t->w, "Variant", s->platform.variant);
	jw_object_end(&t->w);
	jw_object_end(&t->w);
	put_inputs(&t->w, s);
	jw_object_end(&t->w);
}

void provenance_put_build_config(struct writing *t)
{
	jw_key(&t->w, "buildConfig");
	jw_object(&t->w);
	jw_key(&t->w, "llbDefinition");
	jw_array(&t->w);
	for (size_t i = 0; i < t->p->graph->n_steps; i++)
		put_step(t, t->p->graph->steps[i]);
	jw_array_end(&t->w);
	jw_object_end(&t->w);
}

// ---- where they stand in the Dockerfile, and their layers

static void put_line(struct jw *w, const char *key, int line)
{
	jw_key(w, key);
	jw_object(w);
	jw_kv_int(w, "line", line);
	jw_object_end(w);
}

static void put_location(struct jw *w, const struct step *s)
{
	char id[16];
	snprintf(id, sizeof(id), "step%d", s->id);
	jw_key(w, id);
	jw_object(w);
	jw_key(w, "locations");
	jw_array(w);
	jw_object(w);
	jw_key(w, "ranges");
	jw_array(w);
	jw_object(w);
	put_line(w, "start", s->pos.line);
	put_line(w, "end", s->pos.end_line > s->pos.line ? s->pos.end_line : s->pos.line);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void put_text(struct writing *t)
{
	auto_buf struct buf data = {0};
	auto_free char *shown = scrub_text(t->p->scrub, t->p->text.p, t->p->text.n);
	base64_encode(&data, shown, strlen(shown));
	jw_key(&t->w, "infos");
	jw_array(&t->w);
	jw_object(&t->w);
	provenance_put_shown(t, "filename", t->p->path);
	jw_kv(&t->w, "language", "Dockerfile");
	jw_kv(&t->w, "data", buf_cstr(&data));
	jw_object_end(&t->w);
	jw_array_end(&t->w);
}

static void put_layers(struct writing *t, const struct step *s)
{
	struct layer_said layer;
	char id[16];
	if (!t->p->layer_of(t->p->arg, s->id, 0, &layer))
		return;
	snprintf(id, sizeof(id), "step%d:0", s->id);
	jw_key(&t->w, id);
	jw_array(&t->w);
	jw_array(&t->w);
	for (size_t i = 0; t->p->layer_of(t->p->arg, s->id, i, &layer); i++) {
		char digest[DIGEST_TEXT];
		digest_text(&layer.diff_id, digest);
		jw_object(&t->w);
		jw_kv(&t->w, "mediaType", MT_OCI_LAYER);
		jw_kv(&t->w, "digest", digest);
		jw_kv_int(&t->w, "size", (int64_t)layer.size);
		jw_object_end(&t->w);
	}
	jw_array_end(&t->w);
	jw_array_end(&t->w);
}

void provenance_put_metadata(struct writing *t, const char *key)
{
	const struct graph *g = t->p->graph;
	jw_key(&t->w, key);
	jw_object(&t->w);
	if (!t->o->min) {
		jw_key(&t->w, "source");
		jw_object(&t->w);
		jw_key(&t->w, "locations");
		jw_object(&t->w);
		for (size_t i = 0; i < g->n_steps; i++)
			if (g->steps[i]->pos.line > 0)
				put_location(&t->w, g->steps[i]);
		jw_object_end(&t->w);
		put_text(t);
		jw_object_end(&t->w);
		jw_key(&t->w, "layers");
		jw_object(&t->w);
		for (size_t i = 0; i < g->n_steps; i++)
			put_layers(t, g->steps[i]);
		jw_object_end(&t->w);
	}
	jw_object_end(&t->w);
}
