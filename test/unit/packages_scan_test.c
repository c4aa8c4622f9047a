// SPDX-License-Identifier: Apache-2.0
// Which files are looked at, what each kind of them says, package URLs, and what survives being
// kept. What programs write is compared with their own words in test/e2e/packages.bats.
#include "layer_fixture.h"

#include "packages/packages-int.h"

static struct content content_of(const char *text, size_t n)
{
	return (struct content){.fd = -1, .data = text, .size = n};
}

static void test_kinds(void **state)
{
	static const struct {
		const char *path;
		enum file_kind kind;
	} rows[] = {
	        {"var/lib/dpkg/status", FILE_DPKG_STATUS},
	        {"var/lib/dpkg/status-old", FILE_NONE},
	        {"var/lib/dpkg/status.d/tzdata", FILE_DPKG_STATUS},
	        {"var/lib/dpkg/status.d/tzdata.md5sums", FILE_DPKG_SUMS},
	        {"var/lib/dpkg/info/tzdata.list", FILE_DPKG_LIST},
	        {"var/lib/dpkg/info/tzdata.md5sums", FILE_NONE},
	        {"lib/apk/db/installed", FILE_APK},
	        {"usr/lib/apk/db/installed", FILE_APK},
	        {"srv/lib/apk/db/installed", FILE_NONE},
	        {"var/lib/rpm/Packages", FILE_RPM_BDB},
	        {"usr/lib/sysimage/rpm/Packages.db", FILE_RPM_NDB},
	        {"etc/os-release", FILE_RELEASE},
	        {"node_modules/a/package.json", FILE_NPM},
	        {"x/node_modules/@s/a/package.json", FILE_NPM},
	        {"x/node_modules/a/node_modules/b/package.json", FILE_NPM},
	        {"x/node_modules/a/test/package.json", FILE_NONE},
	        {"x/node_modules/a/test/fixture/package.json", FILE_NONE},
	        {"node_modules/package.json", FILE_NONE},
	        {"package.json", FILE_NONE},
	        {"a-1.dist-info/METADATA", FILE_PYTHON},
	        {"x/METADATA", FILE_NONE},
	        {"METADATA", FILE_NONE},
	        {"x/a.egg-info/PKG-INFO", FILE_PYTHON},
	        {"x/a.egg/EGG-INFO/PKG-INFO", FILE_PYTHON},
	        {"x/a-1.egg-info", FILE_PYTHON},
	        {"opt/A.JAR", FILE_JAR},
	        {"jar", FILE_NONE},
	        {"a/package-lock.json", FILE_NPM_LOCK},
	        {"poetry.lock", FILE_TOML_LOCK},
	        {"", FILE_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (file_kind_of(rows[i].path) != rows[i].kind)
			fail_msg("'%s' is taken for %d", rows[i].path, file_kind_of(rows[i].path));
	}
}

// A package a line: "type name version [arch] [source] [source version] [flags]"
static void print_set(const struct package_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n_packages; i++) {
		const struct package *p = &s->packages[i];
		buf_printf(out, "%s %s %s", package_type_name(p->type), p->name, p->version);
		const char *more[] = {p->arch, p->source, p->source_version};
		for (size_t k = 0; k < ARRAY_LEN(more); k++) {
			if (more[k])
				buf_printf(out, " %s", more[k]);
		}
		if (p->flags & PACKAGE_HEADERS)
			buf_puts(out, " headers");
		if (p->flags & PACKAGE_MAIN)
			buf_puts(out, " main");
		buf_putc(out, '\n');
	}
}

