// SPDX-License-Identifier: Apache-2.0
// hew completion: shell completion written from the same tables that parse the options.
#include "base/err.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include <stdio.h>
#include <string.h>

static const struct option no_options[] = {OPTION_END};

static void put_verbs(void)
{
	for (size_t i = 0; commands[i]; i++)
		printf("%s%s", i ? " " : "", commands[i]->name);
}

static void put_flags(const struct command *c)
{
	if (c->verbs)
		printf("%s ", c->verbs);
	for (const struct option *o = c->options; o->name; o++)
		if (o->help)
			printf("--%s ", o->name);
	printf("--help");
}

static void bash(void)
{
	printf("_hew() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\n"
	       "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords=\"");
	put_verbs();
	printf("\"\n\telse\n\t\tcase $verb in\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t%s) words=\"", commands[i]->name);
		put_flags(commands[i]);
		printf("\" ;;\n");
	}
	printf("\t\tesac\n\t\tcase $verb in run|push|tag|rmi|inspect|history|save|scan|sbom|diff)\n"
	       "\t\t\t[ \"${cur#-}\" = \"$cur\" ] && words=\"$(hew images --format json "
	       "2>/dev/null |"
	       " sed -n "
	       "'s/.*\"Repository\":\"\\([^\"]*\\)\",\"Tag\":\"\\([^\"]*\\)\".*/\\1:\\2/p')\" ;;\n"
	       "\t\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
	       "complete -o default -F _hew hew\n");
}

static void zsh(void)
{
	printf("#compdef hew\nlocal -a verbs\nverbs=(\n");
	for (size_t i = 0; commands[i]; i++)
		printf("\t'%s:%s'\n", commands[i]->name, commands[i]->summary);
	printf(")\nif (( CURRENT == 2 )); then\n\t_describe verb verbs\n\treturn\nfi\ncase "
	       "$words[2] in\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("%s) compadd -- ", commands[i]->name);
		put_flags(commands[i]);
		printf(" ;;\n");
	}
	printf("esac\n_files\n");
}

static void fish(void)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		printf("complete -c hew -n __fish_use_subcommand -a %s -d \"%s\"\n", c->name,
		        c->summary);
		if (c->verbs)
			printf("complete -c hew -n '__fish_seen_subcommand_from %s' -a '%s'\n",
			        c->name, c->verbs);
		for (const struct option *o = c->options; o->name; o++)
			if (o->help)
				printf("complete -c hew -n '__fish_seen_subcommand_from %s' -l "
				       "%s\n",
				        c->name, o->name);
	}
}

static int completion_print(const char *shell, struct err *e)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (!strcmp(shells[i].name, shell)) {
			shells[i].print();
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown shell \"%s\": bash, zsh or fish", shell);
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
