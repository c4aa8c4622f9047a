#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images from place to place, indexes made of images, and looking at what is elsewhere. What is compared with
# is put together by curl and jq, copied by skopeo, read by skopeo and umoci.
load lib/hew
load lib/registries

# Two platforms' images and, as BuildKit attaches it, an attestation: an index of MANY, made once.
setup_file() {
	suite_setup
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR A_PORT MANY=$BATS_FILE_TMPDIR/many REGISTRIES=()
	mkdir "$BATS_FILE_TMPDIR/ctx" && cd "$BATS_FILE_TMPDIR/ctx" || return 1
	head -c 2000000 /dev/urandom >random
	printf 'FROM scratch\nARG TARGETARCH\nCOPY random /\nENV FOR=$TARGETARCH\nCOPY Dockerfile /\n' >Dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	local arch
	for arch in amd64 arm64; do "$HEW" build -q --platform linux/$arch -t image:$arch .; done
	registry
	A_PORT=$PORT
	for arch in amd64 arm64; do "$HEW" push -q image:$arch "127.0.0.1:$PORT/app:$arch"; done
	many_push "$A_PORT"
}

teardown_file() { REGISTRIES=("$BATS_FILE_TMPDIR/registry0") && stop_registries; }

setup() {
	test_setup
	N_FAULTY=0 REGISTRIES=()
	HEW_ROOT=$PWD/store
}

blob_put() { # port, repository, file
	local at digest
	digest=sha256:$(sha256sum <"$3" | cut -d' ' -f1)
	at=$(curl -si -X POST "127.0.0.1:$1/v2/$2/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
	curl -sf -X PUT --data-binary "@$3" -H 'Content-Type: application/octet-stream' "$at&digest=$digest"
	printf '%s' "$digest"
}

manifest_put() { # port, repository, under, file
	curl -sf -X PUT --data-binary "@$4" -H "Content-Type: $(jq -r .mediaType "$4")" "127.0.0.1:$1/v2/$2/manifests/$3"
}

# raw PORT REPOSITORY UNDER: a manifest as the registry has it.
raw() {
	curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "127.0.0.1:$1/v2/$2/manifests/$3"
}

digest_of() { printf 'sha256:%s' "$(sha256sum | cut -d' ' -f1)"; }

# entry_of ARCH: the descriptor of app:ARCH with its platform.
entry_of() {
	raw "$A_PORT" app "$1" >"m.$1"
	jq -n --arg d "$(digest_of <"m.$1")" --argjson s "$(stat -c %s "m.$1")" --arg a "$1" \
		--arg t "$(jq -r .mediaType "m.$1")" '{mediaType: $t, digest: $d, size: $s, platform: {architecture: $a, os: "linux"}}'
}

many_push() { # port
	local config layer subject
	printf '{}' >empty && printf '{"predicate": "x"}' >intoto
	config=$(blob_put "$1" app empty) layer=$(blob_put "$1" app intoto)
	subject=$(entry_of amd64 | jq -r .digest)
	jq -n --arg c "$config" --arg l "$layer" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: 2},
		layers: [{mediaType: "application/vnd.in-toto+json", digest: $l, size: 18,
			annotations: {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}}]}' >attestation
	manifest_put "$1" app "$(digest_of <attestation)" attestation
	jq -n --argjson a "$(entry_of amd64)" --argjson b "$(entry_of arm64)" --arg of "$subject" \
		--arg d "$(digest_of <attestation)" --argjson s "$(stat -c %s attestation)" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$a, $b,
		{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s,
		platform: {architecture: "unknown", os: "unknown"}, annotations: {
		"vnd.docker.reference.digest": $of, "vnd.docker.reference.type": "attestation-manifest"}}],
		annotations: {"org.example": "<kept>"}}' >"$MANY"
	manifest_put "$1" app many "$MANY"
}

# whole PORT REPOSITORY TAG: all that the index of $MANY leads to is there, to the byte.
whole() {
	local child blob
	raw "$1" "$2" "$3" | cmp - "$MANY"
	for child in $(jq -r '.manifests[].digest' "$MANY"); do
		raw "$1" "$2" "$child" >child
		equal "$child" "$(digest_of <child)"
		for blob in $(jq -r '.config.digest, .layers[].digest' child); do
			equal "$blob" "$(curl -sf "127.0.0.1:$1/v2/$2/blobs/$blob" | digest_of)"
		done
	done
}

blobs_kept() { (cd "$HEW_ROOT/blobs/sha256" 2>/dev/null && find . -type f -size +64k -printf x | wc -c) || echo 0; }

