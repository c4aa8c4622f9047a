// SPDX-License-Identifier: Apache-2.0
// BuildKit's warnings as findings, with an edit for those whose remedy changes nothing but the way
// it is written.
#include "base/buf.h"
#include "lint/lint-int.h"

#include <strings.h>

static const struct instr *instr_at(const struct lint *l, int line)
{
	size_t low = 0, high = l->n_all;
	while (low < high) { // the last that begins at or above the line
		size_t mid = (low + high) / 2;
		if (l->all[mid]->pos.line <= line)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && l->all[low - 1]->pos.end_line >= line ? l->all[low - 1] : NULL;
}

// The words of an instruction where they stand in the file. Its warnings come one after another.
static struct sh_command words_of(struct lint *l, const struct instr *in)
{
	struct sh_script s = {0};
	size_t at = lint_line_at(l, in->pos.line);
	if (l->words_of == in)
		return l->words;
	if (at == 0 && l->text.n >= 3 && !memcmp(l->text.p, "\xef\xbb\xbf", 3))
		at = 3;
	const struct sh_input whole = {
	        l->text.p, at, lint_line_at(l, in->pos.end_line + 1), l->d->escape, .bare = true};
	sh_parse(l->a, &whole, &s);
	l->words_of = in;
	l->words_at = 1;
	l->words = s.n == 0 || s.odd ? (struct sh_command){0} : s.v[0];
	return l->words;
}

// A word that stands in the file just as it is read: no quotes, no line end in it.
static bool is_literal(const struct lint *l, const struct sh_word *w)
{
	size_t n = strlen(w->text);
	return n == w->end - w->at && !memcmp(l->text.p + w->at, w->text, n);
}

static const char *cased(struct lint *l, const char *s, bool upper)
{
	char *copy = arena_strdup(l->a, s);
	for (char *p = copy; *p; p++) {
		if (upper && *p >= 'a' && *p <= 'z')
			*p = (char)(*p & ~0x20);
		else if (!upper && *p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	}
	return copy;
}

static void recase(struct lint *l, struct lint_finding *f, const struct sh_word *w, bool upper)
{
	if (is_literal(l, w))
		lint_edit(f, w->at, w->end, cased(l, w->text, upper));
}

static bool is_lower(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return false;
	return true;
}

static void fix_from_as(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	for (size_t i = 1; i + 1 < c.n; i++)
		if (!strcasecmp(c.words[i].text, "as"))
			recase(l, f, &c.words[i], !is_lower(in->keyword));
}

static void fix_stage_name(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	if (c.n > 1 && !strcmp(c.words[c.n - 1].text, in->stage_name_raw))
		recase(l, f, &c.words[c.n - 1], false);
}

static void fix_keyword(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	if (c.n > 0 && !strcmp(c.words[0].text, in->keyword))
		recase(l, f, &c.words[0], strstr(f->detail, "(uppercase)") != NULL);
}

static bool is_global_arg(const struct lint *l, const char *name)
{
	for (size_t i = 0; i < l->d->n_global_args; i++)
		for (size_t k = 0; k < l->d->global_args[i]->n_pairs; k++)
			if (!strcmp(l->d->global_args[i]->pairs[k].key, name))
				return true;
	return false;
}

static void fix_target_platform(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	if (is_global_arg(l, "TARGETPLATFORM")) // it may have another value
		return;
	for (size_t i = 1; i < c.n; i++) {
		if (!str_has_prefix(c.words[i].text, "--platform=") || !is_literal(l, &c.words[i]))
			continue;
		size_t end = c.words[i].end;
		while (end < l->text.n && (l->text.p[end] == ' ' || l->text.p[end] == '\t'))
			end++;
		lint_edit(f, c.words[i].at, end, "");
	}
}

// The word that is meant, if it has no variable. They come in the order in which they stand.
static void fix_proto(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	const char *spec = strchr(f->detail, '\'');
	size_t n = spec ? strcspn(++spec, "'") : 0;
	for (size_t i = l->words_at; spec && i < c.n; i++) {
		const char *text = c.words[i].text;
		if (strlen(text) != n || memcmp(text, spec, n) != 0)
			continue;
		recase(l, f, &c.words[i], false);
		l->words_at = i + 1;
		return;
	}
}

// Nothing in it that the parser, or a reader of its words, would take for more than itself.
static bool is_simple(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("#&;|<>()\"'\\`", *s))
			return false;
	return true;
}

// ENV k v on one line. In double quotes a value of other words means what it meant; quotes and
// escapes in it might not.
static void fix_legacy(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	struct sh_command c = words_of(l, in);
	if (in->pos.line != in->pos.end_line || c.n < 3 || in->n_raw != 2 || in->n_pairs != 1 ||
	        strcmp(c.words[1].text, in->raw[0]) != 0 || !is_literal(l, &c.words[1]))
		return;
	const char *value = in->raw[1];
	if (strpbrk(value, "\"'\\`\t") || strchr(in->raw[0], '$') || !is_simple(in->raw[0]))
		return;
	size_t at = c.words[2].at, n = strlen(value);
	if (at + n > l->text.n || memcmp(l->text.p + at, value, n) != 0)
		return;
	const char *quote = is_simple(value) ? "" : "\"";
	lint_edit(f, c.words[1].end, at + n, arena_printf(l->a, "=%s%s%s", quote, value, quote));
}

static bool is_blank_line(const char *s)
{
	return !s[strspn(s, " \t\r\f\v")];
}

// Blank lines between the first and the last line of an instruction; not those of a heredoc.
static void fix_continuation(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	for (int line = in->pos.line + 1; line < f->pos.line; line++) {
		if (!is_blank_line(l->d->lines[line - 1]))
			continue;
		int end = line + 1;
		while (end < f->pos.line && is_blank_line(l->d->lines[end - 1]))
			end++;
		lint_edit(f, lint_line_at(l, line), lint_line_at(l, end), "");
		line = end;
	}
}

static void fix(struct lint *l, struct lint_finding *f, const struct instr *in)
{
	static const struct {
		const char *rule;
		void (*fix)(struct lint *l, struct lint_finding *f, const struct instr *in);
	} fixers[] = {{"StageNameCasing", fix_stage_name}, {"FromAsCasing", fix_from_as},
	        {"NoEmptyContinuation", fix_continuation},
	        {"ConsistentInstructionCasing", fix_keyword}, {"LegacyKeyValueFormat", fix_legacy},
	        {"RedundantTargetPlatform", fix_target_platform}, {"ExposeProtoCasing", fix_proto}};
	for (size_t i = 0; in && i < ARRAY_LEN(fixers); i++)
		if (!strcmp(fixers[i].rule, f->rule->name))
			fixers[i].fix(l, f, in);
}

void lint_buildkit(struct lint *l)
{
	for (size_t i = 0; i < l->d->n_warnings; i++) {
		const struct warning *w = &l->d->warnings[i];
		const struct instr *in = instr_at(l, w->pos.line);
		struct lint_finding *f = lint_find(l, in, w->rule, w->pos, "%s", w->detail);
		if (f)
			fix(l, f, in);
	}
}
