// SPDX-License-Identifier: Apache-2.0
// Credentials in docker's and podman's files, helpers, login and logout.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/credentials.h"
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/hew-credentials-XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	struct err e = ERR_INIT;
	auto_free char *path = xasprintf("%s/%s", dir, name);
	if (fs_replace_file(AT_FDCWD, path, text, strlen(text), mode, &e) < 0)
		fail_msg("%s", e.msg);
}

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	auto_free char *path = xasprintf("%s:%s", dir, getenv("PATH"));
	setenv("HOME", dir, 1);
	setenv("PATH", path, 1);
	unsetenv("DOCKER_CONFIG");
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("XDG_RUNTIME_DIR");
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	return fs_remove_tree(AT_FDCWD, dir, &e);
}

static bool pushes;

// "user:password", "id:token", "reg:token" or "none".
static char *find(const char *host, const char *repository)
{
	struct credentials c = {0};
	struct err e = ERR_INIT;
	const struct credential_need need = {host, repository, pushes};
	if (credentials_find(dir, &need, &c, &e) < 0)
		return xasprintf("error: %s", e.msg);
	char *got = c.username         ? xasprintf("%s:%s", c.username, c.password)
	            : c.identity_token ? xasprintf("id:%s", c.identity_token)
	            : c.registry_token ? xasprintf("reg:%s", c.registry_token)
	                               : xstrdup("none");
	credentials_release(&c);
	return got;
}

static void expect(const char *host, const char *repository, const char *want)
{
	auto_free char *got = find(host, repository);
	assert_non_null(got);
	if (strcmp(got, want) != 0)
		fail_msg("%s %s: got '%s', want '%s'", host, repository ? repository : "-", got,
		        want);
}

static const char config[] =
        "{\"auths\":{"
        "\"https://index.docker.io/v1/\":{\"auth\":\"aHViOnB3OngA\"},"
        "\"Reg.example.com\":{\"auth\":\"dTpw\"},"
        "\"https://old.example.com/v1/\":{\"username\":\"old\",\"password\":\"pw\"},"
        "\"127.0.0.1:5000\":{\"identitytoken\":\"tok\"},"
        "\"rt.example.com\":{\"registrytoken\":\"rt\"},"
        "\"empty.example.com\":{},"
        "\"bad.example.com\":{\"auth\":\"!!\"},"
        "\"multi.example.com\":{\"auth\":\"YTpi\"},"
        "\"multi.example.com/team\":{\"auth\":\"dGVhbTpw\"},"
        "\"multi.example.com/team/app\":{\"auth\":\"YXBwOnA=\"}"
        "},\"HttpHeaders\":{\"a\":\"b\"}}";

static const struct {
	const char *host, *repository, *want;
} rows[] = {
        {"docker.io", "library/node", "hub:pw:x"},
        {"registry-1.docker.io", "library/node", "hub:pw:x"},
        {"index.docker.io", NULL, "hub:pw:x"},
        {"reg.example.com", "a", "u:p"},
        {"reg.example.com:443", "a", "none"},
        {"old.example.com", "a", "old:pw"},
        {"127.0.0.1:5000", "a", "id:tok"},
        {"127.0.0.1:5001", "a", "none"},
        {"rt.example.com", "a", "reg:rt"},
        {"empty.example.com", "a", "none"},
        {"bad.example.com", "a", "none"},
        {"multi.example.com", "x", "a:b"},
        {"multi.example.com", "team", "team:p"},
        {"multi.example.com", "team/x", "team:p"},
        {"multi.example.com", "teams/x", "a:b"},
        {"multi.example.com", "team/app/y", "app:p"},
        {"multi.example.com", NULL, "a:b"},
        {"example.com", "a", "none"},
};

static void test_auths(void **state)
{
	put("config.json", config, 0600);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].host, rows[i].repository, rows[i].want);
}