@test "registry to registry: all platforms and attestations to the byte, nothing kept; again nothing is sent" {
	registry
	local to=127.0.0.1:$PORT/other/app json
	equal "$(digest_of <"$MANY")  $to:1" "$(hew copy "docker://127.0.0.1:$A_PORT/app:many" "$to:1" 2>err)"
	whole "$PORT" other/app 1
	equal 0 "$(blobs_kept)"
	equal "" "$(ls "$HEW_ROOT/work")"
	: >"$LOG"
	json=$(hew copy -q --format json "127.0.0.1:$A_PORT/app:many" "docker://$to:2" "$to-mounted:3")
	equal '[0,0,0]' "$(jq -c '.copies[0] | [.blobsMounted, .blobsSent, .bytesSent]' <<<"$json")"
	equal '[0,6,0]' "$(jq -c '.copies[1] | [.blobsSent, .blobsMounted, .bytesSent]' <<<"$json")"
	equal "" "$(asked PATCH)"
	equal "" "$(asked PUT | grep /blobs/ || true)"
	equal 6 "$(asked POST | grep -c 'mount=.*from=other')"
	whole "$PORT" other/app 2
	whole "$PORT" other/app-mounted 3
	sound
}

@test "one platform of it, by digest and by name; one that it has not" {
	registry
	raw "$A_PORT" app arm64 >arm64
	hew copy -q --platform linux/arm64 "127.0.0.1:$A_PORT/app:many" "127.0.0.1:$PORT/x:1"
	raw "$PORT" x 1 | cmp - arm64
	hew copy -q "127.0.0.1:$A_PORT/app@$(digest_of <arm64)" "127.0.0.1:$PORT/x@$(digest_of <arm64)"
	raw "$PORT" x "$(digest_of <arm64)" | cmp - arm64
	fails 6 hew copy --platform linux/s390x "127.0.0.1:$A_PORT/app:many" "127.0.0.1:$PORT/x:1"
	has "it has linux/amd64, linux/arm64" "$LAST"
	fails 2 hew copy --platform linux/s390x --all a b
	fails 2 hew copy "127.0.0.1:$A_PORT/app:many" "127.0.0.1:$PORT/x@$(digest_of <arm64)"
}

@test "layouts and archives have what skopeo's copies have; the way back gives the same digest" {
	registry
	local at=127.0.0.1:$A_PORT/app:many digest place
	digest=$(digest_of <"$MANY")
	hew copy -q "$at" oci:lay:x/y:1.0 oci-archive:lay.tar:1.0 store:many oci:lay:second >digests
	equal "$digest" "$(uniq digests)"
	skopeo copy -q --all --preserve-digests --src-tls-verify=false "docker://$at" oci:theirs:x
	equal "$(ls theirs/blobs/sha256)" "$(ls lay/blobs/sha256)"
	equal "$(ls theirs/blobs/sha256)" "$(tar tf lay.tar | sed -n 's|^blobs/sha256/\(.\)|\1|p')"
	equal "" "$(cd lay/blobs/sha256 && sha256sum -- * | awk '$1 != $2')"
	skopeo inspect --raw oci:lay:x/y:1.0 | cmp - "$MANY"
	skopeo inspect --raw oci-archive:lay.tar:1.0 | cmp - "$MANY"
	equal $'second\nx/y:1.0' "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' lay/index.json | sort)"
	for place in oci:lay:x/y:1.0 oci-archive:lay.tar store:many; do
		hew copy -q "$place" "127.0.0.1:$PORT/back/${place%%:*}:1" >digests
		equal "$digest" "$(cat digests)"
		whole "$PORT" "back/${place%%:*}" 1
	done
	hew copy -q oci-archive:- "127.0.0.1:$PORT/back/pipe:1" <lay.tar
	whole "$PORT" back/pipe 1
	rm -r lay
	hew copy -q oci-archive:lay.tar:1.0 oci:lay:1
	umoci ls --layout lay | grep -qx 1
	hew copy -q --platform linux/arm64 store:many store:arm
	equal "arm64" "$(hew inspect --format '{{.Architecture}}' arm)"
	sound
}

