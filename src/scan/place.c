// SPDX-License-Identifier: Apache-2.0
// Which ecosystem of the database a package belongs to. A distribution's name and release are those
// of os-release(5); the database has OSV's.
#include "scan/scan-int.h"

#include <stdio.h>
#include <string.h>

// How much of VERSION_ID names a release.
enum precision {
	ROLLING, // there is one release only, without a name
	MAJOR,   // 9 of 9.4
	MINOR,   // 3.19 of 3.19.1
	WHOLE,   // 22.04
	SERVICE, // 15 SP5 of 15.5
	NAMED,   // 22.03-LTS-SP3 of "22.03 (LTS-SP3)", which the pretty name has
};

// CentOS was Red Hat's packages built anew; Fedora publishes nothing that the database takes.
static const struct {
	const char *id; // of os-release
	enum package_type type;
	const char *ecosystem, *publisher;
	enum precision precision;
	const char *prefix; // in front of the release
	bool binary;        // advisories name what is installed, not what it was built from
} distributions[] = {
        {"debian", PACKAGE_DEB, "Debian", "debian", MAJOR, ""},
        {"ubuntu", PACKAGE_DEB, "Ubuntu", "ubuntu", WHOLE, ""},
        {"alpine", PACKAGE_APK, "Alpine", "alpine", MINOR, ""},
        {"wolfi", PACKAGE_APK, "Wolfi", "wolfi", ROLLING, ""},
        {"chainguard", PACKAGE_APK, "Chainguard", "chainguard", ROLLING, ""},
        {"rhel", PACKAGE_RPM, "Red Hat", "redhat", MAJOR, "", true},
        {"centos", PACKAGE_RPM, "Red Hat", "redhat", MAJOR, "", true},
        {"rocky", PACKAGE_RPM, "Rocky Linux", "rocky", MAJOR, ""},
        {"almalinux", PACKAGE_RPM, "AlmaLinux", "alma", MAJOR, "", true},
        {"opensuse-leap", PACKAGE_RPM, "openSUSE", "suse", WHOLE, "Leap "},
        {"opensuse-tumbleweed", PACKAGE_RPM, "openSUSE", "suse", ROLLING, "Tumbleweed"},
        {"sles", PACKAGE_RPM, "SUSE", "suse", SERVICE, "Linux Enterprise "},
        {"azurelinux", PACKAGE_RPM, "Azure Linux", "azure", MAJOR, ""},
        {"mariner", PACKAGE_RPM, "Azure Linux", "azure", MAJOR, ""},
        {"photon", PACKAGE_RPM, "Photon OS", "photon", MINOR, ""},
        {"mageia", PACKAGE_RPM, "Mageia", "mageia", MAJOR, ""},
        {"openEuler", PACKAGE_RPM, "openEuler", "openeuler", NAMED, ""},
};

static const struct {
	enum package_type type;
	const char *ecosystem, *publisher;
} languages[] = {
        {PACKAGE_NPM, "npm", "npm"},
        {PACKAGE_PYPI, "PyPI", "pypi"},
        {PACKAGE_GOLANG, "Go", "go"},
        {PACKAGE_CARGO, "crates.io", "rustsec"},
        {PACKAGE_MAVEN, "Maven", "maven"},
};

// Numbers of a version, so many of them.
static int cut(const char *version, int numbers)
{
	size_t n = 0;
	for (int i = 0; i < numbers; i++) {
		size_t digits = strspn(version + n + (i > 0), "0123456789");
		if (!digits || (i > 0 && version[n] != '.'))
			break;
		n += digits + (i > 0);
	}
	return (int)n;
}

static bool is_edge(const struct release *r)
{
	return r->version && strchr(r->version, '_'); // 3.21_alpha20240807
}

static void put_service_pack(const char *v, const char *prefix, struct ecosystem *eco)
{
	int major = cut(v, 1), whole = cut(v, 2);
	int n = snprintf(eco->release, sizeof(eco->release), "%s%.*s", prefix, major, v);
	const char *pack = v + major + 1;
	if (whole > major && strncmp(pack, "0", (size_t)(whole - major) - 1) != 0)
		snprintf(eco->release + n, sizeof(eco->release) - (size_t)n, " SP%.*s",
		        whole - major - 1, pack);
}

