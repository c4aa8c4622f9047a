// SPDX-License-Identifier: Apache-2.0
// hew install, hew uninstall: the names of programs that hew stands in for, as links to this one.
#include "cmd/install.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Where what was overwritten waits. docker takes no file whose name begins so for a plugin.
#define KEPT ".before-hew"

#define AT(member) offsetof(struct install_options, member)
static const struct option install_options[] = {
        {"force", 'f', OPT_FLAG, AT(force), NULL,
                "Replace what is there and not hew's (uninstall brings it back)"},
        {"user", 0, OPT_FLAG, AT(user), NULL, "For this user, not for the machine"},
        OPTION_END,
};
static const struct option uninstall_options[] = {
        {"user", 0, OPT_FLAG, AT(user), NULL, "What was installed with --user"},
        OPTION_END,
};

static const struct place {
	const char *name, *file; // as people say, as it is called
	bool plugin;             // of docker's
} places[] = {
        {"buildx", "docker-buildx", true},
        {"buildx", "buildx", false},
        {"container-structure-test", "container-structure-test", false},
        {"docker", "docker", false},
        {"docker-scout", "docker-scout", true},
        {"grype", "grype", false},
        {"trivy", "trivy", false},
};

#define COMPLETION "completion"
#define MAN "man"

// Where docker looks for plugins of the machine, in its order; hew's are put into the second.
static const char *const plugin_dirs[] = {"/usr/local/lib/docker/cli-plugins",
        "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
        "/usr/libexec/docker/cli-plugins"};
#define PLUGIN_DIR 1

static char *own_plugin_dir(struct err *e)
{
	const char *docker = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	if (docker && *docker)
		return xasprintf("%s/cli-plugins", docker);
	if (home && *home)
		return xasprintf("%s/.docker/cli-plugins", home);
	err_set(e, ERR_FAIL, "neither DOCKER_CONFIG nor HOME is set");
	return NULL;
}

static char *dir_of(const struct place *p, bool user, struct err *e)
{
	const char *home = getenv("HOME");
	if (user && p->plugin)
		return own_plugin_dir(e);
	if (!user)
		return xstrdup(p->plugin ? plugin_dirs[PLUGIN_DIR] : "/usr/local/bin");
	if (home && *home)
		return xasprintf("%s/.local/bin", home);
	err_set(e, ERR_FAIL, "HOME is not set");
	return NULL;
}

static char *this_program(struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		err_sys(e, "find this program");
	return n < 0 ? NULL : xstrndup(path, (size_t)n);
}

// ---- what is there

// Ours is a link that leads here, or to a program called hew: one of another version, or one that
// is gone.
static enum install_there what_is_there(const char *path, const char *program)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? THERE_NOTHING : THERE_OTHER;
	target[n] = '\0';
	bool ours = !strcmp(target, program) || !strcmp(fs_base_name(target), "hew");
	return ours ? THERE_OURS : THERE_OTHER;
}

static char *kept_path(const char *dir, const char *file)
{
	return xasprintf("%s/.%s" KEPT, dir, file);
}

int install_cannot(const char *verb, const char *path, bool user, struct err *e)
{
	bool denied = (errno == EACCES || errno == EPERM || errno == EROFS) && !user;
	err_sys(e, "%s '%s'", verb, path);
	if (denied) {
		struct err why = *e;
		return err_set(e, ERR_FAIL, "%s: call it with sudo, or with --user", why.msg);
	}
	return -1;
}

int install_make_way(
        const char *dir, const char *file, const struct install_options *o, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s", dir, file), *kept = kept_path(dir, file);
	struct stat st;
	if (!o->force)
		return err_set(
		        e, ERR_FAIL, "'%s' is there and not hew's: --force replaces it", path);
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_FAIL, "'%s' is a folder", path);
	if (rename(path, kept))
		return install_cannot("move", path, o->user, e);
	printf("%s was moved to %s\n", path, kept);
	return 0;
}

void install_bring_back(const char *dir, const char *file)
{
	auto_free char *path = xasprintf("%s/%s", dir, file), *kept = kept_path(dir, file);
	if (rename(kept, path) == 0)
		printf("%s is what it was before\n", path);
}

// ---- install

// A link of another name first, so that there is always one or the other.
static int put_link(
        const char *dir, const char *path, const char *program, bool user, struct err *e)
{
	auto_free char *fresh = xasprintf("%s/.hew-%d", dir, (int)getpid());
	struct err made = ERR_INIT;
	if (fs_mkdir_p(AT_FDCWD, dir, 0755, &made)) {
		errno = made.sys;
		return install_cannot("make", dir, user, e);
	}
	unlink(fresh);
	if (symlink(program, fresh))
		return install_cannot("make", path, user, e);
	if (rename(fresh, path) == 0)
		return 0;
	install_cannot("make", path, user, e);
	unlink(fresh);
	return -1;
}

// docker takes the first plugin of a name that it finds.
static void warn_of_plugin(const struct place *p, const char *dir)
{
	struct err ignored = ERR_INIT;
	auto_free char *own = own_plugin_dir(&ignored);
	const char *dirs[] = {own, plugin_dirs[0]};
	for (size_t i = 0; i < ARRAY_LEN(dirs) && dirs[i] && strcmp(dirs[i], dir) != 0; i++) {
		auto_free char *path = xasprintf("%s/%s", dirs[i], p->file);
		if (access(path, F_OK) == 0)
			fprintf(stderr, "hew: docker finds '%s' first: remove it\n", path);
	}
}

