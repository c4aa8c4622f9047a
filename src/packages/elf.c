// SPDX-License-Identifier: Apache-2.0
// Just enough of ELF (System V gABI) to find a section by its name and a place by its address. All
// numbers come from outside: every read is checked against the file.
#include "packages/elf.h"

#include "packages/packages-int.h"

#define SECTIONS_MAX 4096
#define PROGRAMS_MAX 1024
#define SECTION_SIZE_MAX 256
#define NAMES_MAX (256u << 10)

uint64_t elf_number(const struct elf *f, const uint8_t *p, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * (f->big ? bytes - 1 - i : i);
	return v;
}

// A field that is `bytes` long where the file is 32 bit and twice that where it is 64.
static uint64_t word(const struct elf *f, const uint8_t *p)
{
	return elf_number(f, p, f->wide ? 8 : 4);
}

static struct elf_range section_at(const struct elf *f, uint64_t i, uint64_t *ret_name)
{
	const uint8_t *h = (const uint8_t *)f->sections.p + i * f->section_size;
	int w = f->wide ? 8 : 4;
	*ret_name = elf_number(f, h, 4);
	return (struct elf_range){.address = word(f, h + 8 + w),
	        .offset = word(f, h + 8 + 2 * w),
	        .size = word(f, h + 8 + 3 * w)};
}

static int read_range(
        const struct elf *f, uint64_t offset, uint64_t n, struct buf *ret, struct err *e)
{
	buf_reserve(ret, n + 1);
	if (content_pread(f->content, offset, ret->p, n, e))
		return -1;
	ret->p[ret->n = n] = '\0';
	return 0;
}

// The table of sections, whose names are in the section of that number.
static int read_sections(struct elf *f, uint64_t table, uint64_t names, struct err *e)
{
	uint64_t ignored;
	if (read_range(f, table, (uint64_t)f->n_sections * f->section_size, &f->sections, e))
		return -1;
	if (names >= f->n_sections)
		return 0;
	struct elf_range r = section_at(f, names, &ignored);
	return read_range(f, r.offset, r.size < NAMES_MAX ? r.size : NAMES_MAX, &f->names, e);
}

int elf_open(const struct content *c, struct elf *f, struct err *e)
{
	uint8_t h[64];
	if (c->size < sizeof(h))
		return 0;
	if (content_pread(c, 0, h, sizeof(h), e))
		return -1;
	if (memcmp(h, "\177ELF", 4) != 0 || h[4] < 1 || h[4] > 2 || h[5] < 1 || h[5] > 2)
		return 0;
	*f = (struct elf){.content = c, .wide = h[4] == 2, .big = h[5] == 2};
	f->type = (uint32_t)elf_number(f, h + 16, 2);
	int w = f->wide ? 8 : 4;
	const uint8_t *counts = h + 24 + 3 * w + 4; // behind the flags
	uint64_t table = word(f, h + 24 + 2 * w);
	f->program_table = word(f, h + 24 + w);
	f->program_size = (uint32_t)elf_number(f, counts + 2, 2);
	f->n_programs = (uint32_t)elf_number(f, counts + 4, 2);
	f->section_size = (uint32_t)elf_number(f, counts + 6, 2);
	f->n_sections = (uint32_t)elf_number(f, counts + 8, 2);
	if (!table || table > c->size || !f->n_sections || f->n_sections > SECTIONS_MAX ||
	        f->section_size < (f->wide ? 64u : 40u) || f->section_size > SECTION_SIZE_MAX ||
	        f->n_programs > PROGRAMS_MAX || f->program_table > c->size ||
	        (f->n_programs && f->program_size < (f->wide ? 56u : 32u)))
		return 0;
	return read_sections(f, table, elf_number(f, counts + 10, 2), e) ? -1 : 1;
}

void elf_release(struct elf *f)
{
	buf_release(&f->sections);
	buf_release(&f->names);
}

int elf_section(const struct elf *f, const char *name, struct elf_range *ret, struct err *e)
{
	size_t n = strlen(name) + 1;
	for (uint32_t i = 0; i < f->n_sections; i++) {
		uint64_t at;
		struct elf_range r = section_at(f, i, &at);
		if (at > f->names.n || n > f->names.n - at || memcmp(f->names.p + at, name, n) != 0)
			continue;
		if (r.offset > f->content->size || r.size > f->content->size - r.offset)
			return err_set(e, ERR_CORRUPT, "section %s lies beyond its end", name);
		*ret = r;
		return 1;
	}
	return 0;
}

bool elf_offset_of(const struct elf *f, uint64_t address, uint64_t *ret)
{
	for (uint32_t i = 0; i < f->n_programs; i++) {
		uint8_t h[56];
		struct err outside = ERR_INIT;
		if (content_pread(f->content, f->program_table + (uint64_t)i * f->program_size, h,
		            f->wide ? 56 : 32, &outside))
			return false;
		uint64_t offset = word(f, h + (f->wide ? 8 : 4));
		uint64_t start = word(f, h + (f->wide ? 16 : 8));
		uint64_t size = word(f, h + (f->wide ? 32 : 16));
		if (elf_number(f, h, 4) == 1 && address >= start && address - start < size) {
			*ret = offset + (address - start);
			return true;
		}
	}
	return false;
}

int scan_program(struct scan *s, const struct content *c, struct err *e)
{
	auto_elf struct elf f = {0};
	struct elf_range r;
	int found = elf_open(c, &f, e);
	if (found <= 0)
		return found;
	found = elf_section(&f, ".go.buildinfo", &r, e);
	if (found)
		return found < 0 ? -1 : scan_go(s, &f, &r, e);
	found = elf_section(&f, ".dep-v0", &r, e);
	return found > 0 ? scan_rust(s, &f, &r, e) : found;
}

#define TYPE_PROGRAM 2 // ET_EXEC
#define TYPE_SHARED 3  // ET_DYN: of an object file (ET_REL) the symbols are what it is for

static bool is_symbols(const char *name)
{
	return !strcmp(name, ".symtab") || !strcmp(name, ".strtab") ||
	       !strncmp(name, ".debug_", 7) || !strncmp(name, ".zdebug_", 8);
}

uint64_t elf_symbols(const struct content *c)
{
	struct err ignored = ERR_INIT;
	auto_elf struct elf f = {0};
	uint64_t sum = 0;
	if (elf_open(c, &f, &ignored) != 1 || (f.type != TYPE_PROGRAM && f.type != TYPE_SHARED))
		return 0;
	for (uint32_t i = 0; i < f.n_sections && f.names.n; i++) {
		uint64_t at;
		struct elf_range r = section_at(&f, i, &at);
		if (at >= f.names.n || !is_symbols(f.names.p + at) || r.offset > c->size ||
		        r.size > c->size - r.offset)
			continue;
		sum += r.size;
	}
	return sum < c->size ? sum : 0; // sections that overlap say nothing
}
