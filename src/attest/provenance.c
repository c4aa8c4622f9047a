// SPDX-License-Identifier: Apache-2.0
// Both versions of SLSA's provenance say the same under different names: the parts are written by
// the same functions, the two skeletons stand at the end.
#include "attest/provenance-int.h"

#include "attest/attest.h"
#include "base/map.h"
#include "base/mem.h"
#include "image/reference.h"
#include <string.h>

#define BUILD_TYPE_V1 \
	"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
#define BUILD_TYPE_V02 "https://mobyproject.org/buildkit@v1"

void provenance_put_shown(struct writing *t, const char *key, const char *text)
{
	auto_free char *shown = scrub_text(t->p->scrub, text, strlen(text));
	jw_kv(&t->w, key, shown);
}

static void put_digest_set(struct jw *w, const char *algorithm, const char *hex)
{
	jw_key(w, "digest");
	jw_object(w);
	jw_kv(w, algorithm, hex);
	jw_object_end(w);
}

static void put_time(struct jw *w, const char *key, struct timestamp at)
{
	char text[TIME_TEXT];
	time_format(at, text);
	jw_kv(w, key, text);
}

// ---- what was asked for

static int by_key(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t nx = strcspn(x, "="), ny = strcspn(y, "=");
	int order = memcmp(x, y, nx < ny ? nx : ny);
	return order ? order : (nx > ny) - (nx < ny);
}

static void take_pairs(
        const struct writing *t, const char *prefix, const struct strv *pairs, struct strv *to)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *eq = strchr(pairs->v[i], '=');
		auto_free char *name = eq ? xstrndup(pairs->v[i], (size_t)(eq - pairs->v[i]))
		                          : xstrdup(pairs->v[i]);
		auto_free char *value = scrub_value(t->p->scrub, name, eq ? eq + 1 : "");
		auto_free char *key = xasprintf("%s%s", prefix, name);
		strv_env_set(to, key, value);
	}
}

// Folders of this machine by their names only.
static void take_contexts(const struct writing *t, struct strv *to)
{
	for (size_t i = 0; i < t->p->build_contexts->n; i++) {
		const char *kv = t->p->build_contexts->v[i], *eq = strchr(kv, '=');
		if (!eq)
			continue;
		auto_free char *key = xasprintf("context:%.*s", (int)(eq - kv), kv);
		auto_free char *shown = strstr(eq + 1, "://")
		                                ? scrub_text(t->p->scrub, eq + 1, strlen(eq + 1))
		                                : xasprintf("local:%.*s", (int)(eq - kv), kv);
		strv_env_set(to, key, shown);
	}
}

// The names and values that BuildKit's frontend gets.
static void put_args(struct writing *t)
{
	auto_strv struct strv args = {0};
	if (!t->o->min) {
		take_pairs(t, "build-arg:", t->p->build_args, &args);
		take_pairs(t, "label:", t->p->labels, &args);
	}
	take_contexts(t, &args);
	if (t->p->no_cache)
		strv_env_set(&args, "no-cache", "");
	if (t->p->target)
		strv_env_set(&args, "target", t->p->target);
	if (args.n)
		qsort(args.v, args.n, sizeof(*args.v), by_key);
	jw_key(&t->w, "args");
	jw_object(&t->w);
	for (size_t i = 0; i < args.n; i++) {
		const char *eq = strchr(args.v[i], '=');
		auto_free char *key = xstrndup(args.v[i], (size_t)(eq - args.v[i]));
		jw_kv(&t->w, key, eq + 1);
	}
	jw_object_end(&t->w);
}

// Names of secrets or ssh sockets that steps ask for; never what they are.
static void put_mounted(struct writing *t, const char *key, int type)
{
	const struct graph *g = t->p->graph;
	auto_map struct map seen = {0};
	jw_key(&t->w, key);
	jw_array(&t->w);
	for (size_t i = 0; i < g->n_steps; i++)
		for (size_t k = 0; k < g->steps[i]->run.n_mounts; k++) {
			const struct run_mount *m = &g->steps[i]->run.mounts[k];
			if (m->type != type || !m->id || map_has(&seen, m->id))
				continue;
			map_set(&seen, m->id, t);
			jw_object(&t->w);
			provenance_put_shown(t, "id", m->id);
			if (!m->required)
				jw_kv_bool(&t->w, "optional", true);
			jw_object_end(&t->w);
		}
	jw_array_end(&t->w);
}

static void put_locals(struct writing *t)
{
	static const char *const names[] = {"context", "dockerfile"};
	jw_key(&t->w, "locals");
	jw_array(&t->w);
	for (size_t i = 0; i < ARRAY_LEN(names) && t->p->has_local; i++) {
		jw_object(&t->w);
		jw_kv(&t->w, "name", names[i]);
		jw_object_end(&t->w);
	}
	jw_array_end(&t->w);
}

static void put_request(struct writing *t, const char *key)
{
	jw_key(&t->w, key);
	jw_object(&t->w);
	jw_kv(&t->w, "frontend", "dockerfile.v0");
	put_args(t);
	if (!t->o->min) {
		put_mounted(t, "secrets", MOUNT_SECRET);
		put_mounted(t, "ssh", MOUNT_SSH);
	}
	put_locals(t);
	jw_object_end(&t->w);
}

static void put_config_source(struct writing *t, const char *path_key)
{
	jw_key(&t->w, "configSource");
	jw_object(&t->w);
	if (t->p->context_is_remote && t->p->n_sources) {
		provenance_put_shown(t, "uri", t->p->sources[0].uri);
		put_digest_set(&t->w, t->p->sources[0].algorithm, t->p->sources[0].hex);
	}
	provenance_put_shown(t, path_key, t->p->path);
	jw_object_end(&t->w);
}

