// SPDX-License-Identifier: Apache-2.0
// Programs and libraries that were not stripped. Only what may be one by its mode or name is
// opened, and no more than so many.
#include "base/err.h"
#include "base/fs.h"
#include "layer/view.h"
#include "packages/elf.h"
#include "size/waste-int.h"
#include <string.h>

#define PROGRAM_SIZE_MIN 4096
#define PROGRAMS_MAX 50000

static bool may_be_program(const struct entry *en)
{
	const char *name = fs_base_name(en->path);
	return en->size >= PROGRAM_SIZE_MIN &&
	       (en->mode & 0111 || strstr(name, ".so") || strstr(name, ".node"));
}

static uint64_t symbols_of(struct view *v, const struct entry *en)
{
	auto_content struct content c = CONTENT_NONE;
	struct err ignored = ERR_INIT;
	return v->ops->open(v, en, &c, &ignored) ? 0 : elf_symbols(&c);
}

void search_symbols(struct search *s, struct view *v)
{
	size_t opened = 0;
	struct entry en;
	for (size_t l = 0; l < s->w->n; l++)
		for (size_t i = 0; i < layer_index_count(s->w->layers[l].from.index); i++) {
			if (s->claimed[l][i] || !weight_seen(s->w, l, i, &en) ||
			        !may_be_program(&en) || opened++ >= PROGRAMS_MAX)
				continue;
			uint64_t bytes = symbols_of(v, &en);
			if (!bytes)
				continue;
			struct waste_finding *f = waste_add(s->list, WASTE_DEBUG, en.path, l);
			f->bytes = bytes;
			f->files = 1;
			f->advice = "strip it in the stage that builds it: strip --strip-unneeded, "
			            "go build -ldflags=\"-s -w\", strip = true in Cargo.toml";
			s->claimed[l][i] = 1;
		}
}
