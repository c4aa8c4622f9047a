// SPDX-License-Identifier: Apache-2.0
// Package URLs in the spellings of all kinds of tools, and documents that have them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "packages/sbom.h"
#include <string.h>

static void put(struct buf *out, const char *text)
{
	buf_printf(out, " %s", text ? text : "-");
}

// type name version arch source source-version; id version codename
static void describe(const struct package *p, const struct release *r, struct buf *out)
{
	buf_puts(out, package_type_name(p->type));
	put(out, p->name);
	put(out, p->version);
	put(out, p->arch);
	put(out, p->source);
	put(out, p->source_version);
	if (p->module)
		put(out, p->module);
	if (!r->id)
		return;
	buf_printf(out, "; %s", r->id);
	put(out, r->version);
	put(out, r->codename);
}

static const struct {
	const char *url, *want; // NULL: of no known type; "": none
} urls[] = {
        // hew
        {"pkg:deb/debian/libssl3@3.0.16-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
                "deb libssl3 3.0.16-1~deb12u1 amd64 openssl -; debian 12 -"},
        {"pkg:deb/debian/g%2B%2B@4%3A12.2.0-3?arch=amd64&distro=debian-12&upstream=gcc-defaults@"
         "1.203",
                "deb g++ 4:12.2.0-3 amd64 gcc-defaults 1.203; debian 12 -"},
        {"pkg:apk/alpine/busybox@1.36.1-r5?arch=x86_64&distro=3.19",
                "apk busybox 1.36.1-r5 x86_64 - -; alpine 3.19 -"},
        {"pkg:rpm/rocky/bash@5.1.8-6.el9?arch=x86_64&distro=rocky-9.3",
                "rpm bash 5.1.8-6.el9 x86_64 - -; rocky 9.3 -"},
        {"pkg:rpm/rocky/php@8.2.1-1.module%2Bel9?arch=x86_64&distro=rocky-9.3&rpmmod=php%3A8.2",
                "rpm php 8.2.1-1.module+el9 x86_64 - - php:8.2; rocky 9.3 -"},
        // Trivy
        {"pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&distro=debian-12.5&epoch=1",
                "deb zlib1g 1:1.2.13.dfsg-1 amd64 - -; debian 12 -"},
        {"pkg:rpm/redhat/bind@9.11-1.el8?arch=x86_64&distro=redhat-8.3&epoch=32",
                "rpm bind 32:9.11-1.el8 x86_64 - -; rhel 8.3 -"},
        {"pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=3.19.1",
                "apk musl 1.2.4-r2 x86_64 - -; alpine 3.19.1 -"},
        {"pkg:rpm/alma/bash@1-2?distro=alma-9.3&epoch=0", "rpm bash 1-2 - - -; almalinux 9.3 -"},
        // Syft
        {"pkg:deb/debian/libc6@2.36-9?arch=amd64&upstream=glibc&distro=debian-12",
                "deb libc6 2.36-9 amd64 glibc -; debian 12 -"},
        {"pkg:deb/debian/a@1%2Bb1?distro=debian-12&upstream=a%401&arch=amd64",
                "deb a 1+b1 amd64 a 1; debian 12 -"},
        {"pkg:apk/alpine/libssl3@3.1.4-r5?arch=x86_64&upstream=openssl&distro=alpine-3.19.1",
                "apk libssl3 3.1.4-r5 x86_64 openssl -; alpine 3.19.1 -"},
        {"pkg:rpm/centos/openssl-libs@3.0.7-27.el9?arch=x86_64&epoch=1&upstream=openssl-3.0.7-27."
         "el9.src.rpm&distro=centos-9",
                "rpm openssl-libs 1:3.0.7-27.el9 x86_64 openssl -; centos 9 -"},
        {"pkg:rpm/fedora/a@0:1-2?upstream=a-1-2.src.rpm", "rpm a 1-2 - - -; fedora - -"},
        {"pkg:rpm/fedora/a@1-2?upstream=-1-2.src.rpm", "rpm a 1-2 - - -; fedora - -"},
        {"pkg:rpm/fedora/a@1-2?upstream=b@-1-2.src.rpm", "rpm a 1-2 - - -; fedora - -"},
        {"pkg:rpm/fedora/a@1-2?epoch=3&upstream=b-3:1-2.src.rpm", "rpm a 3:1-2 - b -; fedora - -"},
        {"pkg:rpm/fedora/a@0:0:1-2:x?epoch=0", "rpm a 1-2:x - - -; fedora - -"},
        {"pkg:rpm/opensuse/zypper@1-1?distro=opensuse-leap-15.5",
                "rpm zypper 1-1 - - -; opensuse-leap 15.5 -"},
        {"pkg:rpm/opensuse-tumbleweed/a@1-1?distro=opensuse-tumbleweed",
                "rpm a 1-1 - - -; opensuse-tumbleweed - -"},
        {"pkg:deb/debian/a@1?distro=debian-sid", "deb a 1 - - -; debian - sid"},
        {"pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "deb a 1 - - -; ubuntu 22.04 -"},
        {"pkg:deb/a@1", "deb a 1 - - -"},
        // languages
        {"pkg:npm/%40angular/core@17.0.0", "npm @angular/core 17.0.0 - - -"},
        {"pkg:npm/@angular/core@17.0.0", "npm @angular/core 17.0.0 - - -"},
        {"pkg:npm/@angular/core", "npm @angular/core - - - -"},
        {"pkg:npm/%40a%2fb@1", "npm @a/b 1 - - -"},
        {"PKG:NPM/left-pad@1.3.0#lib/x", "npm left-pad 1.3.0 - - -"},
        {"pkg://pypi//requests@2.31.0?x=y", "pypi requests 2.31.0 - - -"},
        {"pkg:golang/golang.org/x/net@v0.17.0?type=module#http2",
                "golang golang.org/x/net v0.17.0 - - -"},
        {"pkg:cargo/rand@0.8.5", "cargo rand 0.8.5 - - -"},
        {"pkg:maven/org.apache/log4j@2.14?type=jar", "maven org.apache:log4j 2.14 - - -"},
        // others
        {"pkg:gem/rails@7", NULL},
        {"pkg:oci/app@sha256%3Aabc", NULL},
        {"http://x", ""},
        {"pkg:npm", ""},
        {"pkg:npm/", ""},
        {"pkg:npm/@1", "npm @1 - - - -"},
        {"pkg:npm/a%zz@1", ""},
        {"pkg:npm/a%0ab@1", ""},
        {"pkg:npm/a%00b@1", ""},
        {"pkg:npm/a@1%1b[31m", ""},
        {"pkg:deb/debian/a@1?arch=%7f", ""},
        {"pkg:npm/%ff@1", ""},
        {"pkg:npm/a%2f@1", ""},
        {"pkg:maven/a:b/c@1", ""},
        {"pkg:maven/a:b@1", "maven a:b 1 - - -"},
        {"pkg:maven/:b@1", ""},
        {"", ""},
};

static void urls_of_all_tools(void **state)
{
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		auto_package_set struct package_set set = {0};
		auto_buf struct buf got = {0};
		struct package p = {0};
		struct release r = {0};
		struct err e = ERR_INIT;
		int status = package_of_url(urls[i].url, &set, &p, &r, &e);
		if (status == 1)
			describe(&p, &r, &got);
		int want = !urls[i].want ? 0 : *urls[i].want ? 1 : -1;
		if (status != want || strcmp(buf_cstr(&got), urls[i].want ? urls[i].want : "") != 0)
			fail_msg("%s: %d '%s' %s", urls[i].url, status, buf_cstr(&got), e.msg);
	}
}

