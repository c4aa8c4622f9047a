// SPDX-License-Identifier: Apache-2.0
// Package managers: what they leave behind, what is installed that does not belong into an image,
// and when it is installed.
#include "base/buf.h"
#include "lint/leftovers.h"
#include "lint/lint-int.h"

static bool any_has(const struct sh_script *s, const char *part)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->v[i].n; k++)
			if (strstr(s->v[i].words[k].text, part))
				return true;
	return false;
}

// A command of the script that removes something whose path has that part.
static bool removes(const struct sh_script *s, const char *part)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 1;
		        (sh_is(&s->v[i], "rm") || sh_is(&s->v[i], "find")) && k < s->v[i].n; k++)
			if (strstr(s->v[i].words[k].text, part))
				return true;
	return false;
}

static bool is_apt(const struct sh_command *c)
{
	return sh_is(c, "apt-get") || sh_is(c, "apt") || sh_is(c, "aptitude");
}

static bool is_any(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, list[i]))
			return true;
	return false;
}

// "-o X", "--config-file X", "-yt X": the word after it is no verb.
static bool takes_value(const char *option)
{
	static const char *const names[] = {"--option", "--config-file", "--target-release",
	        "--default-release", "--host-architecture", "--build-profiles"};
	if (option[1] == '-')
		return is_any(option, names, ARRAY_LEN(names));
	// of letters in one word the first that takes a value has the rest of it
	size_t n = strcspn(option, "octaP");
	return option[n] && !option[n + 1];
}

static const struct sh_word *apt_verb_of(const struct sh_command *c)
{
	for (size_t i = 1; is_apt(c) && i < c->n; i++) {
		if (c->words[i].text[0] != '-')
			return &c->words[i];
		i += takes_value(c->words[i].text);
	}
	return NULL;
}

static bool apt_verb(const struct sh_command *c, const char *verb)
{
	const struct sh_word *w = apt_verb_of(c);
	return w && !strcmp(w->text, verb);
}

// It looks into the package lists: all but a few do.
static bool reads_lists(const struct sh_command *c)
{
	static const char *const without[] = {"update", "remove", "purge", "autoremove",
	        "autopurge", "clean", "autoclean", "distclean", "help", "moo"};
	const struct sh_word *w = apt_verb_of(c);
	return sh_is(c, "apt-cache") || (w && !is_any(w->text, without, ARRAY_LEN(without)));
}

static const struct sh_command *find_apt(const struct sh_script *s, const char *verb)
{
	for (size_t i = 0; i < s->n; i++)
		if (apt_verb(&s->v[i], verb))
			return &s->v[i];
	return NULL;
}

// Whether commands of the script look into package lists, that an update before them fetched or
// that were there.
static bool uses_lists(const struct sh_script *s, bool fetched)
{
	bool updated = false;
	for (size_t i = 0; i < s->n; i++) {
		updated |= apt_verb(&s->v[i], "update");
		if (updated == fetched && reads_lists(&s->v[i]))
			return true;
	}
	return false;
}

static void summarise(struct lint_stage *s)
{
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct lint_run *r = &s->runs[i];
		if (uses_lists(&r->script, false))
			s->needs_lists = r->in->pos.line;
		for (size_t k = 0; !s->installs && k < r->script.n; k++)
			if (lint_installs_dependencies(&r->script.v[k]))
				s->installs = r;
	}
}

// What the rules ask of all RUNs of a stage and of those made from it, asked once. The latter are
// behind it in the file.
void lint_summarise(struct lint *l)
{
	for (size_t i = l->n_stages; i-- > 0;) {
		struct lint_stage *s = &l->stages[i];
		struct lint_stage *parent = s->parent < 0 ? NULL : &l->stages[s->parent];
		int needs = s->needs_lists;
		summarise(s);
		s->needs_lists = needs ? needs : s->needs_lists;
		if (parent && s->needs_lists > parent->needs_lists)
			parent->needs_lists = s->needs_lists;
		if (parent && s->last_run > parent->last_run)
			parent->last_run = s->last_run;
	}
}

// As whoever filled the cache: what sudo wrote it alone removes.
static void append(struct lint *l, struct lint_finding *f, const struct lint_run *r,
        const struct sh_command *filled, const char *command)
{
	lint_append(l, f, r, filled->sudo ? arena_printf(l->a, "sudo %s", command) : command);
}

