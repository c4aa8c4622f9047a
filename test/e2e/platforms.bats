#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images for several platforms: one build, an index over the images, and every output of it.
load lib/hew

setup() {
	test_setup
	REGISTRIES=()
	echo 'for all' >file
	mkdir src && cp file src && ln src/file src/twin
	dockerfile <<-'EOF'
		FROM --platform=$BUILDPLATFORM scratch AS tool
		COPY file /shared
		ARG TARGETPLATFORM TARGETARCH TARGETVARIANT
		COPY <<END /which
		$TARGETPLATFORM ($TARGETARCH, $TARGETVARIANT)
		END
		FROM scratch
		COPY --from=tool / /
		COPY src /d/
		LABEL a=b
	EOF
}

teardown() {
	local d
	test_teardown
	for d in "${REGISTRIES[@]}"; do "$TOP/test/bases/serve" stop "$d"; done
}

# registry: docker-registry until the test ends. Sets PORT.
registry() {
	local at=$BATS_TEST_TMPDIR/registry${#REGISTRIES[@]}
	REGISTRIES+=("$at")
	"$TOP/test/bases/serve" start "$at" --empty
	PORT=$(cat "$at/port")
}

# platforms: of the index on standard input, one a line, in its order.
platforms() { jq -r '.manifests[].platform | [.os, .architecture, .variant // empty] | join("/")'; }

# child PLATFORM: the digest of its manifest in the index on standard input.
child() {
	jq -r --arg p "$1" '.manifests[] | select((.platform | [.os, .architecture, .variant // empty] | join("/")) == $p) | .digest'
}

@test "one build, an image for each platform in the order asked for, an index over them" {
	local index p
	build --platform linux/arm/v7,linux/amd64 --platform linux/arm64/v8,linux/amd64 -t app
	index=$(hew inspect --raw app)
	equal "$ID" "sha256:$(printf %s "$index" | sha256sum | cut -d' ' -f1)"
	equal $'linux/arm/v7\nlinux/amd64\nlinux/arm64' "$(platforms <<<"$index")"
	equal application/vnd.oci.image.index.v1+json "$(jq -r .mediaType <<<"$index")"
	# as Go indents it
	equal "$index" "$(jq --indent 2 . <<<"$index")"
	for p in linux/arm/v7 linux/amd64 linux/arm64; do
		local m c=${p#linux/}
		m=$(blob "$(child "$p" <<<"$index")")
		equal "$(stat -c %s "$m")" "$(jq --arg d "sha256:${m##*/}" '.manifests[] | select(.digest == $d) | .size' <<<"$index")"
		equal "${c%/*}" "$(config .architecture "$(jq -r .config.digest "$m")")"
	done
	equal v7 "$(config .variant "$(jq -r .config.digest "$(blob "$(child linux/arm/v7 <<<"$index")")")")"
	has "built linux/arm/v7  sha256:" "$(cat "$ERR")"
	has "index of 3 platforms" "$(cat "$ERR")"
	sound
}

@test "steps say their platform; those that are the same for all are there once" {
	local here
	here=linux/$(go_arch)
	build --platform linux/arm64,linux/s390x -t app
	equal 1 "$(grep -c "\[$here tool 2/3\] COPY file /shared" "$ERR")"
	has "[$here->s390x tool 3/3] COPY <<END /which" "$(cat "$ERR")"
	has "[linux/s390x stage-1 2/3] COPY --from=tool / /" "$(cat "$ERR")"
	has "[linux/arm64 stage-1 3/3] COPY src /d/" "$(cat "$ERR")"
	# the same again, and one more
	build --platform linux/arm64,linux/s390x,linux/riscv64 -t app
	has "7 of 10 steps cached" "$(cat "$ERR")"
	# one alone finds what was made for it and is called as ever
	build --platform linux/s390x -t one
	has "4 of 4 steps cached" "$(cat "$ERR")"
	has " [tool 2/3] COPY file /shared" "$(cat "$ERR")"
}

@test "one platform is a plain manifest, and the same image as in an index" {
	local one
	build --platform linux/arm64 -t one
	one=$ID
	equal application/vnd.oci.image.manifest.v1+json "$(hew inspect --raw one | jq -r .mediaType)"
	build --platform linux/arm64,linux/amd64 -t both
	equal "$(hew inspect --raw one | sha256sum)" "$(cat "$(blob "$(hew inspect --raw both | child linux/arm64)")" | sha256sum)"
	equal "$one" "$(jq -r .config.digest "$(blob "$(hew inspect --raw both | child linux/arm64)")")"
}

@test "an index is pushed with its images, and its digest is the build's" {
	local raw p
	registry
	build --platform linux/amd64,linux/arm64 -t "127.0.0.1:$PORT/app:1" --push --iidfile iid --metadata-file meta
	raw=$BATS_TEST_TMPDIR/raw
	skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/app:1" >"$raw"
	equal "sha256:$(sha256sum <"$raw" | cut -d' ' -f1)" "$(cat iid)"
	equal "$(cat iid)" "$ID"
	equal "$(cat iid)" "$(jq -r '."containerimage.digest"' meta)"
	equal "$(cat iid)" "$(jq -r '."containerimage.descriptor".digest' meta)"
	equal "$(stat -c %s "$raw")" "$(jq -r '."containerimage.descriptor".size' meta)"
	equal null "$(jq -r '."containerimage.config.digest"' meta)"
	equal $'linux/amd64\nlinux/arm64' "$(platforms <"$raw")"
	skopeo copy -q --all --src-tls-verify=false "docker://127.0.0.1:$PORT/app:1" "oci:$BATS_TEST_TMPDIR/all:x"
	for p in amd64 arm64; do
		skopeo copy -q --override-arch $p --src-tls-verify=false "docker://127.0.0.1:$PORT/app:1" "oci:$BATS_TEST_TMPDIR/$p:x"
		umoci unpack --image "$BATS_TEST_TMPDIR/$p:x" "$BATS_TEST_TMPDIR/$p.d" >/dev/null 2>&1
		equal "linux/$p ($p, )" "$(cat "$BATS_TEST_TMPDIR/$p.d/rootfs/which")"
		equal 'for all' "$(cat "$BATS_TEST_TMPDIR/$p.d/rootfs/d/twin")"
	done
	# once more from the store, under another name
	hew tag "127.0.0.1:$PORT/app:1" "127.0.0.1:$PORT/app:2"
	hew push "127.0.0.1:$PORT/app:2"
	skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/app:2" | cmp - "$raw"
}

@test "what is pushed for several is taken for each: FROM, pull" {
	registry
	build --platform linux/amd64,linux/arm64 -t "127.0.0.1:$PORT/base" --push
	printf 'FROM 127.0.0.1:%s/base\nARG TARGETARCH\nCOPY file /$TARGETARCH\n' "$PORT" | dockerfile
	hew rmi "127.0.0.1:$PORT/base"
	build --platform linux/arm64,linux/amd64 -t app -o type=tar,dest=out.tar
	mkdir out && tar xf out.tar -C out
	equal 'linux/arm64 (arm64, )' "$(cat out/linux_arm64/which)"
	equal 'linux/amd64 (amd64, )' "$(cat out/linux_amd64/which)"
	test -f out/linux_arm64/arm64 -a -f out/linux_amd64/amd64
	build_fails 6 --platform linux/arm64,linux/s390x
	has "nothing for platform 'linux/s390x': it has linux/amd64, linux/arm64" "$LAST"
}

@test "type=oci has the index and all images; type=docker has no place for them" {
	build --platform linux/amd64,linux/arm64 -t app -o type=oci,dest=app.tar -o type=oci,tar=false,dest=folder
	skopeo copy -q --all oci-archive:app.tar "dir:$BATS_TEST_TMPDIR/dir"
	equal $'linux/amd64\nlinux/arm64' "$(platforms <"$BATS_TEST_TMPDIR/dir/manifest.json")"
	equal "$(jq -r '.manifests[0].digest' folder/index.json)" "sha256:$(sha256sum <"$BATS_TEST_TMPDIR/dir/manifest.json" | cut -d' ' -f1)"
	equal application/vnd.oci.image.index.v1+json "$(jq -r '.manifests[0].mediaType' folder/index.json)"
	build_fails 12 --platform linux/amd64,linux/arm64 -o type=docker,dest=app.docker
	has 'docker exporter does not currently support exporting manifest lists' "$LAST"
	has_not '#1' "$(cat "$ERR")"
}

@test "--platform: local is this machine; a processor that does not exist is told with those that do" {
	build --platform=local -t here
	equal "$(go_arch)" "$(hew inspect here | jq -r '.[0].Architecture')"
	build_fails 2 --platform linux/amd46
	has "platform 'linux/amd46': there is no such processor; known are 386, amd64," "$LAST"
	export DOCKER_DEFAULT_PLATFORM=linux/arm/v6
	build -t there
	equal arm/v6 "$(hew inspect there | jq -r '.[0] | .Architecture + "/" + .Variant')"
	hew rmi here there
}

@test "load: an index with several images is kept as it is" {
	build --platform linux/amd64,linux/arm64 -t app -o type=oci,dest=all.tar
	skopeo copy -q --all oci-archive:all.tar "dir:$BATS_TEST_TMPDIR/dir"
	export HEW_ROOT=$BATS_TEST_TMPDIR/other
	equal 'Loaded image: app:latest' "$(hew load -i all.tar)"
	cmp <(hew inspect --raw app) "$BATS_TEST_TMPDIR/dir/manifest.json"
	equal arm64 "$(hew inspect --platform linux/arm64 app | jq -r '.[0].Architecture')"
	hew prune -a -f >/dev/null
	skopeo copy -q --all "oci:$HEW_ROOT:docker.io/library/app:latest" "dir:$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/dir/manifest.json" "$BATS_TEST_TMPDIR/again/manifest.json"
	sound
	equal "Untagged: app:latest Deleted: sha256:$(sha256sum <"$BATS_TEST_TMPDIR/dir/manifest.json" | cut -d' ' -f1)" "$(hew rmi app | paste -sd' ')"
}

@test "--platform: one image of an index, for run, inspect, history and save" {
	local p
	build --platform linux/amd64,linux/arm64 -t app
	for p in amd64 arm64; do
		equal "$p" "$(hew inspect --platform "linux/$p" app | jq -r '.[0].Architecture')"
		equal "$(hew inspect --raw app | child "linux/$p")" "$(hew inspect --platform "linux/$p" app | jq -r '.[0].Digest')"
		cmp <(hew inspect --raw --platform "linux/$p" app) "$(blob "$(hew inspect --raw app | child "linux/$p")")"
		equal 3 "$(hew history --format json --platform "linux/$p" app | wc -l)"
		hew save --platform "linux/$p" -o "$p.tar" app
		skopeo inspect --raw "oci-archive:$p.tar" | cmp - <(hew inspect --raw --platform "linux/$p" app)
		equal "$p" "$(skopeo inspect "docker-archive:$p.tar:docker.io/library/app:latest" | jq -r .Architecture)"
	done
	for p in inspect history save run; do
		fails "$([ $p = run ] && echo 125 || echo 6)" hew $p --platform linux/s390x app
		has "app: the image has nothing for platform 'linux/s390x': it has linux/amd64, linux/arm64" "$LAST"
	done
	build --platform linux/arm64 -t one
	fails 6 hew inspect --platform linux/amd64 one
	has "one: the image has nothing for platform 'linux/amd64': it is for linux/arm64" "$LAST"
	equal arm64 "$(hew inspect --platform linux/arm64 one | jq -r '.[0].Architecture')"
	hew rmi one
}

@test "files of several platforms: a folder each, or together if they do not meet" {
	build --platform linux/arm/v7,linux/amd64 -o out -o type=tar,dest=out.tar
	equal 'linux/arm/v7 (arm, v7)' "$(cat out/linux_arm_v7/which)"
	equal 'linux/amd64 (amd64, )' "$(cat out/linux_amd64/which)"
	equal "$(cd out && find . -printf '%y %p %m\n' | sort)" "$(mkdir x && tar xf out.tar -C x && cd x && find . -printf '%y %p %m\n' | sort)"
	tar tvf out.tar | grep -q 'linux_amd64/d/twin link to linux_amd64/d/file'
	build_fails 2 --platform linux/arm/v7,linux/amd64 -o type=local,dest=together,platform-split=false
	has 'cannot overwrite d/file from linux/arm/v7 with linux/amd64 when split option is disabled' "$LAST"
	test ! -e together
	printf 'FROM scratch\nARG TARGETARCH\nCOPY file /bin/tool-$TARGETARCH\n' | dockerfile
	build --platform linux/arm/v7,linux/amd64 -o type=local,dest=together,platform-split=false
	equal $'tool-amd64\ntool-arm' "$(ls together/bin)"
	build --platform linux/amd64 -o type=local,dest=alone,platform-split=true
	test -f alone/linux_amd64/bin/tool-amd64
}

@test "annotations: of the index, of each image, and of the entries; for all or for one" {
	local index m
	build --platform linux/amd64,linux/arm64 -t app --annotation index:i=1 --annotation 'manifest,manifest-descriptor:m=all' \
		--annotation 'manifest[linux/arm64]:m=arm' --annotation index-descriptor:x=2 \
		-o 'type=oci,tar=false,dest=out,annotation[linux/amd64].out=1,annotation-index.out=2,annotation-manifest-descriptor[linux/amd64].out=3'
	equal '{"x":"2"}' "$(jq -c '.manifests[0].annotations | del(.["io.containerd.image.name"], .["org.opencontainers.image.ref.name"])' out/index.json)"
	index=out/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' out/index.json)
	equal '{"i":"1","out":"2"}' "$(jq -c .annotations "$index")"
	equal '[{"m":"all","out":"3"},{"m":"all"}]' "$(jq -c '[.manifests[].annotations]' "$index")"
	m=$(child linux/amd64 <"$index")
	equal '{"m":"all","out":"1"}' "$(jq -c .annotations "out/blobs/sha256/${m#sha256:}")"
	m=$(child linux/arm64 <"$index")
	equal '{"m":"arm"}' "$(jq -c .annotations "out/blobs/sha256/${m#sha256:}")"
	# the store has those of --annotation
	equal '{"i":"1"}' "$(hew inspect --raw app | jq -c .annotations)"
	build_fails 2 --platform linux/amd64,linux/arm64 --annotation 'manifest[linux/s390x]:a=1'
	has 'no platform linux/s390x found in source' "$LAST"
	build_fails 12 -o type=oci,dest=x,annotation-index.a=1
	has 'index annotations not supported for single platform export' "$LAST"
}

@test "the store holds what an index names, and lets it go with the last name" {
	local index
	build --platform linux/amd64,linux/arm64 -t app
	index=$(hew inspect --raw app)
	hew tag app other
	hew rmi app
	hew prune -a -f >/dev/null
	sound
	hew build -q --platform linux/arm64 -t one . >/dev/null
	equal "$index" "$(hew inspect --raw other)"
	skopeo copy -q --all "oci:$HEW_ROOT:docker.io/library/other:latest" "dir:$BATS_TEST_TMPDIR/dir"
	hew rmi other one
	hew prune -a -f >/dev/null
	test ! -e "$(blob "$(child linux/amd64 <<<"$index")")"
	test ! -e "$(blob "$ID")"
	sound
}
