// SPDX-License-Identifier: Apache-2.0
// Programs for other processors: whether they run here, and through what. Either the machine runs
// them (its processor does, or somebody has registered an emulator with the kernel: binfmt_misc),
// or a static qemu-user is there that a step can have for itself (sandbox/handler.h).
//
// Processors are called as images call them: "arm64".
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum foreign_way { FOREIGN_MACHINE, FOREIGN_EMULATOR };

struct foreign {
	enum foreign_way way;
	int fd;     // FOREIGN_EMULATOR: its program; else -1
	char *path; // FOREIGN_EMULATOR
};
#define auto_foreign __attribute__((cleanup(foreign_release)))
void foreign_release(struct foreign *f);

// ERR_SANDBOX: neither; says what helps.
int foreign_find(const char *arch, struct foreign *ret, struct err *e);
// The i-th processor that hew knows, NULL after the last.
const char *foreign_arch(size_t i);
// Which processor's program begins so; NULL: none that hew knows.
const char *foreign_arch_of(const void *head, size_t n);
// "qemu-aarch64:M::<magic>:<mask>:" for that processor, as binfmt_misc takes it. NULL: unknown.
char *foreign_magic(const char *arch);
