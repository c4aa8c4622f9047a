// SPDX-License-Identifier: Apache-2.0
// Image references and platform specifiers from the command line and from Dockerfiles. The full
// form and the short form of a reference must name the same image.
#include "base/err.h"
#include "base/mem.h"
#include "image/platform.h"
#include "image/reference.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_reference(const char *s)
{
	auto_reference struct reference r = {0}, full = {0}, short_form = {0};
	struct err e = ERR_INIT;
	if (reference_parse(s, &r, &e) < 0) {
		assert(e.kind == ERR_USAGE && e.msg[0]);
		return;
	}
	auto_free char *text = reference_text(&r), *familiar = reference_familiar(&r);
	assert(reference_parse(text, &full, &e) == 0);
	assert(reference_parse(familiar, &short_form, &e) == 0);
	auto_free char *a = reference_text(&full), *b = reference_text(&short_form);
	assert(strcmp(a, text) == 0 && strcmp(b, text) == 0);
}

static void one_platform(const char *s)
{
	struct platform p, again;
	struct err e = ERR_INIT;
	char text[80];
	if (platform_parse(s, &p, &e) < 0) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return;
	}
	platform_text(&p, text);
	assert(platform_parse(text, &again, &e) == 0);
	memcpy(again.os_version, p.os_version, sizeof(p.os_version));
	assert(platform_eq(&p, &again));
	assert(platform_match(&p, &again) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *s = xstrndup((const char *)data, size);
	one_reference(s);
	one_platform(s);
	return 0;
}