// ---- what it was made from

// "oci-layout://..." came from no registry and is told as it was named.
static char *image_uri(const struct step *s)
{
	auto_reference struct reference ref = {0};
	struct err ignored = ERR_INIT;
	if (reference_parse(s->image->name, &ref, &ignored))
		return xstrdup(s->image->name);
	return image_purl("docker", &ref, &s->platform);
}

static void put_material(struct writing *t, const char *uri, const char *algorithm, const char *hex)
{
	jw_object(&t->w);
	provenance_put_shown(t, "uri", uri);
	put_digest_set(&t->w, algorithm, hex);
	jw_object_end(&t->w);
}

static void put_materials(struct writing *t, const char *key)
{
	const struct graph *g = t->p->graph;
	auto_map struct map seen = {0};
	jw_key(&t->w, key);
	jw_array(&t->w);
	for (size_t i = 0; i < g->n_steps; i++) {
		char hex[HASH_HEX];
		if (g->steps[i]->kind != STEP_IMAGE || g->steps[i]->image->unknown)
			continue;
		auto_free char *uri = image_uri(g->steps[i]);
		digest_hex(&g->steps[i]->image->manifest, hex);
		if (!map_has(&seen, uri))
			put_material(t, uri, "sha256", hex);
		map_set(&seen, uri, t);
	}
	for (size_t i = 0; i < t->p->n_sources; i++)
		put_material(
		        t, t->p->sources[i].uri, t->p->sources[i].algorithm, t->p->sources[i].hex);
	jw_array_end(&t->w);
}

static bool uses_network(const struct graph *g)
{
	for (size_t i = 0; i < g->n_steps; i++)
		if (g->steps[i]->kind == STEP_RUN && g->steps[i]->run.network != NET_NONE)
			return true;
	return false;
}

// ---- the predicates

static void builder_platform(char out[static 80])
{
	struct platform host = platform_host();
	platform_text(&host, out);
}

static void write_v1(struct writing *t)
{
	struct jw *w = &t->w;
	char platform[80];
	builder_platform(platform);
	jw_key(w, "buildDefinition");
	jw_object(w);
	jw_kv(w, "buildType", BUILD_TYPE_V1);
	jw_key(w, "externalParameters");
	jw_object(w);
	put_config_source(t, "path");
	put_request(t, "request");
	jw_object_end(w);
	jw_key(w, "internalParameters");
	jw_object(w);
	jw_kv(w, "builderPlatform", platform);
	if (!t->o->min)
		provenance_put_build_config(t);
	jw_object_end(w);
	put_materials(t, "resolvedDependencies");
	jw_object_end(w);

	jw_key(w, "runDetails");
	jw_object(w);
	jw_key(w, "builder");
	jw_object(w);
	jw_kv(w, "id", t->o->builder_id ? t->o->builder_id : "");
	jw_key(w, "version");
	jw_object(w);
	jw_kv(w, "hew", HEW_VERSION);
	jw_object_end(w);
	jw_object_end(w);
	jw_key(w, "metadata");
	jw_object(w);
	jw_kv(w, "invocationId", t->p->id);
	put_time(w, "startedOn", t->p->began);
	put_time(w, "finishedOn", t->p->ended);
	jw_kv_bool(w, "buildkit_hermetic", !t->p->has_local && !uses_network(t->p->graph));
	jw_key(w, "buildkit_completeness");
	jw_object(w);
	jw_kv_bool(w, "request", !t->o->min);
	jw_kv_bool(w, "resolvedDependencies", !t->p->has_local);
	jw_object_end(w);
	jw_kv_bool(w, "buildkit_reproducible", t->o->reproducible);
	provenance_put_metadata(t, "buildkit_metadata");
	jw_object_end(w);
	jw_object_end(w);
}

static void write_v02(struct writing *t)
{
	struct jw *w = &t->w;
	char platform[80];
	builder_platform(platform);
	jw_key(w, "builder");
	jw_object(w);
	jw_kv(w, "id", t->o->builder_id ? t->o->builder_id : "");
	jw_object_end(w);
	jw_kv(w, "buildType", BUILD_TYPE_V02);
	put_materials(t, "materials");
	jw_key(w, "invocation");
	jw_object(w);
	put_config_source(t, "entryPoint");
	put_request(t, "parameters");
	jw_key(w, "environment");
	jw_object(w);
	jw_kv(w, "platform", platform);
	jw_object_end(w);
	jw_object_end(w);
	if (!t->o->min)
		provenance_put_build_config(t);
	jw_key(w, "metadata");
	jw_object(w);
	jw_kv(w, "buildInvocationID", t->p->id);
	put_time(w, "buildStartedOn", t->p->began);
	put_time(w, "buildFinishedOn", t->p->ended);
	jw_key(w, "completeness");
	jw_object(w);
	jw_kv_bool(w, "parameters", !t->o->min);
	jw_kv_bool(w, "environment", true);
	jw_kv_bool(w, "materials", !t->p->has_local);
	jw_object_end(w);
	jw_kv_bool(w, "reproducible", t->o->reproducible);
	jw_kv_bool(w, BUILD_TYPE_V02 "#hermetic", !t->p->has_local && !uses_network(t->p->graph));
	provenance_put_metadata(t, BUILD_TYPE_V02 "#metadata");
	jw_object_end(w);
}

void provenance_write(
        const struct provenance *p, const struct provenance_options *o, struct buf *out)
{
	struct writing t = {p, o, {0}};
	jw_begin(&t.w, out, 0);
	jw_object(&t.w);
	if (o->v02)
		write_v02(&t);
	else
		write_v1(&t);
	jw_object_end(&t.w);
}
