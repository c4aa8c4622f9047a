// SPDX-License-Identifier: Apache-2.0
// One process run in a root: what it is told (ids, environment, directory, limits, program) and
// what comes back.
#include "sandbox_fixture.h"

#include <sys/resource.h>

static void status_comes_back(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *out;
	} rows[] = {
	        {"exit 0", 0, ""},
	        {"exit 7", 7, ""},
	        {"echo out; echo err >&2; exit 255", 255, "out\nerr"},
	        {"kill -TERM $$", 128 + 15, ""},
	        {"kill -KILL $$", 128 + 9, ""},
	        {"sh -c 'exit 3'", 3, ""},
	        {"nonsense", 127, "sh: nonsense: not found"},
	        {"(exit 4) & wait $!", 4, ""},
	        {"cat", 0, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_run(run(rows[i].line), rows[i].status, rows[i].out);
}

static void ids_are_what_was_asked(void **state)
{
	static const uint32_t groups[] = {7, 4242};
	static const struct {
		uint32_t uid, gid;
		size_t n_groups;
		const char *out;
	} rows[] = {
	        {0, 0, 0, "Uid: 0 0 0 0 Gid: 0 0 0 0 Groups:"},
	        {0, 5, 0, "Uid: 0 0 0 0 Gid: 5 5 5 5 Groups:"},
	        {1000, 1000, 0, "Uid: 1000 1000 1000 1000 Gid: 1000 1000 1000 1000 Groups:"},
	        {65534, 100, 2, "Uid: 65534 65534 65534 65534 Gid: 100 100 100 100 Groups: 7 4242"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		s.uid = rows[i].uid;
		s.gid = rows[i].gid;
		s.groups = groups;
		s.n_groups = rows[i].n_groups;
		check_run(run_in(&s, "echo $(grep -E '^(Uid|Gid|Groups):' /proc/self/status)"), 0,
		        rows[i].out);
	}
}

static void capabilities_are_docker_s(void **state)
{
	static const struct {
		uint32_t uid;
		const char *out;
	} rows[] = {
	        {0, "CapInh: 0000000000000000 CapPrm: 00000000a80425fb CapEff: 00000000a80425fb "
	            "CapBnd: 00000000a80425fb CapAmb: 0000000000000000 NoNewPrivs: 0 Seccomp: 2"},
	        {1000, "CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 "
	               "CapBnd: 00000000a80425fb CapAmb: 0000000000000000 NoNewPrivs: 0 Seccomp: "
	               "2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		s.uid = rows[i].uid;
		check_run(run_in(&s, "echo $(grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status)"),
		        0, rows[i].out);
	}
	struct step_spec s = plain_step();
	s.insecure = true;
	check_run(run_in(&s, "grep -E '^Seccomp:' /proc/self/status; mount -t tmpfs none /tmp && "
	                     "echo ok"),
	        0, "Seccomp:\t0\nok");
}

static void environment_is_exactly_given(void **state)
{
	struct step_spec s = plain_step();
	const char *const env[] = {TEST_PATH, "A=1", "EMPTY=", "SPACE=a b", NULL};
	const char *const argv[] = {"env", NULL};
	s.env = env;
	s.argv = argv;
	check_run(run_step(&s), 0, TEST_PATH "\nA=1\nEMPTY=\nSPACE=a b");
}

static void working_directory_is_made(void **state)
{
	static const struct {
		const char *cwd, *out;
	} rows[] = {
	        {"/", "/ 755 0:0"},
	        {"/root", "/root 755 0:0"},
	        {"/new/deep/er", "/new/deep/er 755 0:0"},
	        {"/link/below", "/root/below 755 0:0"},
	        {"/../../up", "/up 755 0:0"},
	        {"/dangling", "/root/target 755 0:0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		must(symlinkat("/root", fx.lower, "link"), "link");
		must(symlinkat("root/target", fx.lower, "dangling"), "dangling");
		s.cwd = rows[i].cwd;
		check_run(run_in(&s, "echo $(pwd -P) $(stat -c '%a %u:%g' .)"), 0, rows[i].out);
		unlinkat(fx.lower, "link", 0);
		unlinkat(fx.lower, "dangling", 0);
	}
}

static void made_directory_stays_in_the_layer(void **state)
{
	struct step_spec s = plain_step();
	s.cwd = "/stays/here";
	check_run(run_in(&s, "true"), 0, "");
	struct stat st;
	assert_int_equal(fstatat(fx.upper, "stays/here", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void root_may_enter_for_the_user(void **state)
{
	struct step_spec s = plain_step();
	must(mkdirat(fx.lower, "secret", 0700), "secret");
	s.cwd = "/secret";
	s.uid = 1000;
	check_run(run_in(&s, "echo in"), 0, "in");
	unlinkat(fx.lower, "secret", AT_REMOVEDIR);
}

static void refusals_are_docker_s(void **state)
{
	static const struct {
		const char *program, *cwd, *msg;
	} rows[] = {
	        {"foo", "/", "exec: \"foo\": executable file not found in $PATH"},
	        {"", "/", "exec: \"\": executable file not found in $PATH"},
	        {"/bin/foo", "/", "exec: \"/bin/foo\": stat /bin/foo: no such file or directory"},
	        {"/bin", "/", "exec: \"/bin\": is a directory"},
	        {"/plain", "/", "exec: \"/plain\": permission denied"},
	        {"/script", "/",
	                "exec /script: no such file or directory (its interpreter is missing)"},
	        {"/text", "/",
	                "exec /text: exec format error: it is neither a program that this machine "
	                "knows "
	                "nor a script that begins with '#!'"},
	        {"true", "/plain", "chdir to cwd (\"/plain\") failed: Not a directory"},
	        {"true", "/plain/x", "chdir to cwd (\"/plain/x\") failed: Not a directory"},
	        {"true", "/proc/self/fd/3", NULL},
	};
	put_file(fx.lower, "plain", "x", 0644);
	put_file(fx.lower, "script", "#!/no/such/shell\n", 0755);
	put_file(fx.lower, "text", "x", 0755);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		const char *const argv[] = {rows[i].program, NULL};
		s.argv = argv;
		s.cwd = rows[i].cwd;
		struct outcome *o = run_step(&s);
		check_refused(o, ERR_STEP, rows[i].msg ? rows[i].msg : o->e.msg);
	}
	unlinkat(fx.lower, "plain", 0);
	unlinkat(fx.lower, "script", 0);
	unlinkat(fx.lower, "text", 0);
}

static void limits_are_set_or_lowered(void **state)
{
	struct rlimit nofile;
	getrlimit(RLIMIT_NOFILE, &nofile);
	auto_free char *untouched = xasprintf("%llu", (unsigned long long)nofile.rlim_cur);
	check_run(run("ulimit -n"), 0, untouched);

	struct step_spec s = plain_step();
	const struct step_ulimit some[] = {{"nofile", 100, 200}, {"core", 0, 0}};
	s.ulimits = some;
	s.n_ulimits = ARRAY_LEN(some);
	check_run(run_in(&s, "ulimit -Sn; ulimit -Hn; ulimit -c"), 0, "100\n200\n0");

	s = plain_step();
	const struct step_ulimit high[] = {{"nofile", INT64_C(1) << 40, INT64_C(1) << 40}};
	s.ulimits = high;
	s.n_ulimits = 1;
	auto_free char *most = xasprintf("%llu", (unsigned long long)nofile.rlim_max);
	check_run(run_in(&s, "ulimit -Sn"), 0, most);

	s = plain_step();
	const struct step_ulimit bad[] = {{"nofiles", 1, 1}};
	s.ulimits = bad;
	s.n_ulimits = 1;
	check_refused(run_in(&s, "true"), ERR_SANDBOX, "unknown ulimit 'nofiles'");
}

static void small_things(void **state)
{
	check_run(run("umask"), 0, "0022");
	check_run(run("hostname"), 0, "buildkitsandbox");
	struct step_spec s = plain_step();
	s.hostname = "here";
	check_run(run_in(&s, "hostname; cat /etc/hosts"), 0,
	        "here\n127.0.0.1\tlocalhost here\n::1\tlocalhost ip6-localhost ip6-loopback");
	// The command leads a session of its own and has no terminal.
	check_run(run("tty; busybox cut -d' ' -f 4-7 /proc/self/stat"), 0, NULL);
	check_run(
	        run("test $$ = 2 && echo two; busybox cut -d' ' -f 6 /proc/$$/stat"), 0, "two\n2");
}

static void zombies_are_reaped(void **state)
{
	// The grandchild is orphaned and ends; a second later nothing of it may be left.
	check_run(
	        run("sh -c 'sleep 0.1 & exit 0'; sleep 0.4; ls -d /proc/[0-9]* | wc -l"), 0, NULL);
	check_run(run("for i in $(seq 20); do sh -c 'true & exit 0'; done; sleep 0.2; "
	              "grep -l 'State:.Z' /proc/[0-9]*/status | wc -l"),
	        0, "0");
}

static void background_processes_die_with_the_command(void **state)
{
	check_run(run("sleep 1000 & busybox setsid sleep 1000 & exit 5"), 5, "");
}

static void usage_is_told(void **state)
{
	struct outcome *o = run("i=0; while test $i -lt 20000; do i=$((i+1)); done");
	check_run(o, 0, "");
	assert_true(o->res.user_us + o->res.sys_us > 1000);
	assert_true(o->res.max_rss_kib > 100);
}

static void standard_output_can_be_opened_by_users(void **state)
{
	struct step_spec s = plain_step();
	s.uid = 1000;
	check_run(run_in(&s, "echo a > /dev/stdout; echo b > /dev/stderr"), 0, "a\nb");
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_comes_back),
        cmocka_unit_test(ids_are_what_was_asked),
        cmocka_unit_test(capabilities_are_docker_s),
        cmocka_unit_test(environment_is_exactly_given),
        cmocka_unit_test(working_directory_is_made),
        cmocka_unit_test(made_directory_stays_in_the_layer),
        cmocka_unit_test(root_may_enter_for_the_user),
        cmocka_unit_test(refusals_are_docker_s),
        cmocka_unit_test(limits_are_set_or_lowered),
        cmocka_unit_test(small_things),
        cmocka_unit_test(zombies_are_reaped),
        cmocka_unit_test(background_processes_die_with_the_command),
        cmocka_unit_test(usage_is_told),
        cmocka_unit_test(standard_output_can_be_opened_by_users),
};

SANDBOX_TEST_MAIN(tests)
