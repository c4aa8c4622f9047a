// SPDX-License-Identifier: Apache-2.0
// The rules by name: what each finds, why it matters, what --fix does about it. Names are stable:
// they stand in comments of other people's files.
#include "base/err.h"
#include "lint/lint-int.h"

static const struct lint_rule own[] = {
        {"BuildFails", LINT_ERROR, "the file does not parse, or a build of it would fail",
                "hew reads the file as a build does, with what the build context, the store and "
                "the default build arguments say. What would end a build is reported with its "
                "line; other rules have seen only what stands above it."},
        {"UnpinnedBase", LINT_WARNING, "a base image without a tag, or with :latest",
                "The name stands for another image whenever its publisher releases one: the same "
                "file builds something else next month, or stops building, and nobody changed it. "
                "Name a version, at best with its digest (image:tag@sha256:...)."},
        {"BaseWithoutDigest", LINT_INFO, "a base image that is named by tag only",
                "Tags are moved, for security fixes as a rule, by mistake or malice at times. With "
                "a digest behind the tag the base is the one that was tested, and an update is a "
                "visible change."},
        {"AptListsLeft", LINT_WARNING, "package lists of apt stay in the image",
                "apt-get update downloads lists of all packages there are, tens of megabytes that "
                "nothing needs once the packages are installed. They must go in the RUN that "
                "fetched them: a later one only hides them.",
                "appends rm -rf /var/lib/apt/lists/*, unless a later RUN may need them"},
        {"AptInstallsRecommends", LINT_INFO, "apt-get install takes recommended packages too",
                "Debian installs what a package recommends along with it, which can be several "
                "times its size and is seldom wanted in a container. Say "
                "--no-install-recommends and name what is needed."},
        {"AptUpdateAlone", LINT_WARNING, "apt-get update in a RUN of its own",
                "The lists become a cached layer. When the RUN that installs is changed weeks "
                "later, it works with old lists: packages are not found, or old versions with "
                "known holes are installed. Update and install belong in one RUN."},
        {"AptForScripts", LINT_INFO, "apt instead of apt-get",
                "apt is for people: its output and options may change between releases, and it "
                "warns of that in every log. apt-get is made for scripts.",
                "writes apt-get"},
        {"ApkCacheLeft", LINT_WARNING, "the package index of apk stays in the image",
                "apk add without --no-cache stores the index of the repositories in the layer. "
                "--no-cache fetches it for this call only, and makes apk update superfluous.",
                "adds --no-cache"},
        {"DnfCacheLeft", LINT_WARNING, "caches of dnf or yum stay in the image",
                "dnf and yum keep metadata of all repositories, and often packages, below "
                "/var/cache: a hundred megabytes and more. clean all must run in the same RUN.",
                "appends dnf clean all"},
        {"PipCacheLeft", LINT_WARNING, "the download cache of pip stays in the image",
                "pip keeps every file it downloaded and every wheel it built for the next "
                "installation, which in an image never comes. --no-cache-dir, or ENV "
                "PIP_NO_CACHE_DIR=1, or RUN --mount=type=cache,target=/root/.cache/pip.",
                "adds --no-cache-dir"},
        {"NpmCacheLeft", LINT_WARNING, "the download cache of npm or yarn stays in the image",
                "The cache holds every package once more, compressed. Clean it in the same RUN, or "
                "keep it outside with RUN --mount=type=cache,target=/root/.npm.",
                "appends npm cache clean --force (yarn cache clean)"},
        {"DevDependenciesShipped", LINT_WARNING,
                "development dependencies are installed in the final stage",
                "Test runners, bundlers and compilers are often larger than the program, and each "
                "is one more thing to patch. Install without them (npm ci --omit=dev), or build in "
                "a stage of its own and copy the result."},
        {"BuildToolsShipped", LINT_WARNING, "compilers or headers are in the final stage",
                "They are needed to build, not to run: hundreds of megabytes, and a workshop for "
                "whoever breaks in. Build in an earlier stage and COPY --from it."},
        {"CopyBeforeInstall", LINT_WARNING,
                "the whole context is copied before dependencies are installed",
                "Any change to any file makes the COPY new and with it everything below: "
                "dependencies are downloaded again for every edit. Copy the files that list them "
                "first, install, then copy the rest."},
        {"NoIgnoreFile", LINT_INFO, "the whole context is copied, and there is no .dockerignore",
                "Everything in the folder goes into the image and into the cache key: .git, local "
                "builds, editors' files, secrets. A .dockerignore says what does not belong."},
        {"DeletedInLaterLayer", LINT_WARNING, "a layer deletes what an earlier one added",
                "Layers only add. A file that an earlier instruction made stays in the image, and "
                "can be read from it, however often it is deleted later. Delete it in the RUN that "
                "made it, or do the work in another stage."},
        {"ChangedInLaterLayer", LINT_WARNING, "chown or chmod of files that an earlier layer added",
                "Changing the owner or mode of a file copies it whole into the new layer: the "
                "image "
                "holds it twice. COPY --chown and --chmod do it while copying."},
        {"RootUser", LINT_WARNING, "the container runs as root",
                "Without USER in the final stage the program runs as root: a hole in it is root's "
                "hole, and files it writes to mounted folders are root's. Create a user, or name "
                "one by number."},
        {"SecretCopied", LINT_ERROR, "a file that holds secrets is copied into the image",
                "Whoever can pull the image can read the file, also if a later layer deletes it. "
                "Keep it out with .dockerignore and give it to the step that needs it: RUN "
                "--mount=type=secret."},
        {"GitFolderCopied", LINT_WARNING, ".git is copied into the image",
                "The whole history goes along, with everything that was ever committed, and every "
                "commit makes the layer new. Put .git into .dockerignore."},
        {"HeredocWithoutErrexit", LINT_WARNING, "a RUN heredoc of several lines without set -e",
                "A heredoc is a script: the shell goes on when a line fails, and only the status "
                "of "
                "the last one counts. A broken image is built and looks good. Begin with set -e."},
        {"PipeWithoutPipefail", LINT_WARNING, "a download is piped, and its failure is not seen",
                "The status of a pipe is that of its last command: when curl fails, sh or tar gets "
                "half a file or none and may well succeed. SHELL [\"/bin/bash\", \"-o\", "
                "\"pipefail\", \"-c\"], or download to a file first."},
        {"RemoteScript", LINT_INFO, "a script from the network is run unseen",
                "What the server sends today is run as it is, as root. Pin what is downloaded: a "
                "version in the address and a checksum (ADD --checksum, sha256sum -c)."},
        {"AddInsteadOfCopy", LINT_WARNING, "ADD where COPY is meant",
                "ADD also downloads and unpacks, and decides by the content: a file that happens "
                "to "
                "be an archive arrives as a folder. COPY copies.",
                "writes COPY, if the sources are known not to be archives"},
        {"AddWithoutChecksum", LINT_WARNING, "ADD of an address without --checksum",
                "The file may be another one tomorrow. ADD --checksum=sha256:... fails when it "
                "is."},
        {"CdInsteadOfWorkdir", LINT_INFO, "cd at the start of a RUN instead of WORKDIR",
                "cd holds for that RUN only, and is repeated in the next. WORKDIR says it once, "
                "makes the folder, and holds for CMD too."},
        {"SudoUsed", LINT_INFO, "sudo in a RUN",
                "A build runs as USER says, root unless told otherwise; sudo adds a setuid program "
                "and surprises with environment and terminals. Use USER."},
        {"WorldWritable", LINT_WARNING, "files that everybody may write",
                "chmod 777 gives write access to every user and process in the container. Give it "
                "to the one that needs it: COPY --chown, or chmod u+w."},
};

