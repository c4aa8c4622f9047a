// SPDX-License-Identifier: Apache-2.0
// os/arch[/variant], normalised as containerd does (x86_64 -> amd64, aarch64 -> arm64, arm -> arm/v7).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct platform {
	char os[24], arch[24], variant[16], os_version[32];
};

int platform_parse(const char *s, struct platform *ret, struct err *e); // ERR_USAGE; "local" = this machine
struct platform platform_host(void);
void platform_text(const struct platform *p, char out[static 80]);
bool platform_eq(const struct platform *a, const struct platform *b);
// How well a manifest's platform serves the wanted one: 0 not at all, larger is better
// (amd64/v2 serves amd64; arm/v6 runs on arm/v7; exact match is best).
int platform_match(const struct platform *wanted, const struct platform *have);