@test "docker archives: one platform, other digests and a word about it" {
	registry
	hew copy "127.0.0.1:$A_PORT/app:many" docker-archive:a.tar:some/name:2 2>err >out
	has "its manifest has a digest of its own" "$(cat err)"
	equal docker.io/some/name:2 "$(tar xOf a.tar manifest.json | jq -r '.[0].RepoTags[0]')"
	equal "$(raw "$A_PORT" app "$(go_arch)" | jq -r .config.digest)" \
		"sha256:$(tar xOf a.tar manifest.json | jq -r '.[0].Config' | sed 's|.*/||')"
	skopeo copy -q docker-archive:a.tar:some/name:2 oci:theirs:x
	hew copy docker-archive:a.tar "127.0.0.1:$PORT/x:1" 2>err >out
	has "holds no manifest" "$(cat err)"
	equal "$(raw "$A_PORT" app "$(go_arch)" | jq -c '[.config.digest, .layers[].digest]')" \
		"$(raw "$PORT" x 1 | jq -c '[.config.digest, .layers[].digest]')"
	hew copy -q docker-archive:a.tar:some/name:2 store:back
	equal "$(tar xOf a.tar manifest.json | jq -r '.[0].Config' | sed 's|.*/|sha256:|')" "$(hew inspect --format '{{.Id}}' back)"
	fails 6 hew copy docker-archive:a.tar:other store:x
	has "there are: docker.io/some/name:2" "$LAST"
}

# said_of PORT REPOSITORY DIGEST: digests of what the fall-back index lists, sorted.
said_of() { raw "$1" "$2" "sha256-${3#sha256:}" | jq -r '.manifests[].digest' | sort; }

@test "--referrers: what was said of an image, of its platforms and of that goes along" {
	registry
	printf 'FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /$TARGETARCH\n' >Dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew build -q --platform linux/amd64,linux/arm64 --provenance mode=max -t "127.0.0.1:$A_PORT/said:1" --push .
	local index image said what
	index=$(raw "$A_PORT" said 1 | digest_of)
	image=$(raw "$A_PORT" said 1 | jq -r '.manifests[1].digest')
	said=$(said_of "$A_PORT" said "$image")
	equal 1 "$(wc -l <<<"$said")"
	# a signature of that attestation, and one of the index
	for what in "$said" "$index"; do
		raw "$A_PORT" said "$what" >subject.json
		printf '{}' >empty && blob_put "$A_PORT" said empty >/dev/null
		jq -n --arg d "$what" --arg t "$(jq -r .mediaType subject.json)" --argjson s "$(stat -c %s subject.json)" \
			'{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "test/signature",
			config: {mediaType: "application/vnd.oci.empty.v1+json", size: 2,
			digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, layers: [],
			subject: {mediaType: $t, digest: $d, size: $s}}' >signature.json
		manifest_put "$A_PORT" said "$(digest_of <signature.json)" signature.json
		jq -n --arg d "$(digest_of <signature.json)" --argjson s "$(stat -c %s signature.json)" \
			'{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{size: $s, digest: $d,
			mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "test/signature"}]}' >list.json
		manifest_put "$A_PORT" said "sha256-${what#sha256:}" list.json
	done
	hew copy -q "127.0.0.1:$A_PORT/said:1" "127.0.0.1:$PORT/alone:1"
	equal "" "$(said_of "$PORT" alone "$image")"
	hew copy --referrers --format json "127.0.0.1:$A_PORT/said:1" "127.0.0.1:$PORT/said:1" >out.json
	equal 4 "$(jq '.copies[0].referrers' out.json)"
	for what in "$image" "$said" "$index" "$(raw "$A_PORT" said 1 | jq -r '.manifests[0].digest')"; do
		equal "$(said_of "$A_PORT" said "$what")" "$(said_of "$PORT" said "$what")"
	done
	raw "$PORT" said "$said" | jq -r '.layers[0].digest' >layer
	curl -sf "127.0.0.1:$PORT/v2/said/blobs/$(cat layer)" | jq -e '.predicateType' >/dev/null
	fails 2 hew copy --referrers "127.0.0.1:$A_PORT/said:1" oci:lay
	has "from a registry to registries" "$LAST"
	sound
}

@test "what is not there, not an image, or cannot be written: one sentence, and nothing is left" {
	printf x >file && mkdir -p lay/blobs/sha256 && echo '{"schemaVersion":2,"manifests":[]}' >lay/index.json
	fails 6 hew copy "127.0.0.1:$A_PORT/nothing" oci:x
	fails 6 hew copy oci:none oci:x
	fails 6 hew copy oci:lay:1 oci:x
	has "no image tagged 1" "$LAST"
	fails 6 hew copy store:nothing oci:x
	fails 6 hew copy docker-archive:lay oci:x
	has "no manifest.json" "$LAST"
	fails 9 hew copy oci-archive:file oci:x
	fails 1 hew copy "127.0.0.1:$A_PORT/app:arm64" oci-archive:none/where.tar
	fails 2 hew copy "127.0.0.1:$A_PORT/app:arm64" Oci:x
	fails 2 hew copy "127.0.0.1:$A_PORT/app:arm64" "store:x@sha256:$(printf %064d 1)"
	fails 7 hew copy "127.0.0.1:$A_PORT/app:arm64" 127.0.0.1:1/x
	equal "" "$(ls -d x none 2>/dev/null)"
	sound
}

