// SPDX-License-Identifier: Apache-2.0
// hosts.toml in the folders that containerd, docker and BuildKit keep for each registry
// (containerd, docs/hosts.md): which servers stand for it, in which order, for what, and how they
// are trusted.
#pragma once

#include "base/buf.h"
#include <stdbool.h>

struct err;

enum hosts_capability { HOSTS_PULL = 1 << 0, HOSTS_RESOLVE = 1 << 1, HOSTS_PUSH = 1 << 2 };

struct hosts_server {
	char *url;        // as written, "https://mirror.example[/path]"
	int capabilities; // enum hosts_capability
	struct strv ca;   // files with certificates
	struct strv
	        clients; // certificate and key in turn; "": the key is in the certificate's file
	struct strv headers; // "Name: value"
	bool skip_verify, override_path;
	long dial_seconds; // 0: not said
};

struct hosts_toml {
	struct hosts_server *v; // those to try first
	size_t n;
	struct hosts_server server; // the registry itself; its url NULL: as the reference says
};
void hosts_toml_release(struct hosts_toml *h);
// dir: what relative names of files are relative to.
int hosts_toml_parse(
        const char *p, size_t n, const char *dir, struct hosts_toml *ret, struct err *e);
// Of a registry, "host" or "host:port": 1 found, 0 there is none, -1.
int hosts_toml_find(const char *domain, struct hosts_toml *ret, struct err *e);
