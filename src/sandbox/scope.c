// SPDX-License-Identifier: Apache-2.0
// One Landlock rule set without any rule but the scope (landlock(7), ABI 6). The structure is
// written out because the headers of the oldest distribution that builds hew are older than the
// kernels it runs on.
#include "sandbox/scope.h"

#include "base/mem.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

_Bool scope_abstract_sockets(void)
{
	const struct {
		uint64_t handled_access_fs, handled_access_net, scoped;
	} attr = {.scoped = 1u << 0}; // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	auto_fd int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	return rules >= 0 && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}
