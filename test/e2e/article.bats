# SPDX-License-Identifier: Apache-2.0
# The Dockerfiles of an article on multi-stage builds, word for word (test/data/article): each builds, goes to a
# registry, comes back by skopeo, is unpacked by umoci, and answers over HTTP when hew runs it and when
# podman does. Sizes are printed.

load lib/hew

setup_file() {
	suite_setup
	"$TOP/test/bases/serve" start "$BATS_FILE_TMPDIR/registry" --empty
	REGISTRY=127.0.0.1:$("$TOP/test/bases/serve" port "$BATS_FILE_TMPDIR/registry")
	export REGISTRY
}

teardown_file() { "$TOP/test/bases/serve" stop "$BATS_FILE_TMPDIR/registry"; }

teardown() {
	test_teardown
	# podman makes these in every hierarchy, and keeps them
	find /sys/fs/cgroup -depth -path '*/libpod_parent*' -type d -exec rmdir {} + 2>/dev/null || true
}

# ship NAME FOLDER [DOCKERFILE]: build it, push it, pull it with skopeo into the layout back, unpack that.
ship() {
	local dockerfile=${3:-Dockerfile} digest
	cmp "$TOP/test/data/article/$2.$dockerfile" "$TOP/example/$2/$dockerfile"
	(cd "$TOP/example/$2" && build -t "$1" -f "$dockerfile")
	digest=$(hew push -q "$1" "$REGISTRY/$1:1")
	skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/$1:1" oci:back:x
	equal "$digest" "$(jq -r '.manifests[0].digest' back/index.json)"
	umoci unpack --image back:x unpacked >umoci.log 2>&1 || {
		cat umoci.log
		return 1
	}
	ROOTFS=$PWD/unpacked/rootfs
}

# serves NAME PORT [hew run's and podman run's options]: it says that it is well, run by either.
serves() {
	local name=$1 port=$2
	shift 2
	has '"status":"ok"' "$("$E2E_LIB/answers" "$port" /healthz hew run --rm "$@" "$name" | tr -d ' ')"
	nothing_left
	has '"status":"ok"' "$("$E2E_LIB/answers" --alone "$port" /healthz podman_runs "$@" | tr -d ' ')"
}

# podman_runs OPTION...: what skopeo pulled, by runc, with limits that root may not raise everywhere.
podman_runs() {
	local podman=(env -u DOCKER_CONFIG podman --root "$PWD/podman" --runroot /run/podman --runtime runc
		--cgroup-manager cgroupfs --events-backend none)
	"${podman[@]}" pull -q oci:back:x >podman.id
	exec "${podman[@]}" run --rm --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
		"$@" "$(cat podman.id)"
}
export -f podman_runs

# size NAME: bytes; also printed, for the reader of the results.
size() {
	local n
	n=$(hew inspect "$1" | jq '.[0].Size')
	echo "# $1: $((n / 1000000)) MB in $(hew inspect "$1" | jq '.[0].RootFS.Layers | length') layers" >&3
	echo "$n"
}

between() { # at least, at most, what
	[ "$3" -ge "$1" ] && [ "$3" -le "$2" ] || {
		echo "$3 is not between $1 and $2"
		return 1
	}
}

user_of() { hew inspect "$1" | jq -r '.[0].Config.User'; }

@test "Node, single-stage" {
	ship node-single node Dockerfile.single
	between 1000000000 1200000000 "$(size node-single)"
	[ -e "$ROOTFS/app/node_modules/typescript/bin/tsc" ]
	[ -e "$ROOTFS/app/src/server.ts" ]
	serves node-single 3001 -e PORT=3001
}

@test "Node, builder to production" {
	[ "$(jq '.packages | length' "$TOP/example/node/package-lock.json")" -gt 250 ]
	ship node node
	between 100000000 200000000 "$(size node)"
	equal node "$(user_of node)"
	has '"use strict"' "$(head -n 1 "$ROOTFS/app/dist/server.js")"
	[ ! -e "$ROOTFS/app/src" ]
	[ ! -e "$ROOTFS/app/node_modules/typescript" ]
	serves node 3000
}

@test "Node with yarn, deps to builder to runner" {
	[ "$(grep -c '^  version ' "$TOP/example/node3/yarn.lock")" -gt 250 ]
	ship node3 node3
	between 150000000 300000000 "$(size node3)"
	[ -e "$ROOTFS/app/dist/server.js" ]
	[ ! -e "$ROOTFS/app/src" ]
	serves node3 3002 -e PORT=3002
}

@test "Go, builder to scratch" {
	local line
	ship go go
	between 3000000 12000000 "$(size go)"
	equal "etc
etc/ssl
etc/ssl/certs
etc/ssl/certs/ca-certificates.crt
server" "$(cd "$ROOTFS" && find . -mindepth 1 | sed 's,^\./,,' | sort)"
	# fetched as a module, not lying beside the source: the program knows the sum of it
	line=$(grep '^github.com/gorilla/mux v[0-9.]* h1:' "$TOP/example/go/go.sum")
	tr '\0' '\n' <"$ROOTFS/server" | grep -aqF "dep	${line// /	}"
	serves go 8081 -e PORT=8081
}

@test "Python, builder to production" {
	local extension
	ship python python
	between 100000000 200000000 "$(size python)"
	equal appuser "$(user_of python)"
	# compiled there, not brought along
	grep -qE '(Building wheel|Running setup.py install) for psycopg2' "$BATS_TEST_TMPDIR/err"
	extension=$(find "$ROOTFS/usr/local/lib" -name '_psycopg*.so')
	has libpq.so.5 "$(readelf -d "$extension")"
	[ ! -e "$ROOTFS/usr/bin/gcc" ]
	serves python 8000
}

# printed IMAGE...: the table that hew size makes, for the reader of the results; on stdout the sizes, a line each.
printed() {
	hew size "$@" | sed 's/^/# /' >&3
	hew size --format json "$@" | jq -r '.[].size'
}

heaviest_first() { equal "$(sort -rnu <<<"$1")" "$1"; }

@test "one is small, the other is not: the article's tables" {
	local sizes file
	mapfile -t sizes < <(printed node-single node)
	[ $((sizes[1] * 100 / sizes[0])) -le 20 ]
	for file in Dockerfile.single Dockerfile.single-alpine Dockerfile.alpine Dockerfile; do
		(cd "$TOP/example/go" && build -t "go:$file" -f "$file")
	done
	heaviest_first "$(printed go:Dockerfile.single go:Dockerfile.single-alpine go:Dockerfile.alpine go:Dockerfile)"
	for base in ubuntu:22.04 debian:bookworm-slim alpine:3.19 gcr.io/distroless/static; do hew pull -q "$base"; done
	heaviest_first "$(printed ubuntu:22.04 debian:bookworm-slim alpine:3.19 gcr.io/distroless/static)"
	sound
}