@test "a layout whose blobs are not what they are called is refused, and the registry has nothing of it" {
	registry
	hew copy -q "127.0.0.1:$A_PORT/app:arm64" oci:lay:1
	local large
	large=$(find lay/blobs/sha256 -size +64k)
	printf XXXXXXXX | dd of="$large" bs=1 seek=1000 conv=notrunc status=none
	rm -rf "$HEW_ROOT"
	fails 9 hew copy oci:lay:1 "127.0.0.1:$PORT/x:1"
	has "${large##*/}" "$LAST"
	equal "" "$(raw "$PORT" x 1)"
	truncate -s -1 "$large"
	fails 9 hew copy oci:lay:1 "127.0.0.1:$PORT/x:1"
	has "its descriptor says" "$LAST"
}

@test "load: an artifact beside an image, or in its index, is no image" {
	local config layer
	printf '{}' >empty && printf 'about it' >note
	config=$(blob_put "$A_PORT" app empty) layer=$(blob_put "$A_PORT" app note)
	jq -n --arg c "$config" --arg l "$layer" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		artifactType: "text/plain", config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $c, size: 2},
		layers: [{mediaType: "text/plain", digest: $l, size: 8}]}' >artifact
	manifest_put "$A_PORT" app note artifact
	jq -n --argjson image "$(entry_of amd64)" --argjson note "$(entry_of note | jq 'del(.platform)')" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$note, $image]}' >both
	manifest_put "$A_PORT" app both both
	hew copy -q "127.0.0.1:$A_PORT/app:both" oci:within:1
	hew copy -q "127.0.0.1:$A_PORT/app:note" oci:beside:note
	# a signature as cosign has it, which calls itself an image; and an index of nothing else
	jq --arg c "$config" '.config.mediaType = "application/vnd.oci.image.config.v1+json" |
		.layers[0].mediaType = "application/vnd.dev.cosign.simplesigning.v1+json"' artifact >signature
	manifest_put "$A_PORT" app signature signature
	hew copy -q "127.0.0.1:$A_PORT/app:signature" oci:beside:signature
	jq '.manifests |= .[:1]' both >notes
	manifest_put "$A_PORT" app notes notes
	hew copy -q "127.0.0.1:$A_PORT/app:notes" oci:beside:notes
	hew copy -q "127.0.0.1:$A_PORT/app:amd64" oci:beside:1
	for layout in within beside; do
		HEW_ROOT=$PWD/$layout.store "$HEW" load -i $layout >out
		has "$(jq -r .config.digest m.amd64)" "$(cat out)"
		equal 1 "$(wc -l <out)"
	done
	hew copy -q "127.0.0.1:$A_PORT/app:note" oci:alone:1
	fails 6 hew load -i alone
	has "it holds no image" "$LAST"
}

@test "load: what came before an image that is broken is loaded, and said to be" {
	hew copy -q "127.0.0.1:$A_PORT/app:amd64" oci:two:1
	hew copy -q "127.0.0.1:$A_PORT/app:arm64" oci:two:2
	entry_of amd64 >entry && entry_of arm64 >entry
	rm "two/blobs/sha256/$(jq -r '.config.digest[7:]' m.arm64)"
	fails 9 hew load -i two
	has "is missing" "$LAST"
	equal "Loaded image: $(jq -r .config.digest m.amd64)" "$(cat "$BATS_TEST_TMPDIR/out")"
}

@test "indexes of indexes that repeat a child a thousand times: each document is looked at once" {
	local i entry
	entry=$(entry_of amd64)
	for i in 1 2 3; do
		jq -n --argjson entry "$entry" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
			manifests: [range(1000) | $entry]}' >"nest$i"
		manifest_put "$A_PORT" app "nest$i" "nest$i"
		entry=$(jq --arg d "$(digest_of <"nest$i")" --argjson s "$(stat -c %s "nest$i")" \
			'.mediaType = "application/vnd.oci.image.index.v1+json" | .digest = $d | .size = $s' <<<"$entry")
	done
	timeout -k 5 60 "$HEW" copy -q "127.0.0.1:$A_PORT/app:nest3" oci:lay:x
	HEW_ROOT=$PWD/other timeout -k 5 60 "$HEW" copy -q oci:lay:x store:nest:1
	HEW_ROOT=$PWD/third timeout -k 5 60 "$HEW" load -q -i lay
}

