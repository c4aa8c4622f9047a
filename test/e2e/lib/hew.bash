# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every suite starts with: `load lib/hew`. Each file has a store of its own (HEW_ROOT); each
# test an empty folder that it starts in. HEW_TEST_BIN (the program) and HEW_TEST_REGISTRY (a folder of
# test/bases/serve, with the base images) come from script/test.
#
# With HEW_TEST_UID, hew runs as that ordinary user and everything else stays root, so that what it made is
# looked at with the same eyes, and the same owners are asked for.

bats_require_minimum_version 1.5.0
E2E_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$E2E_LIB/../../.." && pwd)

export HEW_TEST_BIN=${HEW_TEST_BIN:-$TOP/build/test/hew}
# What a user has set must not change what is tested.
unset SOURCE_DATE_EPOCH BUILDKIT_PROGRESS DOCKER_DEFAULT_PLATFORM NO_COLOR HEW_FAULT HEW_FAULT_TRACE
unset ACTIONS_RUNTIME_TOKEN ACTIONS_RESULTS_URL ACTIONS_CACHE_URL ACTIONS_CACHE_SERVICE_V2 GITHUB_REF GITHUB_BASE_REF
unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITHUB_WORKSPACE GITLAB_CI
unset DOCKER_AUTH_CONFIG http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

setup_file() { suite_setup; }
setup() { test_setup; }
teardown() { test_teardown; }

suite_setup() {
	export HEW_ROOT=$BATS_FILE_TMPDIR/store
	export DOCKER_CONFIG=$BATS_FILE_TMPDIR/docker
	mkdir -p "$DOCKER_CONFIG" "$BATS_FILE_TMPDIR/bin"
	# a copy, so that its processes are known from those of the suite beside
	export HEW=$BATS_FILE_TMPDIR/bin/hew HEW_PROGRAM=$BATS_FILE_TMPDIR/bin/hew
	[ -z "${HEW_TEST_UID-}" ] || as_a_user
	[ -z "${HEW_TEST_EMPTY_ROOT-}" ] || in_an_empty_root
	install -m 755 "$HEW_TEST_BIN" "$HEW_PROGRAM"
	PATH=$BATS_FILE_TMPDIR/bin:$PATH
	export CONTAINERS_REGISTRIES_CONF=${HEW_TEST_REGISTRY:?run these through script/test}/registries.conf
}

# $HEW becomes a script that drops root's rights and runs the program.
as_a_user() {
	local home=$BATS_FILE_TMPDIR/home
	HEW_PROGRAM=$BATS_FILE_TMPDIR/program/hew
	mkdir "${HEW_PROGRAM%/*}" "$home"
	printf '#!/bin/sh\nHOME=%s exec setpriv --reuid %s --regid %s --clear-groups --inh-caps=-all %s "$@"\n' \
		"'$home'" "$HEW_TEST_UID" "$HEW_TEST_UID" "'$HEW_PROGRAM'" >"$HEW"
	chmod 755 "$HEW"
	chmod 755 "$BATS_RUN_TMPDIR" # mktemp made it for root alone
	chown "$HEW_TEST_UID:$HEW_TEST_UID" "$BATS_FILE_TMPDIR" "$DOCKER_CONFIG" "$home"
}

# $HEW becomes a script that runs the program in a root of nothing but the folders that tests work in, and two files
# of /etc.
in_an_empty_root() {
	local dir root=$BATS_FILE_TMPDIR/root
	HEW_PROGRAM=$BATS_FILE_TMPDIR/program/hew
	mkdir -p "${HEW_PROGRAM%/*}" "$root/etc"
	touch "$root"/etc/{hosts,resolv.conf}
	{
		echo '#!/bin/bash'
		printf 'exec unshare --mount --propagation private bash -c %q hew "$@"\n' "$(
			echo "set -e"
			for dir in /proc /sys /dev "$BATS_RUN_TMPDIR" "$HEW_TEST_REGISTRY" "$TOP" /etc/hosts /etc/resolv.conf; do
				[ -f "$dir" ] || mkdir -p "$root$dir"
				printf 'mount --rbind %q %q\n' "$dir" "$root$dir"
			done
			printf 'exec unshare --root=%q --wd="$PWD" %q "$@"\n' "$root" "$HEW_PROGRAM"
		)"
	} >"$HEW"
	chmod 755 "$HEW"
}