static void apt_lists(struct lint *l, struct lint_stage *s, const struct lint_run *r)
{
	const struct sh_command *update = find_apt(&r->script, "update");
	int line = r->in->pos.line;
	if (!update || !s->final || removes(&r->script, "/var/lib/apt") ||
	        lint_has_cache_mount(r->in, "/var/lib/apt/lists"))
		return;
	struct lint_finding *f = lint_find(l, r->in, "AptListsLeft", r->in->pos,
	        "%s update leaves its package lists in the image", update->words[0].text);
	if (!f)
		return;
	f->cost = COST_PATHS;
	f->paths = leftover_find("apt lists")->paths;
	// a later RUN may use them: if this one does not, that is what they are there for
	if (s->needs_lists <= line && (uses_lists(&r->script, true) || s->last_run <= line))
		append(l, f, r, update, "rm -rf /var/lib/apt/lists/*");
}

static void apt_update_alone(struct lint *l, struct lint_stage *s, const struct lint_run *r)
{
	if (!find_apt(&r->script, "update") || uses_lists(&r->script, true) ||
	        s->needs_lists <= r->in->pos.line)
		return;
	lint_find(l, r->in, "AptUpdateAlone", r->in->pos,
	        "this layer is cached, and a later RUN installs from its old lists");
}

static void apt_command(
        struct lint *l, struct lint_stage *s, const struct lint_run *r, const struct sh_command *c)
{
	static const char *const common[] = {"install", "update", "upgrade", "remove", "purge",
	        "autoremove", "clean", "autoclean", "build-dep", "download", "source"};
	const struct sh_word *verb = apt_verb_of(c);
	if (sh_is(c, "apt")) {
		struct lint_finding *f = lint_find(l, r->in, "AptForScripts", r->in->pos,
		        "apt is not made for scripts: apt-get is");
		if (!r->in->json && !strcmp(c->words[0].text, "apt") && verb &&
		        is_any(verb->text, common, ARRAY_LEN(common)))
			lint_edit(f, c->words[0].at, c->words[0].end, "apt-get");
	}
	if (s->final && apt_verb(c, "install") && !sh_has(c, "--no-install-recommends") &&
	        !any_has(&r->script, "Install-Recommends"))
		lint_find(l, r->in, "AptInstallsRecommends", r->in->pos,
		        "recommended packages are installed too: --no-install-recommends");
}

static void apk(struct lint *l, const struct lint_run *r, const struct sh_command *c)
{
	const struct sh_word *verb = sh_verb(c);
	bool add = verb && !strcmp(verb->text, "add"),
	     update = verb && !strcmp(verb->text, "update");
	if ((!add && !update) || sh_has(c, "--no-cache") || sh_has(c, "--cache-dir") ||
	        removes(&r->script, "/var/cache/apk") ||
	        lint_has_cache_mount(r->in, "/var/cache/apk") ||
	        lint_has_cache_mount(r->in, "/etc/apk/cache"))
		return;
	struct lint_finding *f = lint_find(l, r->in, "ApkCacheLeft", r->in->pos,
	        "apk %s leaves its package index in the image", verb->text);
	if (!f)
		return;
	f->cost = COST_PATHS;
	f->paths = leftover_find("apk")->paths;
	if (add && !r->in->json)
		lint_edit(f, verb->end, verb->end, " --no-cache");
}

// A cache mount that is, or may be, of the leftover's tool: at its path or above it, or of the same
// name where another user has it.
static bool is_mounted(const struct instr *in, const struct leftover *of)
{
	for (size_t i = 0; i < in->n_mounts; i++) {
		const char *target = in->mounts[i].target;
		const char *name = target ? strrchr(target, '/') : NULL;
		if (in->mounts[i].type != MOUNT_CACHE || !name || !name[1])
			continue;
		if (!strcmp(name, "/.cache"))
			return true;
		for (const char *const *p = of->paths; *p; p++)
			if (str_has_suffix(*p, name))
				return true;
	}
	for (const char *const *p = of->paths; *p; p++) {
		auto_free char *path = xasprintf("/%s", *p);
		if (lint_has_cache_mount(in, path))
			return true;
	}
	return false;
}

// pip, pip3, pip3.11, python -m pip: the word "install" of it.
static const struct sh_word *pip_install(const struct sh_command *c)
{
	size_t at = 1;
	if (c->n == 0)
		return NULL;
	const char *name = strrchr(c->words[0].text, '/');
	name = name ? name + 1 : c->words[0].text;
	if (str_has_prefix(name, "python") && c->n > 3 && !strcmp(c->words[1].text, "-m") &&
	        !strcmp(c->words[2].text, "pip"))
		at = 3;
	else if (!str_has_prefix(name, "pip") || name[3 + strspn(name + 3, "0123456789.")])
		return NULL;
	while (at < c->n && c->words[at].text[0] == '-')
		at++;
	return at < c->n && !strcmp(c->words[at].text, "install") ? &c->words[at] : NULL;
}

static bool sets(const char *const *env, const char *name)
{
	size_t n = strlen(name);
	for (; env && *env; env++)
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return true;
	return false;
}

