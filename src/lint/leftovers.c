// SPDX-License-Identifier: Apache-2.0
#include "lint/leftovers.h"

#include "base/buf.h"
#include "base/mem.h"
#include <string.h>

#define MOUNT(path) "RUN --mount=type=cache,target=" path

static const struct leftover leftovers[] = {
        {"apt lists", {"var/lib/apt/lists"},
                "end the RUN of apt-get update with: && rm -rf /var/lib/apt/lists/*"},
        {"apt cache", {"var/cache/apt"},
                "apt-get clean in the same RUN, or " MOUNT("/var/cache/apt")},
        {"apk", {"var/cache/apk", "etc/apk/cache"}, "apk add --no-cache"},
        {"dnf", {"var/cache/dnf", "var/cache/libdnf5"}, "dnf clean all in the same RUN"},
        {"yum", {"var/cache/yum", "var/cache/dnf"}, "yum clean all in the same RUN"},
        {"microdnf", {"var/cache/yum", "var/cache/dnf"}, "microdnf clean all in the same RUN"},
        {"zypper", {"var/cache/zypp"}, "zypper clean --all in the same RUN"},
        {"pacman", {"var/cache/pacman"}, "pacman -Scc --noconfirm in the same RUN"},
        {"pip", {"root/.cache/pip"}, "pip install --no-cache-dir, or " MOUNT("/root/.cache/pip")},
        {"uv", {"root/.cache/uv"}, "uv --no-cache, or " MOUNT("/root/.cache/uv")},
        {"poetry", {"root/.cache/pypoetry"}, MOUNT("/root/.cache/pypoetry")},
        {"npm", {"root/.npm"}, "npm cache clean --force in the same RUN, or " MOUNT("/root/.npm")},
        {"yarn", {"usr/local/share/.cache", "root/.cache/yarn"},
                "yarn cache clean in the same RUN, or " MOUNT("/usr/local/share/.cache")},
        {"pnpm", {"root/.local/share/pnpm/store"}, MOUNT("/root/.local/share/pnpm/store")},
        {"go build", {"root/.cache/go-build"},
                "build in a stage of its own, with " MOUNT("/root/.cache/go-build")},
        {"go modules", {"go/pkg/mod", "root/go/pkg/mod"},
                "build in a stage of its own, with " MOUNT("/go/pkg/mod")},
        {"cargo",
                {"usr/local/cargo/registry", "usr/local/cargo/git", "root/.cargo/registry",
                        "root/.cargo/git"},
                "build in a stage of its own, with " MOUNT("/usr/local/cargo/registry")},
        {"maven", {"root/.m2/repository"},
                "build in a stage of its own, with " MOUNT("/root/.m2/repository")},
        {"gradle", {"root/.gradle/caches"},
                "build in a stage of its own, with " MOUNT("/root/.gradle/caches")},
        {"composer", {"root/.composer/cache", "root/.cache/composer"},
                MOUNT("/root/.composer/cache")},
        {"bundler", {"usr/local/bundle/cache"},
                "rm -rf /usr/local/bundle/cache in the RUN of bundle install"},
        {"conda", {"opt/conda/pkgs"}, "conda clean -afy in the same RUN"},
        {"temporary files", {"tmp", "var/tmp"},
                "remove them in the RUN that makes them, or RUN --mount=type=tmpfs,target=/tmp"},
        {"cache", {"root/.cache"}, MOUNT("/root/.cache")},
};

const struct leftover *leftover_at(size_t i)
{
	return i < ARRAY_LEN(leftovers) ? &leftovers[i] : NULL;
}

const struct leftover *leftover_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(leftovers); i++)
		if (!strcmp(leftovers[i].name, name))
			return &leftovers[i];
	return NULL;
}

// "gcc-12" is gcc, "openjdk-17-jdk-headless" is not cut at all.
static size_t without_version(const char *name)
{
	size_t n = strlen(name), digits = n;
	while (digits > 0 && strchr("0123456789.", name[digits - 1]))
		digits--;
	return digits > 1 && digits < n && name[digits - 1] == '-' ? digits - 1 : n;
}

bool package_is_build_tool(const char *name)
{
	static const char *const names[] = {"build-essential", "build-base", "gcc", "g++",
	        "gcc-c++", "cpp", "binutils", "clang", "make", "cmake", "automake", "autoconf",
	        "libtool", "musl-dev", "golang", "go", "rustc", "cargo", "rust", "maven", "gradle",
	        "default-jdk", "ninja-build"};
	size_t n = without_version(name);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == n && !strncmp(name, names[i], n))
			return true;
	return str_has_suffix(name, "-dev") || str_has_suffix(name, "-devel") ||
	       str_has_suffix(name, "-jdk") || str_has_suffix(name, "-jdk-headless");
}
