#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The base images and the registries themselves: what every other test stands on.

setup_file() {
	export BASES=$BATS_TEST_DIRNAME
	LAYOUT=$("$BASES/make")
	export LAYOUT
	"$BASES/serve" start "$BATS_FILE_TMPDIR/mirror"
	MIRROR=http://127.0.0.1:$("$BASES/serve" port "$BATS_FILE_TMPDIR/mirror")
	export MIRROR
}

teardown_file() {
	local d
	for d in "$BATS_FILE_TMPDIR"/*/config.yml; do "$BASES/serve" stop "${d%/*}"; done
}

status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }

# config_of REPOSITORY TAG: the image's configuration, by way of its index and manifest
config_of() {
	local url=$MIRROR/v2/$1 accept='Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json' digest
	digest=$(curl -sf -H "$accept" "$url/manifests/$2" | jq -r '.manifests[0].digest')
	digest=$(curl -sf -H "$accept" "$url/manifests/$digest" | jq -r '.config.digest')
	curl -sf "$url/blobs/$digest"
}

@test "a second run makes nothing and says the same place" {
	[ "$("$BASES/make" 2>"$BATS_TEST_TMPDIR/said")" = "$LAYOUT" ]
	[ ! -s "$BATS_TEST_TMPDIR/said" ] # it speaks only of what it makes
}

@test "every blob of the layout has the digest it is named by" {
	cd "$LAYOUT/blobs/sha256"
	run bash -c 'for b in *; do echo "$b  $b"; done | sha256sum --check --quiet --strict'
	[ "$status" -eq 0 ]
}

@test "the images that the article names are served" {
	local i
	for i in library/debian:bookworm-slim library/debian:bookworm library/ubuntu:22.04 library/alpine:3.19 \
		distroless/static:latest distroless/static:nonroot library/node:20 library/node:20-alpine \
		library/golang:1.22 library/golang:1.22-alpine library/python:3.12-slim; do
		run config_of "${i%:*}" "${i#*:}"
		[ "$status" -eq 0 ]
		jq -e '.os == "linux" and (.rootfs.diff_ids | length) == ([.history[] | select(.empty_layer | not)] | length)' <<<"$output"
	done
}

@test "their configuration is that of the real ones" {
	config_of library/node 20 | jq -e '.config | .Cmd == ["node"] and .Entrypoint == ["docker-entrypoint.sh"]'
	config_of library/node 20-alpine | jq -e '.config.Env | any(startswith("NODE_VERSION=20."))'
	config_of library/golang 1.22-alpine | jq -e '.config | .WorkingDir == "/go" and (.Env | index("GOPATH=/go"))'
	config_of library/alpine 3.19 | jq -e '.config.Cmd == ["/bin/sh"]'
	config_of distroless/static nonroot | jq -e '.config.User == "65532"'
}

@test "the extra certificates of this machine are in every bundle" {
	local extra
	extra=$(find /usr/local/share/ca-certificates -name '*.crt' -print -quit 2>/dev/null)
	[ -n "$extra" ] || skip "this machine trusts none of its own"
	digest=$(jq -r '.layers[0].digest' < <(jq -r --arg n docker.io/library/alpine:3.19 \
		'.manifests[] | select(.annotations[] == $n) | .digest' "$LAYOUT/index.json" |
		sed "s,sha256:,$LAYOUT/blobs/sha256/," | xargs jq -r '.manifests[0].digest' |
		sed "s,sha256:,$LAYOUT/blobs/sha256/," | xargs cat))
	tar -xzOf "$LAYOUT/blobs/sha256/${digest#sha256:}" etc/ssl/certs/ca-certificates.crt |
		grep -qF "$(sed -n 2p "$extra")"
}

@test "an empty registry takes a push, and comes back with its port and storage" {
	local d=$BATS_FILE_TMPDIR/empty port location
	"$BASES/serve" start "$d" --empty
	port=$("$BASES/serve" port "$d")
	location=$(curl -s -X POST -D - "http://127.0.0.1:$port/v2/a/b/blobs/uploads/" | sed -n 's/^Location: \([^\r]*\).*/\1/p')
	[ "$(status_of -X PUT --data-binary hello -H 'Content-Type: application/octet-stream' \
		"$location&digest=sha256:$(printf hello | sha256sum | cut -d' ' -f1)")" = 201 ]
	"$BASES/serve" stop "$d"
	"$BASES/serve" stop "$d"
	run "$BASES/serve" port "$d"
	[ "$status" -eq 1 ]
	"$BASES/serve" start "$d" --empty
	"$BASES/serve" start "$d" --empty
	[ "$("$BASES/serve" port "$d")" = "$port" ]
	[ "$(curl -s "http://127.0.0.1:$port/v2/a/b/blobs/sha256:$(printf hello | sha256sum | cut -d' ' -f1)")" = hello ]
}

@test "a registry with a password refuses others" {
	local d=$BATS_FILE_TMPDIR/auth url
	"$BASES/serve" start "$d" --empty --htpasswd joe:secret
	url=http://127.0.0.1:$("$BASES/serve" port "$d")/v2/
	[ "$(status_of "$url")" = 401 ]
	[ "$(status_of -u joe:wrong "$url")" = 401 ]
	[ "$(status_of -u joe:secret "$url")" = 200 ]
}

@test "a registry with TLS is trusted through its own authority only" {
	local d=$BATS_FILE_TMPDIR/tls url
	"$BASES/serve" start "$d" --empty --tls
	url=https://127.0.0.1:$("$BASES/serve" port "$d")/v2/
	[ "$(status_of --cacert "$d/ca.crt" "$url")" = 200 ]
	run status_of "$url"
	[ "$status" -ne 0 ]
}

@test "what is deleted from a mirror is still in the layout" {
	local d=$BATS_FILE_TMPDIR/second url digest
	"$BASES/serve" start "$d"
	url=http://127.0.0.1:$("$BASES/serve" port "$d")/v2/library/debian
	digest=$(jq -r '.manifests[] | select(.annotations[] == "docker.io/library/debian:bookworm") | .digest' "$LAYOUT/index.json")
	[ "$(status_of -X DELETE "$url/manifests/$digest")" = 202 ]
	[ "$(status_of "$url/manifests/$digest")" = 404 ]
	[ -e "$LAYOUT/blobs/sha256/${digest#sha256:}" ]
}