# readable: files of this folder that root made are the user's.
readable() { find . -xdev -user root -exec chown -h "$HEW_TEST_UID" {} +; }

# only_root WHY: this test is about something that an ordinary user cannot have.
only_root() { [ -z "${HEW_TEST_UID-}" ] || skip "$1"; }

test_setup() {
	mkdir "$BATS_TEST_TMPDIR/ctx"
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/ctx"
	cd "$BATS_TEST_TMPDIR/ctx" || return 1
	N_UNPACKED=0 SERVERS=()
	NAP=4$$ # seconds of a sleep that is not one of a run beside
	umask 022
}

nobody_naps() { [ -z "$(pgrep -f "^(setsid )?sleep $NAP\$")" ]; }

test_teardown() {
	local p
	for p in "${SERVERS[@]}"; do
		kill "$p" 2>/dev/null || true
	done
}

# dockerfile: the Dockerfile of the folder we are in, from standard input.
dockerfile() { cat >"${1:-Dockerfile}"; }

# build ARGS...: hew build of the folder we are in. Sets ID to the image id; progress is in $ERR.
build() {
	local rc=0
	ERR=$BATS_TEST_TMPDIR/err
	[ -z "${HEW_TEST_UID-}" ] || readable
	ID=$(hew build --progress plain "$@" . 2>"$ERR") || rc=$?
	[ "$rc" -eq 0 ] || cat "$ERR"
	return $rc
}

# ends STATUS COMMAND...: with that status.
ends() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	equal "$want" "$got"
}

# fails STATUS COMMAND...: it ends with that status, and its last line on standard error, kept in
# $LAST, is the error. All of standard error is in $ERR.
fails() {
	local want=$1 got=0
	shift
	ERR=$BATS_TEST_TMPDIR/err
	"$@" >"$BATS_TEST_TMPDIR/out" 2>"$ERR" || got=$?
	LAST=$(tail -n 1 "$ERR")
	if [ "$got" -ne "$want" ] || [[ $LAST != "ERROR: "* ]]; then
		echo "status $got, expected $want; it said:"
		cat "$ERR"
		return 1
	fi
}

# said COMMAND...: its standard output in $OUT, its status in $STATUS, its standard error in $ERR.
said() {
	STATUS=0
	ERR=$BATS_TEST_TMPDIR/err
	[ -z "${HEW_TEST_UID-}" ] || readable
	OUT=$("$@" 2>"$ERR") || STATUS=$?
}

# build_fails STATUS ARGS...: the same for a build of this folder.
build_fails() {
	local want=$1
	shift
	fails "$want" hew build --progress plain "$@" .
}

# equal WANT GOT, matches GLOB GOT: with both shown when they differ.
equal() {
	[ "$1" = "$2" ] || {
		printf -- '--- expected\n%s\n--- got\n%s\n' "$1" "$2"
		return 1
	}
}

matches() {
	# shellcheck disable=SC2053  # a pattern is meant
	[[ $2 == $1 ]] || {
		printf -- '--- expected something like\n%s\n--- got\n%s\n' "$1" "$2"
		return 1
	}
}

has() { # text, in what
	[[ $2 == *"$1"* ]] || {
		printf -- '--- expected, somewhere\n%s\n--- got\n%s\n' "$1" "$2"
		return 1
	}
}

has_not() {
	[[ $2 != *"$1"* ]] || {
		printf -- '--- not expected\n%s\n--- got\n%s\n' "$1" "$2"
		return 1
	}
}

# This machine, in Go's words.
go_arch() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac; }

# blob DIGEST: the file of a blob in the store.
blob() { printf '%s/blobs/sha256/%s' "$HEW_ROOT" "${1#sha256:}"; }

# config FILTER [ID]: the image's config, read from the store without hew.
config() { jq -r "$1" "$(blob "${2:-$ID}")"; }