static const struct {
	const char *name, *path, *text, *want;
	bool damaged;
} files[] = {
        {"dpkg", "var/lib/dpkg/status",
                "Package: a\nStatus: install ok installed\nArchitecture: amd64\nSource: s (2.0)\n"
                "Version: 1:2.0-1+b2\nDescription: x\n Version: 9\n\n"
                "Package: b\nStatus: deinstall ok config-files\nVersion: 1\n\n"
                "Package: c\nStatus: hold ok installed\nVersion: 1.0+b1\n\n\n"
                "Package: d\nStatus: install ok half-installed\nVersion: 1\n\n"
                "Package: linux-libc-dev\nStatus: install ok installed\nSource: linux\nVersion: "
                "6.1-1",
                "deb a 1:2.0-1+b2 amd64 s 2.0\ndeb c 1.0+b1 1.0\ndeb linux-libc-dev 6.1-1 linux "
                "headers\n",
                false},
        {"a file of status.d", "var/lib/dpkg/status.d/tz",
                "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
                "deb tzdata 2024a-0+deb12u1 all\n", false},
        {"no version", "var/lib/dpkg/status.d/x", "Package: x\n\nVersion: 1\n", "", false},
        {"control characters", "var/lib/dpkg/status.d/x", "Package: x\x1b[1m\nVersion: 1\n", "",
                false},
        {"apk", "lib/apk/db/installed",
                "C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\n\nP:libcrypto3\nV:3.1.4-r1\nA:x86_"
                "64\no:openssl\nF:lib\nR:x",
                "apk musl 1.2.4-r2 x86_64\napk libcrypto3 3.1.4-r1 x86_64 openssl\n", false},
        {"npm", "node_modules/a/package.json", "{\"name\":\"@s/a\",\"version\":\"1.0.0\"}",
                "npm @s/a 1.0.0\n", false},
        {"npm without a version", "node_modules/a/package.json", "{\"name\":\"a\"}", "", false},
        {"npm, a number", "node_modules/a/package.json", "{\"name\":\"a\",\"version\":1}", "",
                false},
        {"npm, damaged", "node_modules/a/package.json", "{\"name\":\"a\",", "", true},
        {"npm lock 1", "package-lock.json",
                "{\"dependencies\":{\"a\":{\"version\":\"1.0.0\",\"dependencies\":{\"b\":{"
                "\"version\":\"2.0.0\"}}}}}",
                "npm a 1.0.0\nnpm b 2.0.0\n", false},
        {"npm lock 1, an alias", "package-lock.json",
                "{\"dependencies\":{\"x\":{\"version\":\"npm:@s/a@1.0.0\"},\"y\":{\"version\":"
                "\"npm:b@2.0.0\"}}}",
                "npm @s/a 1.0.0\nnpm b 2.0.0\n", false},
        {"yarn, aliases", "yarn.lock",
                "\"x@npm:@s/a@1.0.0\", \"y@npm:@s/a@^1\":\n  version \"1.0.0\"\n\n"
                "z@npm:b@2:\n  version \"2.0.1\"\n\n\"@t/c@npm:^3\":\n  version: 3.0.0\n",
                "npm @s/a 1.0.0\nnpm b 2.0.1\nnpm @t/c 3.0.0\n", false},
        {"yarn berry", "yarn.lock",
                "__metadata:\n  version: 6\n\n\"a@npm:^1.0.0\":\n  version: 1.0.1\n  resolution: "
                "\"a@npm:1.0.1\"\n\n"
                "\"me@workspace:.\":\n  version: 0.0.0-use.local\n",
                "npm a 1.0.1\n", false},
        {"pnpm 5", "pnpm-lock.yaml",
                "lockfileVersion: 5.4\npackages:\n\n  /@s/a/1.0.0_react@18.0.0:\n    dev: true\n  "
                "/b/2.0.0:\n    dev: true\n",
                "npm @s/a 1.0.0\nnpm b 2.0.0\n", false},
        {"pnpm 9", "pnpm-lock.yaml",
                "packages:\n\n  '@s/a@1.0.0':\n    engines: {}\n\n  b@2.0.0:\n    x: y\n",
                "npm @s/a 1.0.0\nnpm b 2.0.0\n", false},
        {"metadata", "x.dist-info/METADATA",
                "Metadata-Version: 2.1\r\nName: Foo.Bar\r\nVersion: 1.0\r\nName: "
                "other\r\n\r\nVersion: 2\r\n",
                "pypi Foo.Bar 1.0\n", false},
        {"requirements", "requirements.txt",
                "a==1\n# b==2\n-c d==3\ne [x] == 4 ; os_name==\"nt\"\nf==1.*\ng>=1\nh===5 "
                "--hash=x\\\n",
                "pypi a 1\npypi e 4\npypi h 5\n", false},
        {"requirements without a pin", "requirements.txt",
                "a>=2 ; python_version == \"3.8\"\nb  # was ==1.0\nc==\"1.0\"\nd==x\n"
                "e @ https://h/e?v==1\nf>=1 --opt==2\ng>=1,==1.2 # ==3\nh (==v2.0)\n"
                "i==1!2.0+l.1;x\n",
                "pypi g 1.2\npypi h v2.0\npypi i 1!2.0+l.1\n", false},
        {"jar, no archive", "a.jar", "PK", "", true},
        {"ndb, no database", "var/lib/rpm/Packages.db", "RpmP", "", true},
};

