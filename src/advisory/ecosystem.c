// SPDX-License-Identifier: Apache-2.0
// The few rules there are for names.
#include "advisory/ecosystem.h"

#include "base/mem.h"
#include <string.h>

// Of "enterprise_linux:9::appstream" and "enterprise_linux:10.0" what a release is called.
static size_t enterprise_linux(const char **text)
{
	static const char product[] = "enterprise_linux:";
	if (!str_has_prefix(*text, product))
		return 0;
	size_t n = strspn(*text + sizeof(product) - 1, "0123456789");
	*text += n ? sizeof(product) - 1 : 0;
	return n;
}

static size_t number(const char *text)
{
	return strspn(text, "0123456789");
}

// Of "Linux Enterprise Server 15 SP5-LTSS", "Linux Enterprise Module for Python 3 15 SP5" and all
// other products of it "Linux Enterprise 15 SP5": they have the same packages. Micro counts by
// itself.
static bool suse_release(const char *text, char *ret)
{
	static const char product[] = "Linux Enterprise ";
	const char *release = NULL;
	if (!str_has_prefix(text, product) || strstr(text, " Micro "))
		return false;
	for (const char *p = text; (p = strchr(p, ' ')); p++) {
		if (number(p + 1))
			release = p + 1;
	}
	if (!release)
		return false;
	const char *pack = release + number(release);
	size_t n = (size_t)(pack - release);
	if (str_has_prefix(pack, " SP"))
		n += 3 + number(pack + 3);
	memcpy(ret, product, sizeof(product) - 1);
	memcpy(ret + sizeof(product) - 1, release, n);
	ret[sizeof(product) - 1 + n] = '\0';
	return true;
}

static void copy_release(const char *ecosystem, const char *text, char *ret)
{
	size_t n = strlen(text);
	if (!strcmp(ecosystem, "SUSE") && suse_release(text, ret))
		return;
	if (!strcmp(ecosystem, "Alpine") && *text == 'v') {
		text++;
		n--;
	}
	size_t major = !strcmp(ecosystem, "Red Hat") ? enterprise_linux(&text) : 0;
	if (major)
		n = major;
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

void package_module_name(const char *module, const char *name, struct buf *ret)
{
	buf_printf(ret, "%s/%s", module, name);
}

// A letter first, so that no time of day is one.
static bool is_module(struct str word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char rest[] = "-._+0123456789";
	const char *colon = memchr(word.p, ':', word.n);
	if (!colon || colon == word.p || colon + 1 == word.p + word.n || !strchr(letters, *word.p))
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (word.p + i != colon && !strchr(letters, word.p[i]) && !strchr(rest, word.p[i]))
			return false;
	return true;
}

size_t modules_of_title(const char *title, struct str *ret, size_t max)
{
	size_t n = 0;
	for (const char *p = title; n < max && *(p += strspn(p, " ,")); p += strcspn(p, " ,")) {
		struct str word = {p, strcspn(p, " ,")};
		if (is_module(word))
			ret[n++] = word;
	}
	return n;
}

bool version_is_modular(const char *version)
{
	return strstr(version, ".module") != NULL;
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
