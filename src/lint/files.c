// SPDX-License-Identifier: Apache-2.0
// COPY and ADD: secrets, the whole context, ADD where COPY is meant.
#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "dockerfile/git_ref.h"
#include "lint/lint-int.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool lint_is_secret_name(const char *name)
{
	static const char *const exact[] = {".env", ".npmrc", ".pypirc", ".netrc", ".dockercfg",
	        ".git-credentials", ".htpasswd", ".pgpass", "id_rsa", "id_dsa", "id_ecdsa",
	        "id_ed25519", "privkey.pem", "credentials.json", "service-account.json", ".ssh",
	        ".aws", ".gnupg"};
	static const char *const suffixes[] = {".key", ".p12", ".pfx", ".jks", ".kdbx"};
	static const char *const harmless[] = {
	        ".example", ".sample", ".template", ".dist", ".defaults", ".schema"};
	for (size_t i = 0; i < ARRAY_LEN(exact); i++)
		if (!strcmp(name, exact[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_has_suffix(name, suffixes[i]))
			return true;
	if (!str_has_prefix(name, ".env."))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (str_has_suffix(name, harmless[i]))
			return false;
	return true;
}

static bool is_whole_context(const char *source)
{
	return !strcmp(source, ".") || !strcmp(source, "./") || !strcmp(source, "/") ||
	       !strcmp(source, "*") || !strcmp(source, "./*");
}

static bool copies(const struct instr *in)
{
	return (in->kind == INSTR_COPY || in->kind == INSTR_ADD) && in->n_words > 0;
}

// ---- secrets

// What --exclude says; NULL: nothing. *ret_unknown if that is not known before the build.
static struct ignore *excludes_of(const struct instr *in, bool *ret_unknown)
{
	struct err ignored = ERR_INIT;
	struct ignore *x = NULL;
	*ret_unknown = false;
	for (size_t i = 0; i < in->n_excludes; i++)
		*ret_unknown |= strchr(in->excludes[i], '$') != NULL;
	if (in->n_excludes && !*ret_unknown) {
		x = ignore_from_patterns(in->excludes, in->n_excludes, &ignored);
		*ret_unknown = !x;
	}
	return x;
}

static void secret(
        struct lint *l, const struct instr *in, const char *source, const struct ignore *excludes)
{
	const struct lint_options *o = l->o;
	const char *found = NULL, *name = base_name(source);
	bool literal = lint_is_secret_name(name) && !strpbrk(source, "*?[$") &&
	               !(excludes && ignore_excludes(excludes, name, NULL));
	if (o->secret_below)
		found = o->secret_below(o->arg, is_whole_context(source) ? "" : source, excludes);
	else if (literal)
		found = source;
	if (found)
		lint_find(l, in, "SecretCopied", in->pos,
		        "%s goes into the image: give it to the step that needs it with RUN "
		        "--mount=type=secret",
		        found);
	if (o->is_copied && is_whole_context(source) && o->is_copied(o->arg, ".git") &&
	        !(excludes && ignore_excludes(excludes, ".git", NULL)))
		lint_find(l, in, "GitFolderCopied", in->pos,
		        ".git goes into the image: put it into .dockerignore");
}

// ---- the whole context

static void whole_context(struct lint *l, struct lint_stage *s, const struct instr *in)
{
	const struct lint_run *install = s->installs; // not if they were there before
	if (install && install->in->pos.line > in->pos.line) {
		struct lint_finding *f = lint_find(l, in, "CopyBeforeInstall", in->pos,
		        "every change of any file installs the dependencies again (line %d)",
		        install->in->pos.line);
		if (f) {
			f->cost = COST_TIME;
			f->cost_line = install->in->pos.line;
		}
	}
	if (l->o->is_copied && !l->o->has_ignore_file)
		lint_find(l, in, "NoIgnoreFile", in->pos,
		        "all of the folder is copied: a .dockerignore says what does not belong");
}

// ---- ADD

static bool is_archive_name(const char *name)
{
	static const char *const suffixes[] = {
	        ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".gz", ".bz2", ".xz", ".zst"};
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_has_suffix(name, suffixes[i]))
			return true;
	return false;
}

// Where the keyword of an instruction stands (not that of an ONBUILD).
static size_t keyword_at(const struct lint *l, const struct instr *in)
{
	size_t at = lint_line_at(l, in->pos.line) + (size_t)(in->pos.col > 0 ? in->pos.col - 1 : 0);
	size_t n = strlen(in->keyword);
	if (at == 0 && l->text.n >= 3 && !memcmp(l->text.p, "\xef\xbb\xbf", 3))
		at = 3;
	return at + n <= l->text.n && !memcmp(l->text.p + at, in->keyword, n) ? at : SIZE_MAX;
}

static void add_for_copy(struct lint *l, const struct instr *in)
{
	bool sure = l->o->is_plain && !in->checksum && !in->keep_git_dir_set && !in->unpack_set;
	for (size_t i = 0; i + 1 < in->n_words; i++) {
		const char *s = in->words[i];
		if (source_is_url(s) || git_ref_is(s, false) || is_archive_name(s) ||
		        strpbrk(s, "*?[$"))
			return;
		sure = sure && l->o->is_plain(l->o->arg, s);
	}
	if (in->unpack_set && in->unpack)
		return;
	struct lint_finding *f = lint_find(
	        l, in, "AddInsteadOfCopy", in->pos, "nothing is downloaded or unpacked here");
	size_t at = keyword_at(l, in);
	if (!sure || at == SIZE_MAX)
		return;
	bool lower = in->keyword[0] == 'a';
	lint_edit(f, at, at + strlen(in->keyword), lower ? "copy" : "COPY");
}

static void add(struct lint *l, const struct instr *in)
{
	for (size_t i = 0; i + 1 < in->n_words; i++)
		if (source_is_url(in->words[i]) && !git_ref_is(in->words[i], false) &&
		        !in->checksum)
			lint_find(l, in, "AddWithoutChecksum", in->pos,
			        "%s may be another file tomorrow: --checksum=sha256:...",
			        in->words[i]);
	add_for_copy(l, in);
}

static void sources(struct lint *l, struct lint_stage *s, const struct instr *in)
{
	bool unknown;
	struct ignore *excludes = excludes_of(in, &unknown);
	for (size_t k = 0; !in->from && k + 1 < in->n_words; k++) {
		const char *source = in->words[k];
		if (source_is_url(source) || git_ref_is(source, false))
			continue;
		if (s->final && !unknown)
			secret(l, in, source, excludes);
		if (is_whole_context(source))
			whole_context(l, s, in);
	}
	ignore_free(excludes);
}

void lint_files(struct lint *l, struct lint_stage *s)
{
	for (size_t i = 0; i < s->s->n_instrs; i++) {
		const struct instr *in = s->s->instrs[i];
		if (!copies(in))
			continue;
		if (in->kind == INSTR_ADD)
			add(l, in);
		sources(l, s, in);
	}
}
