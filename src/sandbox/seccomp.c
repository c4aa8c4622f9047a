// SPDX-License-Identifier: Apache-2.0
// The filter as BPF, built from a table of what is refused. Docker's profile is an allow-list; over
// the finite set of numbers up to SECCOMP_NR_MAX its complement says the same in far fewer rows,
// and what lies above answers ENOSYS, so that a libc falls back from calls that nobody has judged
// yet. Numbers the kernel left empty are let through: the kernel itself answers ENOSYS there.
//
//   refused rows     EPERM           clone3      ENOSYS (glibc then uses clone, whose flags can be
//   read) clone            EPERM with any CLONE_NEW* flag personality      EPERM except the five
//   values that docker allows socket           EPERM for AF_ALG and AF_VSOCK, as docker since 2025
//   x32              ENOSYS: as a kernel built without it
//   i386 on x86-64, arm on aarch64: the same table, by their numbers; any other ABI: killed
//
// A ptrace'd i386 program reaches socket() by socketcall() too, whose arguments no filter can see.
#include "sandbox/seccomp.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Columns: x86-64, i386, aarch64, arm.
static const struct seccomp_row refused[] = {
        {"_sysctl", 156, 149, -1, 149},
        {"acct", 163, 51, 89, 51},
        {"add_key", 248, 286, 217, 309},
        {"afs_syscall", 183, 137, -1, -1},
        {"bdflush", -1, 134, -1, 134},
        {"bpf", 321, 357, 280, 386},
        {"break", -1, 17, -1, -1},
        {"clock_settime", 227, 264, 112, 262},
        {"clock_settime64", -1, 404, -1, 404},
        {"create_module", 174, 127, -1, -1},
        {"delete_module", 176, 129, 106, 129},
        {"fanotify_init", 300, 338, 262, 367},
        {"finit_module", 313, 350, 273, 379},
        {"fsconfig", 431, 431, 431, 431},
        {"fsmount", 432, 432, 432, 432},
        {"fsopen", 430, 430, 430, 430},
        {"fspick", 433, 433, 433, 433},
        {"ftime", -1, 35, -1, -1},
        {"get_kernel_syms", 177, 130, -1, -1},
        {"get_mempolicy", 239, 275, 236, 320},
        {"getpmsg", 181, 188, -1, -1},
        {"gtty", -1, 32, -1, -1},
        {"idle", -1, 112, -1, -1},
        {"init_module", 175, 128, 105, 128},
        {"io_uring_enter", 426, 426, 426, 426},
        {"io_uring_register", 427, 427, 427, 427},
        {"io_uring_setup", 425, 425, 425, 425},
        {"ioperm", 173, 101, -1, -1},
        {"iopl", 172, 110, -1, -1},
        {"kcmp", 312, 349, 272, 378},
        {"kexec_file_load", 320, -1, 294, 401},
        {"kexec_load", 246, 283, 104, 347},
        {"keyctl", 250, 288, 219, 311},
        {"lock", -1, 53, -1, -1},
        {"lookup_dcookie", 212, 253, 18, 249},
        {"lsm_get_self_attr", 459, 459, 459, 459},
        {"lsm_list_modules", 461, 461, 461, 461},
        {"lsm_set_self_attr", 460, 460, 460, 460},
        {"mbind", 237, 274, 235, 319},
        {"migrate_pages", 256, 294, 238, 400},
        {"mount", 165, 21, 40, 21},
        {"mount_setattr", 442, 442, 442, 442},
        {"move_mount", 429, 429, 429, 429},
        {"move_pages", 279, 317, 239, 344},
        {"mpx", -1, 56, -1, -1},
        {"nfsservctl", 180, 169, 42, 169},
        {"nice", -1, 34, -1, 34},
        {"oldfstat", -1, 28, -1, -1},
        {"oldlstat", -1, 84, -1, -1},
        {"oldolduname", -1, 59, -1, -1},
        {"oldstat", -1, 18, -1, -1},
        {"olduname", -1, 109, -1, -1},
        {"open_by_handle_at", 304, 342, 265, 371},
        {"open_tree", 428, 428, 428, 428},
        {"pciconfig_iobase", -1, -1, -1, 271},
        {"pciconfig_read", -1, -1, -1, 272},
        {"pciconfig_write", -1, -1, -1, 273},
        {"perf_event_open", 298, 336, 241, 364},
        {"pidfd_getfd", 438, 438, 438, 438},
        {"pivot_root", 155, 217, 41, 218},
        {"process_madvise", 440, 440, 440, 440},
        {"prof", -1, 44, -1, -1},
        {"profil", -1, 98, -1, -1},
        {"putpmsg", 182, 189, -1, -1},
        {"query_module", 178, 167, -1, -1},
        {"quotactl", 179, 131, 60, 131},
        {"quotactl_fd", 443, 443, 443, 443},
        {"readdir", -1, 89, -1, -1},
        {"reboot", 169, 88, 142, 88},
        {"request_key", 249, 287, 218, 310},
        {"security", 185, -1, -1, -1},
        {"set_mempolicy", 238, 276, 237, 321},
        {"set_mempolicy_home_node", 450, 450, 450, 450},
        {"setdomainname", 171, 121, 162, 121},
        {"sethostname", 170, 74, 161, 74},
        {"setns", 308, 346, 268, 375},
        {"settimeofday", 164, 79, 170, 79},
        {"sgetmask", -1, 68, -1, -1},
        {"sigaction", -1, 67, -1, 67},
        {"signal", -1, 48, -1, -1},
        {"sigpending", -1, 73, -1, 73},
        {"sigsuspend", -1, 72, -1, 72},
        {"ssetmask", -1, 69, -1, -1},
        {"stime", -1, 25, -1, -1},
        {"stty", -1, 31, -1, -1},
        {"swapoff", 168, 115, 225, 115},
        {"swapon", 167, 87, 224, 87},
        {"sysfs", 139, 135, -1, 135},
        {"syslog", 103, 103, 116, 103},
        {"tuxcall", 184, -1, -1, -1},
        {"ulimit", -1, 58, -1, -1},
        {"umount", -1, 22, -1, -1},
        {"umount2", 166, 52, 39, 52},
        {"unshare", 272, 310, 97, 337},
        {"uselib", 134, 86, -1, 86},
        {"userfaultfd", 323, 374, 282, 388},
        {"ustat", 136, 62, -1, 62},
        {"vhangup", 153, 111, 58, 111},
        {"vm86", -1, 166, -1, -1},
        {"vm86old", -1, 113, -1, -1},
        {"vserver", 236, 273, -1, 313},
};