// The shell takes the first program of a name in PATH.
static void warn_of_program(const struct place *p, const char *dir)
{
	const char *path = getenv("PATH");
	auto_strv struct strv dirs = {0};
	strv_split(&dirs, path ? path : "", ':');
	if (!strv_has(&dirs, dir)) {
		fprintf(stderr, "hew: %s is not in PATH\n", dir);
		return;
	}
	bool before = true;
	for (size_t i = 0; i < dirs.n; i++) {
		auto_free char *other = xasprintf("%s/%s", dirs.v[i], p->file);
		bool here = !strcmp(dirs.v[i], dir);
		before &= !here;
		if (!here && access(other, X_OK) == 0)
			fprintf(stderr, "hew: there is '%s', too: in PATH it comes %s\n", other,
			        before ? "first" : "after this one");
	}
}

static int install_place(
        const struct place *p, const char *program, const struct install_options *o, struct err *e)
{
	auto_free char *dir = dir_of(p, o->user, e);
	if (!dir)
		return -1;
	auto_free char *path = xasprintf("%s/%s", dir, p->file);
	if (!strcmp(path, program))
		return err_set(
		        e, ERR_USAGE, "'%s' is this program: it has that name already", path);
	enum install_there there = what_is_there(path, program);
	if (there == THERE_OTHER && install_make_way(dir, p->file, o, e))
		return -1;
	if (put_link(dir, path, program, o->user, e))
		return -1;
	printf("%s is hew now\n", path);
	if (p->plugin)
		warn_of_plugin(p, dir);
	else
		warn_of_program(p, dir);
	return 0;
}

// ---- uninstall

static int uninstall_place(
        const struct place *p, const char *program, bool user, bool named, struct err *e)
{
	auto_free char *dir = dir_of(p, user, e);
	if (!dir)
		return -1;
	auto_free char *path = xasprintf("%s/%s", dir, p->file);
	enum install_there there = what_is_there(path, program);
	if (there == THERE_OTHER && named)
		printf("%s is not hew's: it stays\n", path);
	if (there != THERE_OURS)
		return 0;
	if (unlink(path))
		return install_cannot("remove", path, user, e);
	printf("%s was removed\n", path);
	install_bring_back(dir, p->file);
	return 0;
}

// ---- both

static bool is_asked(const struct strv *args, const char *name)
{
	return strv_has(args, name);
}

static int check_names(const struct strv *args, struct err *e)
{
	const char *names[ARRAY_LEN(places) + 2];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		names[n++] = places[i].name;
	names[n++] = COMPLETION;
	names[n++] = MAN;
	for (size_t i = 0; i < args->n; i++) {
		bool known = false;
		for (size_t k = 0; k < n; k++)
			known |= !strcmp(args->v[i], names[k]);
		const char *near = known ? NULL : str_nearest(args->v[i], names, n);
		if (!known)
			return err_set(e, ERR_USAGE,
			        "unknown name \"%s\": buildx, container-structure-test, docker, "
			        "docker-scout, "
			        "grype, trivy, completion or man%s%s%s",
			        args->v[i], near ? " (did you mean " : "", near ? near : "",
			        near ? "?)" : "");
	}
	return 0;
}

static int install(void *opts, const struct strv *args, struct err *e)
{
	const struct install_options *o = opts;
	auto_free char *program = this_program(e);
	if (!program || check_names(args, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (is_asked(args, places[i].name) && install_place(&places[i], program, o, e))
			return -1;
	if (is_asked(args, COMPLETION) && install_completion(o->user, false, e))
		return -1;
	if (is_asked(args, MAN) && install_man(o, e))
		return -1;
	return install_prepare_machine(program, e);
}

static int uninstall(void *opts, const struct strv *args, struct err *e)
{
	const struct install_options *o = opts;
	auto_free char *program = this_program(e);
	bool all = !args->n;
	if (!program || check_names(args, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if ((all || is_asked(args, places[i].name)) &&
		        uninstall_place(&places[i], program, o->user, !all, e))
			return -1;
	if ((all || is_asked(args, COMPLETION)) && install_completion(o->user, true, e))
		return -1;
	if ((all || is_asked(args, MAN)) && uninstall_man(o, !all, e))
		return -1;
	return all && !o->user ? install_forget_machine(e) : 0;
}

const struct command cmd_install = {
        .name = "install",
        .args = "[OPTIONS] [NAME...]",
        .verbs = "buildx container-structure-test docker docker-scout grype trivy completion man",
        .summary = "Let hew answer for docker buildx, docker, trivy, grype; prepare the machine",
        .details =
                "buildx             docker's plugin (docker buildx, docker build), and buildx\n"
                "docker             for machines that have none\n"
                "docker-scout, grype, trivy\n"
                "                   scanners: see hew scan\n"
                "container-structure-test\n"
                "                   see hew test\n"
                "completion         of hew, for bash, zsh and fish\n"
                "man                hew's man pages: man hew, man hew-build\n"
                "\n"
                "Links to this program in /usr/local, or in the user's home. Without a NAME only "
                "what RUN needs\n"
                "is looked at: a profile of AppArmor, newuidmap.\n",
        .options = install_options,
        .size = sizeof(struct install_options),
        .run = install,
};

const struct command cmd_uninstall = {
        .name = "uninstall",
        .args = "[OPTIONS] [NAME...]",
        .verbs = "buildx container-structure-test docker docker-scout grype trivy completion man",
        .summary = "Take away what hew install put in place",
        .details = "Without a NAME all of it. What is not hew's stays.\n",
        .options = uninstall_options,
        .size = sizeof(struct install_options),
        .run = uninstall,
};
