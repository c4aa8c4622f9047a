// SPDX-License-Identifier: Apache-2.0
// What a step sees as its file system, and what stays in the layer of it: system mounts, layers,
// mounts of the specification, stubs.
#include "sandbox_fixture.h"

#include "sandbox/root-int.h"
#include "sandbox/step-int.h"

#include <sys/xattr.h>

static void system_mounts_are_docker_s(void **state)
{
	static const struct {
		const char *line, *out;
	} rows[] = {
	        // masked
	        {"for f in keys timer_list kcore interrupts sched_debug latency_stats; do "
	         "test ! -e /proc/$f || cat /proc/$f; done | wc -c",
	                "0"},
	        {"for d in acpi scsi asound; do test ! -d /proc/$d || ls /proc/$d; done | wc -l",
	                "0"},
	        {"ls /sys/firmware | wc -l", "0"},
	        {"(echo x > /sys/firmware/x) 2>&1 | grep -c 'Read-only'", "1"},
	        // read-only
	        {"(echo 1 > /proc/sys/kernel/panic) 2>&1 | grep -c 'Read-only'", "1"},
	        {"test ! -e /proc/sysrq-trigger && echo 1 || (echo b > /proc/sysrq-trigger) 2>&1 | "
	         "grep -c 'Read-only'",
	                "1"},
	        {"(mkdir /sys/fs/x) 2>&1 | grep -c 'Read-only'", "1"},
	        {"(mkdir /sys/fs/cgroup/x) 2>&1 | grep -c 'Read-only'", "1"},
	        // dev
	        {"ls /dev", "core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\ns"
	                    "tdout\n"
	                    "tty\nurandom\nzero"},
	        {"stat -c '%F %t:%T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom "
	         "/dev/tty",
	                "character special file 1:3\ncharacter special file 1:5\n"
	                "character special file 1:7\ncharacter special file 1:8\n"
	                "character special file 1:9\ncharacter special file 5:0"},
	        {"echo x > /dev/null && head -c 2 /dev/zero | wc -c", "2"},
	        {"head -c 5 /dev/urandom | wc -c", "5"},
	        {"(echo x > /dev/full) 2>&1 | grep -c 'No space'", "1"},
	        {"readlink /dev/fd; readlink /dev/ptmx; stat -c %a /dev/shm",
	                "/proc/self/fd\npts/ptmx\n1777"},
	        {"ls /proc | grep -E '^[0-9]+$' | head -2", "1\n2"},
	        {"stat -f -c %T /dev/mqueue /dev/pts", NULL},
	        // only loopback addresses of others' namespaces: the IPC and UTS namespaces are new
	        {"cat /proc/sysvipc/shm | wc -l", "1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_run(run(rows[i].line), 0, rows[i].out);
	}
}

static void every_writable_mount_is_nodev(void **state)
{
	// devpts must open its own nodes; single nodes are bound one by one.
	check_run(
	        run("grep -vE ' /dev/(pts|null|zero|full|random|urandom|tty) ' /proc/self/mounts | "
	            "grep -vE '/dev/null|nodev'; true"),
	        0, NULL);
	struct outcome *o =
	        run("while read dev at type opts rest; do case $at in "
	            "/dev/pts|/dev/null|/dev/zero|/dev/full|/dev/random|/dev/urandom|/dev/tty|"
	            "/proc/*) continue;; esac; "
	            "case ,$opts, in *,nodev,*) ;; *) echo $at $opts;; esac; "
	            "done < /proc/self/mounts");
	check_run(o, 0, "");
	check_run(run("mknod /n c 1 3 && mknod /dev/n c 1 3 && mknod /dev/shm/n c 1 3; "
	              "for f in /n /dev/n /dev/shm/n; do cat $f; done 2>&1 | grep -c 'Permission "
	              "denied'"),
	        0, "3");
}

static void nothing_of_the_host_is_mounted(void **state)
{
	check_run(run("while read id parent dev root at rest; do case $at in "
	              "/|/proc|/proc/*|/sys|/sys/*|/dev|/dev/*|/etc/hosts|/etc/resolv.conf) ;; "
	              "*) echo $at;; esac; done < /proc/self/mountinfo; "
	              "grep -c ' / / ' /proc/self/mountinfo; ls /../../.. | grep -c upper"),
	        1, "1\n0");
	// The mount point of the root has no parent that is listed.
	check_run(run("cut() { busybox cut \"$@\"; }; "
	              "root=$(grep ' / / ' /proc/self/mountinfo | cut -d' ' -f2); "
	              "grep -c \"^$root \" /proc/self/mountinfo"),
	        1, "0");
}

static void network_none_has_only_loopback(void **state)
{
	struct step_spec s = plain_step();
	s.network = STEP_NET_NONE;
	check_run(run_in(&s, "ls /sys/class/net; ip -o link | grep -c 'LOOPBACK,UP'; "
	                     "busybox ping -c 1 -W 1 127.0.0.1 > /dev/null && echo reached"),
	        0, "lo\n1\nreached");
}

static void names_are_given(void **state)
{
	struct step_spec s = plain_step();
	s.hosts = "1.2.3.4 a\n";
	s.resolv_conf = "nameserver 9.9.9.9\n";
	check_run(run_in(&s, "cat /etc/hosts /etc/resolv.conf; (echo x >> /etc/hosts) 2>&1 | "
	                     "grep -c Read-only; test ! -e /etc/hostname && echo none"),
	        0, "1.2.3.4 a\nnameserver 9.9.9.9\n1\nnone");
	s = plain_step();
	s.etc_writable = true;
	s.hosts = "1.2.3.4 a\n";
	check_run(run_in(&s, "echo x >> /etc/hosts && cat /etc/hosts /etc/hostname"), 0,
	        "1.2.3.4 a\nx\nbuildkitsandbox");
}

static void user_mounts(void **state)
{
	auto_fd int dir = make_dir("source");
	put_file(dir, "f", "data\n", 0644);
	auto_fd int file = must(openat(dir, "f", O_PATH | O_CLOEXEC), "f");
	const int fds[] = {dir, file};
	struct step_mount mounts[] = {
	        {.type = STEP_BIND, .target = "/mnt/ro", .source_fd = 0, .read_only = true},
	        {.type = STEP_BIND, .target = "/mnt/rw", .source_fd = 0},
	        {.type = STEP_BIND, .target = "/mnt/file", .source_fd = 1, .read_only = true},
	        {.type = STEP_TMPFS, .target = "/run/tmp/below", .size = 1 << 20},
	        {.type = STEP_TMPFS, .target = "/run/tmp", .mode = 0750, .uid = 5, .gid = 6},
	        {.type = STEP_FILE,
	                .target = "/run/secrets/s",
	                .mode = 0400,
	                .uid = 7,
	                .data = "top",
	                .data_len = 3,
	                .read_only = true},
	};
	struct step_spec s = plain_step();
	s.bind_fds = fds;
	s.n_bind_fds = ARRAY_LEN(fds);
	s.mounts = mounts;
	s.n_mounts = ARRAY_LEN(mounts);
	struct outcome *o = run_in(&s,
	        "cat /mnt/ro/f /mnt/file; (echo x > /mnt/ro/g) 2>&1 | grep -c Read-only; "
	        "echo new > /mnt/rw/g; cat /mnt/ro/g; "
	        "stat -c '%a %u:%g' /run/tmp /run/tmp/below /run/secrets/s; "
	        "cat /run/secrets/s; "
	        "dd if=/dev/zero of=/run/tmp/below/big bs=1M count=2 2>&1 | grep -c 'No space'");
	check_run(o, 0, "data\ndata\n1\nnew\n750 5:6\n1777 0:0\n400 7:0\ntop1");
	struct stat st;
	assert_int_equal(fstatat(dir, "g", &st, 0), 0);
	// Nothing of all that is in the layer.
	assert_int_equal(fstatat(fx.upper, "mnt", &st, 0), -1);
	assert_int_equal(fstatat(fx.upper, "run", &st, 0), -1);
	assert_int_equal(o->res.stubs.n, 0);
}

// Two layers: the upper one hides a file of the lower and adds one.
static void overlays(void **state)
{
	auto_fd int below = make_dir("below"), above = make_dir("above");
	must(mkdirat(below, "d", 0700), "d");
	put_file(below, "d/one", "1", 0644);
	put_file(below, "d/two", "2", 0644);
	must(mkdirat(above, "d", 0711), "d");
	must(mknodat(above, "d/one", S_IFCHR, 0), "whiteout");
	put_file(above, "d/three", "3", 0644);
	must(symlinkat("/d", above, "link"), "link");
	must(symlinkat("../../../../bin", above, "climb"), "climb");
	int fds[] = {above, below, above, below, -1, -1};
	struct step_mount mounts[] = {
	        {.type = STEP_OVERLAY, .target = "/ro", .source = "/", .n_lowers = 2},
	        {.type = STEP_OVERLAY, .target = "/link", .source = "link", .n_lowers = 2},
	        {.type = STEP_OVERLAY, .target = "/file", .source = "d/two", .n_lowers = 2},
	        {.type = STEP_OVERLAY,
	                .target = "/rw",
	                .source = "/../d",
	                .source_fd = 2,
	                .n_lowers = 2},
	};
	for (size_t i = 0; i < 3; i++)
		mounts[i].read_only = true;
	for (int legacy = 0; legacy < 2; legacy++) {
		struct step_spec s = plain_step();
		auto_fd int up = make_dir(legacy ? "legacy-up" : "up");
		auto_fd int work = make_dir(legacy ? "legacy-work" : "work-2");
		fds[4] = up;
		fds[5] = work;
		root_force_legacy = legacy;
		s.bind_fds = fds;
		s.n_bind_fds = ARRAY_LEN(fds);
		s.mounts = mounts;
		s.n_mounts = ARRAY_LEN(mounts);
		check_run(run_in(&s, "ls /ro /ro/d /link; cat /file; stat -c %a /link; "
		                     "(echo x > /ro/d/x) 2>&1 | grep -c Read-only; "
		                     "echo 4 > /rw/four; rm /rw/two; ls /rw; cat /ro/d/two"),
		        0,
		        "/link:\nthree\ntwo\n\n/ro:\nclimb\nd\nlink\n\n/ro/d:\nthree\ntwo\n"
		        "2711\n1\nfour\nthree\n2");
		root_force_legacy = false;
		struct stat st;
		assert_int_equal(fstatat(up, "d/four", &st, 0), 0);
		assert_int_equal(fstatat(above, "d/four", &st, 0), -1);
	}
	static const char *const missing[] = {"/d/one", "climb", "/nothing"};
	for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
		struct step_spec s = plain_step();
		auto_free char *clean = fs_clean_rel(missing[i]);
		auto_free char *want = xasprintf("mount '/ro': \"/%s\": not found", clean);
		mounts[0].source = missing[i];
		s.bind_fds = fds;
		s.n_bind_fds = 2;
		s.mounts = mounts;
		s.n_mounts = 1;
		check_refused(run_in(&s, "true"), ERR_CONTEXT, want);
	}
}