enum { CLONE, CLONE3, PERSONALITY, SOCKET, CONDITIONS };
static const struct seccomp_row conditional[CONDITIONS] = {
        [CLONE] = {"clone", 56, 120, 220, 120},
        [CLONE3] = {"clone3", 435, 435, 435, 435},
        [PERSONALITY] = {"personality", 135, 136, 92, 136},
        [SOCKET] = {"socket", 41, 359, 198, 281},
};

enum { X86_64, I386, AARCH64, ARM };

static int number(const struct seccomp_row *r, int abi)
{
	switch (abi) {
	case X86_64:
		return r->x86_64;
	case I386:
		return r->i386;
	case AARCH64:
		return r->aarch64;
	default:
		return r->arm;
	}
}

const struct seccomp_row *seccomp_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(refused);
	return refused;
}

static void emit(struct seccomp_program *p, struct sock_filter f)
{
	assert(p->n < ARRAY_LEN(p->code));
	p->code[p->n++] = f;
}

static void load(struct seccomp_program *p, size_t offset)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct seccomp_program *p, uint32_t action)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))

// The next instruction is skipped unless the accumulator is k.
static void if_equal(struct seccomp_program *p, uint32_t k)
{
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1));
}

// The kernel takes only the low 32 bits of these arguments (both ABIs are little-endian).
static void load_argument(struct seccomp_program *p, int i)
{
	load(p, offsetof(struct seccomp_data, args) + 8u * (size_t)i);
}

