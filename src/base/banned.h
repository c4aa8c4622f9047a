// SPDX-License-Identifier: Apache-2.0
// Force-included everywhere: what has no bound, no error or a hidden global may not be called.
#pragma once

#ifndef __cplusplus
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef basename
#undef alloca
#undef sprintf // macros of glibc for clang with _FORTIFY_SOURCE
#undef vsprintf
#pragma GCC poison strcpy stpcpy strcat sprintf vsprintf strtok strncpy strncat alloca gets
#pragma GCC poison atoi atol atoll atof system popen basename dirname localtime gmtime ctime asctime
#pragma GCC poison mktemp tmpnam tempnam rand srand
#endif
