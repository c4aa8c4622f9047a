// SPDX-License-Identifier: Apache-2.0
// The few rules there are for names.
#include "advisory/ecosystem.h"

#include "base/mem.h"
#include <string.h>

static void copy_release(const char *ecosystem, const char *text, char *ret)
{
	size_t n = strlen(text);
	if (!strcmp(ecosystem, "Alpine") && *text == 'v') {
		text++;
		n--;
	}
	if (!strcmp(ecosystem, "Ubuntu") && str_has_suffix(text, ":LTS"))
		n -= 4;
	memcpy(ret, text, n);
	ret[n] = '\0';
}

bool ecosystem_parse(const char *text, struct ecosystem *ret)
{
	size_t n = strcspn(text, ":");
	if (n == 0 || strlen(text) > ECOSYSTEM_MAX)
		return false;
	memcpy(ret->name, text, n);
	ret->name[n] = '\0';
	copy_release(ret->name, text[n] ? text + n + 1 : "", ret->release);
	return true;
}

static const char *debian_number(const char *codename)
{
	static const char *const names[][2] = {{"squeeze", "6"}, {"wheezy", "7"}, {"jessie", "8"},
	        {"stretch", "9"}, {"buster", "10"}, {"bullseye", "11"}, {"bookworm", "12"},
	        {"trixie", "13"}, {"forky", "14"}, {"duke", "15"}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(codename, names[i][0]))
			return names[i][1];
	return codename;
}

bool ecosystem_debian(const char *release, struct ecosystem *ret)
{
	*ret = (struct ecosystem){.name = "Debian"};
	if (!*release || strlen(release) > 31)
		return false;
	const char *number = debian_number(release);
	memcpy(ret->release, number, strlen(number) + 1);
	return true;
}

bool ecosystem_is_rpm(const char *name)
{
	static const char *const names[] = {"AlmaLinux", "Rocky Linux", "Red Hat", "SUSE",
	        "openSUSE", "Mageia", "openEuler", "Azure Linux", "Photon OS"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

void package_name(const char *ecosystem, const char *name, struct buf *ret)
{
	bool pypi = !strcmp(ecosystem, "PyPI");
	if (!pypi && strcmp(ecosystem, "NuGet") != 0 && strcmp(ecosystem, "Packagist") != 0) {
		buf_puts(ret, name);
		return;
	}
	for (const char *p = name; *p; p++) {
		bool dash = pypi && strchr("-_.", *p);
		if (dash && p > name && strchr("-_.", p[-1]))
			continue;
		buf_putc(ret, dash ? '-' : lower(*p));
	}
}