@test "several that write into one layout: none loses what another wrote, as with BuildKit's lock" {
	local i pids=()
	hew pull -q "127.0.0.1:$A_PORT/app:amd64"
	for i in 1 2 3 4 5 6; do
		"$HEW" copy -q "store:127.0.0.1:$A_PORT/app:amd64" "oci:lay:$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	equal "1 2 3 4 5 6" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' lay/index.json | sort | paste -sd ' ')"
	equal "blobs index.json oci-layout" "$(ls -A lay | paste -sd ' ')"
	exec 9>lay/index.json.lock
	flock 9
	"$HEW" copy -q "store:127.0.0.1:$A_PORT/app:amd64" oci:lay:7 3>&- 9>&- &
	wait_for eval 'ls -d lay/.hew-*/blobs'
	sleep 0.5
	jq '.manifests[0].annotations["org.opencontainers.image.ref.name"] = "0"' lay/index.json >new
	cat new >lay/index.json
	rm lay/index.json.lock
	exec 9>&-
	wait $!
	equal "0 7" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' lay/index.json | grep -e 0 -e 7 | sort | paste -sd ' ')"
	equal "blobs index.json oci-layout" "$(ls -A lay | paste -sd ' ')"
}

# From a faulty registry to docker-registry.
from_faulty() { # status, options..., -- part
	local want=$1 options=() part
	shift
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	part=${2-}
	faulty --size $((300000 + N_FAULTY)) "${options[@]}" # each has a layer of its own, not to be mounted
	if [ "$want" -eq 0 ]; then
		HEW_HTTP_TIMEOUT=1 hew copy --progress plain "$DEMO" "127.0.0.1:$TO/x/$N_FAULTY:1" >out 2>err || { cat err; return 1; }
		equal "$(cut -d' ' -f1 out)" "$(raw "$TO" "x/$N_FAULTY" 1 | digest_of)"
		has "$part" "$(cat err)"
	else
		HEW_HTTP_TIMEOUT=1 fails "$want" hew copy --progress plain "$DEMO" "127.0.0.1:$TO/x/$N_FAULTY:1"
		has "$part" "$LAST"
		equal "" "$(raw "$TO" "x/$N_FAULTY" 1)"
		equal "" "$(curl -s "127.0.0.1:$TO/v2/x/$N_FAULTY/tags/list" | jq -r '.tags[]?')"
	fi
	equal 0 "$(blobs_kept)"
}

@test "sources that fail in mid-stream: gone on with, begun anew, or nothing is there afterwards" {
	registry
	local TO=$PORT
	from_faulty 0 --fault truncate:1 -- "trying again"
	from_faulty 0 --fault truncate:1 --fault no-range -- "trying again"
	from_faulty 0 --fault stall:1 -- "trying again"
	from_faulty 0 --fault 500:2 -- "trying again"
	from_faulty 0 --fault redirect --
	from_faulty 0 --auth bearer --
	from_faulty 9 --fault wrong-digest -- "was expected"
	from_faulty 9 --fault wrong-rest -- "was expected"
	from_faulty 9 --fault short -- "ends after"
	from_faulty 9 --fault endless -- "sends more than"
	from_faulty 7 --fault truncate -- "was lost"
	from_faulty 9 --fault wrong-manifest -- "expected sha256:"
	sound
}

@test "a mirror with other bytes is got past: the blob comes from the registry itself" {
	local to own own_log fault
	registry
	to=$PORT
	faulty
	own=$PORT own_log=$LOG
	for fault in wrong-digest wrong-rest endless; do
		faulty --fault $fault
		conf <<-END
			[[registry]]
			prefix = "images.test"
			location = "127.0.0.1:$own"
			[[registry.mirror]]
			location = "127.0.0.1:$PORT"
		END
		HEW_ROOT=$PWD/$fault # nothing to mount is known
		hew copy -q images.test/demo:1 "127.0.0.1:$to/past/$fault:1"
		equal 1 "$(grep -c '/blobs/.* 200 ' "$own_log")"
		: >"$own_log"
		equal 0 "$(blobs_kept)"
	done
}