static void test_places(void **state)
{
	put("config.json", "{\"auths\":{\"a\":{\"auth\":\"dTpw\"}}}", 0600);
	put("auth.json", "{\"auths\":{\"a\":{\"auth\":\"eDp4\"},\"b\":{\"auth\":\"YTpi\"}}}", 0600);
	auto_free char *path = xasprintf("%s/auth.json", dir);
	expect("b", "r", "none");
	setenv("REGISTRY_AUTH_FILE", path, 1);
	expect("b", "r", "a:b");
	expect("a", "r", "u:p");
	setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"a\":{\"auth\":\"eDp4\"}}}", 1);
	expect("a", "r", "x:x");
	setenv("DOCKER_AUTH_CONFIG", "{", 1);
	auto_free char *broken = find("a", "r");
	assert_non_null(strstr(broken, "DOCKER_AUTH_CONFIG"));
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	put("config.json", "{\"auths\":[1,\"x\"],\"credHelpers\":5}", 0600);
	expect("a", "r", "none");
	put("config.json", "not json", 0600);
	auto_free char *bad = find("a", "r");
	assert_non_null(strstr(bad, "config.json"));
	put("config.json", "", 0600);
	expect("a", "r", "none");
}

static void put_scoped(const char *below, const char *host, const char *auth)
{
	struct err e = ERR_INIT;
	auto_free char *folder = xasprintf("%s/buildx/config/%s", dir, below);
	auto_free char *name = xasprintf("buildx/config/%s/config.json", below);
	auto_free char *text = xasprintf("{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", host, auth);
	assert_int_equal(fs_mkdir_p(AT_FDCWD, folder, 0700, &e), 0);
	put(name, text, 0600);
}

// buildx's folders, and where nothing else is known the variables of GitLab.
static void test_scoped(void **state)
{
	put("config.json", "{\"auths\":{\"a\":{\"auth\":\"dTpw\"}}}", 0600);
	put_scoped("a", "a", "aDpvc3Q=");           // h:ost
	put_scoped("a/team", "a", "dDplYW0=");      // t:eam
	put_scoped("a/team/app@pull", "a", "cDp1"); // p:u
	put_scoped("registry-1.docker.io/me@push", "docker.io", "aDp1Yg==");
	expect("a", "other", "h:ost");
	expect("a", "team", "t:eam");
	expect("a", "teams/x", "h:ost");
	expect("a", "team/app", "p:u");
	expect("a", NULL, "h:ost");
	expect("b", "team", "none");
	pushes = true;
	expect("a", "team/app", "t:eam");
	expect("docker.io", "me/app", "h:ub");
	expect("dhi.io", "me/app", "h:ub");
	pushes = false;
	expect("docker.io", "me/app", "none");
	setenv("CI_REGISTRY", "Gitlab.example:5050", 1);
	setenv("CI_REGISTRY_USER", "job", 1);
	expect("gitlab.example:5050", "x", "none");
	setenv("CI_REGISTRY_PASSWORD", "secret", 1);
	expect("gitlab.example:5050", "x", "job:secret");
	expect("gitlab.example", "x", "none");
	unsetenv("CI_REGISTRY");
	put("config.json", "{\"auths\":{\"docker.io\":{\"auth\":\"dTpw\"}}}", 0600);
	expect("dhi.io", "node", "u:p");
}

static const char helper[] = "#!/bin/sh\n"
                             "read -r line; echo \"$1 $line\" >> \"$HOME/calls\"\n"
                             "case \"$1 $line\" in\n"
                             "'get known.example.com'|'get file.example.com') echo "
                             "'{\"ServerURL\":\"x\",\"Username\":\"hu\",\"Secret\":\"hs\"}';;\n"
                             "'get https://index.docker.io/v1/') echo "
                             "'{\"Username\":\"<token>\",\"Secret\":\"refresh\"}';;\n"
                             "'get broken.example.com') echo '{';;\n"
                             "'get fail.example.com') echo 'keychain is locked'; exit 1;;\n"
                             "'get endless.example.com') exec yes;;\n"
                             "store*|erase*) ;;\n"
                             "*) echo 'credentials not found in native keychain'; exit 1;;\n"
                             "esac\n";

