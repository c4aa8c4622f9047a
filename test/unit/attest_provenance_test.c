// SPDX-License-Identifier: Apache-2.0
// The predicates, whole: a Dockerfile and what is known of its build, and the JSON of it.
#include "attest/provenance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"

#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // sha256 of "hello"
#define COMMIT "0123456789012345678901234567890123456789"

static int resolve(struct graph_resolver *self, const char *ref, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	(void)self, (void)e;
	*ret = (struct graph_image){
	        .name = xasprintf("docker.io/library/%s", ref), .manifest = digest_of("hello", 5)};
	ret->config.platform = *p;
	return 0;
}

static bool layer_of(void *arg, int step, size_t i, struct layer_said *ret)
{
	(void)arg;
	*ret = (struct layer_said){digest_of("hello", 5), 7};
	return step == 1 && i == 0;
}

static const char dockerfile[] = "FROM base:1\n"
                                 "RUN --network=none --mount=type=secret,id=s,required=true \\\n"
                                 "  echo known-secret\n";

// What both versions have in common, in mode max.
#define REQUEST                                                                                    \
	"{\"frontend\":\"dockerfile.v0\",\"args\":{\"build-arg:A\":\"1\",\"build-arg:A_KEY\":"     \
	"\"***\",\"context:x\":\"https://***host/x\",\"context:y\":\"local:y\",\"label:l\":\"m\"," \
	"\"target\":\"0\"},\"secrets\":[{\"id\":\"s\"}],\"ssh\":[],\"locals\":[]}"
#define SOURCE \
	"{\"uri\":\"https://***host/r.git#refs/heads/main\",\"digest\":{\"sha1\":\"" COMMIT "\"},"
#define MATERIALS                                                                                \
	"[{\"uri\":\"pkg:docker/base@1?platform=linux%2Famd64\",\"digest\":{\"sha256\":\"" HEX   \
	"\"}},{\"uri\":\"https://***host/r.git#refs/heads/main\",\"digest\":{\"sha1\":\"" COMMIT \
	"\"}}]"
#define CONFIG                                                                                    \
	"{\"llbDefinition\":[{\"id\":\"step0\",\"op\":{\"Op\":{\"source\":{\"identifier\":"       \
	"\"docker-image://docker.io/library/base:1@sha256:" HEX "\"}},\"platform\":{"             \
	"\"Architecture\":\"amd64\",\"OS\":\"linux\"}},\"inputs\":[]},{\"id\":\"step1\",\"op\":{" \
	"\"Op\":{\"exec\":{\"meta\":{\"args\":[\"/bin/sh\",\"-c\",\"echo ***\"],\"cwd\":\"/\"},"  \
	"\"network\":\"NONE\"}},\"platform\":{\"Architecture\":\"amd64\",\"OS\":\"linux\"}},"     \
	"\"inputs\":[\"step0:0\"]}]}"
#define METADATA                                                                                  \
	"{\"source\":{\"locations\":{\"step0\":{\"locations\":[{\"ranges\":[{\"start\":{\"line\"" \
	":1},\"end\":{\"line\":1}}]}]},\"step1\":{\"locations\":[{\"ranges\":[{\"start\":{"       \
	"\"line\":2},\"end\":{\"line\":3}}]}]}},\"infos\":[{\"filename\":\"Dockerfile\","         \
	"\"language\":\"Dockerfile\",\"data\":\"RlJPTSAqKio=\"}]},\"layers\":{\"step1:0\":[[{"    \
	"\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:" HEX       \
	"\",\"size\":7}]]}}"

static void write_it(const struct provenance_options *o, struct buf *out)
{
	struct dockerfile *df = NULL;
	struct graph_resolver resolver = {.resolve = resolve};
	struct platform amd64 = {"linux", "amd64", "", ""};
	struct err e = ERR_INIT;
	const struct dockerfile_options read = {.filename = "Dockerfile"};
	struct strv none = {0};
	auto_strv struct strv args = {0}, labels = {0}, contexts = {0};
	struct scrub scrub = {0};
	const struct provenance_source source = {
	        (char *)(uintptr_t) "https://me@host/r.git#refs/heads/main", "sha1", COMMIT};
	assert_int_equal(dockerfile_read(dockerfile, strlen(dockerfile), &read, &df, &e), 0);
	struct graph_options g = {.build_args = &none,
	        .labels = &none,
	        .platforms = &amd64,
	        .n_platforms = 1,
	        .build_platform = amd64,
	        .no_cache_stages = &none,
	        .resolver = &resolver};
	auto_graph struct graph *graph = graph_build(df, &g, &e);
	assert_non_null(graph);
	strv_add(&args, "A_KEY=x");
	strv_add(&args, "A=1");
	strv_add(&labels, "l=m");
	strv_add(&contexts, "y=/home/me");
	strv_add(&contexts, "x=https://u:p@host/x");
	scrub_hide(&scrub, "known-secret", 12);
	const struct provenance p = {.graph = graph,
	        .sources = &source,
	        .n_sources = 1,
	        .context_is_remote = true,
	        .path = "Dockerfile",
	        .text = STR("FROM known-secret"),
	        .build_args = &args,
	        .labels = &labels,
	        .build_contexts = &contexts,
	        .target = "0",
	        .id = "abc",
	        .began = {0, 0},
	        .ended = {61, 0},
	        .layer_of = layer_of,
	        .scrub = &scrub};
	provenance_write(&p, o, out);
	dockerfile_free(df);
}

