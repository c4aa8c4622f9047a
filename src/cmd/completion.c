// SPDX-License-Identifier: Apache-2.0
// hew completion: shell completion written from the same tables that parse the options.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/install.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option no_options[] = {OPTION_END};

static void put_verbs(FILE *f)
{
	for (size_t i = 0; commands[i]; i++)
		fprintf(f, "%s%s", i ? " " : "", commands[i]->name);
}

static void put_flags(FILE *f, const struct command *c)
{
	if (c->verbs)
		fprintf(f, "%s ", c->verbs);
	for (const struct option *o = c->options; o->name; o++)
		if (o->help)
			fprintf(f, "--%s ", o->name);
	fprintf(f, "--help");
}

static void bash(FILE *f)
{
	fprintf(f, "_hew() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\n"
	           "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords=\"");
	put_verbs(f);
	fprintf(f, "\"\n\telse\n\t\tcase $verb in\n");
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t\t%s) words=\"", commands[i]->name);
		put_flags(f, commands[i]);
		fprintf(f, "\" ;;\n");
	}
	fprintf(f,
	        "\t\tesac\n\t\tcase $verb in "
	        "run|push|tag|rmi|inspect|history|save|scan|sbom|diff|report|browse|size|test)\n"
	        "\t\t\t[ \"${cur#-}\" = \"$cur\" ] && words=\"$(hew images --format json "
	        "2>/dev/null |"
	        " sed -n "
	        "'s/.*\"Repository\":\"\\([^\"]*\\)\",\"Tag\":\"\\([^\"]*\\)\".*/\\1:\\2/p')\" ;;\n"
	        "\t\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
	        "complete -o default -F _hew hew\n");
}

// Inside single quotes.
static void put_quoted(FILE *f, const char *s)
{
	for (; *s; s++)
		if (*s == '\'')
			fputs("'\\''", f);
		else
			fputc(*s, f);
}

static void zsh(FILE *f)
{
	fprintf(f, "#compdef hew\nlocal -a verbs\nverbs=(\n");
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t'%s:", commands[i]->name);
		put_quoted(f, commands[i]->summary);
		fputs("'\n", f);
	}
	fprintf(f, ")\nif (( CURRENT == 2 )); then\n\t_describe verb verbs\n\treturn\nfi\ncase "
	           "$words[2] in\n");
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "%s) compadd -- ", commands[i]->name);
		put_flags(f, commands[i]);
		fprintf(f, " ;;\n");
	}
	fprintf(f, "esac\n_files\n");
}

static void fish(FILE *f)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		fprintf(f, "complete -c hew -n __fish_use_subcommand -a %s -d \"%s\"\n", c->name,
		        c->summary);
		if (c->verbs)
			fprintf(f, "complete -c hew -n '__fish_seen_subcommand_from %s' -a '%s'\n",
			        c->name, c->verbs);
		for (const struct option *o = c->options; o->name; o++)
			if (o->help)
				fprintf(f,
				        "complete -c hew -n '__fish_seen_subcommand_from %s' -l "
				        "%s\n",
				        c->name, o->name);
	}
}

static const struct shell {
	const char *name;
	void (*print)(FILE *f);
	const char *all, *own; // where it looks, below /usr/local and below a home
} shells[] = {
        {"bash", bash, "share/bash-completion/completions/hew",
                ".local/share/bash-completion/completions/hew"},
        {"zsh", zsh, "share/zsh/site-functions/_hew", ".local/share/zsh/site-functions/_hew"},
        {"fish", fish, "share/fish/vendor_completions.d/hew.fish",
                ".config/fish/completions/hew.fish"},
};

static int completion_print(const char *shell, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (!strcmp(shells[i].name, shell)) {
			shells[i].print(stdout);
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown shell \"%s\": bash, zsh or fish", shell);
}

// ---- hew install completion

static int write_file(const struct shell *s, const char *path, struct err *e)
{
	auto_free char *text = NULL, *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		return err_sys(e, "write completion");
	s->print(f);
	if (fclose(f))
		return err_sys(e, "write completion");
	if (fs_mkdir_p(AT_FDCWD, dir, 0755, e) || fs_replace_file(AT_FDCWD, path, text, n, 0644, e))
		return -1;
	printf("%s was written\n", path);
	return 0;
}

int install_completion(bool user, bool remove, struct err *e)
{
	const char *home = getenv("HOME");
	if (user && (!home || !*home))
		return err_set(e, ERR_FAIL, "HOME is not set");
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		auto_free char *path = xasprintf(
		        "%s/%s", user ? home : "/usr/local", user ? shells[i].own : shells[i].all);
		if (!remove && write_file(&shells[i], path, e))
			return -1;
		if (remove && unlink(path) == 0)
			printf("%s was removed\n", path);
	}
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	(void)opts;
	return need_args(args, 1, 1, "completion bash|zsh|fish", e)
	               ? -1
	               : completion_print(args->v[0], e);
}

const struct command cmd_completion = {
        .name = "completion",
        .args = "bash|zsh|fish",
        .summary = "Print a shell completion script",
        .details = "bash: hew completion bash > /etc/bash_completion.d/hew\n",
        .options = no_options,
        .run = run,
};
