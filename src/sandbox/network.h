// SPDX-License-Identifier: Apache-2.0
// pasta(1): what gives a step a network of its own that still reaches the outside.
#pragma once

#include <stdbool.h>

struct buf;

// Path of the program, or NULL if it is not installed; the caller's to free.
char *network_pasta_path(void);
// Whether this process may open the device that pasta makes its interfaces with.
bool network_tun_usable(void);

// What a step behind pasta has as its resolv.conf: the host's, but a resolver on the host's
// loopback, which cannot be reached from there, becomes an address that pasta passes on to it. True
// if there was one.
bool network_resolv_conf(const char *host, struct buf *ret);
#define NETWORK_DNS_IPV4 "169.254.1.1" // link-local: nobody else's