#define N_OWN ARRAY_LEN(own)

static const struct {
	const char *name, *fix;
} fixes[] = {
        {"StageNameCasing", "writes the name in lower case"},
        {"FromAsCasing", "writes AS as FROM is written"},
        {"NoEmptyContinuation", "removes the blank lines"},
        {"ConsistentInstructionCasing", "writes the instruction as the others are written"},
        {"LegacyKeyValueFormat", "writes key=value, where that needs no more than quotes"},
        {"RedundantTargetPlatform", "removes the flag"},
        {"ExposeProtoCasing", "writes the protocol in lower case"},
};

// BuildKit's, in the same form, made when first asked for.
static const struct lint_rule *theirs_at(size_t i)
{
	static struct lint_rule theirs[32];
	if (i >= n_check_rules || i >= ARRAY_LEN(theirs))
		return NULL;
	if (theirs[i].name)
		return &theirs[i];
	const struct check_rule *r = &check_rules[i];
	struct lint_rule made = {.level = LINT_WARNING,
	        .summary = r->description,
	        .why = r->description,
	        .url = r->url};
	for (size_t k = 0; k < ARRAY_LEN(fixes); k++)
		if (!strcmp(fixes[k].name, r->name))
			made.fix = fixes[k].fix;
	theirs[i] = made;
	theirs[i].name = r->name;
	return &theirs[i];
}

const struct lint_rule *lint_rule_at(size_t i)
{
	return i < N_OWN ? &own[i] : theirs_at(i - N_OWN);
}

const struct lint_rule *lint_rule_find(const char *name)
{
	const struct lint_rule *r;
	for (size_t i = 0; (r = lint_rule_at(i)); i++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

static const char *const levels[] = {"info", "warning", "error"};

const char *lint_level_name(enum lint_level l)
{
	return levels[l];
}

int lint_level_parse(const char *s, enum lint_level *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (!strcmp(levels[i], s)) {
			*ret = (enum lint_level)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "unknown level \"%s\": info, warning or error", s);
}