static void put_named(const struct release *r, const char *v, struct ecosystem *eco)
{
	const char *open = r->pretty ? strchr(r->pretty, '(') : NULL;
	size_t n = open ? strcspn(open + 1, ")") : 0;
	snprintf(eco->release, sizeof(eco->release), n ? "%.32s-%.*s" : "%.32s", v,
	        (int)(n < 32 ? n : 32), open ? open + 1 : "");
}

static void put_release(const struct release *r, enum precision precision, const char *prefix,
        struct ecosystem *eco)
{
	const char *v = r->version ? r->version : "";
	switch (precision) {
	case ROLLING:
		snprintf(eco->release, sizeof(eco->release), "%s", prefix);
		return;
	case MAJOR:
		snprintf(eco->release, sizeof(eco->release), "%s%.*s", prefix, cut(v, 1), v);
		return;
	case MINOR:
		snprintf(eco->release, sizeof(eco->release), "%s%.*s", prefix, cut(v, 2), v);
		return;
	case WHOLE:
		snprintf(eco->release, sizeof(eco->release), "%s%.64s", prefix, v);
		return;
	case SERVICE:
		put_service_pack(v, prefix, eco);
		return;
	case NAMED:
		put_named(r, v, eco);
		return;
	}
}

static void find_release(const struct release *r, enum precision precision, const char *prefix,
        struct ecosystem *eco)
{
	struct ecosystem debian;
	put_release(r, precision, prefix, eco);
	if (!strcmp(eco->name, "Debian") && !*eco->release && r->codename &&
	        ecosystem_debian(r->codename, &debian))
		*eco = debian;
	if (!strcmp(eco->name, "Alpine") && is_edge(r))
		snprintf(eco->release, sizeof(eco->release), "edge");
}

bool place_of(enum package_type type, const struct release *r, struct place *ret)
{
	*ret = (struct place){.distribution = false};
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (languages[i].type == type) {
			snprintf(
			        ret->eco.name, sizeof(ret->eco.name), "%s", languages[i].ecosystem);
			ret->publisher = languages[i].publisher;
			return version_scheme_find(ret->eco.name, &ret->scheme);
		}
	}
	ret->distribution = true;
	for (size_t i = 0; r->id && i < ARRAY_LEN(distributions); i++) {
		if (distributions[i].type == type && !strcmp(distributions[i].id, r->id)) {
			snprintf(ret->eco.name, sizeof(ret->eco.name), "%s",
			        distributions[i].ecosystem);
			find_release(
			        r, distributions[i].precision, distributions[i].prefix, &ret->eco);
			ret->publisher = distributions[i].publisher;
			ret->binary = distributions[i].binary;
			return version_scheme_find(
			        type == PACKAGE_RPM ? "rpm" : ret->eco.name, &ret->scheme);
		}
	}
	return false;
}

bool place_has_id(const char *ecosystem, const char *id)
{
	bool is_one = false;
	for (size_t i = 0; i < ARRAY_LEN(distributions); i++) {
		if (strcmp(distributions[i].ecosystem, ecosystem) != 0)
			continue;
		is_one = true;
		if (str_ieq(distributions[i].id, release_id(id)) || str_ieq(ecosystem, id))
			return true;
	}
	return !is_one;
}

void place_release_name(const struct release *r, struct buf *ret)
{
	const char *v = r->version ? r->version : r->codename;
	buf_printf(ret, "%s%s%s", r->id ? r->id : "a distribution without a name", v ? " " : "",
	        v ? v : "");
}

const char *place_remark(const struct release *r)
{
	if (!r->id)
		return NULL;
	if (!strcmp(r->id, "debian") && !r->version)
		return "is not released yet: its packages change faster than advisories do";
	if (!strcmp(r->id, "alpine") && is_edge(r))
		return "is not a release: its packages change faster than advisories do";
	return NULL;
}
