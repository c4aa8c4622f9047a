// SPDX-License-Identifier: Apache-2.0
// What a team has looked at and does not want to hear of again: Trivy's .trivyignore and its YAML,
// the ignore list of grype's configuration, and OpenVEX documents.
#pragma once

#include "base/mem.h"
#include <stddef.h>

struct err;

#define IGNORE_FILE_MAX (8u << 20)

struct ignore_rule; // ignore-int.h
struct ignores {
	struct ignore_rule *v;
	size_t n;
	struct arena arena;
};
#define auto_ignores __attribute__((cleanup(ignores_release)))
void ignores_release(struct ignores *i);
// Adds what a file says. `name` is for messages and tells the form: *.yaml and *.yml are Trivy's
// YAML or grype's; what begins with '{' is OpenVEX (status not_affected or fixed hides; products by
// purl or by image, all of the image's packages); all else is lines "ID [exp:YYYY-MM-DD]".
// ERR_USAGE with the line.
int ignores_add(struct ignores *i, const char *name, const char *text, size_t n, struct err *e);
