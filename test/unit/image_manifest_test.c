// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes: what is read, what is refused and how, the exact bytes written, the choice
// of an entry for a platform.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/manifest.h"
#include <string.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define CONFIG "\"config\":{\"mediaType\":\"" MT_OCI_CONFIG "\",\"digest\":\"" A "\",\"size\":7}"
#define LAYER "{\"mediaType\":\"" MT_OCI_LAYER_GZIP "\",\"digest\":\"" B "\",\"size\":32}"
#define OCI "\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_MANIFEST "\","
#define LAYER_WITH(members) "{" OCI CONFIG ",\"layers\":[{" members "}]}"
#define TYPED "\"mediaType\":\"x/y\",\"digest\":\"" B "\""

static void test_manifest_parse(void **state)
{
	static const struct {
		const char *name, *input, *served;
		enum err_kind want;
		const char *says; // of an error; of success: the media type
	} rows[] = {
	        {"oci", "{" OCI CONFIG ",\"layers\":[" LAYER "]}", NULL, ERR_NONE, MT_OCI_MANIFEST},
	        {"served as", "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]}",
	                MT_OCI_MANIFEST, ERR_NONE, MT_OCI_MANIFEST},
	        {"served with a parameter", "{" OCI CONFIG ",\"layers\":[" LAYER "]}",
	                MT_OCI_MANIFEST "; charset=utf-8", ERR_NONE, MT_OCI_MANIFEST},
	        {"served as nothing in particular", "{" OCI CONFIG ",\"layers\":[" LAYER "]}",
	                "application/json", ERR_NONE, MT_OCI_MANIFEST},
	        {"no type at all", "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]}", NULL,
	                ERR_NONE, MT_OCI_MANIFEST},
	        {"no type, docker config",
	                "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MT_DOCKER_CONFIG
	                "\",\"digest\":\"" A "\",\"size\":7},\"layers\":[" LAYER "]}",
	                NULL, ERR_NONE, MT_DOCKER_MANIFEST},
	        {"null members",
	                "{" OCI CONFIG ",\"layers\":[{" TYPED ",\"size\":1,\"platform\":null,"
	                "\"annotations\":null,\"urls\":null}],\"annotations\":null}",
	                NULL, ERR_NONE, MT_OCI_MANIFEST},
	        {"layer of unknown type", LAYER_WITH(TYPED ",\"size\":0"), NULL, ERR_NONE,
	                MT_OCI_MANIFEST},
	        {"other type than served", "{" OCI CONFIG ",\"layers\":[" LAYER "]}",
	                MT_DOCKER_MANIFEST, ERR_CORRUPT, "served as"},
	        {"ambiguous", "{" OCI CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, ERR_CORRUPT,
	                "ambiguous"},
	        {"untyped and ambiguous", "{" CONFIG ",\"layers\":[],\"manifests\":[]}", NULL,
	                ERR_UNSUPPORTED, "neither"},
	        {"schema 1", "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ERR_UNSUPPORTED,
	                "schema version 1"},
	        {"schema 1 by type", "{}",
	                "application/vnd.docker.distribution.manifest.v1+prettyjws",
	                ERR_UNSUPPORTED, "schema version 1"},
	        {"schema 3", "{\"schemaVersion\":3}", NULL, ERR_UNSUPPORTED, "schema version 3"},
	        {"index", "{\"schemaVersion\":2,\"manifests\":[]}", NULL, ERR_CORRUPT,
	                "expected an image"},
	        {"unknown type", "{\"schemaVersion\":2,\"mediaType\":\"a/b\"}", NULL,
	                ERR_UNSUPPORTED, "'a/b'"},
	        {"not JSON", "<html>", NULL, ERR_CORRUPT, "read manifest"},
	        {"not an object", "[]", NULL, ERR_CORRUPT, "not a JSON object"},
	        {"no config", "{" OCI "\"layers\":[]}", NULL, ERR_CORRUPT, "config is missing"},
	        {"layers no array", "{" OCI CONFIG ",\"layers\":{}}", NULL, ERR_CORRUPT,
	                "not an array"},
	        {"layer no object", "{" OCI CONFIG ",\"layers\":[1]}", NULL, ERR_CORRUPT,
	                "layer 1 is missing or not an object"},
	        {"negative size", LAYER_WITH(TYPED ",\"size\":-1"), NULL, ERR_CORRUPT,
	                "layer 1: size"},
	        {"no size", LAYER_WITH(TYPED), NULL, ERR_CORRUPT, "layer 1: size"},
	        {"fraction as size", LAYER_WITH(TYPED ",\"size\":1.5"), NULL, ERR_CORRUPT, "size"},
	        {"text as size", LAYER_WITH(TYPED ",\"size\":\"1\""), NULL, ERR_CORRUPT, "size"},
	        {"bad digest",
	                LAYER_WITH("\"mediaType\":\"x/y\",\"size\":1,\"digest\":\"sha256:1\""),
	                NULL, ERR_CORRUPT, "layer 1: digest"},
	        {"no digest", LAYER_WITH("\"mediaType\":\"x/y\",\"size\":1"), NULL, ERR_CORRUPT,
	                "digest is missing"},
	        {"no media type", LAYER_WITH("\"size\":1,\"digest\":\"" B "\""), NULL, ERR_CORRUPT,
	                "layer 1 has no mediaType"},
	        {"platform no object", LAYER_WITH(TYPED ",\"size\":1,\"platform\":\"linux\""), NULL,
	                ERR_CORRUPT, "platform"},
	        {"architecture too long",
	                LAYER_WITH(
	                        TYPED ",\"size\":1,\"platform\":{\"architecture\":\"" HEX_A "\"}"),
	                NULL, ERR_CORRUPT, "longer than"},
	        {"annotation no string", LAYER_WITH(TYPED ",\"size\":1,\"annotations\":{\"a\":1}"),
	                NULL, ERR_CORRUPT, "annotation 'a' of layer 1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_manifest struct manifest m = {0};
		struct err e = ERR_INIT;
		int r = manifest_parse(
		        rows[i].input, strlen(rows[i].input), rows[i].served, &m, &e);
		if (r == 0 && rows[i].want == ERR_NONE) {
			assert_string_equal(m.media_type, rows[i].says);
			assert_int_equal(m.layers.n, 1);
			continue;
		}
		if (r == 0 || e.kind != rows[i].want || !strstr(e.msg, rows[i].says))
			fail_msg("%s: got %d, kind %d, '%s'", rows[i].name, r, (int)e.kind, e.msg);
		assert_null(m.media_type);
	}
}

static void test_too_many_layers(void **state)
{
	for (int extra = 0; extra <= 1; extra++) {
		auto_manifest struct manifest m = {0};
		auto_buf struct buf b = {0};
		struct err e = ERR_INIT;
		buf_puts(&b, "{" OCI CONFIG ",\"layers\":[");
		for (int i = 0; i < MANIFEST_LAYERS_MAX + extra; i++)
			buf_printf(&b, "%s%s", i ? "," : "", LAYER);
		buf_puts(&b, "]}");
		int r = manifest_parse(b.p, b.n, NULL, &m, &e);
		assert_int_equal(r, extra ? -1 : 0);
		if (extra)
			assert_non_null(strstr(e.msg, "2049 layers, at most 2048"));
		else
			assert_int_equal(m.layers.n, MANIFEST_LAYERS_MAX);
	}
}

static void test_too_large(void **state)
{
	struct manifest m;
	struct image_index ix;
	struct err e = ERR_INIT;
	size_t n = MANIFEST_MAX + 1;
	auto_free char *p = xmalloc(n);
	memset(p, ' ', n);
	assert_int_equal(manifest_parse(p, n, NULL, &m, &e), -1);
	assert_non_null(strstr(e.msg, "larger"));
	assert_int_equal(image_index_parse(p, n, NULL, &ix, &e), -1);
	assert_null(manifest_sniff(p, n, NULL, &e));
}

static const char manifest_bytes[] = "{\n"
                                     "  \"schemaVersion\": 2,\n"
                                     "  \"mediaType\": \"" MT_OCI_MANIFEST "\",\n"
                                     "  \"config\": {\n"
                                     "    \"mediaType\": \"" MT_OCI_CONFIG "\",\n"
                                     "    \"digest\": \"" A "\",\n"
                                     "    \"size\": 581\n"
                                     "  },\n"
                                     "  \"layers\": [\n"
                                     "    {\n"
                                     "      \"mediaType\": \"" MT_OCI_LAYER_GZIP "\",\n"
                                     "      \"digest\": \"" B "\",\n"
                                     "      \"size\": 2457\n"
                                     "    },\n"
                                     "    {\n"
                                     "      \"mediaType\": \"" MT_OCI_LAYER_ZSTD "\",\n"
                                     "      \"digest\": \"" A "\",\n"
                                     "      \"size\": 0,\n"
                                     "      \"annotations\": {\n"
                                     "        \"a\": \"1\",\n"
                                     "        \"a-b\": \"\\u003c2\\u003e=3\"\n"
                                     "      }\n"
                                     "    }\n"
                                     "  ],\n"
                                     "  \"annotations\": {\n"
                                     "    \"org.opencontainers.image.title\": \"x\"\n"
                                     "  }\n"
                                     "}";

static void test_manifest_write(void **state)
{
	struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
	m.config = (struct descriptor){.media_type = xstrdup(MT_OCI_CONFIG), .size = 581};
	assert_true(hash_parse(HEX_A, &m.config.digest.h));
	struct descriptor *d = descriptor_list_add(&m.layers);
	*d = (struct descriptor){.media_type = xstrdup(MT_OCI_LAYER_GZIP), .size = 2457};
	assert_true(hash_parse(HEX_B, &d->digest.h));
	d = descriptor_list_add(&m.layers);
	d->media_type = xstrdup(MT_OCI_LAYER_ZSTD);
	d->digest = m.config.digest;
	strv_add(&d->annotations, "a-b=<2>=3");
	strv_add(&d->annotations, "a=1");
	strv_add(&m.annotations, "org.opencontainers.image.title=x");

	auto_buf struct buf out = {0};
	manifest_write(&m, &out);
	assert_string_equal(buf_cstr(&out), manifest_bytes);

	// Reading gives back what writing takes.
	auto_manifest struct manifest again = {0};
	struct err e = ERR_INIT;
	assert_int_equal(manifest_parse(out.p, out.n, NULL, &again, &e), 0);
	auto_buf struct buf second = {0};
	manifest_write(&again, &second);
	assert_string_equal(buf_cstr(&second), manifest_bytes);
	manifest_release(&m);
}

static void test_manifest_write_without_layers(void **state)
{
	struct manifest m = {.media_type = xstrdup(MT_DOCKER_MANIFEST)};
	m.config.media_type = xstrdup(MT_DOCKER_CONFIG);
	auto_buf struct buf out = {0};
	manifest_write(&m, &out);
	assert_non_null(strstr(buf_cstr(&out), "  \"layers\": []\n}"));
	manifest_release(&m);
}

static const char index_bytes[] =
        "{\n"
        "  \"schemaVersion\": 2,\n"
        "  \"mediaType\": \"" MT_OCI_INDEX "\",\n"
        "  \"manifests\": [\n"
        "    {\n"
        "      \"mediaType\": \"" MT_OCI_MANIFEST "\",\n"
        "      \"digest\": \"" A "\",\n"
        "      \"size\": 1,\n"
        "      \"platform\": {\n"
        "        \"architecture\": \"arm\",\n"
        "        \"os\": \"linux\",\n"
        "        \"variant\": \"v7\"\n"
        "      }\n"
        "    },\n"
        "    {\n"
        "      \"mediaType\": \"" MT_OCI_MANIFEST "\",\n"
        "      \"digest\": \"" B "\",\n"
        "      \"size\": 2,\n"
        "      \"annotations\": {\n"
        "        \"vnd.docker.reference.digest\": \"" A "\",\n"
        "        \"vnd.docker.reference.type\": \"attestation-manifest\"\n"
        "      },\n"
        "      \"platform\": {\n"
        "        \"architecture\": \"unknown\",\n"
        "        \"os\": \"unknown\"\n"
        "      }\n"
        "    }\n"
        "  ]\n"
        "}";

static void test_index_round_trip(void **state)
{
	auto_index struct image_index ix = {0};
	auto_buf struct buf out = {0};
	struct err e = ERR_INIT;
	assert_int_equal(
	        image_index_parse(index_bytes, strlen(index_bytes), MT_OCI_INDEX, &ix, &e), 0);
	assert_int_equal(ix.manifests.n, 2);
	image_index_write(&ix, &out);
	assert_string_equal(buf_cstr(&out), index_bytes);
	assert_int_equal(
	        image_index_parse(manifest_bytes, strlen(manifest_bytes), NULL, &ix, &e), -1);
	assert_non_null(strstr(e.msg, "expected an image index"));
}

static void add_entry(struct image_index *ix, const char *platform, const char *annotation)
{
	struct err e = ERR_INIT;
	struct descriptor *d = descriptor_list_add(&ix->manifests);
	d->media_type = xstrdup(MT_OCI_MANIFEST);
	d->size = ix->manifests.n;
	if (platform) {
		d->has_platform = true;
		assert_int_equal(platform_parse(platform, &d->platform, &e), 0);
	}
	if (annotation)
		strv_add(&d->annotations, annotation);
}

static void test_select(void **state)
{
	static const struct {
		const char *want;
		const char *entries[6];
		size_t found; // from 1; 0: none
	} rows[] = {
	        {"linux/amd64", {"linux/arm64", "linux/amd64", "linux/amd64"}, 2},
	        {"linux/amd64", {"linux/386", "linux/amd64"}, 2},
	        {"linux/amd64", {"linux/386", "linux/arm64"}, 1},
	        {"linux/arm/v7", {"linux/arm/v5", "linux/arm/v6", "linux/arm64"}, 2},
	        {"linux/amd64/v2", {"linux/amd64/v3", "linux/amd64"}, 2},
	        {"linux/s390x", {"linux/amd64"}, 0},
	        {"linux/amd64", {"attestation", "none"}, 2},
	        {"linux/amd64", {"none", "linux/386"}, 2},
	        {"linux/amd64", {"attestation", "unknown/unknown"}, 0},
	        {"linux/amd64", {NULL}, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_index struct image_index ix = {0};
		struct platform want;
		struct err e = ERR_INIT;
		assert_int_equal(platform_parse(rows[i].want, &want, &e), 0);
		for (size_t j = 0; j < 6 && rows[i].entries[j]; j++) {
			const char *p = rows[i].entries[j];
			if (strcmp(p, "attestation") == 0)
				add_entry(&ix, rows[i].want,
				        "vnd.docker.reference.type=attestation-manifest");
			else
				add_entry(&ix, strcmp(p, "none") == 0 ? NULL : p, NULL);
		}
		const struct descriptor *d = image_index_select(&ix, &want);
		assert_int_equal(d ? d->size : 0, rows[i].found);
	}
}

static void test_sniff(void **state)
{
	static const struct {
		const char *input, *served, *want;
	} rows[] = {
	        {manifest_bytes, NULL, MT_OCI_MANIFEST},
	        {index_bytes, NULL, MT_OCI_INDEX},
	        {"{\"manifests\":[]}", NULL, MT_OCI_INDEX},
	        {"{\"manifests\":[]}", MT_DOCKER_INDEX, MT_DOCKER_INDEX},
	        {"{\"config\":{}}", "text/plain", MT_OCI_MANIFEST},
	        {"{\"config\":{}}", MT_OCI_INDEX, NULL},
	        {"{}", NULL, NULL},
	        {"7", MT_OCI_INDEX, NULL},
	        {"", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		const char *kind =
		        manifest_sniff(rows[i].input, strlen(rows[i].input), rows[i].served, &e);
		if (rows[i].want)
			assert_string_equal(kind, rows[i].want);
		else
			assert_null(kind);
		assert_int_equal(e.kind == ERR_NONE, rows[i].want != NULL);
	}
}

static void test_compression(void **state)
{
	static const struct {
		const char *type;
		int want;
	} rows[] = {
	        {MT_OCI_LAYER, COMPRESSION_NONE},
	        {MT_OCI_LAYER_GZIP, COMPRESSION_GZIP},
	        {MT_OCI_LAYER_ZSTD, COMPRESSION_ZSTD},
	        {MT_DOCKER_LAYER, COMPRESSION_NONE},
	        {MT_DOCKER_LAYER_GZIP, COMPRESSION_GZIP},
	        {MT_OCI_CONFIG, -1},
	        {"application/vnd.in-toto+json", -1},
	        {"", -1},
	        {NULL, -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(media_type_compression(rows[i].type), rows[i].want);
}

// What an artifact is of and about is read and written where Go's structs have it.
static void test_artifact(void **state)
{
	static const char text[] =
	        "{\n  \"schemaVersion\": 2,\n  \"mediaType\": \"" MT_OCI_MANIFEST
	        "\",\n  \"artifactType\": \"a/b\",\n  \"config\": {\n    "
	        "\"mediaType\": \"" MT_EMPTY "\",\n    \"digest\": \"" A
	        "\",\n    \"size\": 2\n  },\n  \"layers\": [],\n  \"subject\": "
	        "{\n    \"mediaType\": \"" MT_OCI_INDEX "\",\n    \"digest\": \"" B
	        "\",\n    \"size\": 9,\n    \"artifactType\": \"c/d\"\n  }\n}";
	auto_manifest struct manifest m = {0};
	auto_buf struct buf out = {0};
	struct err e = ERR_INIT;
	assert_int_equal(manifest_parse(text, strlen(text), NULL, &m, &e), 0);
	assert_string_equal(m.artifact_type, "a/b");
	assert_string_equal(m.subject.artifact_type, "c/d");
	assert_int_equal(m.subject.size, 9);
	manifest_write(&m, &out);
	assert_string_equal(buf_cstr(&out), text);
}

static void test_guess(void **state)
{
	static const char text[] =
	        "{\"blobs\":[{" TYPED ",\"size\":1},{\"size\":1},7],\"config\":3,"
	        "\"layers\":{},\"manifests\":[{" TYPED ",\"size\":2}]}";
	struct descriptor_list blobs = {0}, manifests = {0};
	manifest_guess(text, strlen(text), &blobs, &manifests);
	manifest_guess("no JSON", 7, &blobs, &manifests);
	assert_int_equal(blobs.n, 1);
	assert_int_equal(blobs.v[0].size, 1);
	assert_int_equal(manifests.n, 1);
	assert_int_equal(manifests.v[0].size, 2);
	descriptor_list_release(&blobs);
	descriptor_list_release(&manifests);
}

static void test_descriptor_copy(void **state)
{
	struct descriptor a = {.media_type = xstrdup("x/y"), .size = 3}, b = {0};
	strv_add(&a.annotations, "k=v");
	descriptor_copy(&b, &a);
	descriptor_release(&a);
	assert_string_equal(b.media_type, "x/y");
	assert_int_equal(b.size, 3);
	assert_string_equal(strv_env_get(&b.annotations, "k"), "v");
	descriptor_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_manifest_parse),
	        cmocka_unit_test(test_too_many_layers),
	        cmocka_unit_test(test_too_large),
	        cmocka_unit_test(test_manifest_write),
	        cmocka_unit_test(test_manifest_write_without_layers),
	        cmocka_unit_test(test_index_round_trip),
	        cmocka_unit_test(test_select),
	        cmocka_unit_test(test_sniff),
	        cmocka_unit_test(test_compression),
	        cmocka_unit_test(test_artifact),
	        cmocka_unit_test(test_guess),
	        cmocka_unit_test(test_descriptor_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
