// SPDX-License-Identifier: Apache-2.0
// A header of rpm's database: two counts, an index of tags, and the data (rpm's "Package format
// V4", without the lead and the magic). All numbers are big endian.
#include "packages/packages-int.h"

#define TAGS_MAX 65536
#define FILES_MAX 200000

enum tag {
	TAG_NAME = 1000,
	TAG_VERSION = 1001,
	TAG_RELEASE = 1002,
	TAG_EPOCH = 1003,
	TAG_ARCH = 1022,
	TAG_SOURCE = 1044, // the file name of the source package
	TAG_FOLDER_OF_FILE = 1116,
	TAG_FILES = 1117,
	TAG_FOLDERS = 1118,
	TAG_MODULARITY_LABEL = 5096, // "php:8.2:9040020240101:9edba152"
};
#define TYPE_INT32 4
#define TYPE_STRING 6
#define TYPE_STRINGS 8

struct header {
	const uint8_t *tags, *data;
	uint32_t n_tags, size;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct value {
	const uint8_t *p; // up to the end of the data
	uint32_t left, count, type;
};

static bool find(const struct header *h, enum tag tag, struct value *ret)
{
	for (uint32_t i = 0; i < h->n_tags; i++) {
		const uint8_t *t = h->tags + 16 * (size_t)i;
		uint32_t offset = be32(t + 8);
		if (be32(t) != (uint32_t)tag || offset >= h->size)
			continue;
		*ret = (struct value){
		        h->data + offset, h->size - offset, be32(t + 12), be32(t + 4)};
		return true;
	}
	return false;
}

// NULL: there is none.
static const char *text(const struct header *h, enum tag tag)
{
	struct value v;
	if (!find(h, tag, &v) || (v.type != TYPE_STRING && v.type != TYPE_STRINGS) ||
	        !memchr(v.p, 0, v.left) || !*v.p)
		return NULL;
	return (const char *)v.p;
}

// The text behind this one of a list; false: there is none.
static bool next_text(struct value *v, struct str *ret)
{
	const uint8_t *end = v->left && v->count ? memchr(v->p, 0, v->left) : NULL;
	if (!end)
		return false;
	*ret = (struct str){(const char *)v->p, (size_t)(end - v->p)};
	v->left -= (uint32_t)(end + 1 - v->p);
	v->p = end + 1;
	v->count--;
	return true;
}

// The folder of each file is a number that counts the folders.
static void own_files(struct scan *s, const struct header *h)
{
	struct value names, folders, numbers;
	auto_free struct str *folder = NULL;
	struct str name;
	uint32_t n = 0;
	if (!find(h, TAG_FILES, &names) || !find(h, TAG_FOLDERS, &folders) ||
	        !find(h, TAG_FOLDER_OF_FILE, &numbers) || numbers.type != TYPE_INT32 ||
	        folders.count > FILES_MAX || names.count > FILES_MAX)
		return;
	folder = xcalloc(folders.count + 1, sizeof(*folder));
	while (next_text(&folders, &folder[n]))
		n++;
	for (uint32_t i = 0; i < numbers.left / 4 && next_text(&names, &name); i++) {
		uint32_t k = be32(numbers.p + 4 * (size_t)i);
		if (k < n)
			scan_own(s, folder[k], name);
	}
}

char *rpm_source_name(const char *file, char **ret_version)
{
	char *name = xstrdup(file ? file : "");
	char *end = strstr(name, ".src.rpm");
	char *release = NULL, *version = NULL;
	if (end) {
		*end = '\0';
		release = strrchr(name, '-');
	}
	if (release) {
		*release = '\0';
		version = strrchr(name, '-');
		*release = '-';
	}
	// no name has an "@", which parts name and version in a package URL
	if (!version || version == name || memchr(name, '@', (size_t)(version - name))) {
		free(name);
		return NULL;
	}
	*version = '\0';
	*ret_version = xstrdup(version + 1);
	return name;
}

char *rpm_module(const char *label)
{
	const char *stream = label ? strchr(label, ':') : NULL;
	return stream ? xstrndup(label, (size_t)(stream - label) + 1 + strcspn(stream + 1, ":"))
	              : NULL;
}

static int add(struct scan *s, const struct header *h, struct err *e)
{
	const char *name = text(h, TAG_NAME), *version = text(h, TAG_VERSION);
	const char *release = text(h, TAG_RELEASE), *arch = text(h, TAG_ARCH);
	auto_free char *source_version = NULL;
	auto_free char *source = rpm_source_name(text(h, TAG_SOURCE), &source_version);
	auto_free char *module = rpm_module(text(h, TAG_MODULARITY_LABEL));
	struct value epoch;
	auto_buf struct buf full = {0};
	if (!name || !version || !release || !strcmp(name, "gpg-pubkey"))
		return 0;
	if (find(h, TAG_EPOCH, &epoch) && epoch.type == TYPE_INT32 && epoch.left >= 4 &&
	        be32(epoch.p))
		buf_printf(&full, "%u:", be32(epoch.p));
	size_t skip = full.n;
	buf_printf(&full, "%.*s-%.*s", TEXT_LENGTH_MAX, version, TEXT_LENGTH_MAX, release);
	bool same = source_version && !strcmp(source_version, full.p + skip);
	const struct package p = {.type = PACKAGE_RPM,
	        .name = name,
	        .version = full.p,
	        .arch = arch,
	        .source = source && strcmp(source, name) != 0 ? source : NULL,
	        .source_version = same ? NULL : source_version,
	        .module = module};
	return scan_add(s, &p, e);
}

static int read_header(const uint8_t *p, size_t n, struct header *ret, struct err *e)
{
	if (n < 8)
		return err_set(e, ERR_CORRUPT, "a header of rpm is cut off");
	struct header h = {.tags = p + 8, .n_tags = be32(p), .size = be32(p + 4)};
	if (h.n_tags > TAGS_MAX || h.n_tags * (size_t)16 > n - 8 ||
	        h.size > n - 8 - h.n_tags * (size_t)16)
		return err_set(e, ERR_CORRUPT, "a header of rpm is damaged");
	h.data = h.tags + h.n_tags * (size_t)16;
	*ret = h;
	return 0;
}

int scan_rpm_header(struct scan *s, const uint8_t *p, size_t n, struct err *damage, struct err *e)
{
	struct header h;
	struct err why = ERR_INIT;
	if (read_header(p, n, &h, &why)) {
		if (!damage->kind)
			*damage = why;
		return 0;
	}
	own_files(s, &h);
	return add(s, &h, e);
}

int rpm_end(const struct err *damage, struct err *e)
{
	if (!damage->kind)
		return 0;
	*e = *damage;
	return -1;
}
