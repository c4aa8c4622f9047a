// SPDX-License-Identifier: Apache-2.0
// A package URL, if the first byte is 'u', else a document that names packages: what is read can be
// written, and the URL that is written says the same.
#include "packages_target.h"

#include "packages/sbom.h"

static void written(const struct package *p, const struct release *r, struct buf *out)
{
	buf_reset(out);
	package_url(p, r, out);
}

static void read_url(const uint8_t *data, size_t size)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf one = {0}, two = {0};
	struct package p, q;
	struct release r, s;
	struct err e = ERR_INIT;
	auto_free char *url = xstrndup((const char *)data, size);
	int got = package_of_url(url, &set, &p, &r, &e);
	assert(got >= 0 || (e.kind != ERR_NONE && e.msg[0]));
	if (got != 1 || !p.version)
		return;
	written(&p, &r, &one);
	if (one.n > 4096)
		return;
	assert(package_of_url(one.p, &set, &q, &s, &e) == 1);
	written(&q, &s, &two);
	assert(!strcmp(one.p, two.p));
}

static void read_document(const uint8_t *data, size_t size)
{
	auto_package_set struct package_set set = {0}, again = {0};
	auto_package_list struct package_list list = {0};
	auto_buf struct buf json = {0};
	struct err e = ERR_INIT;
	if (packages_of_sbom((const char *)data, size, &set, &e)) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return;
	}
	packages_write(&set, &json);
	if (json.n <= DOCUMENT_MAX) {
		assert(packages_read(json.p, json.n, &again, &e) == 0);
		assert(again.n_packages == set.n_packages);
	}
	packages_list(&set, &list);
	assert(list.n <= set.n_packages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'u')
		read_url(data + 1, size - 1);
	else
		read_document(data, size);
	return 0;
}