static void pip(
        struct lint *l, struct lint_stage *s, const struct lint_run *r, const struct sh_command *c)
{
	const struct sh_word *install = pip_install(c);
	if (!install || sh_has(c, "--no-cache-dir") || sets(c->env, "PIP_NO_CACHE_DIR") ||
	        lint_env(l, s, r->in, "PIP_NO_CACHE_DIR") || removes(&r->script, ".cache") ||
	        any_has(&r->script, "purge") || any_has(&r->script, "PIP_NO_CACHE_DIR") ||
	        is_mounted(r->in, leftover_find("pip")))
		return;
	struct lint_finding *f = lint_find(l, r->in, "PipCacheLeft", r->in->pos,
	        "pip install leaves its download cache in the image");
	if (!f)
		return;
	f->cost = COST_PATHS;
	f->paths = leftover_find("pip")->paths;
	if (!r->in->json && !lint_has_other_cache_mount(r->in))
		lint_edit(f, install->end, install->end, " --no-cache-dir");
}

// Managers whose cache is cleaned by a command of their own.
static const struct {
	const char *name, *verbs[6], *rule, *clean, *part; // name: of its leftover, too
} managers[] = {
        {"dnf", {"install", "update", "upgrade", "groupinstall", "makecache"}, "DnfCacheLeft",
                "dnf clean all", "/var/cache/dnf"},
        {"yum", {"install", "update", "upgrade", "groupinstall", "makecache"}, "DnfCacheLeft",
                "yum clean all", "/var/cache/yum"},
        {"microdnf", {"install", "update", "upgrade"}, "DnfCacheLeft", "microdnf clean all",
                "/var/cache/"},
        {"npm", {"ci", "install", "i", "add"}, "NpmCacheLeft", "npm cache clean --force", ".npm"},
        {"yarn", {"install", "add", ""}, "NpmCacheLeft", "yarn cache clean", ".cache"},
};

static bool cleans(const struct sh_script *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (sh_is(&s->v[i], name) &&
		        (sh_has(&s->v[i], "clean") || sh_has(&s->v[i], "purge")))
			return true;
	return false;
}

// yarn alone installs, unless it is asked about itself.
static bool is_yarn_alone(const struct sh_command *c)
{
	return sh_is(c, "yarn") && !sh_verb(c) && !sh_has(c, "--version") && !sh_has(c, "-v") &&
	       !sh_has(c, "--help") && !sh_has(c, "-h");
}

static void managed(struct lint *l, const struct lint_run *r, const struct sh_command *c, size_t m)
{
	const struct sh_word *verb = sh_verb(c);
	const char *text = verb ? verb->text : "";
	size_t k = 0;
	while (k < ARRAY_LEN(managers[m].verbs) &&
	        !(managers[m].verbs[k] && !strcmp(managers[m].verbs[k], text)))
		k++;
	if (k == ARRAY_LEN(managers[m].verbs) || (!verb && !is_yarn_alone(c)) ||
	        cleans(&r->script, managers[m].name) || removes(&r->script, managers[m].part) ||
	        is_mounted(r->in, leftover_find(managers[m].name)))
		return;
	struct lint_finding *f = lint_find(l, r->in, managers[m].rule, r->in->pos,
	        "%s%s%s leaves its cache in the image", managers[m].name, *text ? " " : "", text);
	if (!f)
		return;
	f->cost = COST_PATHS;
	f->paths = leftover_find(managers[m].name)->paths;
	if (!lint_has_other_cache_mount(r->in)) // which this would empty at every build
		append(l, f, r, c, managers[m].clean);
}

// ---- what is installed

static bool has_any(const struct sh_command *c, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sh_has(c, words[i]))
			return true;
	return false;
}

// Whether a value as it is written may be "production": a variable may.
static bool may_be_production(const char *value)
{
	static const char want[] = "production";
	size_t n = 0;
	if (strchr(value, '$'))
		return true;
	for (; *value; value++) {
		if (*value == '"' || *value == '\'')
			continue;
		if (n == sizeof(want) - 1 || *value != want[n++])
			return false;
	}
	return n == sizeof(want) - 1;
}

// Packages by name, or what an option takes for one.
static bool has_word_after(const struct sh_command *c, const struct sh_word *verb)
{
	for (size_t i = verb ? (size_t)(verb - c->words) + 1 : 1; i < c->n; i++)
		if (c->words[i].text[0] != '-')
			return true;
	return false;
}

