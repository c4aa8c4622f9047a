// SPDX-License-Identifier: Apache-2.0
// Lists of what is ignored: each text as lines or OpenVEX, and as YAML; then they are asked about a
// package of a distribution and one of a language.
#include "base/err.h"
#include "base/mem.h"
#include "scan/filter.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ignores *list)
{
	static const char *const names[] = {"CVE-2024-1", "GHSA-0001"};
	struct package packages[] = {
	        {.type = PACKAGE_DEB, .name = "libssl3", .version = "1:3.0-1", .source = "openssl"},
	        {.type = PACKAGE_MAVEN, .name = "org.example:thing", .version = "1.0"}};
	struct found_package found[] = {
	        {&packages[0], "var/lib/dpkg/status", 0}, {&packages[1], "a/b.jar", 0}};
	struct advisory_flaw flaw = {.names = names, .n_names = ARRAY_LEN(names)};
	struct finding v[] = {{.package = &found[0],
	                              .flaw = &flaw,
	                              .record = "DSA-1",
	                              .ecosystem = "Debian",
	                              .release = "12"},
	        {.package = &found[1],
	                .flaw = &flaw,
	                .record = "GHSA-0001",
	                .ecosystem = "Maven",
	                .release = ""}};
	struct scan s = {.v = v, .n = ARRAY_LEN(v)};
	scan_filter(&s, &(struct scan_filter){.ignores = list, .today = "2026-11-26"});
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].hidden && !*s.v[i].hidden)
			abort(); // without a reason
	arena_release(&s.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {".trivyignore", "x.yaml"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = ERR_INIT;
		auto_ignores struct ignores list = {0};
		if (!ignores_add(&list, names[i], (const char *)data, size, &e))
			ask(&list);
		else if (e.kind != ERR_USAGE || !*e.msg)
			abort();
	}
	return 0;
}