static void refused_mounts(void **state)
{
	struct step_mount m = {.type = STEP_TMPFS, .target = "/"};
	struct step_spec s = plain_step();
	s.mounts = &m;
	s.n_mounts = 1;
	check_refused(run_in(&s, "true"), ERR_SANDBOX, "nothing can be mounted on '/'");
	m.target = "/bin/busybox";
	s = plain_step();
	s.mounts = &m;
	s.n_mounts = 1;
	check_refused(run_in(&s, "true"), ERR_STEP,
	        "mount '/bin/busybox': mount target '/bin/busybox' is not a directory in the "
	        "image, but "
	        "the source is a directory");
	m.target = "/bin/../etc/../";
	s = plain_step();
	s.mounts = &m;
	s.n_mounts = 1;
	check_refused(run_in(&s, "true"), ERR_SANDBOX, "nothing can be mounted on '/'");
}

static void targets_follow_links_inside_the_root(void **state)
{
	auto_free char *outside = xasprintf("%s/outside", fx.dir);
	must(symlinkat("/../../../../../tmp/hew-sandbox-none/x", fx.lower, "climb"), "climb");
	must(symlinkat(outside, fx.lower, "absolute"), "absolute");
	must(symlinkat("loop", fx.lower, "loop"), "loop");
	struct step_mount m = {.type = STEP_FILE, .mode = 0644, .data = "in", .data_len = 2};
	static const struct {
		const char *target, *line, *out;
	} rows[] = {
	        {"/climb", "cat /tmp/hew-sandbox-none/x", "in"},
	        {"/absolute/y", "cat /absolute/y", "in"},
	        {"/../../y", "cat /y", "in"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		m.target = rows[i].target;
		s.mounts = &m;
		s.n_mounts = 1;
		check_run(run_in(&s, rows[i].line), 0, rows[i].out);
	}
	assert_int_equal(access(outside, F_OK), -1);
	assert_int_equal(access("/tmp/hew-sandbox-none", F_OK), -1);
	struct step_spec s = plain_step();
	m.target = "/loop";
	s.mounts = &m;
	s.n_mounts = 1;
	check_refused(run_in(&s, "true"), ERR_STEP,
	        "mount '/loop': open mount target '/loop': Too many levels of symbolic links");
	unlinkat(fx.lower, "climb", 0);
	unlinkat(fx.lower, "absolute", 0);
	unlinkat(fx.lower, "loop", 0);
}

static void stubs_leave_no_trace(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	must(utimensat(fx.lower, "etc", old, 0), "etc");
	must(utimensat(fx.lower, ".", old, 0), "root");
	struct step_spec s = plain_step();
	must(utimensat(fx.upper, ".", old, 0), "upper");
	struct step_mount m = {.type = STEP_TMPFS, .target = "/a/b/c"};
	s.mounts = &m;
	s.n_mounts = 1;
	check_run(run_in(&s, "test -d /a/b/c && test -f /etc/hosts"), 0, "");
	struct stat st;
	struct strv left = {0};
	struct err e = ERR_INIT;
	auto_fd int dir = must(openat(fx.upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "upper");
	assert_int_equal(fs_list_dir(dir, &left, &e), 0);
	assert_int_equal(left.n, 0);
	strv_release(&left);
	assert_int_equal(fstat(fx.upper, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
}

static void what_the_command_changed_stays(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	must(utimensat(fx.lower, "etc", old, 0), "etc");
	struct step_spec s = plain_step();
	struct step_mount m = {.type = STEP_TMPFS, .target = "/a/b"};
	s.mounts = &m;
	s.n_mounts = 1;
	check_run(run_in(&s, "echo x > /etc/mine; echo y > /a/other"), 0, "");
	struct stat st;
	assert_int_equal(fstatat(fx.upper, "etc/mine", &st, 0), 0);
	assert_int_equal(fstatat(fx.upper, "etc/hosts", &st, 0), -1);
	assert_int_equal(fstatat(fx.upper, "a/other", &st, 0), 0);
	assert_int_equal(fstatat(fx.upper, "a/b", &st, 0), -1);
	assert_int_equal(fstatat(fx.upper, "etc", &st, 0), 0);
	assert_true(st.st_mtim.tv_sec > 1000);
	// Only the mode was changed: the directory stays, with its old time.
	s = plain_step();
	check_run(run_in(&s, "chmod 700 /etc"), 0, "");
	assert_int_equal(fstatat(fx.upper, "etc", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
}

static void changes_go_to_the_upper_only(void **state)
{
	struct step_spec s = plain_step();
	put_file(fx.lower, "gone", "x", 0644);
	check_run(run_in(&s, "rm /gone && echo new > /tmp/new && cat /tmp/new"), 0, "new");
	struct stat st;
	assert_int_equal(fstatat(fx.lower, "gone", &st, 0), 0);
	assert_int_equal(fstatat(fx.lower, "tmp/new", &st, 0), -1);
	assert_int_equal(fstatat(fx.upper, "tmp/new", &st, 0), 0);
	assert_int_equal(fstatat(fx.upper, "gone", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	unlinkat(fx.lower, "gone", 0);
}

static void many_layers(void **state)
{
	static const size_t counts[] = {2, 64, 300};
	for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
		size_t n = counts[k];
		int *lowers = xcalloc(n, sizeof *lowers);
		for (size_t i = 0; i < n - 1; i++) {
			auto_free char *name = xasprintf("layer%zu", i);
			(void)mkdirat(fx.dirfd, name, 0755);
			lowers[i] = must(openat(fx.dirfd, name, O_PATH | O_CLOEXEC), name);
			auto_free char *text = xasprintf("%zu\n", i);
			put_file(lowers[i], "which", text, 0644);
			auto_free char *own = xasprintf("own%zu", i);
			put_file(lowers[i], own, "", 0644);
		}
		lowers[n - 1] = fx.lower;
		struct step_spec s = plain_step();
		s.lowers = lowers;
		s.n_lowers = n;
		auto_free char *want = xasprintf("0\n%zu", n - 1);
		check_run(run_in(&s, "cat /which; ls / | grep -c own"), 0, want);
		for (size_t i = 0; i < n - 1; i++)
			close(lowers[i]);
		free(lowers);
	}
}

static void read_only_root(void **state)
{
	struct step_spec s = plain_step();
	s.upper = s.work = -1;
	struct step_mount m = {.type = STEP_TMPFS, .target = "/made/for/it"};
	s.mounts = &m;
	s.n_mounts = 1;
	s.cwd = "/made/too";
	check_run(run_in(&s,
	                  "(echo x > /x) 2>&1 | grep -c Read-only; echo y > /made/for/it/y && pwd; "
	                  "echo z > /dev/shm/z && cat /etc/hosts | wc -l"),
	        0, "1\n/made/too\n2");
	struct stat st;
	assert_int_equal(fstatat(fx.lower, "made", &st, 0), -1);
}

static void one_directory_as_root(void **state)
{
	auto_fd int root = make_dir("single");
	fill_rootfs(root);
	struct step_spec s = plain_step();
	s.n_lowers = 0;
	s.upper = root;
	s.work = -1;
	check_run(run_in(&s, "echo x > /written; mknod /n c 1 3; cat /n 2>&1 | grep -c denied"), 0,
	        "1");
	struct stat st;
	assert_int_equal(fstatat(root, "written", &st, 0), 0);
	assert_int_equal(fstatat(root, "etc/hosts", &st, 0), -1);
}

static void root_without_directories(void **state)
{
	auto_fd int root = make_dir("bare");
	auto_free char *path = xasprintf("%s/lower/bin/busybox", fx.dir);
	must(linkat(AT_FDCWD, path, root, "busybox", 0), "link");
	struct step_spec s = plain_step();
	s.lowers = &root;
	const char *const argv[] = {"/busybox", "ls", "/", NULL};
	s.argv = argv;
	check_run(run_step(&s), 0, "busybox\ndev\netc\nproc\nsys");
	struct strv left = {0};
	struct err e = ERR_INIT;
	auto_fd int dir = must(openat(fx.upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "upper");
	assert_int_equal(fs_list_dir(dir, &left, &e), 0);
	assert_int_equal(left.n, 0);
	strv_release(&left);
}

// step_job as it is on a kernel that does not know lowerdir+.
static int legacy_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	root_force_legacy = true;
	return step_job(p, n, fds, n_fds, reply, e);
}

static int run_legacy(const struct step_spec *s)
{
	auto_buf struct buf payload = {0}, reply = {0};
	struct step_result res = {0};
	struct err e = ERR_INIT;
	int fds[16];
	step_encode(s, &payload);
	step_list_fds(s, fds);
	if (holder_call(fx.holder, "legacy", payload.p, payload.n, fds, step_count_fds(s), -1,
	            &reply, &e) < 0 ||
	        step_result_decode(&res, reply.p, reply.n, &e) < 0)
		fail_msg("%s", e.msg);
	step_result_release(&res);
	return res.exit_status;
}

static void older_kernels_way(void **state)
{
	struct step_spec s = plain_step();
	int p[2];
	must(pipe2(p, O_CLOEXEC), "pipe");
	auto_fd int null = must(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
	const char *const argv[] = {"sh", "-c", "echo old; touch /f", NULL};
	s.argv = argv;
	s.stdin_fd = s.stderr_fd = null;
	s.stdout_fd = p[1];
	assert_int_equal(run_legacy(&s), 0);
	close(p[1]);
	char out[8] = "";
	assert_int_equal(read(p[0], out, sizeof out), 4);
	assert_memory_equal(out, "old\n", 4);
	close(p[0]);
	struct stat st;
	assert_int_equal(fstatat(fx.upper, "f", &st, 0), 0);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_mounts_are_docker_s),
        cmocka_unit_test(every_writable_mount_is_nodev),
        cmocka_unit_test(nothing_of_the_host_is_mounted),
        cmocka_unit_test(network_none_has_only_loopback),
        cmocka_unit_test(names_are_given),
        cmocka_unit_test(user_mounts),
        cmocka_unit_test(overlays),
        cmocka_unit_test(refused_mounts),
        cmocka_unit_test(targets_follow_links_inside_the_root),
        cmocka_unit_test(stubs_leave_no_trace),
        cmocka_unit_test(what_the_command_changed_stays),
        cmocka_unit_test(changes_go_to_the_upper_only),
        cmocka_unit_test(many_layers),
        cmocka_unit_test(read_only_root),
        cmocka_unit_test(one_directory_as_root),
        cmocka_unit_test(root_without_directories),
        cmocka_unit_test(older_kernels_way),
};

SANDBOX_TEST_MAIN(tests, {"legacy", legacy_job})