// npm ci, yarn, bundle install...: of the project's own list, with what develops it.
static bool takes_dev(const struct lint *l, const struct lint_stage *s, const struct lint_run *r,
        const struct sh_command *c)
{
	static const char *const without[] = {"--omit=dev", "--production", "--production=true",
	        "--only=prod", "--only=production", "--prod", "-P", "--no-dev", "--only=main",
	        "--without=dev", "--omit", "--only", "--without"};
	const struct sh_word *verb = sh_verb(c);
	const char *text = verb ? verb->text : "";
	bool node = sh_is(c, "npm") || sh_is(c, "yarn") || sh_is(c, "pnpm");
	bool install = !strcmp(text, "install") || !strcmp(text, "i") || !strcmp(text, "ci") ||
	               is_yarn_alone(c);
	if (!install || has_any(c, without, ARRAY_LEN(without)))
		return false;
	if (!node)
		return sh_is(c, "composer") || sh_is(c, "poetry");
	if (has_word_after(c, verb))
		return false;
	const char *mode = lint_env(l, s, r->in, "NODE_ENV");
	for (const char *const *e = c->env; e && *e; e++)
		if (str_has_prefix(*e, "NODE_ENV="))
			mode = *e + strlen("NODE_ENV=");
	return !mode || !may_be_production(mode);
}

// A later command of the stage takes them out again (in a layer of its own, but that is another
// rule's).
static bool prunes(const struct lint_stage *s)
{
	for (size_t i = 0; i < s->n_runs; i++)
		for (size_t k = 0; k < s->runs[i].script.n; k++)
			if (sh_has(&s->runs[i].script.v[k], "prune"))
				return true;
	return false;
}

static bool installs_packages(const struct sh_command *c)
{
	return apt_verb(c, "install") || sh_verb_is(c, "apk", "add") ||
	       sh_verb_is(c, "dnf", "install") || sh_verb_is(c, "yum", "install") ||
	       sh_verb_is(c, "microdnf", "install");
}

static bool removes_packages(const struct sh_script *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sh_command *c = &s->v[i];
		if (apt_verb(c, "purge") || apt_verb(c, "remove") || sh_verb_is(c, "apk", "del") ||
		        sh_verb_is(c, "dnf", "remove") || sh_verb_is(c, "yum", "remove"))
			return true;
	}
	return false;
}

static void build_tools(struct lint *l, const struct lint_run *r, const struct sh_command *c)
{
	auto_buf struct buf found = {0};
	if (!installs_packages(c) || removes_packages(&r->script))
		return;
	for (size_t i = 2; i < c->n && found.n < 200; i++)
		if (package_is_build_tool(c->words[i].text))
			buf_printf(&found, "%s%s", found.n ? ", " : "", c->words[i].text);
	if (!found.n)
		return;
	struct lint_finding *f = lint_find(l, r->in, "BuildToolsShipped", r->in->pos,
	        "the final stage installs %s", buf_cstr(&found));
	if (f)
		f->cost = COST_LAYER;
}

static void dev_dependencies(
        struct lint *l, struct lint_stage *s, const struct lint_run *r, const struct sh_command *c)
{
	if (!takes_dev(l, s, r, c) || prunes(s))
		return;
	struct lint_finding *f = lint_find(l, r->in, "DevDependenciesShipped", r->in->pos,
	        "%s installs development dependencies into the final stage", c->words[0].text);
	if (f)
		f->cost = COST_LAYER;
}

bool lint_installs_dependencies(const struct sh_command *c)
{
	const struct sh_word *verb = sh_verb(c);
	const char *text = verb ? verb->text : "";
	if (sh_is(c, "npm") || sh_is(c, "pnpm") || sh_is(c, "yarn"))
		return !strcmp(text, "ci") || !strcmp(text, "install") || !strcmp(text, "i") ||
		       is_yarn_alone(c);
	if (pip_install(c))
		return sh_has(c, "-r") || sh_has(c, "--requirement");
	if (sh_is(c, "go"))
		return !strcmp(text, "mod") && sh_has(c, "download");
	if (sh_is(c, "cargo"))
		return !strcmp(text, "fetch");
	static const char *const others[] = {"bundle", "composer", "poetry", "pipenv", "uv"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (sh_is(c, others[i]))
			return !strcmp(text, "install") || !strcmp(text, "sync");
	return false;
}

void lint_packages(struct lint *l, struct lint_stage *s)
{
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct lint_run *r = &s->runs[i];
		apt_lists(l, s, r);
		apt_update_alone(l, s, r);
		for (size_t k = 0; k < r->script.n; k++) {
			const struct sh_command *c = &r->script.v[k];
			if (is_apt(c))
				apt_command(l, s, r, c);
			if (!s->final)
				continue;
			if (sh_is(c, "apk"))
				apk(l, r, c);
			pip(l, s, r, c);
			for (size_t m = 0; m < ARRAY_LEN(managers); m++)
				if (sh_is(c, managers[m].name))
					managed(l, r, c, m);
			build_tools(l, r, c);
			dev_dependencies(l, s, r, c);
		}
	}
}
