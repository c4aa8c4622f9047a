// SPDX-License-Identifier: Apache-2.0
// What an image has, of layers that were scanned one by one: what upper layers hide is gone, what a
// database had before was brought by the lower layer.
#include "layer_fixture.h"

#include "packages/packages.h"

#define LAYERS_MAX 4
#define STATUS "f var/lib/dpkg/status "
#define A(version) "Package: a\nStatus: install ok installed\nVersion: " version "\n\n"
#define B(version) "Package: b\nStatus: install ok installed\nVersion: " version "\n\n"
#define NPM(name) "{\"name\":\"" name "\",\"version\":\"1\"}"

static const struct {
	const char *name, *layers[LAYERS_MAX], *want;
} rows[] = {
        {"one layer", {STATUS A("1") B("2")}, "deb a 1 0\ndeb b 2 0\n"},
        {"installed later", {STATUS A("1"), STATUS A("1") B("2")}, "deb a 1 0\ndeb b 2 1\n"},
        {"a layer between", {STATUS A("1"), "f x", STATUS A("1") B("2")}, "deb a 1 0\ndeb b 2 2\n"},
        {"upgraded", {STATUS A("1") B("2"), STATUS A("2") B("2")}, "deb a 2 1\ndeb b 2 0\n"},
        {"removed", {STATUS A("1") B("2"), STATUS B("2")}, "deb b 2 0\n"},
        {"removed and back", {STATUS A("1") B("2"), STATUS B("2"), STATUS A("1") B("2")},
                "deb a 1 2\ndeb b 2 0\n"},
        {"the database is gone", {STATUS A("1"), "w var/lib/dpkg/status"}, ""},
        {"a folder is gone", {STATUS A("1"), "w var/lib/dpkg"}, ""},
        {"a folder is hidden", {"f a/node_modules/b/package.json " NPM("b"), "o a"}, ""},
        {"a file in place of a folder", {"f a/node_modules/b/package.json " NPM("b"), "f a"}, ""},
        {"written anew",
                {"f node_modules/b/package.json " NPM("b"),
                        "f node_modules/b/package.json " NPM("c")},
                "npm c 1 1\n"},
        {"files of status.d",
                {"f var/lib/dpkg/status.d/a " A("1"), "f var/lib/dpkg/status.d/b " B("2")},
                "deb a 1 0\ndeb b 2 1\n"},
        {"hard links", {"f a/1 " NPM("b") ";h node_modules/b/package.json a/1"}, "npm b 1 0\n"},
        {"owned by what a later layer lists",
                {"f x/a-1.dist-info/METADATA Name: a\nVersion: 1\n",
                        "f var/lib/dpkg/info/a.list /x\n/x/a-1.dist-info/METADATA\n"},
                "pypi a 1 0 owned\n"},
        {"owned by apk's database",
                {"f x/a-1.dist-info/METADATA Name: a\nVersion: 1\n;f lib/apk/db/installed "
                 "P:p\nV:1-r0\nF:x/a-1.dist-info\nR:METADATA\n"},
                "apk p 1-r0 0\npypi a 1 0 owned\n"},
        {"the distribution",
                {"f usr/lib/os-release ID=below\nVERSION_ID=1\n;s etc/os-release "
                 "../usr/lib/os-release"},
                "below 1\n"},
        {"its release",
                {"f usr/lib/os-release ID=below\n;f etc/os-release ID=x\n",
                        "f etc/os-release ID=above\nVERSION_ID=2\n"},
                "above 2\n"},
        {"its release hidden",
                {"f usr/lib/os-release ID=below\nVERSION_ID=1\n;f etc/os-release ID=x\n",
                        "w etc/os-release"},
                "below 1\n"},
};

struct layer {
	struct tar_source source; // first
	int fd;
	struct layer_result result;
	struct view *view;
};

static int tar_of(struct tar_source *s, size_t layer, struct err *e)
{
	return ((struct layer *)(void *)s)->fd;
}

static void print_list(const struct package_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct package *p = l->v[i].package;
		buf_printf(out, "%s %s %s %zu%s\n", package_type_name(p->type), p->name, p->version,
		        l->v[i].layer, p->flags & PACKAGE_OWNED ? " owned" : "");
	}
	if (l->release.id)
		buf_printf(out, "%s %s\n", l->release.id, l->release.version);
}

static void combined(const char *const *specs, struct buf *out)
{
	struct layer layers[LAYERS_MAX] = {0};
	struct layer_index *indexes[LAYERS_MAX];
	struct package_set sets[LAYERS_MAX] = {0};
	auto_package_list struct package_list list = {0};
	struct err e = ERR_INIT;
	size_t n = 0;
	for (; n < LAYERS_MAX && specs[n]; n++) {
		struct layer *l = &layers[n];
		*l = (struct layer){.source.tar_fd = tar_of, .fd = scratch_fd()};
		MUST(spec_write(specs[n], l->fd, &l->result, &e), e);
		indexes[n] = l->result.index;
		l->view = chain_new(&indexes[n], 1, &l->source);
		MUST(packages_scan(l->view, 0, &sets[n], &e), e);
		assert_int_equal(sets[n].warnings.n, 0);
	}
	struct view *chain = chain_new(indexes, n, NULL);
	packages_combine(sets, n, chain, &list);
	print_list(&list, out);
	view_free(chain);
	for (size_t i = 0; i < n; i++) {
		view_free(layers[i].view);
		layer_result_release(&layers[i].result);
		package_set_release(&sets[i]);
		close(layers[i].fd);
	}
}

static void test_combined(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		combined(rows[i].layers, &got);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s: got\n%swant\n%s", rows[i].name, buf_cstr(&got), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_combined)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