static void a_long_url_is_refused(void **state)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf url = {0};
	struct package p;
	struct err e = ERR_INIT;
	buf_puts(&url, "pkg:npm/");
	for (int i = 0; i < 5000; i++)
		buf_putc(&url, 'a');
	assert_int_equal(package_of_url(url.p, &set, &p, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "too long"));
	url.p[600] = '\0';
	assert_int_equal(package_of_url(url.p, &set, &p, NULL, &e), -1);
	url.p[400] = '\0';
	assert_int_equal(package_of_url(url.p, &set, &p, NULL, &e), 1);
}

static void a_release_has_a_length(void **state)
{
	static const int lengths[][2] = {{100, 99}, {100, 100}};
	for (int i = 0; i < 2; i++) {
		auto_package_set struct package_set set = {0};
		auto_buf struct buf url = {0};
		struct package p;
		struct release r;
		struct err e = ERR_INIT;
		buf_puts(&url, "pkg:deb/");
		for (int k = 0; k < lengths[i][0]; k++)
			buf_putc(&url, 'a');
		buf_puts(&url, "/x@1?distro=");
		for (int k = 0; k < lengths[i][1]; k++)
			buf_putc(&url, '1');
		assert_int_equal(package_of_url(url.p, &set, &p, &r, &e), i ? -1 : 1);
	}
}

