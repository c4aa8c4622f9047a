// SPDX-License-Identifier: Apache-2.0
// What Go writes into its programs (debug/buildinfo): the version of the toolchain and the modules.
// Since Go 1.18 both texts follow the header; before that it points to them.
#include "packages/packages-int.h"

#define HEADER_SIZE 32
#define GO_TEXT_MAX (4u << 20)
#define SENTINEL 16 // bytes around the text of the modules

// A text with its length in front, in groups of seven bits. *at is moved behind it.
static int inline_text(const struct elf *f, uint64_t *at, struct buf *ret, struct err *e)
{
	uint64_t n = 0;
	for (int shift = 0; shift < 35; shift += 7) {
		uint8_t b;
		if (content_pread(f->content, (*at)++, &b, 1, e))
			return -1;
		n |= (uint64_t)(b & 0x7f) << shift;
		if (b & 0x80)
			continue;
		if (n > GO_TEXT_MAX)
			break;
		buf_reserve(ret, n + 1);
		if (content_pread(f->content, *at, ret->p, n, e))
			return -1;
		ret->p[ret->n = n] = '\0';
		*at += n;
		return 0;
	}
	return err_set(e, ERR_CORRUPT, "go's build information is too long");
}

// A pointer to a string of Go: address and length.
static int pointed_text(
        const struct elf *f, uint64_t pointer, int size, struct buf *ret, struct err *e)
{
	uint8_t header[16];
	uint64_t at, text;
	if (!pointer)
		return 0;
	if (!elf_offset_of(f, pointer, &at) ||
	        content_pread(f->content, at, header, 2 * (size_t)size, e))
		return err_set(e, ERR_CORRUPT, "go's build information points nowhere");
	uint64_t n = elf_number(f, header + size, size);
	if (n > GO_TEXT_MAX || !elf_offset_of(f, elf_number(f, header, size), &text))
		return err_set(e, ERR_CORRUPT, "go's build information points nowhere");
	buf_reserve(ret, n + 1);
	if (content_pread(f->content, text, ret->p, n, e))
		return -1;
	ret->p[ret->n = n] = '\0';
	return 0;
}

static int add(struct scan *s, const char *name, const char *version, int flags, struct err *e)
{
	const struct package p = {
	        .type = PACKAGE_GOLANG, .flags = flags, .name = name, .version = version};
	return scan_add(s, &p, e);
}

// "go1.22.3 X:boringcrypto" and "go1.22.3-vendor" are the standard library 1.22.3; "devel ..." is
// none. What comes before a release has no dash: "go1.23rc1".
static int add_stdlib(struct scan *s, char *version, struct err *e)
{
	version[strcspn(version, " -")] = '\0';
	return str_has_prefix(version, "go") ? add(s, "stdlib", version + 2, 0, e) : 0;
}

struct module {
	char *path, *version;
};

// "path\tversion\tsum"
static struct module module_of(char *fields)
{
	struct module m = {fields, NULL};
	char *tab = strchr(fields, '\t');
	if (tab) {
		*tab = '\0';
		m.version = tab + 1;
		m.version[strcspn(m.version, "\t")] = '\0';
	}
	return m;
}

static bool is_usable(const char *version)
{
	return version && *version && strcmp(version, "(devel)") != 0;
}

// What the linker was told of the program's own version: -X main.version=1.2.3
static char *version_of_flags(const char *flags)
{
	static const char *const keys[] = {
	        ".version=", ".Version=", ".buildVersion=", ".gitVersion="};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *at = strstr(flags, keys[i]);
		if (!at)
			continue;
		at += strlen(keys[i]);
		at += *at == '\'' || *at == '"';
		size_t n = strspn(
		        at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+");
		const char *digit = at + (*at == 'v');
		if (n && *digit >= '0' && *digit <= '9')
			return xstrndup(at, n);
	}
	return NULL;
}

static int add_main(struct scan *s, const struct module *m, const char *flags, struct err *e)
{
	auto_free char *told = flags ? version_of_flags(flags) : NULL;
	const char *version = is_usable(m->version) ? m->version : told;
	return m->path && version ? add(s, m->path, version, PACKAGE_MAIN, e) : 0;
}

static int add_modules(struct scan *s, char *text, struct err *e)
{
	struct module own = {NULL, NULL}, dep = {NULL, NULL};
	const char *flags = NULL;
	for (char *line = text, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		bool replaces = str_has_prefix(line, "=>\t");
		if (!replaces && dep.path && is_usable(dep.version) &&
		        add(s, dep.path, dep.version, 0, e))
			return -1;
		dep.path = NULL;
		if (str_has_prefix(line, "mod\t"))
			own = module_of(line + 4);
		else if (str_has_prefix(line, "dep\t"))
			dep = module_of(line + 4);
		else if (replaces)
			dep = module_of(line + 3);
		else if (str_has_prefix(line, "build\t-ldflags="))
			flags = line;
	}
	if (dep.path && is_usable(dep.version) && add(s, dep.path, dep.version, 0, e))
		return -1;
	return add_main(s, &own, flags, e);
}

// What the toolchain is, and its text of modules with the sentinels around.
static int read_texts(const struct elf *f, const struct elf_range *info, struct buf *version,
        struct buf *modules, struct err *e)
{
	uint8_t h[HEADER_SIZE];
	uint64_t at = info->offset + HEADER_SIZE;
	if (content_pread(f->content, info->offset, h, sizeof(h), e))
		return -1;
	if (memcmp(h, "\xff Go buildinf:", 14) != 0)
		return err_set(e, ERR_CORRUPT, "go's build information has no header");
	int size = h[14];
	if (h[15] & 2)
		return inline_text(f, &at, version, e) || inline_text(f, &at, modules, e) ? -1 : 0;
	if (size != 4 && size != 8)
		return err_set(
		        e, ERR_CORRUPT, "go's build information has pointers of %d bytes", size);
	return pointed_text(f, elf_number(f, h + 16, size), size, version, e) ||
	                       pointed_text(f, elf_number(f, h + 16 + size, size), size, modules, e)
	               ? -1
	               : 0;
}

int scan_go(struct scan *s, const struct elf *f, const struct elf_range *info, struct err *e)
{
	auto_buf struct buf version = {0}, modules = {0};
	if (read_texts(f, info, &version, &modules, e) ||
	        (version.n && add_stdlib(s, version.p, e)))
		return -1;
	if (modules.n < 2 * SENTINEL + 1 || modules.p[modules.n - SENTINEL - 1] != '\n')
		return 0;
	modules.p[modules.n - SENTINEL] = '\0';
	return add_modules(s, modules.p + SENTINEL, e);
}
