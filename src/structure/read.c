// SPDX-License-Identifier: Apache-2.0
// The schema of container-structure-test, version 2.0.0, as tables (its README.md and
// pkg/types/v2). What it takes and then never looks at, or looks at and falls over, is refused.
#include "structure/pattern.h"
#include "structure/yaml-int.h"

#include "base/err.h"
#include <string.h>

#define VERSION "2.0.0"

#define FIELD(key, kind, type, member)                     \
	{                                                  \
		key, kind, offsetof(type, member), 0, NULL \
	}
#define OBJECT(key, type, member, each)                            \
	{                                                          \
		key, FIELD_OBJECT, offsetof(type, member), 0, each \
	}
#define OBJECTS(key, type, member, number, each)                                         \
	{                                                                                \
		key, FIELD_OBJECTS, offsetof(type, member), offsetof(type, number), each \
	}
#define FIELDS_END          \
	{                   \
		.key = NULL \
	}

static int need(struct yaml_reader *r, size_t line, const char *key, const char *value)
{
	return value && *value ? 0 : yaml_refuse(r, line, "a test without '%s'", key);
}

// ---- variables and labels

static int check_pair(struct yaml_reader *r, void *object, size_t line)
{
	struct test_pair *v = object;
	if (!v->key || !*v->key)
		return yaml_refuse(r, line, "an entry without 'key'");
	if (!v->value)
		v->value = "";
	if (v->is_regex && !(v->pattern = yaml_pattern(r, v->value, line)))
		return -1;
	return 0;
}

// The name of a variable.
static int check_variable(struct yaml_reader *r, void *object, size_t line)
{
	const struct test_pair *v = object;
	if (v->key && strchr(v->key, '='))
		return yaml_refuse(r, line, "'%.80s' cannot be the name of a variable", v->key);
	return check_pair(r, object, line);
}

static const struct yaml_field pair_fields[] = {
        FIELD("key", FIELD_TEXT, struct test_pair, key),
        FIELD("value", FIELD_TEXT, struct test_pair, value),
        FIELD("isRegex", FIELD_BOOL, struct test_pair, is_regex),
        FIELDS_END,
};
static const struct yaml_object label = {
        .fields = pair_fields, .size = sizeof(struct test_pair), .check = check_pair};
static const struct yaml_object variable = {
        .fields = pair_fields, .size = sizeof(struct test_pair), .check = check_variable};

// ---- commands

static int check_command(struct yaml_reader *r, void *object, size_t line)
{
	const struct command_test *t = object;
	if (t->exit_code < 0 || t->exit_code > 255)
		return yaml_refuse(r, line, "exitCode: 0 to 255 is wanted");
	return need(r, line, "name", t->name) || need(r, line, "command", t->command) ? -1 : 0;
}

static const struct yaml_field command_fields[] = {
        FIELD("name", FIELD_TEXT, struct command_test, name),
        FIELD("setup", FIELD_COMMANDS, struct command_test, setup),
        FIELD("teardown", FIELD_COMMANDS, struct command_test, teardown),
        OBJECTS("envVars", struct command_test, env.v, env.n, &variable),
        FIELD("exitCode", FIELD_INT, struct command_test, exit_code),
        FIELD("command", FIELD_TEXT, struct command_test, command),
        FIELD("args", FIELD_TEXTS, struct command_test, args),
        FIELD("expectedOutput", FIELD_PATTERNS, struct command_test, output),
        FIELD("excludedOutput", FIELD_PATTERNS, struct command_test, no_output),
        FIELD("expectedError", FIELD_PATTERNS, struct command_test, error),
        FIELD("excludedError", FIELD_PATTERNS, struct command_test, no_error),
        FIELDS_END,
};
static const struct yaml_object command_object = {
        .fields = command_fields, .size = sizeof(struct command_test), .check = check_command};

// ---- files

