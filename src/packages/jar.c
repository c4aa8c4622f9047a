// SPDX-License-Identifier: Apache-2.0
// Java archives: what Maven leaves in META-INF/maven/GROUP/ARTIFACT/pom.properties, of the archive
// itself and of all that was put into it; without one the archive's name and manifest. Archives in
// archives are read the same way.
#include "base/fs.h"
#include "base/zip.h"
#include "packages/packages-int.h"

#define NESTED_MAX (64u << 20)  // bytes of an archive in an archive
#define BUDGET_MAX (512u << 20) // of all of them in one file
#define DEPTH_MAX 4
#define PROPERTIES_MAX (64u << 10)

struct jar {
	struct scan *scan;
	int depth;
};

struct artifact {
	char *group, *name, *version;
};

static void artifact_release(struct artifact *a)
{
	free(a->group);
	free(a->name);
	free(a->version);
}

static int add(struct jar *j, const struct artifact *a, struct err *e)
{
	if (!a->name || !a->version)
		return 0;
	auto_free char *name = a->group ? xasprintf("%s:%s", a->group, a->name) : xstrdup(a->name);
	const struct package p = {.type = PACKAGE_MAVEN, .name = name, .version = a->version};
	return scan_add(j->scan, &p, e);
}

// The value of "key=value" or "Key: value" lines, whose long ones go on after a blank. Caller
// frees.
static char *value_of(const char *text, const char *key)
{
	size_t n = strlen(key);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, n) != 0 || (line[n] != '=' && line[n] != ':'))
			continue;
		struct buf out = {0};
		const char *p = line + n + 1;
		for (;;) {
			size_t len = strcspn(p, "\r\n");
			buf_add(&out, p, len);
			p += len;
			p += strspn(p, "\r");
			if (*p != '\n' || p[1] != ' ')
				break;
			p += 2;
		}
		struct str v = str_trim((struct str){buf_cstr(&out), out.n});
		char *got = v.n && !memchr(v.p, '$', v.n) ? xstrndup(v.p, v.n) : NULL;
		buf_release(&out);
		return got;
	}
	return NULL;
}

static int add_properties(struct jar *j, const char *text, struct err *e)
{
	struct artifact a = {.group = value_of(text, "groupId"),
	        .name = value_of(text, "artifactId"),
	        .version = value_of(text, "version")};
	int status = add(j, &a, e);
	artifact_release(&a);
	return status;
}

// "name-1.2.3.jar": where the version begins, or NULL.
static const char *version_in(const char *stem)
{
	for (const char *p = stem; (p = strchr(p, '-')); p++) {
		if (p > stem && p[1] >= '0' && p[1] <= '9')
			return p + 1;
	}
	return NULL;
}

// What an archive without Maven's files says of itself.
static int add_by_name(struct jar *j, const char *path, const char *manifest, struct err *e)
{
	const char *file = fs_base_name(path), *dot = strrchr(file, '.');
	auto_free char *stem = xstrndup(file, dot ? (size_t)(dot - file) : strlen(file));
	const char *version = version_in(stem);
	struct artifact a = {.group = value_of(manifest, "Implementation-Vendor-Id")};
	a.name = xstrndup(stem, version ? (size_t)(version - stem) - 1 : strlen(stem));
	a.version = version ? xstrdup(version) : value_of(manifest, "Implementation-Version");
	if (!a.version)
		a.version = value_of(manifest, "Bundle-Version");
	int status = add(j, &a, e);
	artifact_release(&a);
	return status;
}

static int read_archive(
        struct jar *j, const struct zip_source *source, const char *path, struct err *e);

// It is looked into as long as it goes; a damaged one is left out, and said.
static int read_nested(struct jar *j, struct zip *z, const struct zip_member *m, struct err *e)
{
	auto_buf struct buf bytes = {0};
	auto_free char *name = xstrndup(m->name.p, m->name.n);
	if (j->depth >= DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "archives are nested deeper than %d", DEPTH_MAX);
	if (j->scan->unpacked > BUDGET_MAX || m->size > BUDGET_MAX - j->scan->unpacked)
		return err_set(
		        e, ERR_CORRUPT, "the archives in it have more than %u bytes", BUDGET_MAX);
	if (zip_extract(z, m, NESTED_MAX, &bytes, e))
		return -1;
	j->scan->unpacked += bytes.n;
	const struct str view = {buf_cstr(&bytes), bytes.n};
	const struct zip_source source = zip_source_memory(&view);
	j->depth++;
	int status = read_archive(j, &source, name, e);
	j->depth--;
	return status;
}

static bool ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);
	return s.n > n && !memcmp(s.p + s.n - n, suffix, n);
}

static bool is_archive(struct str name)
{
	return ends(name, ".jar") || ends(name, ".war");
}

// The first thing that is wrong with a member is kept for the end; the others are still read.
static int read_archive(
        struct jar *j, const struct zip_source *source, const char *path, struct err *e)
{
	auto_zip struct zip *z = NULL;
	auto_buf struct buf text = {0}, manifest = {0};
	struct zip_member m;
	struct err first = ERR_INIT;
	int more, status = 0;
	bool properties = false;
	if (zip_open(source, &z, e))
		return -1;
	while ((more = zip_next(z, &m, e)) > 0) {
		struct err why = ERR_INIT;
		int rc = 0;
		if (ends(m.name, "/pom.properties") && m.name.n > 15 &&
		        !memcmp(m.name.p, "META-INF/maven/", 15)) {
			buf_reset(&text);
			rc = zip_extract(z, &m, PROPERTIES_MAX, &text, &why) ||
			     add_properties(j, buf_cstr(&text), &why);
			properties = true;
		} else if (str_eq(m.name, "META-INF/MANIFEST.MF")) {
			buf_reset(&manifest);
			rc = zip_extract(z, &m, MANIFEST_FILE_MAX, &manifest, &why);
			if (rc) // no half of it
				buf_reset(&manifest);
		} else if (is_archive(m.name)) {
			rc = read_nested(j, z, &m, &why);
		}
		if (rc && !first.kind)
			first = why;
	}
	if (more < 0)
		return -1;
	if (!properties)
		status = add_by_name(j, path, buf_cstr(&manifest), e);
	if (!status && first.kind) {
		*e = first;
		return -1;
	}
	return status;
}

static int read_content(void *arg, void *p, size_t n, uint64_t off, struct err *e)
{
	return content_pread(arg, off, p, n, e);
}

int scan_jar(struct scan *s, const struct content *c, struct err *e)
{
	struct content own = *c;
	struct jar j = {.scan = s};
	const struct zip_source source = {.read = read_content, .arg = &own, .size = c->size};
	return read_archive(&j, &source, s->path, e);
}