static void test_files(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_package_set struct package_set set = {0};
		auto_buf struct buf got = {0};
		struct scan s = {.set = &set, .path = files[i].path};
		struct err e = ERR_INIT;
		struct content c = content_of(files[i].text, strlen(files[i].text));
		int rc = scan_file(&s, file_kind_of(files[i].path), &c, &e);
		print_set(&set, &got);
		if (strcmp(buf_cstr(&got), files[i].want) != 0 || (rc != 0) != files[i].damaged)
			fail_msg("%s: %s\ngot\n%swant\n%s", files[i].name, e.msg, buf_cstr(&got),
			        files[i].want);
		if (rc)
			assert_true(e.msg[0] != '\0');
	}
}

// What was made for the fuzzer, with `more` bytes behind it. Caller frees.
static char *corpus(const char *name, size_t more, size_t *n)
{
	const char *slash = strrchr(__FILE__, '/');
	auto_free char *path =
	        xasprintf("%.*s/../fuzz/corpus/%s", (int)(slash - __FILE__), __FILE__, name);
	char *bytes = xcalloc(1, 8192);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	*n = fread(bytes, 1, 8192 - more, f) + more;
	fclose(f);
	return bytes;
}

static void check_program(const char *bytes, size_t n, const char *want)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf got = {0};
	struct scan s = {.set = &set, .path = "app"};
	struct err e = ERR_INIT;
	struct content c = content_of(bytes, n);
	MUST(scan_file(&s, FILE_PROGRAM, &c, &e), e);
	print_set(&set, &got);
	assert_string_equal(buf_cstr(&got), want);
}

// The module it is built from is marked; a vendor's suffix is no part of the toolchain's version.
static void test_go(void **state)
{
#define GO_MODULES "golang github.com/z/y v1.2.4\ngolang example.com/a 1.4.2 main\n"
	size_t n;
	auto_free char *bytes = corpus("program/go", 0, &n);
	check_program(bytes, n, "golang stdlib 1.22.12\n" GO_MODULES);
	char *version = memmem(bytes, n, "go1.22.12", 9);
	assert_non_null(version);
	memcpy(version, "go1.22-ab", 9);
	check_program(bytes, n, "golang stdlib 1.22\n" GO_MODULES);
}

static void check_damaged(
        enum file_kind kind, const struct content *c, const char *packages, const char *message)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf got = {0};
	struct scan s = {.set = &set, .path = "db"};
	struct err e = ERR_INIT;
	assert_int_equal(scan_file(&s, kind, c, &e), -1);
	print_set(&set, &got);
	assert_string_equal(buf_cstr(&got), packages);
	assert_non_null(strstr(e.msg, message));
}

// A header that is damaged is left out, a chain of pages that goes in a circle ends, and a database
// of any size is not read.
static void test_rpm_damage(void **state)
{
	static const char blob[] = "BlbS\2\0\0\0\1\0\0\0\4\0\0\0abcd";
	size_t n;
	auto_free char *ndb = corpus("rpm_ndb/one", 32, &n);
	memcpy(ndb + n - 32, blob, sizeof(blob) - 1);
	memcpy(ndb + 48, ndb + 32, 16); // the slot of what is sound goes behind
	memcpy(ndb + 32, "Slot\2\0\0\0", 8);
	ndb[40] = (char)((n - 32) / 16 & 0xff);
	ndb[41] = (char)((n - 32) / 16 >> 8);
	struct content c = content_of(ndb, n);
	check_damaged(
	        FILE_RPM_NDB, &c, "rpm bash 1:5.1.8-6.el9 x86_64\n", "a header of rpm is cut off");

	auto_free char *bdb = corpus("rpm_bdb/one", 0, &n);
	char *page = bdb + (size_t)3 * 512;
	memcpy(page + 16, "\3\0\0\0", 4); // the next is itself
	memcpy(page + 22, "\1\0", 2);     // a byte on it
	c = content_of(bdb, n);
	check_damaged(FILE_RPM_BDB, &c, "", "a package is cut off");

	c = (struct content){.fd = -1, .size = RPM_DATABASE_MAX + 1};
	check_damaged(FILE_RPM_SQLITE, &c, "", "it has more than 536870912 bytes");
}

static void test_release(void **state)
{
	static const char text[] = "PRETTY_NAME=\"A \\\"B\\\" C\"\nID=debian\n "
	                           "VERSION_ID='12'\n#ID=no\nVERSION_CODENAME=bookworm";
	auto_package_set struct package_set set = {0};
	struct scan s = {.set = &set, .path = "etc/os-release"};
	struct err e = ERR_INIT;
	struct content c = content_of(text, sizeof(text) - 1);
	MUST(scan_file(&s, FILE_RELEASE, &c, &e), e);
	assert_int_equal(set.n_releases, 1);
	const struct release *r = &set.releases[0].release;
	assert_string_equal(r->pretty, "A \"B\" C");
	assert_string_equal(r->id, "debian");
	assert_string_equal(r->version, "12");
	assert_string_equal(r->codename, "bookworm");
}