// ---- documents

static void read_document(const char *json, const char *want)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf got = {0};
	struct err e = ERR_INIT;
	if (packages_of_sbom(json, strlen(json), &set, &e)) {
		assert_int_equal(e.kind, ERR_CORRUPT);
		buf_puts(&got, "corrupt");
	}
	for (size_t i = 0; i < set.n_files; i++) {
		const struct package_file *f = &set.files[i];
		buf_printf(&got, "%s:\n", f->path);
		for (size_t k = f->first; k < f->first + f->n; k++) {
			describe(&set.packages[k], &(struct release){0}, &got);
			buf_printf(&got, " %d\n", set.packages[k].flags);
		}
	}
	for (size_t i = 0; i < set.n_releases; i++) {
		const struct release *r = &set.releases[i].release;
		buf_printf(&got, "os %s", r->id);
		put(&got, r->version);
		put(&got, r->codename);
		buf_putc(&got, '\n');
	}
	for (size_t i = 0; i < set.warnings.n; i++)
		buf_printf(&got, "! %s\n", set.warnings.v[i]);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("%s\ngives\n%s\nnot\n%s", json, got.p, want);
}

static void cyclonedx_of_trivy(void **state)
{
	read_document(
	        "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"metadata\":{\"component\":"
	        "{\"type\":\"container\",\"purl\":\"pkg:oci/x@sha256:1\"}},\"components\":["
	        "{\"type\":\"operating-system\",\"name\":\"debian\",\"version\":\"12.5\"},"
	        "{\"type\":\"library\",\"name\":\"libssl3\",\"purl\":\"pkg:deb/debian/libssl3@3.0"
	        "?distro=debian-12.5\",\"properties\":[{\"name\":\"aquasecurity:trivy:SrcName\","
	        "\"value\":\"openssl\"},{\"name\":\"aquasecurity:trivy:SrcVersion\",\"value\":"
	        "\"3.1\"},{\"name\":\"aquasecurity:trivy:SrcRelease\",\"value\":\"1\"},"
	        "{\"name\":\"aquasecurity:trivy:SrcEpoch\",\"value\":\"2\"}]},"
	        "{\"type\":\"library\",\"group\":\"@a\",\"name\":\"b\",\"purl\":\"pkg:npm/%40a/"
	        "b@1\","
	        "\"properties\":[{\"name\":\"aquasecurity:trivy:FilePath\",\"value\":"
	        "\"app/node_modules/@a/b/package.json\"}]}]}",
	        "app/node_modules/@a/b/package.json:\nnpm @a/b 1 - - - 0\n"
	        "document:\ndeb libssl3 3.0 - openssl 2:3.1-1 0\n"
	        "os debian 12 -\n");
}

static void cyclonedx_of_syft(void **state)
{
	read_document(
	        "{\"components\":[{\"type\":\"library\",\"name\":\"zope.interface\",\"purl\":"
	        "\"pkg:pypi/zope-interface@5\",\"properties\":[{\"name\":\"syft:location:0:path\","
	        "\"value\":\"/usr/x/"
	        "METADATA\"}]},{\"type\":\"library\",\"name\":\"busybox\",\"purl\":"
	        "\"pkg:apk/alpine/ssl_client@1?upstream=busybox&distro=alpine-3.19.1\"},"
	        "{\"type\":\"file\",\"name\":\"/x\"}],\"bomFormat\":\"CycloneDX\"}",
	        "document:\napk ssl_client 1 - busybox - 0\n"
	        "usr/x/METADATA:\npypi zope.interface 5 - - - 0\n"
	        "os alpine 3.19.1 -\n");
}

