// SPDX-License-Identifier: Apache-2.0
// The order of versions, as each package manager has it. Pure. For any two texts that are accepted
// there is an answer, which turns around with them; and but for Maven, whose own rules fail there,
// answers agree with each other, so that lists can be sorted.
//
//   dpkg     deb-version(7): [epoch:]upstream[-revision]
//   apk      apk-package(5), as apk-tools 2 compares also what does not quite follow it
//   rpm      rpm-version(7): [epoch:]version[-release]; an absent release is before any
//   semver   semver.org 2.0, read loosely as npm does ("v1.2", "1.2.3beta", four numbers)
//   pep440   PEP 440; what does not follow it is before all that does, in setuptools' old order
//   go       semver of modules and of the toolchain ("go1.21rc2"); pseudo-versions are prereleases
//   maven    org.apache.maven.artifact.versioning.ComparableVersion of Maven 3.6
//   gem      Gem::Version
#pragma once

#include <stdbool.h>

struct err;

enum version_scheme {
	VERSION_DPKG,
	VERSION_APK,
	VERSION_RPM,
	VERSION_SEMVER,
	VERSION_PEP440,
	VERSION_GO,
	VERSION_MAVEN,
	VERSION_GEM,
};

#define VERSION_TEXT_MAX 512

// By the name of an ecosystem in OSV ("Debian:12", "crates.io", "PyPI"), the type of a package URL
// ("deb", "gem") or a name above, in any case. False: an ecosystem whose order is not known here.
bool version_scheme_find(const char *ecosystem, enum version_scheme *ret);
const char *version_scheme_name(enum version_scheme s);
// Is there anything to compare? ERR_USAGE says why not: empty, longer than VERSION_TEXT_MAX, with
// blanks or bytes outside ASCII, or without what the scheme begins with.
int version_check(enum version_scheme s, const char *version, struct err *e);
// *ret: below, equal to or above 0 as a is to b. -1 if one of the two does not pass version_check.
int version_compare(enum version_scheme s, const char *a, const char *b, int *ret, struct err *e);