static void test_urls(void **state)
{
	static const struct release debian = {.id = "debian", .version = "12"};
	static const struct release alpine = {.id = "alpine", .version = "3.19.1"};
	static const struct release rocky = {.id = "rocky", .version = "9.4"};
	static const struct {
		struct package p;
		const struct release *release;
		const char *want;
	} rows[] = {
	        {{PACKAGE_DEB, 0, "libssl3", "3.0.16-1~deb12u1", "amd64", "openssl", NULL}, &debian,
	                "pkg:deb/debian/"
	                "libssl3@3.0.16-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl"},
	        {{PACKAGE_DEB, 0, "git", "1:2.39.5-0+deb12u2", "amd64", NULL, NULL}, NULL,
	                "pkg:deb/git@1%3A2.39.5-0%2Bdeb12u2?arch=amd64"},
	        {{PACKAGE_DEB, 0, "zlib", "1.2-1+b1", "amd64", NULL, "1.2-1"}, NULL,
	                "pkg:deb/zlib@1.2-1%2Bb1?arch=amd64&upstream=zlib%401.2-1"},
	        {{PACKAGE_APK, 0, "busybox", "1.36.1-r5", "x86_64", NULL, NULL}, &alpine,
	                "pkg:apk/alpine/busybox@1.36.1-r5?arch=x86_64&distro=3.19"},
	        {{PACKAGE_RPM, 0, "bash", "1:5.1-6.el9", "x86_64", NULL, NULL}, &rocky,
	                "pkg:rpm/rocky/bash@5.1-6.el9?arch=x86_64&distro=rocky-9.4&epoch=1"},
	        {{PACKAGE_NPM, 0, "@scope/name", "1.0.0", NULL, NULL, NULL}, &debian,
	                "pkg:npm/%40scope/name@1.0.0"},
	        {{PACKAGE_PYPI, 0, "Foo.Bar__baz", "1.0+l", NULL, NULL, NULL}, NULL,
	                "pkg:pypi/foo-bar-baz@1.0%2Bl"},
	        {{PACKAGE_GOLANG, 0, "golang.org/x/net", "v0.17.0", NULL, NULL, NULL}, NULL,
	                "pkg:golang/golang.org/x/net@v0.17.0"},
	        {{PACKAGE_CARGO, 0, "serde", "1.0.1", NULL, NULL, NULL}, NULL,
	                "pkg:cargo/serde@1.0.1"},
	        {{PACKAGE_MAVEN, 0, "org.a:b", "1.0", NULL, NULL, NULL}, NULL,
	                "pkg:maven/org.a/b@1.0"},
	        {{PACKAGE_MAVEN, 0, "b", "1.0", NULL, NULL, NULL}, NULL, "pkg:maven/b@1.0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		package_url(&rows[i].p, rows[i].release, &got);
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
}

// What is kept is what was found.
static void test_record(void **state)
{
	auto_package_set struct package_set set = {0}, again = {0};
	auto_buf struct buf json = {0}, second = {0};
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct scan s = {.set = &set, .path = files[i].path};
		struct err ignored = ERR_INIT;
		struct content c = content_of(files[i].text, strlen(files[i].text));
		s.cap_packages = set.n_packages; // each file starts a scanner of its own here
		s.cap_files = set.n_files;
		scan_file(&s, file_kind_of(files[i].path), &c, &ignored);
	}
	strv_add(&set.owned, "x/METADATA");
	strv_add(&set.warnings, "x: y");
	packages_write(&set, &json);
	MUST(packages_read(buf_cstr(&json), json.n, &again, &e), e);
	packages_write(&again, &second);
	assert_string_equal(buf_cstr(&json), buf_cstr(&second));
	assert_true(again.n_packages > 10);
	assert_int_equal(packages_read("{\"version\":0}", 13, &again, &e), -1);
	assert_int_equal(packages_read("[", 1, &again, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kinds),
	        cmocka_unit_test(test_files),
	        cmocka_unit_test(test_go),
	        cmocka_unit_test(test_rpm_damage),
	        cmocka_unit_test(test_release),
	        cmocka_unit_test(test_urls),
	        cmocka_unit_test(test_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
