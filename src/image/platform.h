// SPDX-License-Identifier: Apache-2.0
// os/arch[/variant], normalised as containerd does it: x86_64 -> amd64, aarch64 -> arm64,
// arm -> arm/v7.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct platform {
	char os[24], arch[24], variant[16], os_version[32];
};

// ERR_USAGE; "local" = this machine.
int platform_parse(const char *s, struct platform *ret, struct err *e);
// ERR_USAGE, with those that there are: a processor that nothing is known of.
int platform_check(const struct platform *p, struct err *e);
struct platform platform_host(void);
// Without the os version, as docker prints it. "unknown" if there is no os.
void platform_text(const struct platform *p, char out[static 80]);
bool platform_eq(const struct platform *a, const struct platform *b); // after normalising both
// How well a manifest's platform serves the wanted one: 0 not at all, larger is better. An exact
// match is best, then what the same machine also runs, best first, in containerd's order: amd64/v2
// is served by amd64, then 386; arm/v7 by arm/v6; arm64 by arm/v8. Never a newer variant for an
// older.
int platform_match(const struct platform *wanted, const struct platform *have);
