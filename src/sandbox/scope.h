// SPDX-License-Identifier: Apache-2.0
// With the host's network a step could reach the abstract sockets of the host's services, which
// know it only as uid 0 (containerd CVE-2020-15257). Landlock can close that since Linux 6.12.
#pragma once

// No abstract socket made outside of this process and its descendants can be connected to any more.
// Needs CAP_SYS_ADMIN. False where the kernel has no such thing.
_Bool scope_abstract_sockets(void);