skopeo() { command skopeo --policy "$HEW_TEST_REGISTRY/policy.json" \
	--registries-conf "$HEW_TEST_REGISTRY/registries.conf" "$@"; }

# unpack NAME: what the image contains, put together by skopeo and umoci. Sets ROOTFS.
unpack() {
	N_UNPACKED=$((N_UNPACKED + 1))
	local d=$BATS_TEST_TMPDIR/unpacked$N_UNPACKED name=$1
	[[ $name == */* ]] || name=docker.io/library/$name
	[[ ${name##*/} == *:* ]] || name=$name:latest
	skopeo copy -q "oci:$HEW_ROOT:$name" "oci:$d.oci:x"
	umoci unpack --image "$d.oci:x" "$d" >"$d.log" 2>&1 || {
		cat "$d.log"
		return 1
	}
	ROOTFS=$d/rootfs
}

# entry PATH: type, mode, owner and size (of files) of something below $ROOTFS; link -> its target.
entry() {
	if [ -L "$ROOTFS/$1" ]; then
		printf 'link %s %s\n' "$(stat -c %u:%g "$ROOTFS/$1")" "$(readlink "$ROOTFS/$1")"
	elif [ -d "$ROOTFS/$1" ]; then
		stat -c 'dir %a %u:%g' "$ROOTFS/$1"
	else
		stat -c '%F %a %u:%g %s' "$ROOTFS/$1" | sed 's/^regular.* file/file/'
	fi
}

mtime() { stat -c %Y "$ROOTFS/$1"; }

# ran: names of the steps that were run (not cached) by the last build, one a line.
ran() {
	awk '/^#[0-9]+ \[/ { name[$1] = $0; sub(/^#[0-9]+ /, "", name[$1]) }
	     /^#[0-9]+ DONE/ && name[$1] != "" { print name[$1] }' "$ERR"
}

# sound: the store has nothing to complain of.
sound() {
	hew doctor --store >"$BATS_TEST_TMPDIR/doctor" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/doctor"
		return 1
	}
}

# What must be the same before and after: mounts that we see, processes of this suite's hew.
mounts_now() { cut -d' ' -f3-5,9- /proc/self/mountinfo | sort; }
processes_now() {
	local p
	for p in $(find /proc/[0-9]*/exe -maxdepth 0 -lname "$HEW_PROGRAM*" -printf '%h\n'); do
		echo "${p#/proc/}: $(tr '\0' ' ' <"$p/cmdline")"
	done 2>/dev/null
	return 0
}

# nothing_left [SECONDS]: no process of hew's (those of a killed one may take a moment to go).
nothing_left() {
	local i
	for ((i = 0; i < ${1:-30} * 20; i++)); do
		[ -n "$(processes_now)" ] || return 0
		sleep 0.05
	done
	echo "left behind: $(processes_now)"
	return 1
}

# serve_folder DIR: over http on a free port of 127.0.0.1 until the test ends. Sets PORT.
serve_folder() {
	python3 -u -m http.server --bind 127.0.0.1 --directory "$1" 0 \
		>"$BATS_TEST_TMPDIR/http.out" 2>"$BATS_TEST_TMPDIR/http.log" 3>&- &
	server_port
}

server_port() {
	SERVERS+=($!)
	wait_for grep -q 'port [0-9]' "$BATS_TEST_TMPDIR/http.out"
	PORT=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/http.out")
}

# serve_command COMMAND...: its output, to whoever asks, over http as above.
serve_command() {
	python3 -u - "$@" >"$BATS_TEST_TMPDIR/http.out" 2>"$BATS_TEST_TMPDIR/http.log" 3>&- <<-'EOF' &
		import http.server, subprocess, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        out = subprocess.check_output(sys.argv[1:])
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(out)
		server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
		print("on port", server.server_port, "")
		server.serve_forever()
	EOF
	server_port
}

# wait_for COMMAND...: until it succeeds; a minute at most, for machines that have much else to do.
wait_for() {
	local i
	for ((i = 0; i < 1200; i++)); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "gave up waiting for: $*"
	return 1
}
