// SPDX-License-Identifier: Apache-2.0
// Ways out of a step that others had to close: process 1 and its program (CVE-2019-5736),
// descriptors and working directories of the host (CVE-2024-21626), links in the image where mounts
// go, keys, devices.
#include "sandbox_fixture.h"

#include "sandbox/scope.h"

#include <linux/keyctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static void process_1_is_closed(void **state)
{
	static const char *const links[] = {"root", "cwd", "exe", "fd/3", "fd/4", "ns/mnt"};
	static const char *const files[] = {"mem", "environ", "maps", "auxv", "stack"};
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		auto_free char *line =
		        xasprintf("readlink /proc/1/%s; ls /proc/1/%s/ 2> /dev/null | wc -l",
		                links[i], links[i]);
		check_run(run(line), 0, "0");
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *line = xasprintf("cat /proc/1/%s 2> /dev/null | wc -c", files[i]);
		check_run(run(line), 0, "0");
	}
	// The same asked of the command's own process is answered: the questions are good ones.
	check_run(run("readlink /proc/self/root; cat /proc/self/environ | wc -c"), 0, NULL);
	check_run(run("test -n \"$(readlink /proc/2/exe)\" && test -n \"$(cat /proc/2/maps)\" && "
	              "echo yes"),
	        0, "yes");
	check_run(run("kill -9 1; kill -STOP 1; echo still"), 0, "still");
}

static void only_stdio_is_open(void **state)
{
	// ls has the directory open itself.
	check_run(run("ls /proc/self/fd"), 0, "0\n1\n2\n3");
	check_run(run("exec 0<&- ; ls /proc/self/fd"), 0, "0\n1\n2");
	// Opened by the shell from the report socket or the holder's channel there would be more.
	check_run(run("for f in /proc/[0-9]*; do ls $f/fd 2>/dev/null | wc -l; done | busybox sort "
	              "-n | "
	              "busybox tail -1"),
	        0, NULL);
}

static void no_process_of_the_host(void **state)
{
	check_run(run("set -- /proc/[0-9]*; echo $#"), 0, "2"); // process 1, and the shell
	check_run(run("kill -0 $(busybox cut -d' ' -f4 /proc/1/stat) 2>/dev/null; "
	              "busybox cut -d' ' -f4 /proc/1/stat"),
	        0, "0");
}

static void working_directory_by_descriptor(void **state)
{
	// Some of these exist in processes of the holder; none may be entered.
	for (int fd = 0; fd < 40; fd++) {
		auto_free char *cwd = xasprintf("/proc/self/fd/%d", fd);
		struct step_spec s = plain_step();
		s.cwd = cwd;
		struct outcome *o = run_in(&s, "pwd");
		if (o->r == 0)
			fail_msg("%s is '%s'", cwd, o->out);
	}
	static const char *const more[] = {"/proc/self/cwd", "/proc/1/cwd", "/proc/1/root",
	        "/proc/self/fd/7/../../..", "/proc/self/root"};
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		struct step_spec s = plain_step();
		s.cwd = more[i];
		struct outcome *o = run_in(&s, "pwd; ls -d /etc/passwd");
		if (o->r == 0)
			fail_msg("%s is '%s'", more[i], o->out);
	}
	// And by a link in the image.
	must(symlinkat("/proc/self/fd/8/", fx.lower, "wd"), "wd");
	struct step_spec s = plain_step();
	s.cwd = "/wd";
	assert_int_equal(run_in(&s, "pwd")->r, -1);
	unlinkat(fx.lower, "wd", 0);
}

static void links_where_system_mounts_go(void **state)
{
	static const char *const names[] = {"proc", "sys", "dev"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		must(renameat(fx.lower, names[i], fx.lower, "moved"), "rename");
		must(symlinkat("/etc", fx.lower, names[i]), names[i]);
		auto_free char *msg = xasprintf("'/%s' must not be a link in the image", names[i]);
		struct step_spec s = plain_step();
		struct outcome *o = run_in(&s, "true");
		unlinkat(fx.lower, names[i], 0);
		must(renameat(fx.lower, "moved", fx.lower, names[i]), "rename");
		check_refused(o, ERR_STEP, msg);
		// A link to nowhere likewise.
		must(renameat(fx.lower, names[i], fx.lower, "moved"), "rename");
		must(symlinkat("/nowhere", fx.lower, names[i]), names[i]);
		s = plain_step();
		o = run_in(&s, "true");
		unlinkat(fx.lower, names[i], 0);
		must(renameat(fx.lower, "moved", fx.lower, names[i]), "rename");
		check_refused(o, ERR_STEP, msg);
	}
}

static void magic_links_are_no_mount_targets(void **state)
{
	static const char *const targets[] = {"/proc/self/root/x", "/proc/self/cwd",
	        "/proc/1/root/etc", "/proc/self/fd/5", "/proc/self/exe"};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct step_mount m = {
		        .type = STEP_FILE, .target = targets[i], .data = "x", .data_len = 1};
		struct step_spec s = plain_step();
		s.mounts = &m;
		s.n_mounts = 1;
		struct outcome *o = run_in(&s, "true");
		if (o->r == 0)
			fail_msg("'%s' was mounted on", targets[i]);
	}
}

