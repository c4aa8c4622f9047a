# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which Debian packages each job needs, and how missing ones are installed.
# Sourced after say.bash. Nothing is asked of apt when nothing is missing.

PACKAGES_BUILD=(
	gcc libc6-dev meson ninja-build pkg-config scdoc python3
	libcurl4-openssl-dev libssl-dev zlib1g-dev libdeflate-dev libzstd-dev liblzma-dev
	libbz2-dev libsqlite3-dev libjansson-dev libyaml-dev libpcre2-dev
)
PACKAGES_DEMO=(
	mmdebstrap docker-registry busybox-static ca-certificates e2fsprogs util-linux curl xz-utils
)
PACKAGES_TEST=(
	libcmocka-dev bats skopeo umoci buildah podman runc jq attr acl libcap2-bin
	clang clang-format clang-tidy universal-ctags shellcheck apache2-utils openssl
	git sqlite3 xz-utils bzip2 zstd strace procps psmisc iproute2 uidmap passt openssh-client openssh-server
	bindfs tmux man-db libdpkg-perl rpm db5.3-util binutils chromium
)

# packages_for JOB: the names, one a line. demo needs what build needs, test what both need.
packages_for() {
	local list=("${PACKAGES_BUILD[@]}")
	case $1 in
	build) ;;
	demo) list+=("${PACKAGES_DEMO[@]}") ;;
	test | all) list+=("${PACKAGES_DEMO[@]}" "${PACKAGES_TEST[@]}") ;;
	*) die "no such job '$1': build, demo, test or all" ;;
	esac
	printf '%s\n' "${list[@]}"
	# npm only fetches node's own packages: any npm will do, whoever installed it
	if [ "$1" != build ] && ! have_command npm; then
		printf 'nodejs\nnpm\n'
	fi
}

# packages_missing NAME...: those that dpkg does not have installed.
packages_missing() {
	# shellcheck disable=SC2016  # the format is dpkg-query's, not the shell's
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
		awk 'NR == FNR { want[++n] = $1; next } $2 == "installed" { have[$1] = 1 }
			END { for (i = 1; i <= n; i++) if (!(want[i] in have)) print want[i] }' \
			<(printf '%s\n' "$@") -
}

# packages_apt ARGUMENT...: its thousand lines are shown only when it fails, and then the last of them.
packages_apt() {
	local log
	log=$(mktemp "${TMPDIR:-/tmp}/hew-apt.XXXXXX")
	if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	tail -n 20 "$log" >&2
	say "apt-get $1 failed; all it said is in $log"
	return 1
}

# packages_known NAME...: apt's lists have a candidate for every one.
packages_known() {
	apt-cache policy "$@" 2>/dev/null | awk -v want="$#" '
		/^  Candidate: / && $2 != "(none)" { n++ } END { exit n == want ? 0 : 1 }'
}

# packages_ensure JOB: install what JOB lacks; fast and silent when it lacks nothing.
packages_ensure() {
	have_command dpkg-query || die "this machine has no dpkg: script/setup knows Debian only"
	local names missing
	mapfile -t names < <(packages_for "$1")
	mapfile -t missing < <(packages_missing "${names[@]}")
	[ "${#missing[@]}" -eq 0 ] && return 0
	note "installing ${#missing[@]} Debian packages and what they need (a few minutes, once): ${missing[*]}"
	if ! packages_known "${missing[@]}"; then
		packages_apt update || die "apt-get update failed: see its message above; is a Debian mirror reachable?"
	fi
	packages_install "${missing[@]}" ||
		die "apt could not install: ${missing[*]}; see its message above, then run script/setup again"
}

# A list older than the mirror names files that are gone: update once, try again.
packages_install() {
	if ! packages_apt install -y --no-install-recommends "$@"; then
		note "trying once more with fresh package lists"
		packages_apt update && packages_apt install -y --no-install-recommends "$@" || return 1
	fi
	case " $* " in *" docker-registry "*) packages_quiet_service docker-registry ;; esac
	case " $* " in *" openssh-server "*) packages_quiet_service ssh ;; esac
}

# The tests start servers of their own: those that the packages start hold their ports for nothing.
packages_quiet_service() {
	[ -d /run/systemd/system ] || return 0
	as_root systemctl disable --now "$1" || say "could not stop the service $1: harmless here"
}
