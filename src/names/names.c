// SPDX-License-Identifier: Apache-2.0
// Which name hew was called by; what all that stand in for docker have in common.
#include "names/names-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/json_template.h"
#include "base/mem.h"
#include "ui/ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct docker_flags, member)
const struct option docker_options[] = {
        {"builder", 0, OPT_STRING, AT(builder), "NAME", "The builder that is meant"},
        {"config", 0, OPT_STRING, AT(config), "DIR", "Where docker's config.json lies"},
        {"context", 'c', OPT_STRING, AT(context), "NAME", NULL},
        {"debug", 'D', OPT_FLAG, AT(debug), NULL, NULL},
        {"host", 'H', OPT_STRING, AT(host), "ADDRESS", NULL},
        {"log-level", 'l', OPT_STRING, AT(ignored), "LEVEL", NULL},
        {"tls", 0, OPT_FLAG, AT(tls), NULL, NULL},
        {"tlscacert", 0, OPT_STRING, AT(ignored), "FILE", NULL},
        {"tlscert", 0, OPT_STRING, AT(ignored), "FILE", NULL},
        {"tlskey", 0, OPT_STRING, AT(ignored), "FILE", NULL},
        {"tlsverify", 0, OPT_FLAG, AT(tls), NULL, NULL},
        {"version", 'v', OPT_FLAG, AT(version), NULL, "Print the version"},
        OPTION_END,
};

// What else looks for these takes them from the environment.
void docker_flags_apply(const struct docker_flags *f)
{
	if (f->config && *f->config)
		setenv("DOCKER_CONFIG", f->config, 1);
	if (f->context && *f->context)
		setenv("DOCKER_CONTEXT", f->context, 1);
	if (f->host && *f->host)
		setenv("DOCKER_HOST", f->host, 1);
}

const struct stand_in *stand_in_find(const struct stand_in *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

// ---- handing over to a verb

// docker's: 1 for what goes wrong, but for a few that scripts tell apart.
static int docker_status(int status)
{
	const struct err space = {.kind = ERR_SPACE}, cancelled = {.kind = ERR_CANCELLED};
	if (status == err_exit_status(&space))
		return 102;
	return status == 0 || status == err_exit_status(&cancelled) ? status : 1;
}

int hand_over_as_is(const struct command *c, const struct strv *args)
{
	return command_main(c, (int)args->n, args->v);
}

int hand_over(const struct command *c, const struct strv *args)
{
	return docker_status(hand_over_as_is(c, args));
}

int hand_over_first(const struct command *c, const char *first, const struct strv *args)
{
	auto_strv struct strv words = {0};
	strv_add(&words, first);
	for (size_t i = 0; i < args->n; i++)
		strv_add(&words, args->v[i]);
	return hand_over(c, &words);
}

static void remove_at(struct strv *args, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(args->v[at + i]);
	memmove(&args->v[at], &args->v[at + n], (args->n - at - n) * sizeof(*args->v));
	args->n -= n;
	args->v[args->n] = NULL;
}

void drop_first(struct strv *args)
{
	remove_at(args, 0, 1);
}

char *take_option(struct strv *args, const char *name)
{
	auto_free char *value = NULL;
	size_t n = strlen(name);
	for (size_t i = 0; i < args->n && strcmp(args->v[i], "--") != 0;) {
		const char *word = args->v[i], *eq = strncmp(word, name, n) ? NULL : word + n;
		bool apart = eq && !*eq && i + 1 < args->n;
		if (!eq || (*eq != '=' && !apart)) {
			i++;
			continue;
		}
		free(value);
		value = xstrdup(apart ? args->v[i + 1] : eq + 1);
		remove_at(args, i, apart ? 2 : 1);
	}
	return steal_ptr(&value);
}

bool take_flag(struct strv *args, const char *name)
{
	bool on = false;
	size_t n = strlen(name);
	for (size_t i = 0; i < args->n && strcmp(args->v[i], "--") != 0;) {
		const char *word = args->v[i], *end = strncmp(word, name, n) ? NULL : word + n;
		if (!end || (*end && *end != '=')) {
			i++;
			continue;
		}
		on = strcmp(end, "=false") != 0;
		remove_at(args, i, 1);
	}
	return on;
}

void drop_options(struct strv *args, const char *const *names)
{
	for (; *names; names++) {
		size_t n = strcspn(*names, "=");
		auto_free char *name = xstrndup(*names, n);
		if ((*names)[n])
			free(take_option(args, name));
		else
			take_flag(args, name);
	}
}

int print_document(const char *json, const char *format, struct err *e)
{
	auto_buf struct buf out = {0};
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), e);
	if (!doc)
		return -1;
	if (!format)
		jn_dump_indented(jdoc_root(doc), &out);
	else if (!strcmp(format, "json"))
		jn_dump(jdoc_root(doc), &out);
	else if (template_print(format, jdoc_root(doc), TEMPLATE_COMPACT, &out, e))
		return -1;
	puts(buf_cstr(&out));
	return 0;
}

// ---- called by a name

const struct command *names_called(const char *argv0)
{
	static const struct command *const all[] = {
	        &cmd_buildx, &cmd_docker, &cmd_grype, &cmd_scout, &cmd_structure_test, &cmd_trivy};
	const char *name = fs_base_name(argv0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!strcmp(all[i]->name, name) || (all[i]->alias && !strcmp(all[i]->alias, name)))
			return all[i];
	return NULL;
}

// docker puts all of its own command line behind the plugin: its options, the plugin's name, the
// rest.
static int as_plugin(const struct command *c, int argc, char **argv)
{
	const struct command front = {
	        .name = c->name, .options = docker_options, .stop_at_args = true};
	struct docker_flags f = {0};
	struct err e = ERR_INIT;
	auto_strv struct strv words = {0};
	bool help = false;
	if (options_parse(&front, argc, argv, &f, &words, &help, &e)) {
		ui_error(&e);
		return 1;
	}
	docker_flags_apply(&f);
	if (words.n && !strcmp(words.v[0], c->name))
		drop_first(&words);
	if (help)
		strv_add(&words, "--help");
	return hand_over_as_is(c, &words);
}

// The password of docker login in a word behind others; NULL: it has none.
static char *password_in(char *word, const struct strv *before)
{
	static const char equals[] = "--password=";
	if (!before->n || !strv_has(before, "login")) // options of docker's may stand ahead of it
		return NULL;
	const char *last = before->v[before->n - 1];
	if (!strcmp(last, "-p") || !strcmp(last, "--password"))
		return word;
	if (str_has_prefix(word, equals))
		return word + strlen(equals);
	return str_has_prefix(word, "-p") && word[2] ? word + 2 : NULL;
}

// A copy of the command line, which is then without the password: other users can see it.
static void take_words(int argc, char **argv, struct strv *ret)
{
	for (int i = 0; i < argc; i++) {
		char *password = password_in(argv[i], ret);
		strv_add(ret, argv[i]);
		if (password)
			explicit_bzero(password, strlen(password));
	}
}

int names_verb(const struct command *c, int argc, char **argv)
{
	auto_strv struct strv words = {0};
	take_words(argc, argv, &words);
	return command_main(c, (int)words.n, words.v);
}

int names_main(const struct command *c, int argc, char **argv)
{
	const char *front = getenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND");
	bool plugin = str_has_prefix(fs_base_name(argv[0]), "docker-");
	if (plugin && argc > 1 && !strcmp(argv[1], "docker-cli-plugin-metadata"))
		return plugin_metadata(c);
	if (plugin && front && *front)
		return as_plugin(c, argc - 1, argv + 1);
	return names_verb(c, argc - 1, argv + 1);
}