static void answer_conditional(struct seccomp_program *p, int which)
{
	static const uint32_t personalities[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};
	const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
	                            CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
	switch (which) {
	case CLONE3:
		answer(p, REFUSE(ENOSYS));
		return;
	case CLONE:
		load_argument(p, 0);
		emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, namespaces, 0, 1));
		answer(p, REFUSE(EPERM));
		answer(p, SECCOMP_RET_ALLOW);
		return;
	case PERSONALITY:
		load_argument(p, 0);
		for (size_t i = 0; i < ARRAY_LEN(personalities); i++) {
			if_equal(p, personalities[i]);
			answer(p, SECCOMP_RET_ALLOW);
		}
		answer(p, REFUSE(EPERM));
		return;
	default:
		load_argument(p, 0);
		if_equal(p, AF_ALG);
		answer(p, REFUSE(EPERM));
		if_equal(p, AF_VSOCK);
		answer(p, REFUSE(EPERM));
		answer(p, SECCOMP_RET_ALLOW);
	}
}

// What happens from a number on, up to the next span.
struct span {
	uint32_t from;
	int verdict;
};
enum { ALLOWED = -1, REFUSED = -2, UNKNOWN = -3 }; // else an index into conditional[]

static size_t make_spans(struct span *spans, int abi)
{
	int8_t by_nr[SECCOMP_NR_MAX + 1];
	for (int nr = 0; nr <= SECCOMP_NR_MAX; nr++)
		by_nr[nr] = ALLOWED;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (number(&refused[i], abi) >= 0)
			by_nr[number(&refused[i], abi)] = REFUSED;
	for (int i = 0; i < CONDITIONS; i++)
		by_nr[number(&conditional[i], abi)] = (int8_t)i;
	size_t n = 0;
	for (int nr = 0; nr <= SECCOMP_NR_MAX; nr++)
		if (nr == 0 || by_nr[nr] != by_nr[nr - 1])
			spans[n++] = (struct span){(uint32_t)nr, by_nr[nr]};
	spans[n++] = (struct span){SECCOMP_NR_MAX + 1, UNKNOWN};
	if (abi == ARM) {
		// The private calls of arm: breakpoint, cacheflush, usr26, usr32, set_tls, get_tls.
		spans[n++] = (struct span){0xf0001, ALLOWED};
		spans[n++] = (struct span){0xf0007, UNKNOWN};
	}
	return n;
}

static void answer_span(struct seccomp_program *p, int verdict)
{
	if (verdict == ALLOWED)
		answer(p, SECCOMP_RET_ALLOW);
	else if (verdict == REFUSED)
		answer(p, REFUSE(EPERM));
	else if (verdict == UNKNOWN)
		answer(p, REFUSE(ENOSYS));
	else
		answer_conditional(p, verdict);
}

// A balanced tree of comparisons; about seven a call. The number is in the accumulator.
static void search(struct seccomp_program *p, const struct span *spans, size_t n)
{
	if (n == 1) {
		answer_span(p, spans[0].verdict);
		return;
	}
	size_t half = n / 2, at = p->n;
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, spans[half].from, 0, 0));
	search(p, spans, half);
	size_t skip = p->n - at - 1;
	assert(skip <= UINT8_MAX);
	p->code[at].jt = (uint8_t)skip;
	search(p, spans + half, n - half);
}

static void add_abi(struct seccomp_program *p, uint32_t audit_arch, int abi)
{
	struct span spans[SECCOMP_NR_MAX + 8];
	size_t n = make_spans(spans, abi);
	// The tree is longer than a conditional jump reaches, hence the plain jump over it.
	load(p, offsetof(struct seccomp_data, arch));
	if_equal(p, audit_arch);
	emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	size_t over = p->n;
	emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	load(p, offsetof(struct seccomp_data, nr));
	search(p, spans, n);
	p->code[over].k = (uint32_t)(p->n - over - 1);
}

void seccomp_build(struct seccomp_program *p)
{
	p->n = 0;
#if defined(__x86_64__)
	add_abi(p, AUDIT_ARCH_X86_64, X86_64);
	add_abi(p, AUDIT_ARCH_I386, I386);
#elif defined(__aarch64__)
	add_abi(p, AUDIT_ARCH_AARCH64, AARCH64);
	add_abi(p, AUDIT_ARCH_ARM, ARM);
#else
	return;
#endif
	answer(p, SECCOMP_RET_KILL_PROCESS);
}

int seccomp_install(struct err *e)
{
	struct seccomp_program p;
	seccomp_build(&p);
	if (p.n == 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "there is no system call table for this processor");
	struct sock_fprog prog = {.len = (unsigned short)p.n, .filter = p.code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) <
	        0)
		return err_set(e, ERR_SANDBOX, "install the system call filter: errno %d", errno);
	return 0;
}
