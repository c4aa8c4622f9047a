// SPDX-License-Identifier: Apache-2.0
// How long the sandbox takes beyond the command: start of the holder, and a step of `true` over a
// root of busybox with n layers. Prints the least and the middle of the runs in microseconds.
//     sandbox_bench [runs]
#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/holder.h"
#include "sandbox/step.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct holder_job jobs[] = {{"step", step_job}};
static int runs = 200;
static int dir;

static void fail(const char *what, const struct err *e)
{
	fprintf(stderr, "sandbox_bench: %s: %s\n", what, e->msg);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void print(const char *what, int64_t *ns, int n)
{
	qsort(ns, (size_t)n, sizeof *ns, by_value);
	printf("%-28s min %6lld us   median %6lld us\n", what, (long long)ns[0] / 1000,
	        (long long)ns[n / 2] / 1000);
}

static int make_dir(const char *name)
{
	struct err e = ERR_INIT;
	if (fs_mkdir_p(dir, name, 0755, &e) < 0)
		fail("mkdir", &e);
	return openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void fill(int root)
{
	struct err e = ERR_INIT;
	static const char *const dirs[] = {"bin", "proc", "sys", "dev", "etc"};
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		mkdirat(root, dirs[i], 0755);
	auto_fd int from = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	auto_fd int to = openat(root, "bin/true", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755);
	struct stat st;
	if (from < 0 || to < 0 || fstat(from, &st) < 0 ||
	        fs_copy_range(from, 0, to, (uint64_t)st.st_size, &e) < 0)
		fail("copy /bin/busybox (busybox-static)", &e);
	close(openat(root, "etc/hosts", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(openat(root, "etc/resolv.conf", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

static void bench_start(void)
{
	int64_t *ns = xcalloc((size_t)runs, sizeof *ns);
	struct err e = ERR_INIT;
	for (int i = 0; i < runs / 4; i++) {
		int64_t at = clock_ns();
		struct holder *h = holder_start(&e);
		if (!h)
			fail("holder_start", &e);
		ns[i] = clock_ns() - at;
		holder_stop(h);
	}
	print("holder start", ns, runs / 4);
	free(ns);
}

static void bench_steps(struct holder *h, const char *what, int n_lowers, enum step_network net)
{
	static const char *const env[] = {"PATH=/bin", NULL};
	static const char *const argv[] = {"/bin/true", NULL};
	int64_t *ns = xcalloc((size_t)runs, sizeof *ns);
	int *lowers = xcalloc((size_t)n_lowers, sizeof *lowers);
	for (int i = 0; i < n_lowers; i++) {
		auto_free char *name =
		        i == n_lowers - 1 ? xstrdup("root") : xasprintf("layer%d", i);
		lowers[i] = make_dir(name);
	}
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < runs; i++) {
		auto_free char *u = xasprintf("u%d-%d-%d", n_lowers, (int)net, i);
		auto_free char *w = xasprintf("w%d-%d-%d", n_lowers, (int)net, i);
		auto_fd int upper = make_dir(u);
		auto_fd int work = make_dir(w);
		struct step_spec s = {.lowers = lowers,
		        .n_lowers = (size_t)n_lowers,
		        .upper = upper,
		        .work = work,
		        .volatile_overlay = true,
		        .argv = argv,
		        .env = env,
		        .cwd = "/",
		        .network = net,
		        .signal_fd = -1,
		        .stdin_fd = null,
		        .stdout_fd = null,
		        .stderr_fd = 2};
		struct step_result res;
		struct err e = ERR_INIT;
		int64_t at = clock_ns();
		if (step_run(h, &s, -1, &res, &e) < 0)
			fail("step_run", &e);
		ns[i] = clock_ns() - at;
		if (res.exit_status != 0)
			exit(1);
		step_result_release(&res);
	}
	print(what, ns, runs);
	for (int i = 0; i < n_lowers; i++)
		close(lowers[i]);
	free(lowers);
	free(ns);
}

static void bench_spawn(void)
{
	int64_t *ns = xcalloc((size_t)runs, sizeof *ns);
	static char name[] = "true", path[] = "bin/true";
	char *argv[] = {name, NULL};
	fchdir(dir) == 0 && chdir("root") == 0 ? (void)0 : exit(1);
	for (int i = 0; i < runs; i++) {
		pid_t pid;
		int64_t at = clock_ns();
		if (posix_spawn(&pid, path, NULL, NULL, argv, NULL) != 0)
			exit(1);
		waitpid(pid, NULL, 0);
		ns[i] = clock_ns() - at;
	}
	print("spawn without a sandbox", ns, runs);
	free(ns);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], HOLDER_ARGV0))
		return holder_main(jobs, ARRAY_LEN(jobs));
	uint64_t n;
	if (argc > 1 && str_to_u64(argv[1], &n) && n >= 4 && n < 100000)
		runs = (int)n;
	char name[] = "/dev/shm/hew-bench-XXXXXX";
	if (geteuid() != 0 || !mkdtemp(name)) {
		fprintf(stderr, "sandbox_bench: needs root and /dev/shm\n");
		return 77;
	}
	dir = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int root = make_dir("root");
	fill(root);
	bench_start();
	struct err e = ERR_INIT;
	struct holder *h = holder_start(&e);
	if (!h)
		fail("holder_start", &e);
	bench_steps(h, "step, 1 layer", 1, STEP_NET_HOST);
	bench_steps(h, "step, 20 layers", 20, STEP_NET_HOST);
	bench_steps(h, "step, 120 layers", 120, STEP_NET_HOST);
	bench_steps(h, "step, 1 layer, no network", 1, STEP_NET_NONE);
	holder_stop(h);
	bench_spawn();
	auto_fd int shm = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fs_remove_tree(shm, fs_base_name(name), &e) < 0)
		fail("clean up", &e);
	return 0;
}