static void begin_existence(void *object)
{
	struct existence_test *t = object;
	t->should_exist = true;
	t->uid = t->gid = -1;
}

static int check_existence(struct yaml_reader *r, void *object, size_t line)
{
	const struct existence_test *t = object;
	static const char *const who[] = {"owner", "group", "other", "any"};
	const char *by = t->executable_by;
	bool known = !by;
	for (size_t i = 0; by && i < ARRAY_LEN(who); i++)
		known = known || !strcmp(by, who[i]);
	if (!known)
		return yaml_refuse(r, line,
		        "isExecutableBy '%.40s': owner, group, other or any is wanted", by);
	if (!t->should_exist && (t->permissions || by || t->uid >= 0 || t->gid >= 0))
		return yaml_refuse(r, line,
		        "a file that should not exist has no owner and no permissions: take them "
		        "out");
	return need(r, line, "name", t->name) || need(r, line, "path", t->path) ? -1 : 0;
}

static const struct yaml_field existence_fields[] = {
        FIELD("name", FIELD_TEXT, struct existence_test, name),
        FIELD("path", FIELD_TEXT, struct existence_test, path),
        FIELD("shouldExist", FIELD_BOOL, struct existence_test, should_exist),
        FIELD("permissions", FIELD_TEXT, struct existence_test, permissions),
        FIELD("uid", FIELD_INT, struct existence_test, uid),
        FIELD("gid", FIELD_INT, struct existence_test, gid),
        FIELD("isExecutableBy", FIELD_TEXT, struct existence_test, executable_by),
        FIELDS_END,
};
static const struct yaml_object existence_object = {.fields = existence_fields,
        .size = sizeof(struct existence_test),
        .begin = begin_existence,
        .check = check_existence};

static int check_content(struct yaml_reader *r, void *object, size_t line)
{
	const struct content_test *t = object;
	if (!t->expected.n && !t->excluded.n)
		return yaml_refuse(r, line,
		        "a test of contents with neither 'expectedContents' nor "
		        "'excludedContents'");
	return need(r, line, "name", t->name) || need(r, line, "path", t->path) ? -1 : 0;
}

static const struct yaml_field content_fields[] = {
        FIELD("name", FIELD_TEXT, struct content_test, name),
        FIELD("path", FIELD_TEXT, struct content_test, path),
        FIELD("expectedContents", FIELD_PATTERNS, struct content_test, expected),
        FIELD("excludedContents", FIELD_PATTERNS, struct content_test, excluded),
        FIELDS_END,
};
static const struct yaml_object content_object = {
        .fields = content_fields, .size = sizeof(struct content_test), .check = check_content};

// ---- metadata: the names of the first releases are still in use

static const struct yaml_field metadata_fields[] = {
        OBJECTS("envVars", struct metadata_test, env.v, env.n, &variable),
        OBJECTS("env", struct metadata_test, env.v, env.n, &variable),
        OBJECTS("unboundEnvVars", struct metadata_test, unbound_env.v, unbound_env.n, &variable),
        OBJECTS("unboundEnv", struct metadata_test, unbound_env.v, unbound_env.n, &variable),
        OBJECTS("labels", struct metadata_test, labels.v, labels.n, &label),
        FIELD("exposedPorts", FIELD_TEXTS, struct metadata_test, ports),
        FIELD("unexposedPorts", FIELD_TEXTS, struct metadata_test, no_ports),
        FIELD("volumes", FIELD_TEXTS, struct metadata_test, volumes),
        FIELD("unmountedVolumes", FIELD_TEXTS, struct metadata_test, no_volumes),
        FIELD("entrypoint", FIELD_TEXTS, struct metadata_test, entrypoint),
        FIELD("cmd", FIELD_TEXTS, struct metadata_test, cmd),
        FIELD("workdir", FIELD_TEXT, struct metadata_test, workdir),
        FIELD("user", FIELD_TEXT, struct metadata_test, user),
        FIELDS_END,
};
static const struct yaml_object metadata_object = {
        .fields = metadata_fields, .size = sizeof(struct metadata_test)};