@test "targets that fail in mid-stream" {
	local row
	while IFS='|' read -r status options part; do
		read -ra row <<<"$options"
		faulty "${row[@]}"
		config_json "$PORT"
		if [ "$status" = 0 ]; then
			HEW_HTTP_TIMEOUT=1 hew copy -q "127.0.0.1:$A_PORT/app:arm64" "127.0.0.1:$PORT/some/x:1" 2>err || { cat err; return 1; }
			skopeo inspect --raw --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" \
				"docker://127.0.0.1:$PORT/some/x:1" | cmp - <(raw "$A_PORT" app arm64)
		else
			HEW_HTTP_TIMEOUT=1 fails "$status" hew copy -q "127.0.0.1:$A_PORT/app:arm64" "127.0.0.1:$PORT/some/x:1"
			has "$part" "$LAST"
		fi
	done <<-'END'
		0|--fault put-500:1|
		0|--fault put-reset:1|
		0|--fault put-404:1|
		0|--auth bearer --user u:hush-hush --fault put-401:1|
		0|--auth basic --user u:hush-hush|
		0|--location foreign --auth bearer --user u:hush-hush|
		7|--fault put-500|status 500
		7|--fault put-reset|was lost
		7|--location none|without telling where to
		8|--fault 403|hew login
	END
	equal 0 "$(blobs_kept)"
	sound
}

@test "killed in the middle: no tag, no file, no blob; the next one is whole" {
	registry
	local TO=$PORT large
	large=$(raw "$A_PORT" app arm64 | jq -r '.layers | max_by(.size) | .digest')
	faulty --fault stall:2
	hew copy -q "$DEMO" "127.0.0.1:$TO/x:1" 3>&- &
	wait_for grep -q "GET /v2/demo/blobs" "$LOG"
	sleep 0.3
	kill_hew
	equal "" "$(curl -s "127.0.0.1:$TO/v2/x/tags/list" | jq -r '.tags[]?')"
	hew copy -q "$DEMO" oci:lay:1 3>&- &
	wait_for eval '[ "$(grep -c "GET /v2/demo/blobs" "$LOG")" -ge 3 ]'
	sleep 0.3
	kill_hew
	equal "" "$(ls -d lay 2>/dev/null)"
	hew copy -q "$DEMO" "127.0.0.1:$TO/x:1" oci:lay:1
	raw "$TO" x 1 | cmp - <(raw "$PORT" demo 1)
	equal "index.json" "$(cd lay && ls index.json)"
	equal "" "$(find . -name '.hew-*')"
	sound
}

kill_hew() {
	local p
	while read -r p; do kill -9 "${p%%:*}"; done < <(processes_now)
	nothing_left
}

@test "300 MB from registry to registry, in bounded memory and with nothing on the disk" {
	local layer from
	large_layout
	registry
	from=127.0.0.1:$PORT/large:1
	skopeo copy -q --preserve-digests --dest-tls-verify=false oci:in:x "docker://$from"
	registry
	bounded 64 "$HEW" copy -q "$from" "127.0.0.1:$PORT/large:1"
	equal 0 "$(blobs_kept)"
	equal "$layer" "$(curl -s "127.0.0.1:$PORT/v2/large/blobs/$layer" | digest_of)"
}

# ---- hew index

@test "images pushed by digest become one name, in another repository and in another registry" {
	registry
	local a b at=127.0.0.1:$A_PORT digest
	a=$(raw "$A_PORT" app amd64 | digest_of) b=$(raw "$A_PORT" app arm64 | digest_of)
	digest=$(hew index create -q -t "$at/merged:1" -t "127.0.0.1:$PORT/elsewhere:1" --metadata-file meta \
		--annotation 'index:a=<b>' --annotation 'manifest-descriptor[linux/arm64]:c=d' "$at/app@$a" "$at/app@$b")
	raw "$A_PORT" merged 1 >merged
	equal "$digest" "$(digest_of <merged)"
	jq -n --argjson a "$(entry_of amd64)" --argjson b "$(entry_of arm64)" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$a, $b + {annotations: {c: "d"}}],
		annotations: {a: "<b>"}}' | jq -S . >want
	jq -S . merged | cmp - want
	raw "$PORT" elsewhere 1 | cmp - merged
	skopeo copy -q --all --src-tls-verify=false "docker://127.0.0.1:$PORT/elsewhere:1" dir:"$PWD/theirs"
	cmp theirs/manifest.json merged
	equal "$digest" "$(jq -r '."containerimage.digest"' meta)"
	equal "$at/merged:1,127.0.0.1:$PORT/elsewhere:1" "$(jq -r '."image.name"' meta)"
	equal "$(stat -c %s merged)" "$(jq '."containerimage.descriptor".size' meta)"
}