static void spdx_of_others(void **state)
{
	read_document(
	        "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"name\":\"debian\",\"versionInfo\":"
	        "\"12.5\",\"primaryPackagePurpose\":\"OPERATING-SYSTEM\"},{\"name\":\"libssl3\","
	        "\"sourceInfo\":\"built package from: openssl 1:3-1\",\"externalRefs\":[{"
	        "\"referenceType\":\"cpe23Type\",\"referenceLocator\":\"cpe:x\"},{"
	        "\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:deb/debian/libssl3@3\"}]},"
	        "{\"name\":\"a\",\"sourceInfo\":\"acquired package info from DPKG DB: "
	        "/var/lib/dpkg/status, /x\",\"externalRefs\":[{\"referenceType\":\"purl\","
	        "\"referenceLocator\":\"pkg:deb/debian/a@1\"}]}],\"relationships\":[]}",
	        "document:\ndeb libssl3 3 - openssl 1:3-1 0\n"
	        "var/lib/dpkg/status:\ndeb a 1 - - - 0\n"
	        "os debian 12 -\n");
}

static void nested_components(void **state)
{
	auto_buf struct buf json = {0};
	buf_puts(&json, "{\"bomFormat\":\"CycloneDX\",\"components\":[");
	for (int i = 0; i < 50; i++)
		buf_printf(&json,
		        "{\"type\":\"library\",\"purl\":\"pkg:npm/a%02d@1\",\"components\":[", i);
	for (int i = 0; i < 50; i++)
		buf_puts(&json, "]}");
	buf_puts(&json, "]}");
	auto_package_set struct package_set set = {0};
	struct err e = ERR_INIT;
	if (packages_of_sbom(json.p, json.n, &set, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(set.n_packages, 33);
	assert_int_equal(set.warnings.n, 1);
	assert_non_null(strstr(set.warnings.v[0], "too deep"));
}

static void what_is_not_understood(void **state)
{
	read_document("{\"bomFormat\":\"CycloneDX\",\"components\":["
	              "{\"type\":\"library\",\"purl\":\"pkg:gem/a@1\"},"
	              "{\"type\":\"library\",\"purl\":\"pkg:gem/b@1\"},"
	              "{\"type\":\"library\",\"purl\":\"pkg:npm/b\"},"
	              "{\"type\":\"library\",\"purl\":\"nonsense\"},"
	              "{\"type\":\"library\",\"name\":\"c\"},"
	              "{\"type\":\"container\",\"purl\":\"pkg:oci/b@1\"},"
	              "{\"type\":\"library\",\"purl\":\"pkg:npm/a@1\",\"properties\":[{\"name\":"
	              "\"hew:path\",\"value\":\"a\\u001b\"}]}]}",
	        "document:\nnpm a 1 - - - 0\n"
	        "! a package of type gem, which is not known here, and 1 more\n"
	        "! a package without a version\n"
	        "! a package whose URL cannot be read\n"
	        "! a package without a URL\n");
}

static void what_is_no_document(void **state)
{
	static const char *const broken[] = {"", "{}", "[]", "null", "{\"bomFormat\":\"x\"}",
	        "{\"bomFormat\":\"CycloneDX\"", "{\"bomFormat\":\"CycloneDX\",\"components\":[{]}",
	        "{\"spdxVersion\":\"SPDX-3.0\"}", "SPDXVersion: SPDX-2.3\n", "<bom/>"};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		read_document(broken[i], "corrupt");
	read_document("{\"bomFormat\":\"CycloneDX\"}", "");
	read_document("{\"bomFormat\":\"CycloneDX\",\"components\":{\"a\":{\"purl\":1}}}", "");
	read_document("{\"bomFormat\":\"CycloneDX\",\"components\":[1,null,\"x\",[{}]]}", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(urls_of_all_tools),
	        cmocka_unit_test(a_long_url_is_refused),
	        cmocka_unit_test(a_release_has_a_length),
	        cmocka_unit_test(cyclonedx_of_trivy),
	        cmocka_unit_test(cyclonedx_of_syft),
	        cmocka_unit_test(spdx_of_others),
	        cmocka_unit_test(nested_components),
	        cmocka_unit_test(what_is_not_understood),
	        cmocka_unit_test(what_is_no_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
