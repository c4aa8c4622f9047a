// SPDX-License-Identifier: Apache-2.0
// registries.conf version 2 (containers-registries.conf(5)): where a repository really lies, its
// mirrors, what may be spoken to insecurely. Short names are docker's business:
// unqualified-search-registries and aliases are ignored. A mirror of digests only is never asked
// for a tag; one of tags only is asked for both, since a digest proves itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct registry_location {
	char *location; // host[:port][/path]
	bool insecure, digest_only;
};

struct registry_rule {
	char *prefix;                        // "docker.io/library", "*.example.com"
	char *location;                      // NULL: as the reference says
	bool insecure, blocked, digest_only; // digest_only: all its mirrors
	struct registry_location *mirrors;
	size_t n_mirrors;
};

struct registries_conf {
	struct registry_rule *v;
	size_t n;
};
void registries_conf_release(struct registries_conf *c);
// Adds the rules of one file's text; a rule with the prefix of an earlier one replaces it.
int registries_conf_parse(const char *p, size_t n, struct registries_conf *c, struct err *e);
// Takes what the rule has, in place of the one with its prefix.
void registries_conf_add(struct registries_conf *c, struct registry_rule *rule);
// The file named, or NULL for $CONTAINERS_REGISTRIES_CONF, the user's, the system's; then the
// *.conf of the folder of the same name with ".d". Missing files are fine. Then
// $HEW_BUILDKITD_CONFIG.
int registries_conf_load(const char *path, struct registries_conf *ret, struct err *e);
// The rule with the longest matching prefix for "host/repository", or NULL.
const struct registry_rule *registries_conf_find(const struct registries_conf *c, const char *name);
// `name` moved from the rule's prefix to a location. Caller frees.
char *registry_rule_rewrite(
        const struct registry_rule *rule, const char *location, const char *name);
