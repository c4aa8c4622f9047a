// SPDX-License-Identifier: Apache-2.0
// The parsed file as S-expressions, letter for letter as Node.Dump of BuildKit's parser prints it:
// instruction in lower case, flags as a list, words quoted as Go quotes them; ENV and LABEL show
// what stood between name and value; an ONBUILD holds its instruction.
#include "dockerfile/parse-int.h"

static void dump_instr(const struct instr *in, struct buf *out)
{
	for (const char *p = in->keyword; *p; p++)
		buf_putc(out, *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p);
	for (size_t i = 0; i < in->n_flags_text; i++) {
		buf_puts(out, i ? " " : " [");
		quote_go(out, str_of(in->flags_text[i]));
	}
	if (in->n_flags_text > 0)
		buf_putc(out, ']');
	if (in->trigger) {
		buf_puts(out, " (");
		dump_instr(in->trigger, out);
		buf_putc(out, ')');
		return;
	}
	bool pairs = in->kind == INSTR_ENV || in->kind == INSTR_LABEL;
	for (size_t i = 0; i < in->n_raw; i++) {
		buf_putc(out, ' ');
		quote_go(out, str_of(in->raw[i]));
		if (pairs && i % 2 == 1)
			buf_puts(out, in->legacy_pair ? " \"\"" : " \"=\"");
	}
}

static void dump_line(const struct instr *in, struct buf *out)
{
	buf_putc(out, '(');
	dump_instr(in, out);
	buf_puts(out, ")\n");
}

void dockerfile_dump(const struct dockerfile *d, struct buf *out)
{
	for (size_t i = 0; i < d->n_global_args; i++)
		dump_line(d->global_args[i], out);
	for (size_t i = 0; i < d->n_stages; i++) {
		dump_line(d->stages[i].from, out);
		for (size_t k = 0; k < d->stages[i].n_instrs; k++)
			dump_line(d->stages[i].instrs[k], out);
	}
}