// The builder's platform is this machine's.
static void check(const struct provenance_options *o, const char *before, const char *after)
{
	struct platform host = platform_host();
	char text[80];
	auto_buf struct buf out = {0};
	platform_text(&host, text);
	auto_free char *want = xasprintf("%s\"%s\"%s", before, text, after);
	write_it(o, &out);
	assert_string_equal(buf_cstr(&out), want);
}

static void test_v1(void **state)
{
	(void)state;
	check(&(struct provenance_options){.builder_id = "https://ci/1", .reproducible = true},
	        "{\"buildDefinition\":{\"buildType\":\"https://github.com/moby/buildkit/blob/"
	        "master/"
	        "docs/attestations/slsa-definitions.md\",\"externalParameters\":{\"configSource"
	        "\":" SOURCE "\"path\":\"Dockerfile\"},\"request\":" REQUEST
	        "},\"internalParameters\":{\"builderPlatform\":",
	        ",\"buildConfig\":" CONFIG "},\"resolvedDependencies\":" MATERIALS
	        "},\"runDetails\":{\"builder\":{\"id\":\"https://ci/1\",\"version\":{\"hew\":"
	        "\"" HEW_VERSION "\"}},\"metadata\":{\"invocationId\":\"abc\",\"startedOn\":"
	        "\"1970-01-01T00:00:00Z\",\"finishedOn\":\"1970-01-01T00:01:01Z\","
	        "\"buildkit_hermetic\":true,\"buildkit_completeness\":{\"request\":true,"
	        "\"resolvedDependencies\":true},\"buildkit_reproducible\":true,"
	        "\"buildkit_metadata\":" METADATA "}}}");
}

static void test_v02(void **state)
{
	(void)state;
	check(&(struct provenance_options){.v02 = true},
	        "{\"builder\":{\"id\":\"\"},\"buildType\":\"https://mobyproject.org/buildkit@v1\","
	        "\"materials\":" MATERIALS ",\"invocation\":{\"configSource\":" SOURCE
	        "\"entryPoint\":\"Dockerfile\"},\"parameters\":" REQUEST
	        ",\"environment\":{\"platform\":",
	        "}},\"buildConfig\":" CONFIG
	        ",\"metadata\":{\"buildInvocationID\":\"abc\",\"buildStartedOn\":"
	        "\"1970-01-01T00:00:00Z\",\"buildFinishedOn\":\"1970-01-01T00:01:01Z\","
	        "\"completeness\":{\"parameters\":true,\"environment\":true,\"materials\":true},"
	        "\"reproducible\":false,\"https://mobyproject.org/buildkit@v1#hermetic\":true,"
	        "\"https://mobyproject.org/buildkit@v1#metadata\":" METADATA "}}");
}

static void test_min(void **state)
{
	(void)state;
	check(&(struct provenance_options){.min = true},
	        "{\"buildDefinition\":{\"buildType\":\"https://github.com/moby/buildkit/blob/"
	        "master/"
	        "docs/attestations/slsa-definitions.md\",\"externalParameters\":{\"configSource"
	        "\":" SOURCE "\"path\":\"Dockerfile\"},\"request\":{\"frontend\":\"dockerfile.v0\","
	        "\"args\":{\"context:x\":\"https://***host/"
	        "x\",\"context:y\":\"local:y\",\"target\":"
	        "\"0\"},\"locals\":[]}},\"internalParameters\":{\"builderPlatform\":",
	        "},\"resolvedDependencies\":" MATERIALS
	        "},\"runDetails\":{\"builder\":{\"id\":\"\",\"version\":{\"hew\":\"" HEW_VERSION
	        "\"}},\"metadata\":{\"invocationId\":\"abc\",\"startedOn\":"
	        "\"1970-01-01T00:00:00Z\",\"finishedOn\":\"1970-01-01T00:01:01Z\","
	        "\"buildkit_hermetic\":true,\"buildkit_completeness\":{\"request\":false,"
	        "\"resolvedDependencies\":true},\"buildkit_reproducible\":false,"
	        "\"buildkit_metadata\":{}}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_v1),
	        cmocka_unit_test(test_v02),
	        cmocka_unit_test(test_min),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