@test "sources: digests alone, descriptors, files; appended, filtered, as they are" {
	local a b at=127.0.0.1:$A_PORT/app entry
	a=$(raw "$A_PORT" app amd64 | digest_of) b=$(raw "$A_PORT" app arm64 | digest_of)
	hew imagetools create --dry-run -t "$at:new" "$a" "$b" >dry
	equal "$a $b" "$(jq -r '[.manifests[].digest] | join(" ")' dry)"
	equal "" "$(raw "$A_PORT" app new)"
	entry=$(entry_of amd64 | jq -c '.annotations = {"x": "y"} | .platform.variant = "v2"')
	printf '%s\n' "$entry" >file
	hew index create -q -t "$at:new" -f file >digest
	equal "$entry" "$(raw "$A_PORT" app new | jq -c '.manifests[0] | {mediaType, digest, size, platform, annotations}')"
	hew index create -q -t "$at:new" --append "$at:arm64" >digest
	equal "v2 null" "$(raw "$A_PORT" app new | jq -r '[.manifests[].platform.variant | tostring] | join(" ")')"
	hew index create -q -t "$at:some" --platform linux/amd64 "$at:many" >digest
	equal '["amd64","unknown"]' "$(raw "$A_PORT" app some | jq -c '[.manifests[].platform.architecture]')"
	hew index create -q -t "$at:same" "$at:many" >digest
	raw "$A_PORT" app same | cmp - "$MANY"
	hew index create -q -t "$at:one" --prefer-index=false "$at:arm64" >digest
	equal "$b" "$(cat digest)"
	hew index create -q -t "$at:index" "$at:arm64" >digest
	equal 1 "$(raw "$A_PORT" app index | jq '.manifests | length')"
	fails 9 hew index create -t "$at:new" "${entry/\"size\":/\"size\":1}"
	has "its descriptor says" "$LAST"
	fails 2 hew index create -t "$at:new" -t "127.0.0.1:$A_PORT/other:1" "$a"
	has "2 repositories are named" "$LAST"
	fails 2 hew index create -t "$at:new" --annotation a=b "$a"
	has "index:KEY=VALUE" "$LAST"
	fails 2 hew index create "$a"
	fails 2 hew index create -t "$at:new"
	fails 6 hew index create -t "$at:new" --platform linux/riscv64 "$at:many"
}

@test "docker's manifests make docker's list" {
	local at=127.0.0.1:$A_PORT/docker arch
	for arch in amd64 arm64; do
		skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false \
			"docker://127.0.0.1:$A_PORT/app:$arch" "docker://$at:$arch"
	done
	hew index create -q -t "$at:list" "$at:amd64" "$at:arm64" >digest
	equal "application/vnd.docker.distribution.manifest.list.v2+json application/vnd.docker.distribution.manifest.v2+json" \
		"$(raw "$A_PORT" docker list | jq -r '.mediaType + " " + .manifests[1].mediaType')"
	equal linux/arm64 "$(skopeo inspect --tls-verify=false --override-arch arm64 "docker://$at:list" | jq -r '.Os + "/" + .Architecture')"
	fails 12 hew index create -t "$at:list" --annotation index:a=b "$at:amd64" "$at:arm64"
}

@test "index inspect: buildx's text, the document, templates" {
	local at=127.0.0.1:$A_PORT/app a b c
	a=$(jq -r '.manifests[0].digest' "$MANY") b=$(jq -r '.manifests[1].digest' "$MANY") c=$(jq -r '.manifests[2].digest' "$MANY")
	local type=application/vnd.oci.image.manifest.v1+json
	cat >want <<-END
		Name:      $at:many
		MediaType: application/vnd.oci.image.index.v1+json
		Digest:    $(digest_of <"$MANY")
		@         @
		Manifests:@
		  Name:      $at:many@$a
		  MediaType: $type
		  Platform:  linux/amd64
		@           @
		  Name:      $at:many@$b
		  MediaType: $type
		  Platform:  linux/arm64
		@           @
		  Name:      $at:many@$c
		  MediaType: $type
		  Platform:  unknown/unknown
		  Annotations:@
		    vnd.docker.reference.digest: $a
		    vnd.docker.reference.type: attestation-manifest
	END
	hew index inspect "$at:many" | cmp - <(tr @ ' ' <want | sed "s| sha256|@sha256|2; s|many sha256|many@sha256|")
	hew index inspect --raw "$at:many" | cmp - "$MANY"
	equal "$(digest_of <"$MANY")" "$(hew index inspect --format '{{.Manifest.Digest}}' "$at:many")"
	equal "$(jq -S --arg d "$(digest_of <"$MANY")" --argjson s "$(stat -c %s "$MANY")" '. + {digest: $d, size: $s}' "$MANY")" \
		"$(hew index inspect --format '{{json .Manifest}}' "$at:many" | jq -S .)"
	equal "$(skopeo inspect --raw --config --tls-verify=false --override-arch arm64 "docker://$at:many" | jq -S .)" \
		"$(hew index inspect --format '{{json (index .Image "linux/arm64")}}' "$at:many" | jq -S .)"
	equal 'linux/amd64 linux/arm64 unknown/unknown ' \
		"$(hew index inspect --format '{{range .Manifest.Manifests}}{{.Platform.OS}}/{{.Platform.Architecture}} {{end}}' "$at:many")"
	equal arm64 "$(hew index inspect --format '{{.Image.Architecture}}' "$at:arm64")"
	fails 2 hew index inspect --format '{{.SBOM}}' "$at:many"
	fails 2 hew index inspect --format json "$at:many"
	fails 2 hew index inspect
	fails 2 hew index
	# what a registry sends moves no cursor, and makes no lines of its own
	jq '.manifests[2].annotations["a\u001b[2J"] = "b\nName: c\u009b" | .manifests[0].mediaType = "x/y\u001b[31m"
		| .manifests[0].platform["os.version"] = "10\u001b]0;t\u0007"' "$MANY" >hostile
	manifest_put "$A_PORT" app hostile hostile
	hew index inspect "$at:hostile" >text
	equal 0 "$(grep -c -a $'[\033\a]' text)"
	has 'a\x1b[2J: b\x0aName: c\xc2\x9b' "$(cat text)"
	has 'x/y\x1b[31m' "$(cat text)"
	has '10\x1b]0;t\x07' "$(cat text)"
}

