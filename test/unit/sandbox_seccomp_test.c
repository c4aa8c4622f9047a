// SPDX-License-Identifier: Apache-2.0
// The system call filter, run by a small interpreter of classic BPF: no privilege is needed, and
// what docker's profile says is held against every ABI. The table's numbers are held against the
// headers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static struct seccomp_program program;

static uint32_t evaluate(const struct seccomp_data *d)
{
	uint32_t a = 0;
	for (size_t pc = 0; pc < program.n; pc++) {
		const struct sock_filter *f = &program.code[pc];
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)d + f->k, sizeof a);
			break;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %#x", f->code);
		}
	}
	fail_msg("fell off the end");
	return 0;
}

static uint32_t judge(uint32_t arch, int nr, uint64_t arg0)
{
	return evaluate(&(struct seccomp_data){.arch = arch, .nr = nr, .args = {arg0}});
}

#define OK SECCOMP_RET_ALLOW
#define NO(e) (SECCOMP_RET_ERRNO | (e))

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define OTHER AUDIT_ARCH_I386
#else
#define NATIVE AUDIT_ARCH_AARCH64
#define OTHER AUDIT_ARCH_ARM
#endif

static void native_calls(void **state)
{
	static const struct {
		const char *name;
		int nr;
		uint64_t arg0;
		uint32_t want;
	} rows[] = {
		{"read", SYS_read, 0, OK},
		{"execve", SYS_execve, 0, OK},
		{"ptrace", SYS_ptrace, 0, OK},
		{"chroot", SYS_chroot, 0, OK},
		{"memfd_create", SYS_memfd_create, 0, OK},
		{"statx", SYS_statx, 0, OK},
		{"seccomp", SYS_seccomp, 0, OK},
		{"fchmodat2", 452, 0, OK},
		{"removexattrat", 466, 0, OK},
		{"first unknown", 467, 0, NO(ENOSYS)},
		{"far unknown", 5000, 0, NO(ENOSYS)},
		{"skipped by a tracer", -1, 0, NO(ENOSYS)},
		{"clone3", SYS_clone3, 0, NO(ENOSYS)},
		{"mount", SYS_mount, 0, NO(EPERM)},
		{"umount2", SYS_umount2, 0, NO(EPERM)},
		{"open_tree", SYS_open_tree, 0, NO(EPERM)},
		{"unshare", SYS_unshare, 0, NO(EPERM)},
		{"setns", SYS_setns, 0, NO(EPERM)},
		{"bpf", SYS_bpf, 0, NO(EPERM)},
		{"keyctl", SYS_keyctl, 0, NO(EPERM)},
		{"add_key", SYS_add_key, 0, NO(EPERM)},
		{"request_key", SYS_request_key, 0, NO(EPERM)},
		{"kexec_load", SYS_kexec_load, 0, NO(EPERM)},
		{"init_module", SYS_init_module, 0, NO(EPERM)},
		{"open_by_handle_at", SYS_open_by_handle_at, 0, NO(EPERM)},
		{"userfaultfd", SYS_userfaultfd, 0, NO(EPERM)},
		{"io_uring_setup", 425, 0, NO(EPERM)},
		{"sethostname", SYS_sethostname, 0, NO(EPERM)},
		{"fork by clone", SYS_clone, SIGCHLD, OK},
		{"thread", SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, OK},
		{"new user namespace", SYS_clone, SIGCHLD | CLONE_NEWUSER, NO(EPERM)},
		{"new cgroup namespace", SYS_clone, CLONE_NEWCGROUP, NO(EPERM)},
		{"high bits change nothing", SYS_clone, CLONE_NEWNS | UINT64_C(1) << 40, NO(EPERM)},
		{"personality query", SYS_personality, 0xffffffff, OK},
		{"personality linux32", SYS_personality, 8, OK},
		{"personality no randomisation", SYS_personality, 0x40000, NO(EPERM)},
		{"unix socket", SYS_socket, AF_UNIX, OK},
		{"raw packets", SYS_socket, AF_PACKET, OK},
		{"kernel crypto", SYS_socket, AF_ALG, NO(EPERM)},
		{"host of the machine", SYS_socket, AF_VSOCK, NO(EPERM)},
#if defined(__x86_64__)
		{"uretprobe", 335, 0, OK},
		{"arch_prctl", SYS_arch_prctl, 0, OK},
		{"modify_ldt", SYS_modify_ldt, 0, OK},
		{"iopl", SYS_iopl, 0, NO(EPERM)},
		{"x32 read", 0x40000000, 0, NO(ENOSYS)},
		{"x32 mount", 0x40000000 + 165, 0, NO(ENOSYS)},
#endif
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (judge(NATIVE, rows[i].nr, rows[i].arg0) != rows[i].want)
			fail_msg("%s: %#x, not %#x", rows[i].name,
			        judge(NATIVE, rows[i].nr, rows[i].arg0), rows[i].want);
}

static void calls_of_the_smaller_abi(void **state)
{
	static const struct {
		const char *name;
		int nr;
		uint64_t arg0;
		uint32_t want;
	} rows[] = {
		{"read", 3, 0, OK},
		{"mount", 21, 0, NO(EPERM)},
		{"clone", 120, 0, OK},
		{"clone with a namespace", 120, CLONE_NEWUSER, NO(EPERM)},
		{"personality", 136, 0x40000, NO(EPERM)},
		{"futex_time64", 422, 0, OK},
		{"clock_settime64", 404, 0, NO(EPERM)},
		{"clone3", 435, 0, NO(ENOSYS)},
		{"unknown", 467, 0, NO(ENOSYS)},
#if defined(__x86_64__)
		{"umount", 22, 0, NO(EPERM)},
		{"socketcall", 102, 0, OK},
		{"socket", 359, AF_ALG, NO(EPERM)},
		{"keyctl", 288, 0, NO(EPERM)},
#else
		{"cacheflush", 0xf0002, 0, OK},
		{"set_tls", 0xf0005, 0, OK},
		{"beyond", 0xf0007, 0, NO(ENOSYS)},
		{"keyctl", 311, 0, NO(EPERM)},
#endif
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (judge(OTHER, rows[i].nr, rows[i].arg0) != rows[i].want)
			fail_msg("%s: %#x, not %#x", rows[i].name,
			        judge(OTHER, rows[i].nr, rows[i].arg0), rows[i].want);
}

static void foreign_abis_are_killed(void **state)
{
	assert_int_equal(judge(AUDIT_ARCH_S390X, 1, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(judge(0, 1, 0), SECCOMP_RET_KILL_PROCESS);
}

// Every row of the table is refused by every ABI that has it.
static void rows_are_refused(void **state)
{
	size_t n;
	const struct seccomp_row *r = seccomp_rows(&n);
	assert_true(n > 60);
	for (size_t i = 0; i < n; i++) {
#if defined(__x86_64__)
		int native = r[i].x86_64, other = r[i].i386;
#else
		int native = r[i].aarch64, other = r[i].arm;
#endif
		if (native >= 0)
			assert_int_equal(judge(NATIVE, native, 0), NO(EPERM));
		if (other >= 0)
			assert_int_equal(judge(OTHER, other, 0), NO(EPERM));
	}
}

static void numbers_are_the_kernel_s(void **state)
{
	static const struct {
		const char *name;
		int nr;
	} rows[] = {
#define ROW(name) {#name, SYS_##name}
		ROW(acct),
		ROW(add_key),
		ROW(bpf),
		ROW(clock_settime),
		ROW(delete_module),
		ROW(fanotify_init),
		ROW(finit_module),
		ROW(fsconfig),
		ROW(fsmount),
		ROW(fsopen),
		ROW(fspick),
		ROW(get_mempolicy),
		ROW(init_module),
		ROW(io_uring_enter),
		ROW(io_uring_register),
		ROW(io_uring_setup),
		ROW(kcmp),
		ROW(kexec_load),
		ROW(keyctl),
		ROW(lookup_dcookie),
		ROW(mbind),
		ROW(migrate_pages),
		ROW(mount),
		ROW(mount_setattr),
		ROW(move_mount),
		ROW(move_pages),
		ROW(nfsservctl),
		ROW(open_by_handle_at),
		ROW(open_tree),
		ROW(perf_event_open),
		ROW(pidfd_getfd),
		ROW(pivot_root),
		ROW(process_madvise),
		ROW(quotactl),
		ROW(quotactl_fd),
		ROW(reboot),
		ROW(request_key),
		ROW(set_mempolicy),
		ROW(set_mempolicy_home_node),
		ROW(setdomainname),
		ROW(sethostname),
		ROW(setns),
		ROW(settimeofday),
		ROW(swapoff),
		ROW(swapon),
		ROW(syslog),
		ROW(umount2),
		ROW(unshare),
		ROW(userfaultfd),
		ROW(vhangup),
#if defined(__x86_64__)
		ROW(_sysctl),
		ROW(create_module),
		ROW(ioperm),
		ROW(iopl),
		ROW(kexec_file_load),
		ROW(query_module),
		ROW(sysfs),
		ROW(uselib),
		ROW(ustat),
		ROW(vserver),
#endif
	};
	size_t n;
	const struct seccomp_row *r = seccomp_rows(&n);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t k = 0;
		while (k < n && strcmp(r[k].name, rows[i].name) != 0)
			k++;
		if (k == n)
			fail_msg("'%s' is not refused", rows[i].name);
#if defined(__x86_64__)
		assert_int_equal(r[k].x86_64, rows[i].nr);
#else
		assert_int_equal(r[k].aarch64, rows[i].nr);
#endif
	}
}

static int build(void **state)
{
	seccomp_build(&program);
	return program.n > 0 ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(native_calls),
	        cmocka_unit_test(calls_of_the_smaller_abi),
	        cmocka_unit_test(foreign_abis_are_killed),
	        cmocka_unit_test(rows_are_refused),
	        cmocka_unit_test(numbers_are_the_kernel_s),
	};
	return cmocka_run_group_tests(tests, build, NULL);
}
