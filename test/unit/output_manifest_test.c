// SPDX-License-Identifier: Apache-2.0
// The manifest that goes out: which blobs, which types, when nothing changes.
#include "output_fixture.h"

static void read_manifest(struct store *s, const struct descriptor *d, struct manifest *ret)
{
	auto_buf struct buf text = {0};
	OK(store_blob_read(s, &d->digest, MANIFEST_MAX, &text, e));
	assert_int_equal(text.n, d->size);
	OK(manifest_parse(text.p, text.n, d->media_type, ret, e));
}

static struct descriptor convert(const struct output_request *q, const char *spec)
{
	struct output_spec o = {0};
	struct descriptor d = {0};
	OK(output_spec_parse(spec, &o, e));
	OK(output_manifest(q, &o, &d, e));
	output_spec_release(&o);
	return d;
}

static const struct {
	const char *name, *spec, *manifest, *config, *layer;
	bool unchanged;
} rows[] = {
        {"default", "type=image", MT_OCI_MANIFEST, MT_OCI_CONFIG, MT_OCI_LAYER_GZIP, false},
        {"zstd", "type=image,compression=zstd", MT_OCI_MANIFEST, MT_OCI_CONFIG, MT_OCI_LAYER_ZSTD,
                false},
        {"uncompressed", "type=image,compression=uncompressed", MT_OCI_MANIFEST, MT_OCI_CONFIG,
                MT_OCI_LAYER, true},
        {"docker", "type=image,oci-mediatypes=false", MT_DOCKER_MANIFEST, MT_DOCKER_CONFIG,
                MT_DOCKER_LAYER_GZIP, false},
        {"docker uncompressed", "type=image,oci-mediatypes=false,compression=uncompressed",
                MT_DOCKER_MANIFEST, MT_DOCKER_CONFIG, MT_DOCKER_LAYER, false},
        {"annotated", "type=image,compression=uncompressed,annotation.a=b", MT_OCI_MANIFEST,
                MT_OCI_CONFIG, MT_OCI_LAYER, false},
};

static void test_types(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_manifest struct manifest m = {0};
		struct descriptor d = convert(&q, rows[i].spec), again = convert(&q, rows[i].spec);
		if (digest_eq(&d.digest, &q.manifest) != rows[i].unchanged)
			fail_msg("%s: changed or not", rows[i].name);
		assert_true(digest_eq(&d.digest, &again.digest));
		read_manifest(s, &d, &m);
		assert_string_equal(m.media_type, rows[i].manifest);
		assert_string_equal(m.config.media_type, rows[i].config);
		assert_int_equal(m.layers.n, 2);
		for (size_t k = 0; k < 2; k++) {
			assert_string_equal(m.layers.v[k].media_type, rows[i].layer);
			assert_true(store_blob_has(s, &m.layers.v[k].digest));
		}
		descriptor_release(&d);
		descriptor_release(&again);
	}
	fixture_sound(s);
}

// Marks layer 1's gzip blob as one that came from elsewhere, in an image that names it.
static struct digest foreign_image(struct store *s, const struct digest layers[static 2],
        const struct output_request *q, struct digest *ret_blob)
{
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	struct image_row row = {.created = 1};
	struct layer_blob b = {.present = true};
	struct descriptor d = convert(q, "type=image,compression-level=1");
	read_manifest(s, &d, &m);
	descriptor_release(&d);
	b.digest = *ret_blob = m.layers.v[0].digest;
	b.size = m.layers.v[0].size;
	snprintf(b.media_type, sizeof(b.media_type), "%s", MT_DOCKER_LAYER_GZIP);
	OK(store_layer_add_blob(s, &layers[0], &b, e));
	free(m.layers.v[0].media_type);
	m.layers.v[0].media_type = xstrdup(MT_DOCKER_LAYER_GZIP);
	free(m.layers.v[1].media_type);
	m.layers.v[1].media_type = xstrdup(MT_OCI_LAYER);
	m.layers.v[1].digest = layers[1];
	struct layer_info info;
	assert_true(store_layer_get(s, &layers[1], &info));
	m.layers.v[1].size = info.tar_size;
	manifest_write(&m, &text);
	OK(store_blob_put(s, text.p, text.n, &row.manifest, e));
	row.image_id = m.config.digest;
	row.manifest_size = text.n;
	snprintf(row.media_type, sizeof(row.media_type), "%s", MT_OCI_MANIFEST);
	OK(store_image_put(s, &row, e));
	return row.manifest;
}

static void test_foreign(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2], blob;
	struct output_request q = two_layers(s, &names, layers);
	q.manifest = foreign_image(s, layers, &q, &blob);
	static const struct {
		const char *spec, *first, *second;
		bool kept;
	} cases[] = {
	        {"type=image,compression=zstd", MT_OCI_LAYER_GZIP, MT_OCI_LAYER_ZSTD, true},
	        {"type=image,compression=uncompressed", MT_OCI_LAYER_GZIP, MT_OCI_LAYER, true},
	        {"type=image,oci-mediatypes=false", MT_DOCKER_LAYER_GZIP, MT_DOCKER_LAYER_GZIP,
	                true},
	        {"type=image,compression=zstd,force-compression=true", MT_OCI_LAYER_ZSTD,
	                MT_OCI_LAYER_ZSTD, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_manifest struct manifest m = {0};
		struct descriptor d = convert(&q, cases[i].spec);
		read_manifest(s, &d, &m);
		assert_string_equal(m.layers.v[0].media_type, cases[i].first);
		assert_string_equal(m.layers.v[1].media_type, cases[i].second);
		assert_int_equal(digest_eq(&m.layers.v[0].digest, &blob), cases[i].kept);
		descriptor_release(&d);
	}
}

// Compressed once: the second output finds the blob even though the tar cannot be read any more.
static void test_reuse(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	struct descriptor a = convert(&q, "type=image");
	OK(store_blob_delete(s, &layers[1], e));
	struct descriptor b = convert(&q, "type=image");
	assert_true(digest_eq(&a.digest, &b.digest));
	struct output_spec o = {0};
	struct descriptor d = {0};
	OK(output_spec_parse("type=image,compression=zstd", &o, e));
	struct err err = ERR_INIT;
	assert_int_equal(output_manifest(&q, &o, &d, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	output_spec_release(&o);
	descriptor_release(&a);
	descriptor_release(&b);
}

static void test_push_without_name(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0}, none = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	struct output_spec o = {0};
	struct output_result r = {0};
	q.names = &none;
	OK(output_spec_parse("type=registry", &o, e));
	struct err err = ERR_INIT;
	assert_int_equal(output_run(&q, &o, &r, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.msg, "-t"));
	output_spec_release(&o);
}

static void test_image_names(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct image_row row = {0};
	struct output_request q = two_layers(s, &names, layers);
	struct descriptor d = run_spec(&q, "type=image,name=other:2", NULL);
	assert_true(digest_eq(&d.digest, &q.manifest));
	OK(store_image_find(s, "docker.io/library/other:2", &row, e));
	assert_true(digest_eq(&row.manifest, &q.manifest));
	image_row_release(&row);
	descriptor_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SETUP(test_types),
	        SETUP(test_foreign),
	        SETUP(test_reuse),
	        SETUP(test_push_without_name),
	        SETUP(test_image_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
