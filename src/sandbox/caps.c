// SPDX-License-Identifier: Apache-2.0
// Owns what a step's root may do: docker's default capabilities, nothing inheritable (moby
// CVE-2022-24769), nothing ambient. Process state only; capabilities(7).
#include "sandbox/caps.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t caps_docker(void)
{
	static const uint8_t list[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
	        CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_NET_RAW,
	        CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP};
	uint64_t mask = 0;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		mask |= CAP_BIT(list[i]);
	return mask;
}

uint64_t caps_permitted(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

int caps_bound(uint64_t keep, struct err *e)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep & CAP_BIT(cap))
			continue;
		// EINVAL: beyond the last capability of this kernel.
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break;
			return err_sys(e, "drop capability %d", cap);
		}
	}
	return 0;
}

int caps_set(uint64_t keep, struct err *e)
{
	keep &= caps_permitted();
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
	        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "set capabilities");
	return 0;
}