# ---- hew inspect

@test "inspect of what is elsewhere agrees with skopeo, and fetches no layer" {
	local at=127.0.0.1:$A_PORT/app
	skopeo inspect --tls-verify=false --override-arch arm64 "docker://$at:many" >theirs
	hew inspect --platform linux/arm64 "docker://$at:many" >ours
	equal "$(jq -S '[.Created, .Architecture, .Os, .Env]' theirs)" \
		"$(jq -S '.[0] | [.Created, .Architecture, .Os, .Config.Env]' ours)"
	equal "$(raw "$A_PORT" app arm64 | jq '[.layers[].size] | add')" "$(jq '.[0].Size' ours)"
	equal "$(digest_of <"$MANY")" "$(jq -r '.[0].Digest' ours)"
	hew inspect --raw "docker://$at:many" | cmp - "$MANY"
	hew inspect --raw --platform linux/arm64 "docker://$at:many" | cmp - <(raw "$A_PORT" app arm64)
	hew inspect --config --platform linux/arm64 "docker://$at:many" |
		cmp - <(skopeo inspect --raw --config --tls-verify=false --override-arch arm64 "docker://$at:many")
	equal 0 "$(blobs_kept)"
	equal "FOR=arm64" "$(hew inspect --platform linux/arm64 --format '{{index .Config.Env 1}}' "docker://$at:many")"
	hew copy -q "$at:many" oci:lay:x store:here
	hew inspect --raw oci:lay:x | cmp - "$MANY"
	hew inspect --raw here | cmp - "$MANY"
	equal "arm64 $(jq -c '.Config.Env' <(jq '.[0]' ours))" \
		"$(hew inspect --platform linux/arm64 --format '{{.Architecture}} {{json .Config.Env}}' here)"
	fails 6 hew inspect --platform linux/s390x here
	fails 6 hew inspect "docker://$at:none"
	fails 2 hew inspect --raw here here
	fails 2 hew inspect --format '{{.Nothing}}' here
}

@test "inspect prints the fields that docker inspect has, as it has them" {
	cat >Dockerfile <<-'EOF'
		FROM scratch
		COPY Dockerfile /
		EXPOSE 80 53/udp
		VOLUME ["/data=x", "/b"]
		LABEL a=b=c
		HEALTHCHECK --interval=5m --start-period=2s --retries=4 CMD ["/up", "now"]
		ONBUILD RUN x
		SHELL ["/bin/zsh", "-c"]
	EOF
	hew build -q -t all .
	hew inspect all | jq '.[0].Config' >ours
	equal '{"53/udp":{},"80/tcp":{}}' "$(jq -cS .ExposedPorts ours)"
	equal '{"/b":{},"/data=x":{}}' "$(jq -cS .Volumes ours)"
	equal '{"a":"b=c"}' "$(jq -cS .Labels ours)"
	equal '{"Test":["CMD","/up","now"],"Interval":300000000000,"StartPeriod":2000000000,"Retries":4}' "$(jq -c .Healthcheck ours)"
	equal '["RUN x"] ["/bin/zsh","-c"]' "$(jq -r '"\(.OnBuild) \(.Shell)"' ours)"
	equal "$(hew inspect --config all | jq -S .config)" "$(jq -S 'with_entries(select(.value | length > 0))' ours)"
}
