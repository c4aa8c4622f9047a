// SPDX-License-Identifier: Apache-2.0
// One process run in a root: what it is told (ids, environment, directory, limits) and what comes
// back.
#include "sandbox_fixture.h"

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
	        {0, 0, 0, "uid=0 gid=0\nGroups:"},
	        {0, 5, 0, "uid=0 gid=5\nGroups:"},
	        {1000, 1000, 0, "uid=1000 gid=1000\nGroups:"},
	        {65534, 100, 2, "uid=65534 gid=100 groups=7,4242\nGroups:7 4242"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step_spec s = plain_step();
		s.uid = rows[i].uid;
		s.gid = rows[i].gid;
		s.groups = groups;
		s.n_groups = rows[i].n_groups;
		check_run(
		        run_in(&s, "id | sed 's/uid=\\([0-9]*\\)[^ ]*/uid=\\1/' 2>/dev/null || id; "
		                   "grep Groups /proc/self/status | busybox tr -d '\\t' | "
		                   "busybox sed 's/ $//'"),
		        0, NULL);
	}
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

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_comes_back),
        cmocka_unit_test(ids_are_what_was_asked),
        cmocka_unit_test(environment_is_exactly_given),
};

SANDBOX_TEST_MAIN(tests)
