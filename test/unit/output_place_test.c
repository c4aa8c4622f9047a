// SPDX-License-Identifier: Apache-2.0
// Places in the words of skopeo.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "output/place.h"

static const struct {
	const char *text;
	int kind; // -1: refused
	const char *path, *name, *ref;
} rows[] = {
        {"node", PLACE_REGISTRY, NULL, NULL, "docker.io/library/node:latest"},
        {"docker://h:5/a/b:1", PLACE_REGISTRY, NULL, NULL, "h:5/a/b:1"},
        {"oci:dir", PLACE_OCI, "dir", NULL, NULL},
        {"oci:/a/dir:1.0", PLACE_OCI, "/a/dir", "1.0", NULL},
        {"oci:dir:docker.io/library/app:latest", PLACE_OCI, "dir", "docker.io/library/app:latest",
                NULL},
        {"oci-archive:a.tar:x y", PLACE_OCI_ARCHIVE, "a.tar", "x y", NULL},
        {"docker-archive:a.tar", PLACE_DOCKER_ARCHIVE, "a.tar", NULL, NULL},
        {"docker-archive:a.tar:app", PLACE_DOCKER_ARCHIVE, "a.tar", NULL,
                "docker.io/library/app:latest"},
        {"store:app:1", PLACE_STORE, NULL, "app:1", "docker.io/library/app:1"},
        {"store:sha256:0123", PLACE_STORE, NULL, "sha256:0123", "docker.io/library/sha256:0123"},
        {"", -1, NULL, NULL, NULL},
        {"Node", -1, NULL, NULL, NULL},
        {"docker://", -1, NULL, NULL, NULL},
        {"oci:", -1, NULL, NULL, NULL},
        {"oci::1", -1, NULL, NULL, NULL},
        {"oci:dir:", -1, NULL, NULL, NULL},
        {"docker-archive:a.tar:App", -1, NULL, NULL, NULL},
        {"store:", -1, NULL, NULL, NULL},
};

static void equal(const char *got, const char *want)
{
	assert_int_equal(got == NULL, want == NULL);
	if (want)
		assert_string_equal(got, want);
}

static void test_places(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_place struct place p = {0};
		struct err e = ERR_INIT;
		int rc = place_parse(rows[i].text, &p, &e);
		assert_int_equal(rc, rows[i].kind < 0 ? -1 : 0);
		if (rc) {
			assert_int_equal(e.kind, ERR_USAGE);
			continue;
		}
		auto_free char *ref = p.has_ref ? reference_text(&p.ref) : NULL;
		assert_int_equal(p.kind, rows[i].kind);
		equal(p.path, rows[i].path);
		equal(p.name, rows[i].name);
		equal(ref, rows[i].ref);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_places)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
