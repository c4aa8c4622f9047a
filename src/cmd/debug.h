// SPDX-License-Identifier: Apache-2.0
// The answers of `hew debug` that take more than a line to make.
#pragma once

#include <stdbool.h>

struct dockerfile;
struct err;
struct graph;
struct strv;

void debug_print_parse(const struct dockerfile *d); // JSON, with positions
// What is known of a package, and of one version: "Debian:12", "curl". JSON.
int debug_advisories(const struct strv *args, struct err *e);
// dot: as a graph for dot(1), else JSON.
void debug_print_graph(const struct dockerfile *d, const struct graph *g, bool dot);
// args: the verb and what follows it.
int debug_vercmp(const struct strv *args, struct err *e);
int debug_packages(const struct strv *args, const char *format, struct err *e);
