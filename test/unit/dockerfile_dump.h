// SPDX-License-Identifier: Apache-2.0
// An instruction as one line of text, so that tests can compare whole results with a row of a
// table.
#pragma once

#include "base/buf.h"
#include "dockerfile/dockerfile.h"

static inline void dump_quoted(struct buf *b, const char *s)
{
	for (buf_putc(b, '<'); *s; s++) {
		if (*s == '\n')
			buf_puts(b, "\\n");
		else if (*s == '\t')
			buf_puts(b, "\\t");
		else if (*s == '\r')
			buf_puts(b, "\\r");
		else
			buf_putc(b, *s);
	}
	buf_putc(b, '>');
}

static inline void dump_text(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(b, " %s=", key);
	dump_quoted(b, value);
}

static inline void dump_flags(struct buf *b, const struct instr *in)
{
	dump_text(b, "platform", in->platform);
	dump_text(b, "from", in->from);
	dump_text(b, "chown", in->chown);
	dump_text(b, "chmod", in->chmod);
	dump_text(b, "checksum", in->checksum);
	dump_text(b, "network", in->network);
	dump_text(b, "security", in->security);
	for (size_t i = 0; i < in->n_devices; i++)
		dump_text(b, "device", in->devices[i]);
	for (size_t i = 0; i < in->n_excludes; i++)
		dump_text(b, "exclude", in->excludes[i]);
	for (size_t i = 0; i < in->n_mounts; i++)
		dump_text(b, "mount", in->mounts[i].text);
	if (in->link_set)
		buf_puts(b, in->link ? " link" : " nolink");
	if (in->unpack_set)
		buf_puts(b, in->unpack ? " unpack" : " nounpack");
	if (in->keep_git_dir_set)
		buf_puts(b, in->keep_git_dir ? " keep-git-dir" : " no-keep-git-dir");
	if (in->parents)
		buf_puts(b, " parents");
}

static inline void dump_health(struct buf *b, const struct instr *in)
{
	if (in->health_none)
		buf_puts(b, " none");
	if (in->health_interval || in->health_timeout || in->health_start_period ||
	        in->health_start_interval || in->health_retries)
		buf_printf(b, " %lld/%lld/%lld/%lld/%d", (long long)in->health_interval,
		        (long long)in->health_timeout, (long long)in->health_start_period,
		        (long long)in->health_start_interval, in->health_retries);
}

static inline void dump_instr(struct buf *b, const struct instr *in)
{
	buf_puts(b, instr_name(in->kind));
	dump_flags(b, in);
	dump_health(b, in);
	dump_text(b, "base", in->base);
	dump_text(b, "stage", in->stage_name);
	dump_text(b, "doc", in->doc);
	if (in->json)
		buf_puts(b, " json");
	for (size_t i = 0; i < in->n_words; i++) {
		buf_putc(b, ' ');
		dump_quoted(b, in->words[i]);
	}
	if (in->legacy_pair)
		buf_puts(b, " legacy");
	for (size_t i = 0; i < in->n_pairs; i++) {
		buf_putc(b, ' ');
		dump_quoted(b, in->pairs[i].key);
		if (in->pairs[i].value) {
			buf_putc(b, '=');
			dump_quoted(b, in->pairs[i].value);
		}
	}
	if (in->heredoc_only)
		buf_puts(b, " heredoc-only");
	for (size_t i = 0; i < in->n_heredocs; i++) {
		const struct heredoc *h = &in->heredocs[i];
		buf_printf(b, " {%s%s%s %d ", h->name, h->expand ? "" : " raw",
		        h->chomp ? " chomp" : "", h->fd);
		dump_quoted(b, h->body);
		buf_putc(b, '}');
	}
	if (in->trigger) {
		buf_puts(b, " [");
		dump_instr(b, in->trigger);
		buf_putc(b, ']');
	}
}

// Everything in file order, one instruction a line.
static inline void dump_file(struct buf *b, const struct dockerfile *d)
{
	for (size_t i = 0; i < d->n_global_args; i++) {
		dump_instr(b, d->global_args[i]);
		buf_putc(b, '\n');
	}
	for (size_t i = 0; i < d->n_stages; i++) {
		dump_instr(b, d->stages[i].from);
		buf_putc(b, '\n');
		for (size_t k = 0; k < d->stages[i].n_instrs; k++) {
			dump_instr(b, d->stages[i].instrs[k]);
			buf_putc(b, '\n');
		}
	}
}