static void test_helpers(void **state)
{
	put("docker-credential-test", helper, 0755);
	put("config.json",
	        "{\"auths\":{\"other.example.com\":{\"auth\":\"dTpw\"},"
	        "\"file.example.com\":{\"auth\":\"dTpw\"}},\"credsStore\":\"test\","
	        "\"credHelpers\":{\"file.example.com\":\"\",\"gone.example.com\":\"not-installed\","
	        "\"path.example.com\":\"../x\"}}",
	        0600);
	expect("known.example.com", "r", "hu:hs");
	expect("docker.io", "r", "id:refresh");
	expect("unknown.example.com", "r", "none");
	expect("other.example.com", "r", "u:p");
	expect("gone.example.com", "r", "none");
	expect("file.example.com", "r", "u:p");
	static const struct {
		const char *host, *message;
	} bad[] = {
	        {"broken.example.com", "docker-credential-test"},
	        {"fail.example.com", "keychain is locked"},
	        {"endless.example.com", "more than 1048576 bytes"},
	        {"path.example.com", "not the name of a credential helper"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *got = find(bad[i].host, "r");
		if (!strstr(got, bad[i].message))
			fail_msg("%s: %s", bad[i].host, got);
	}
}

static void read_config(struct buf *out)
{
	struct err e = ERR_INIT;
	auto_free char *path = xasprintf("%s/config.json", dir);
	if (fs_read_file(AT_FDCWD, path, 1 << 20, out, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_store(void **state)
{
	struct err e = ERR_INIT;
	char *where = NULL;
	struct stat st;
	auto_buf struct buf text = {0};
	auto_free char *path = xasprintf("%s/config.json", dir);
	put("config.json", "{\"auths\":{\"keep\":{\"auth\":\"YTpi\"}},\"detachKeys\":\"ctrl-x\"}",
	        0644);
	assert_int_equal(credentials_store(dir, "docker.io", "me", "s:e", &where, &e), 0);
	assert_string_equal(where, path);
	free(where);
	expect("docker.io", "r", "me:s:e");
	expect("keep", "r", "a:b");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	read_config(&text);
	assert_non_null(strstr(text.p, "https://index.docker.io/v1/"));
	assert_non_null(strstr(text.p, "ctrl-x"));
	assert_null(strstr(text.p, "s:e"));
	assert_int_equal(credentials_erase(dir, "docker.io", &e), 0);
	expect("docker.io", "r", "none");
	expect("keep", "r", "a:b");
	assert_int_equal(credentials_erase(dir, "docker.io", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

// config.json as a link to a link to a file that others share; and to one that is not there.
static void test_store_link(void **state)
{
	struct err e = ERR_INIT;
	char *where = NULL;
	struct stat st;
	bool root = geteuid() == 0;
	auto_free char *path = xasprintf("%s/config.json", dir);
	auto_free char *middle = xasprintf("%s/middle", dir), *real = xasprintf("%s/real", dir);
	unlink(path);
	put("real", "{\"detachKeys\":\"ctrl-x\"}", 0640);
	assert_int_equal(chmod(real, 0640), 0);
	assert_int_equal(chown(real, root ? 12 : geteuid(), getegid()), 0);
	assert_int_equal(symlink("middle", path), 0);
	assert_int_equal(symlink(real, middle), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(credentials_store(dir, "docker.io", "me", "pw", &where, &e), 0);
		free(where);
		expect("docker.io", "r", "me:pw");
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		assert_int_equal(lstat(real, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | (i == 0 ? 0640 : 0600));
		assert_int_equal(st.st_uid, root && i == 0 ? 12 : geteuid());
		unlink(real);
	}
	unlink(path);
}

static void test_store_helper(void **state)
{
	struct err e = ERR_INIT;
	char *where = NULL;
	auto_buf struct buf calls = {0};
	auto_free char *path = xasprintf("%s/calls", dir);
	put("docker-credential-test", helper, 0755);
	put("config.json", "{\"credsStore\":\"test\"}", 0600);
	unlink(path);
	assert_int_equal(credentials_store(dir, "r.example.com", "me", "pw", &where, &e), 0);
	assert_string_equal(where, "docker-credential-test");
	free(where);
	assert_int_equal(credentials_erase(dir, "r.example.com", &e), 0);
	assert_int_equal(fs_read_file(AT_FDCWD, path, 4096, &calls, &e), 0);
	assert_string_equal(calls.p,
	        "store {\"ServerURL\":\"r.example.com\",\"Username\":\"me\",\"Secret\":\"pw\"}\n"
	        "erase r.example.com\n");
	put("config.json", "{\"credsStore\":\"not-installed\"}", 0600);
	assert_int_equal(credentials_store(dir, "r.example.com", "me", "pw", &where, &e), -1);
	assert_int_equal(e.kind, ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_auths),
	        cmocka_unit_test(test_places),
	        cmocka_unit_test(test_scoped),
	        cmocka_unit_test(test_helpers),
	        cmocka_unit_test(test_store),
	        cmocka_unit_test(test_store_link),
	        cmocka_unit_test(test_store_helper),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
