// SPDX-License-Identifier: Apache-2.0
// The system call filter of a step, with the meaning of docker's default profile under docker's
// default capabilities.
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define SECCOMP_PROGRAM_MAX 1024

// Highest system call number that this table knows; above it the answer is ENOSYS.
#define SECCOMP_NR_MAX 466

struct seccomp_program {
	struct sock_filter code[SECCOMP_PROGRAM_MAX];
	size_t n;
};

// For this machine's ABIs (x86-64 and i386, or aarch64 and arm); n == 0 on any other machine.
void seccomp_build(struct seccomp_program *p);
// Needs CAP_SYS_ADMIN, because no_new_privs stays off: sudo in a RUN has to work, as with docker.
int seccomp_install(struct err *e);

// One row of the table, for the tests that hold it against the kernel's headers.
struct seccomp_row {
	const char *name;
	int16_t x86_64, i386, aarch64, arm; // -1: has none
};
const struct seccomp_row *seccomp_rows(size_t *ret_n);