// ---- licences and options

static const struct yaml_field licence_fields[] = {
        FIELD("debian", FIELD_BOOL, struct licence_test, debian),
        FIELD("files", FIELD_TEXTS, struct licence_test, files),
        FIELDS_END,
};
static const struct yaml_object licence_object = {
        .fields = licence_fields, .size = sizeof(struct licence_test)};

static const struct yaml_field option_fields[] = {
        FIELD("user", FIELD_TEXT, struct run_options, user),
        FIELD("privileged", FIELD_BOOL, struct run_options, privileged),
        FIELD("allocateTty", FIELD_BOOL, struct run_options, tty),
        FIELD("envFile", FIELD_TEXT, struct run_options, env_file),
        FIELD("envVars", FIELD_TEXTS, struct run_options, env),
        FIELD("capabilities", FIELD_TEXTS, struct run_options, capabilities),
        FIELD("bindMounts", FIELD_TEXTS, struct run_options, bind_mounts),
        FIELD("network", FIELD_TEXT, struct run_options, network),
        FIELDS_END,
};
static const struct yaml_object option_object = {
        .fields = option_fields, .size = sizeof(struct run_options)};

// ---- the file

static int check_version(struct yaml_reader *r, void *object, size_t line)
{
	const char *version = ((const struct structure *)object)->version;
	if (!version)
		return yaml_refuse(r, line, "'schemaVersion: \"" VERSION "\"' is missing");
	if (strcmp(version, VERSION) != 0)
		return yaml_refuse(r, line, "schema version %.20s is not read, only " VERSION "%s",
		        version,
		        !strcmp(version, "1.0.0")
		                ? " (in which 'command' is one text, and what follows it 'args')"
		                : "");
	return 0;
}

// Read first: of another version nothing else would be understood.
static const struct yaml_field version_fields[] = {
        FIELD("schemaVersion", FIELD_TEXT, struct structure, version),
        FIELDS_END,
};
static const struct yaml_object version_object = {.fields = version_fields,
        .size = sizeof(struct structure),
        .loose = true,
        .check = check_version};

static const struct yaml_field file_fields[] = {
        FIELD("schemaVersion", FIELD_TEXT, struct structure, version),
        OBJECTS("globalEnvVars", struct structure, env.v, env.n, &variable),
        OBJECTS("commandTests", struct structure, commands, n_commands, &command_object),
        OBJECTS("fileExistenceTests", struct structure, existences, n_existences,
                &existence_object),
        OBJECTS("fileContentTests", struct structure, contents, n_contents, &content_object),
        OBJECT("metadataTest", struct structure, metadata, &metadata_object),
        OBJECTS("licenseTests", struct structure, licences, n_licences, &licence_object),
        OBJECT("containerRunOptions", struct structure, options, &option_object),
        FIELDS_END,
};
static const struct yaml_object file_object = {
        .fields = file_fields, .size = sizeof(struct structure)};

void structure_release(struct structure *s)
{
	for (size_t i = 0; i < s->n_patterns; i++)
		pattern_release(s->patterns[i]);
	free(s->patterns);
	arena_release(&s->arena);
	*s = (struct structure){0};
}

int structure_read(
        const char *file, const char *text, size_t n, struct structure *ret, struct err *e)
{
	*ret = (struct structure){0};
	ret->file = arena_strdup(&ret->arena, file);
	if (n > STRUCTURE_FILE_MAX)
		return err_set(e, ERR_USAGE, "%s: a file of tests has %u bytes at most", file,
		        STRUCTURE_FILE_MAX);
	return yaml_read(ret, text, n, &version_object, e) ||
	                       yaml_read(ret, text, n, &file_object, e)
	               ? -1
	               : 0;
}