static void system_calls_are_filtered(void **state)
{
	check_run(run("mount -t tmpfs none /tmp"), 1, "mount: permission denied (are you root?)");
	check_run(run("busybox umount /proc 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("hostname other 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("busybox unshare -m true 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("busybox unshare -U true 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("busybox dmesg 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("busybox date -s 2020-01-01 2>&1 | grep -c 'not permitted'"), 0, "1");
	check_run(run("busybox chroot / true"), 0, "");
}

static void the_holder_s_program_is_no_interpreter(void **state)
{
	// Would run hew inside the image, with the image's libraries, and leave a handle on its
	// file.
	put_file(fx.lower, "evil", "#!/proc/self/exe\n", 0755);
	struct step_spec s = plain_step();
	const char *const argv[] = {"/evil", NULL};
	s.argv = argv;
	struct outcome *o = run_step(&s);
	assert_true(o->r < 0 || o->res.exit_status != 0);
	unlinkat(fx.lower, "evil", 0);
}

static bool key_is_listed(const char *text)
{
	return strstr(text, "hew-test-key") != NULL;
}

static void keys_stay_outside(void **state)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) {
		print_message("no keyrings here\n");
		skip();
	}
	long key = syscall(SYS_add_key, "user", "hew-test-key", "x", 1, KEY_SPEC_SESSION_KEYRING);
	must((int)key, "add_key");
	// Seen by whoever possesses it, only.
	must((int)syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f000000), "setperm");
	struct err e = ERR_INIT;
	struct holder *outer = fx.holder;
	fx.holder = holder_start(&e); // with our session keyring
	assert_non_null(fx.holder);
	auto_buf struct buf ours = {0};
	assert_int_equal(fs_read_file(AT_FDCWD, "/proc/keys", 1 << 20, &ours, &e), 0);
	assert_true(key_is_listed(buf_cstr(&ours)));
	struct step_spec s = plain_step();
	s.insecure = true; // /proc/keys is masked otherwise
	struct outcome *o = run_in(&s, "cat /proc/keys");
	holder_stop(fx.holder);
	fx.holder = outer;
	check_run(o, 0, NULL);
	assert_true(strstr(o->out, "_ses") != NULL);
	assert_false(key_is_listed(o->out));
}

static void devices_do_not_open(void **state)
{
	check_run(run("mknod /disk b 8 0; mknod /mem c 1 1; mknod /tmp/kmsg c 1 11; "
	              "for f in /disk /mem /tmp/kmsg; do head -c 1 $f; done 2>&1 | "
	              "grep -c 'Permission denied'"),
	        0, "3");
	// A node that came with a layer is no better.
	must(mknodat(fx.lower, "null2", S_IFCHR | 0666, 0x103), "mknod");
	check_run(run("cat /null2 2>&1 | grep -c 'Permission denied'"), 0, "1");
	unlinkat(fx.lower, "null2", 0);
}

static void a_cache_full_of_links(void **state)
{
	// A directory that another step can write: its links must not lead a mount out of the root.
	auto_fd int cache = make_dir("cache");
	auto_free char *victim = xasprintf("%s/victim", fx.dir);
	must(mkdir(victim, 0755), victim);
	must(symlinkat(victim, cache, "out"), "out");
	must(symlinkat("../../../../../../../..", cache, "up"), "up");
	static const char *const targets[] = {"/c/out/x", "/c/up/tmp/hew-escaped"};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct step_mount m[] = {{.type = STEP_BIND, .target = "/c", .source_fd = 0},
		        {.type = STEP_FILE,
		                .target = targets[i],
		                .mode = 0644,
		                .data = "x",
		                .data_len = 1}};
		struct step_spec s = plain_step();
		const int fds[] = {cache};
		s.bind_fds = fds;
		s.n_bind_fds = 1;
		s.mounts = m;
		s.n_mounts = 2;
		auto_free char *line = xasprintf("cat %s", targets[i]);
		check_run(run_in(&s, line), 0, "x");
	}
	auto_free char *escaped = xasprintf("%s/x", victim);
	assert_int_equal(access(escaped, F_OK), -1);
	assert_int_equal(access("/tmp/hew-escaped", F_OK), -1);
}

static int connect_to(const char *name, size_t n)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	memcpy(a.sun_path, name, n);
	auto_fd int fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	return connect(fd, (struct sockaddr *)&a, (socklen_t)(sizeof a.sun_family + n)) < 0 ? errno
	                                                                                    : 0;
}

// busybox has no client for them, so this asks the very function that process 1 calls.
static void abstract_sockets_of_the_host(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "hew-test-%d", (int)getpid()) + 1;
	auto_fd int fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(fd, (struct sockaddr *)&a, (socklen_t)(sizeof a.sun_family + (size_t)n)), "bind");
	must(listen(fd, 5), "listen");
	assert_int_equal(connect_to(a.sun_path, (size_t)n), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (!scope_abstract_sockets())
			_exit(77);
		_exit(connect_to(a.sun_path, (size_t)n) == EPERM ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(abstract_sockets_of_the_host),
        cmocka_unit_test(process_1_is_closed),
        cmocka_unit_test(only_stdio_is_open),
        cmocka_unit_test(no_process_of_the_host),
        cmocka_unit_test(working_directory_by_descriptor),
        cmocka_unit_test(links_where_system_mounts_go),
        cmocka_unit_test(magic_links_are_no_mount_targets),
        cmocka_unit_test(system_calls_are_filtered),
        cmocka_unit_test(the_holder_s_program_is_no_interpreter),
        cmocka_unit_test(keys_stay_outside),
        cmocka_unit_test(devices_do_not_open),
        cmocka_unit_test(a_cache_full_of_links),
};

SANDBOX_TEST_MAIN(tests)
