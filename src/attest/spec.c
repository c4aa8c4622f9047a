// SPDX-License-Identifier: Apache-2.0
#include "attest/spec.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <string.h>

#define SPEC_MAX 65536

void attest_spec_release(struct attest_spec *s)
{
	free(s->builder_id);
	free(s->file);
	free(s->generator);
	*s = (struct attest_spec){0};
}

// The values that Go's ParseBool takes.
static bool read_bool(const char *value, bool *ret)
{
	static const char *const words[] = {"1", "t", "true", "0", "f", "false"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(value, words[i])) {
			*ret = i < 3;
			return true;
		}
	return false;
}

static int take_bool(const char *key, const char *value, bool *ret, struct err *e)
{
	return read_bool(value, ret)
	               ? 0
	               : err_set(e, ERR_USAGE, "attestation: %s=%s: true or false is expected", key,
	                         value);
}

// One of two words; *ret says that it was the second.
static int take_choice(
        const char *key, const char *value, const char *const words[2], bool *ret, struct err *e)
{
	*ret = !strcmp(value, words[1]);
	return *ret || !strcmp(value, words[0])
	               ? 0
	               : err_set(e, ERR_USAGE, "attestation: %s=%s: %s or %s is expected", key,
	                         value, words[0], words[1]);
}

static int take_form(struct attest_spec *s, const char *value, struct err *e)
{
	static const char *const words[] = {"referrers", "index"};
	bool as_index;
	if (take_choice("form", value, words, &as_index, e))
		return -1;
	if (s->form_given && s->as_index != as_index)
		return err_set(e, ERR_USAGE,
		        "attestation: form=%s: another one is to be form=%s; all have one form",
		        value, words[s->as_index]);
	s->form_given = true;
	s->as_index = as_index;
	return 0;
}

static void take_text(char **to, const char *value)
{
	free(*to);
	*to = *value ? xstrdup(value) : NULL;
}

static int take_file(struct attest_spec *s, const char *value, struct err *e)
{
	if (strchr(value, '/') || !strcmp(value, ".") || !strcmp(value, ".."))
		return err_set(e, ERR_USAGE,
		        "attestation: filename=%s: a name without folders is expected", value);
	take_text(&s->file, value);
	return 0;
}

static int take_provenance(struct attest_spec *s, const char *key, const char *value, struct err *e)
{
	static const char *const keys[] = {"mode", "version", "builder-id", "filename",
	        "reproducible", "inline-only", "form", "disabled", "type"};
	static const char *const modes[] = {"max", "min"}, *const versions[] = {"v1", "v0.2"};
	if (!strcmp(key, keys[0]))
		return take_choice(key, value, modes, &s->min, e);
	if (!strcmp(key, keys[1]))
		return take_choice(key, value, versions, &s->v02, e);
	if (!strcmp(key, keys[2]))
		return take_text(&s->builder_id, value), 0;
	if (!strcmp(key, keys[3]))
		return take_file(s, value, e);
	if (!strcmp(key, keys[4]))
		return take_bool(key, value, &s->reproducible, e);
	if (!strcmp(key, keys[5]))
		return take_bool(key, value, &s->inline_only, e);
	const char *near = str_nearest(key, keys, ARRAY_LEN(keys));
	return err_set(e, ERR_USAGE, "unknown option \"%s\" of a provenance attestation%s%s%s", key,
	        near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

// What the generator of an SBOM takes is its own business.
static int take_field(
        struct attest_spec *s, bool sbom, const char *key, const char *value, struct err *e)
{
	if (!strcmp(key, "form"))
		return take_form(s, value, e);
	if (!sbom)
		return take_provenance(s, key, value, e);
	if (!strcmp(key, "generator"))
		take_text(&s->generator, value);
	return 0;
}

// type and disabled, wherever they stand.
static int read_head(const struct strv *fields, const char **ret_type, bool *ret_on, struct err *e)
{
	*ret_type = NULL;
	*ret_on = true;
	for (size_t i = 0; i < fields->n; i++) {
		const char *field = fields->v[i];
		bool off;
		if (!strchr(field, '='))
			return err_set(e, ERR_USAGE,
			        "invalid attestation option \"%s\": KEY=VALUE is expected", field);
		if (str_has_prefix(field, "type="))
			*ret_type = field + strlen("type=");
		if (!str_has_prefix(field, "disabled="))
			continue;
		if (take_bool("disabled", field + strlen("disabled="), &off, e))
			return -1;
		*ret_on = !off;
	}
	return 0;
}

static int take_fields(struct attest_spec *s, const struct strv *fields, bool sbom, struct err *e)
{
	for (size_t i = 0; i < fields->n; i++) {
		const char *eq = strchr(fields->v[i], '=');
		auto_free char *key = xstrndup(fields->v[i], (size_t)(eq - fields->v[i]));
		if (strcmp(key, "type") != 0 && strcmp(key, "disabled") != 0 &&
		        take_field(s, sbom, key, eq + 1, e))
			return -1;
	}
	return 0;
}

int attest_spec_add(struct attest_spec *s, const char *text, struct err *e)
{
	auto_strv struct strv fields = {0};
	const char *type;
	bool on;
	if (strlen(text) > SPEC_MAX)
		return err_set(
		        e, ERR_USAGE, "the attestation option is longer than %d bytes", SPEC_MAX);
	if (!strv_split_csv(&fields, text))
		return err_set(e, ERR_USAGE, "invalid attestation \"%s\": misplaced quote", text);
	if (read_head(&fields, &type, &on, e))
		return -1;
	bool sbom = type && !strcmp(type, "sbom");
	if (!sbom && (!type || strcmp(type, "provenance") != 0))
		return err_set(e, ERR_USAGE,
		        "invalid attestation \"%s\": type=sbom or type=provenance is expected",
		        text);
	bool *given = sbom ? &s->sbom_given : &s->provenance_given;
	if (*given)
		return err_set(e, ERR_USAGE, "an attestation of type %s is asked for twice", type);
	*given = true;
	*(sbom ? &s->sbom : &s->provenance) = on;
	return take_fields(s, &fields, sbom, e);
}

int attest_spec_add_short(struct attest_spec *s, const char *type, const char *text, struct err *e)
{
	bool on = false;
	bool word = read_bool(text, &on) || str_ieq(text, "none");
	auto_free char *whole = word ? xasprintf("type=%s,disabled=%s", type, on ? "false" : "true")
	                             : xasprintf("type=%s,%s", type, text);
	return attest_spec_add(s, whole, e);
}
