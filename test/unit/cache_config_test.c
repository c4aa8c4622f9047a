// SPDX-License-Identifier: Apache-2.0
// The config of a cache: what is written is read again, and what is damaged is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "cache/config.h"
#include "image/config.h"

static struct digest digest_with(uint8_t b)
{
	struct digest d = {{{0}}};
	memset(d.h.b, b, sizeof(d.h.b));
	return d;
}

static void make(struct cache_config *c, struct manifest *m)
{
	for (uint8_t i = 0; i < 2; i++) {
		struct digest diff_id = digest_with(i + 1);
		struct cache_layer *l = cache_config_add(c, &diff_id);
		l->content_id = digest_with(i + 16).h;
		l->blob = (struct descriptor){.media_type = xstrdup(MT_OCI_LAYER_GZIP),
		        .digest = digest_with(i + 32),
		        .size = 100u + i};
		descriptor_copy(descriptor_list_add(&m->layers), &l->blob);
		struct hash key = digest_with(i + 48).h;
		struct step_record r = {.has_layer = true,
		        .diff_id = diff_id,
		        .created_sec = 1700000000 + i,
		        .created_nsec = 5,
		        .duration_ns = 7,
		        .name = (char[]){"[a 1/2] RUN \"x\""}};
		step_list_add(&c->steps, &key, &r);
	}
	struct hash key = digest_with(99).h;
	struct step_record selection = {
	        .components = (char[]){"{\"op\":\"selection\",\"sources\":[]}"}};
	step_list_add(&c->steps, &key, &selection);
}

static void check_equal(const struct cache_config *a, const struct cache_config *b)
{
	assert_int_equal(a->n_layers, b->n_layers);
	assert_int_equal(a->steps.n, b->steps.n);
	for (size_t i = 0; i < a->n_layers; i++) {
		assert_true(digest_eq(&a->layers[i].diff_id, &b->layers[i].diff_id));
		assert_true(hash_eq(&a->layers[i].content_id, &b->layers[i].content_id));
		assert_true(digest_eq(&a->layers[i].blob.digest, &b->layers[i].blob.digest));
	}
	for (size_t i = 0; i < a->steps.n; i++) {
		const struct step_record *x = &a->steps.v[i].record, *y = &b->steps.v[i].record;
		assert_true(hash_eq(&a->steps.v[i].key, &b->steps.v[i].key));
		assert_int_equal(x->has_layer, y->has_layer);
		assert_int_equal(x->created_sec, y->created_sec);
		assert_int_equal(x->created_nsec, y->created_nsec);
		assert_int_equal(x->duration_ns, y->duration_ns);
		if (x->has_layer)
			assert_true(digest_eq(&x->diff_id, &y->diff_id));
		else
			assert_string_equal(x->components, y->components);
	}
}

static void make_image(const struct cache_config *c, struct image_config *image)
{
	auto_buf struct buf text = {0};
	struct buf encoded = {0};
	cache_inline_write(c, &text);
	base64_encode(&encoded, text.p, text.n);
	image->inline_cache = buf_steal(&encoded);
	for (size_t i = 0; i < c->n_layers; i++)
		image_config_add_diff_id(image, &c->layers[i].diff_id);
}

static void in_an_image(void **state)
{
	auto_cache_config struct cache_config c = {0}, again = {0};
	auto_manifest struct manifest m = {0};
	auto_config struct image_config image = {0};
	struct err e = ERR_INIT;
	make(&c, &m);
	make_image(&c, &image);
	assert_int_equal(cache_inline_parse(&image, &m, &again, &e), 0);
	for (size_t i = 0; i < c.steps.n; i++)
		c.steps.v[i].record.duration_ns = 0; // would change the image's digest each time
	check_equal(&c, &again);
}

static void images_that_lie(void **state)
{
	static const char *const bad[] = {
	        "*no base64*",
	        "W3siaGV3Ijp7InZlcnNpb24iOjEsImtleSI6IngifX1d", // [{"hew":{"version":1,"key":"x"}}]
	        "W3s=",                                         // cut
	};
	for (size_t i = 0; i < ARRAY_LEN(bad) + 1; i++) {
		auto_cache_config struct cache_config c = {0}, again = {0};
		auto_manifest struct manifest m = {0};
		auto_config struct image_config image = {0};
		struct err e = ERR_INIT;
		make(&c, &m);
		make_image(&c, &image);
		if (i < ARRAY_LEN(bad)) {
			free(image.inline_cache);
			image.inline_cache = xstrdup(bad[i]);
		} else {
			image.n_diff_ids--;
		}
		assert_int_equal(cache_inline_parse(&image, &m, &again, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

static void written_and_read(void **state)
{
	auto_cache_config struct cache_config c = {0}, again = {0};
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	struct err e = ERR_INIT;
	make(&c, &m);
	cache_config_write(&c, &text);
	assert_int_equal(cache_config_parse(text.p, text.n, &m, &again, &e), 0);
	check_equal(&c, &again);
}

static void written_and_read_without_a_manifest(void **state)
{
	auto_cache_config struct cache_config c = {0}, again = {0};
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	struct err e = ERR_INIT;
	make(&c, &m);
	cache_config_write_alone(&c, &text);
	assert_int_equal(cache_config_parse_alone(text.p, text.n, &again, &e), 0);
	check_equal(&c, &again);
	for (size_t i = 0; i < c.n_layers; i++) {
		assert_true(digest_eq(&c.layers[i].blob.digest, &again.layers[i].blob.digest));
		assert_int_equal(c.layers[i].blob.size, again.layers[i].blob.size);
		assert_string_equal(c.layers[i].blob.media_type, again.layers[i].blob.media_type);
	}
	for (size_t n = 0; n < text.n; n++) {
		auto_cache_config struct cache_config less = {0};
		assert_int_equal(cache_config_parse_alone(text.p, n, &less, &e), -1);
	}
	// that a manifest is needed for says nothing of its blobs
	auto_buf struct buf bare = {0};
	auto_cache_config struct cache_config none = {0};
	cache_config_write(&c, &bare);
	assert_int_equal(cache_config_parse_alone(bare.p, bare.n, &none, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void anything_less_is_refused(void **state)
{
	auto_cache_config struct cache_config c = {0};
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	make(&c, &m);
	cache_config_write(&c, &text);
	for (size_t n = 0; n < text.n; n++) {
		auto_cache_config struct cache_config again = {0};
		struct err e = ERR_INIT;
		assert_int_equal(cache_config_parse(text.p, n, &m, &again, &e), -1);
	}
	descriptor_release(&m.layers.v[--m.layers.n]);
	auto_cache_config struct cache_config again = {0};
	struct err e = ERR_INIT;
	assert_int_equal(cache_config_parse(text.p, text.n, &m, &again, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void that_of_another_builder_has_no_records(void **state)
{
	static const char text[] =
	        "{\"layers\":[{\"blob\":\"sha256:aa\",\"parent\":-1}],\"records\":[]}";
	auto_cache_config struct cache_config c = {0};
	auto_manifest struct manifest m = {0};
	struct err e = ERR_INIT;
	assert_int_equal(cache_config_parse(text, sizeof(text) - 1, &m, &c, &e), 0);
	assert_int_equal(c.steps.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(written_and_read),
	        cmocka_unit_test(written_and_read_without_a_manifest),
	        cmocka_unit_test(in_an_image),
	        cmocka_unit_test(images_that_lie),
	        cmocka_unit_test(anything_less_is_refused),
	        cmocka_unit_test(that_of_another_builder_has_no_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
