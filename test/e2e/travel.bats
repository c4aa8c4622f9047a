#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Caches that travel: two machines as two stores, and a registry or a folder between them.
load lib/hew
load lib/article

setup() {
	test_setup
	AT=$BATS_TEST_TMPDIR/registry
	"$TOP/test/bases/serve" start "$AT" --empty
	REF=127.0.0.1:$(cat "$AT/port")/cache:app
}

teardown() {
	"$TOP/test/bases/serve" stop "$AT"
	test_teardown
}

app() {
	article_files "one $BATS_TEST_NUMBER"
	article_stages "date +%N >node_modules/when" "date +%N >dist/when" | dockerfile
	cat >>Dockerfile <<-'EOF'
		FROM scratch AS runner
		COPY --from=builder /app/dist /dist
		COPY --from=deps /app/node_modules /node_modules
	EOF
}

# on MACHINE COMMAND...: with that machine's store.
on() {
	local -x HEW_ROOT=$BATS_TEST_TMPDIR/$1
	shift
	"$@"
}

fetched() { sed -n 's/.*response completed.*http.request.method=GET .*http.request.uri="\{0,1\}\([^" ]*\/blobs\/[^" ]*\).*/\1/p' "$AT/log" | sort -u; }

@test "registry, mode=max: the second machine runs nothing, fetches no layer, and has the same image" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	local first=$ID
	on two build -t app --cache-from "type=registry,ref=$REF"
	equal "$first" "$ID"
	equal "" "$(ran)"
	equal 1 "$(fetched | wc -l)" # the config
	# nothing of the cache is needed to push what came from it
	on two hew push -q app "${REF%/*}/app:1"
	equal 1 "$(fetched | wc -l)" # its layers have never been here
	equal "$(on one hew push -q app "${REF%/*}/app:2")" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://${REF%/*}/app:1")"
}

@test "layers come when a step needs their files" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	echo two >src/main
	on two build -t app --cache-from "$REF"
	equal $'COPY --from=builder /app/dist /dist\nCOPY --from=deps /app/node_modules /node_modules\nCOPY . .\nRUN mkdir dist' \
		"$(ran | sed 's/^\[[^]]*\] //; s/ dist .*/ dist/' | sort)"
	[ "$(fetched | wc -l)" -gt 1 ]
	on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
	equal "two {}" "$(paste -sd' ' "$BATS_TEST_TMPDIR/out/dist/out")"
	on two sound
}

@test "mode=min has the steps of the result only" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF"
	on two build -t app --cache-from "$REF"
	has "RUN mkdir dist" "$(ran)"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/min"
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/max"
	# two steps of the same second may have made the same layer
	matches "2 [78]" "$(jq '.layers | length' "$BATS_TEST_TMPDIR/min" "$BATS_TEST_TMPDIR/max" | paste -sd' ')"
	equal application/vnd.buildkit.cacheconfig.v0 "$(jq -r .config.mediaType "$BATS_TEST_TMPDIR/max")"
}

@test "a folder: an OCI layout that another store takes over, also when it is gone later" {
	app
	local dir=$BATS_TEST_TMPDIR/cache first
	[ -z "${HEW_TEST_UID-}" ] || install -d -o "$HEW_TEST_UID" "$dir"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max"
	first=$ID
	equal latest "$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' "$dir/c/index.json")"
	on two build -t app --cache-from "type=local,src=$dir/c"
	equal "$first" "$ID"
	equal "" "$(ran)"
	rm -r "$dir/c"
	on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
	equal "one $BATS_TEST_NUMBER {}" "$(paste -sd' ' "$BATS_TEST_TMPDIR/out/dist/out")"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max" # over itself
	on one build -t app --cache-to "type=local,dest=$dir/c,tag=min"
	equal "latest min" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$dir/c/index.json" | sort | paste -sd' ')"
	on one build -t app --cache-to "type=local,dest=$dir/c,tag=min,reset=true"
	equal min "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$dir/c/index.json")"
	equal 4 "$(find "$dir/c/blobs" -type f | wc -l)" # manifest, config, two layers
	on three build --cache-from "type=local,src=$dir/c,digest=$(jq -r '.manifests[0].digest' "$dir/c/index.json")"
	has_not "COPY --from=builder" "$(ran)"
	on two sound
}

@test "what is written twice is the same, and is not sent twice" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/a"
	local before
	before=$(grep -c 'http.request.method=PUT .*blobs/uploads' "$AT/log" || true)
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/b"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	equal "$before" "$(grep -c 'http.request.method=PUT .*blobs/uploads' "$AT/log" || true)"
}

# cache_of REF: what BuildKit would find in the image's config.
cache_of() {
	skopeo inspect --config --raw --tls-verify=false "docker://$1" | jq -r '."moby.buildkit.cache.v0" | @base64d'
}

@test "inline: the image itself is the cache, of its own stages" {
	app
	local image=${REF%/*}/app:1 first
	on one build -t "$image" --push --cache-to type=inline
	first=$ID
	on two build -t app --cache-from "type=registry,ref=$image" --cache-to type=inline
	equal "$first" "$ID"
	# of the other stages nothing is in the image
	equal $'COPY . .\nCOPY package.json ./\nRUN mkdir dist' "$(ran | grep -o 'COPY [p.].*\|RUN mkdir dist' | sort)"
	has_not "COPY --from=builder" "$(ran)"
	# the members that BuildKit knows: an array of records by digest, each with the place of its layer in the image
	equal "array 2 [0,1]" "$(cache_of "$image" | jq -r '[type, (map(select(.layers)) | length), (map(.layers[]?.layer) | tojson)] | join(" ")')"
	run ! jq -e '.[].hew.duration // empty' <<<"$(cache_of "$image")"
	# without it nothing is added, and what is built on it does not inherit it
	printf 'FROM %s\nENV a=b\n' "$image" | dockerfile
	on two build -t "${REF%/*}/child:1" --push
	equal null "$(skopeo inspect --config --raw --tls-verify=false "docker://${REF%/*}/child:1" | jq -r '."moby.buildkit.cache.v0"')"
	command skopeo copy -q --src-tls-verify=false --policy "$HEW_TEST_REGISTRY/policy.json" "docker://$image" "oci:$BATS_TEST_TMPDIR/image:x"
	umoci unpack --image "$BATS_TEST_TMPDIR/image:x" "$BATS_TEST_TMPDIR/rootfs"
	has "$BATS_TEST_NUMBER" "$(cat "$BATS_TEST_TMPDIR/rootfs/rootfs/dist/out")"
}

@test "inline: asked for by a build argument, found through an index, and the same bytes each time" {
	printf 'FROM alpine:3.19\nCOPY f /\nRUN cat f f >g\n' | dockerfile
	echo "$BATS_TEST_NUMBER" >f
	local image=${REF%/*}/app:1 first
	SOURCE_DATE_EPOCH=1700000000 on one build -t "$image" --push --build-arg BUILDKIT_INLINE_CACHE=1
	first=$ID
	SOURCE_DATE_EPOCH=1700000000 on three build --build-arg BUILDKIT_INLINE_CACHE=true
	equal "$first" "$ID"
	build_fails 2 --build-arg BUILDKIT_INLINE_CACHE=perhaps
	# as buildx pushes images: an index, with an attestation beside the image
	skopeo inspect --raw --tls-verify=false "docker://$image" >manifest
	jq -nc --arg d "sha256:$(sha256sum <manifest | cut -d' ' -f1)" --argjson s "$(stat -c %s manifest)" --arg a "$(uname -m | sed s/x86_64/amd64/)" '
		{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s, platform: {os: "linux", architecture: $a}},
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s, platform: {os: "unknown", architecture: "unknown"},
				annotations: {"vnd.docker.reference.type": "attestation-manifest"}}]}' >index
	curl -sf -X PUT -H "Content-Type: application/vnd.oci.image.index.v1+json" --data-binary @index \
		"http://${REF%%/*}/v2/app/manifests/all"
	rm index manifest
	SOURCE_DATE_EPOCH=1700000000 on two build --cache-from "${REF%/*}/app:all"
	equal "" "$(ran)"
}

@test "inline: of several platforms each has its own, and all are found" {
	printf 'FROM scratch\nARG TARGETARCH\nCOPY f /$TARGETARCH\n' | dockerfile
	echo "$BATS_TEST_NUMBER" >f
	local image=${REF%/*}/many:1 both=linux/amd64,linux/arm64
	on one build --platform $both -t "$image" --push --cache-to type=inline
	on two build --platform $both --cache-from "$image" --cache-to type=inline
	equal "" "$(ran)"
	on three build --platform linux/arm64 --cache-from "$image"
	equal "" "$(ran)"
	on three build --platform linux/amd64
	equal 1 "$(ran | wc -l)"
}

# forge KIND: such a cache under the tag KIND.
forge() { python3 "$E2E_LIB/cache_forge.py" "$REF" "$1" "$1"; }

@test "other builders' caches are read, and have nothing for hew" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	forge index
	on two build --cache-from "${REF%:*}:index"
	equal "" "$(ran)"
	forge stranger
	on three build --cache-from "${REF%:*}:stranger"
	has "no records of hew: another builder wrote it" "$(cat "$ERR")"
	equal 1 "$(grep -c "^WARN: " "$ERR")"
}

# lose STEP...: the layers of these steps of the cache are gone from the registry.
lose() {
	local name config digest
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/manifest"
	config=$(jq -r '.config.digest[7:]' "$BATS_TEST_TMPDIR/manifest")
	for name in "$@"; do
		digest=$(jq -r --arg n "$name" --slurpfile m "$BATS_TEST_TMPDIR/manifest" \
			'.hew.steps[] | select(.name // "" | contains($n)) | $m[0].layers[.layer].digest[7:]' \
			"$AT/storage/docker/registry/v2/blobs/sha256/${config:0:2}/$config/data")
		rm -r "$AT/storage/docker/registry/v2/blobs/sha256/${digest:0:2}/$digest"
	done
}

# heavy: an app whose layers are larger than any of the documents.
heavy() {
	mkdir src && seq 3000 >src/deps && echo "one $BATS_TEST_NUMBER" >src/main
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS deps
		COPY src/deps /in
		RUN tac /in >/out && date +%N >>/out
		FROM alpine:3.19
		COPY src/main /main
		COPY --from=deps /out /deps
		RUN head -n 2 /deps | cat /main - >/result
	EOF
}

@test "a layer that the registry has lost is made again by the step that made it" {
	heavy
	on one build --cache-to "type=registry,ref=$REF,mode=max"
	echo two >src/main
	lose "RUN tac" "COPY --from=deps"
	on two build -o "$BATS_TEST_TMPDIR/out" --cache-from "$REF" --explain
	equal "two 3000 2999" "$(head -n 3 "$BATS_TEST_TMPDIR/out/result" | paste -sd' ')"
	has "RUN tac /in >/out && date +%N >>/out: not cached: its layer is gone from ${REF%:*}" "$(cat "$ERR")"
	has "RUN tac" "$(ran)"
	has_not "COPY src/deps" "$(ran)"
	equal "first first first lost" "$(on two hew why --format json | jq -r '.steps[].reason.kind // empty' | sort | paste -sd' ')"
	on two sound
	on two build # and then all is well
	equal "" "$(ran)"
}

@test "a layer that only the output needs, and that is gone: made again before it is put out" {
	heavy
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	lose "RUN head" "RUN tac"
	on two build -o "type=tar,dest=$BATS_TEST_TMPDIR/out.tar" --cache-from "$REF"
	equal "one $BATS_TEST_NUMBER 3000 2999" "$(tar -xOf "$BATS_TEST_TMPDIR/out.tar" result | head -n 3 | paste -sd' ')"
	equal "$(printf '[stage-1 4/4] RUN head -n 2 /deps | cat /main - >/result')" "$(ran)"
	equal 1 "$(grep -c "^WARN: a layer is gone from ${REF%:*}" "$ERR")"
	# the registry itself is gone
	on three build --cache-from "$REF" # nothing of it is needed
	"$TOP/test/bases/serve" stop "$AT"
	on three build -o "$BATS_TEST_TMPDIR/dir"
	equal "one $BATS_TEST_NUMBER 3000 2999" "$(head -n 3 "$BATS_TEST_TMPDIR/dir/result" | paste -sd' ')"
	on three sound
}

@test "caches that lie: the build is right all the same" {
	heavy
	on one build --cache-to "type=registry,ref=$REF,mode=max"
	echo two >src/main
	local kind said
	for kind in rotate rubbish content foreign deep wide long nowhere; do
		forge "$kind" || { echo "$kind"; return 1; }
		HEW_ROOT=$BATS_TEST_TMPDIR/$kind build -o "$BATS_TEST_TMPDIR/$kind.out" --cache-from "${REF%:*}:$kind" || { echo "$kind"; return 1; }
		equal "$kind two 3000 2999" "$kind $(head -n 3 "$BATS_TEST_TMPDIR/$kind.out/result" | paste -sd' ')"
		case $kind in rotate | rubbish | content | foreign) said="a layer is gone from" ;; *) said=" is not used: " ;; esac
		matches "$kind WARN: *$said*" "$kind $(grep "^WARN: " "$ERR")"
		HEW_ROOT=$BATS_TEST_TMPDIR/$kind sound
		HEW_ROOT=$BATS_TEST_TMPDIR/$kind build
		equal "" "$(ran)"
	done
}

@test "a layer with all that a layer can have is the same after the journey" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /a/b /gone/x && echo 1 >/a/1 && ln /a/1 /a/hard && ln -s 1 /a/soft && echo o >/gone/x/o && mkfifo /a/fifo
		RUN rm /a/1 && rm -r /gone && mkdir /gone && echo n >/gone/n && chmod 4755 /a/hard && chown 5:6 /a/b && touch -d @5 /a/b && \
			mkdir -p /$(printf 'long%.0s' $(seq 50))/$(printf 'name%.0s' $(seq 50)) && echo ü >/a/ü && rm /etc/shadow
		RUN find / -xdev -type f -size -2 | sort | md5sum >/sum
	EOF
	on one build --cache-to "type=registry,ref=$REF"
	echo "RUN ls /a /gone >/ls" >>Dockerfile
	on two build --cache-from "$REF" -o "$BATS_TEST_TMPDIR/out"
	equal "RUN ls /a /gone >/ls" "$(ran | sed 's/.*\] //')"
	run ! grep "^WARN: " "$ERR"
}

@test "a blob of a folder that is damaged or missing: what needs it is made again" {
	heavy
	local dir=$BATS_TEST_TMPDIR/cache blob
	[ -z "${HEW_TEST_UID-}" ] || install -d -o "$HEW_TEST_UID" "$dir"
	on one build --cache-to "type=local,dest=$dir/c,mode=max"
	blob=$(find "$dir/c/blobs" -type f -size +5k | sort | sed -n 1p)
	printf xxxxxxxx | dd of="$blob" bs=1 seek=2000 conv=notrunc status=none
	rm "$(find "$dir/c/blobs" -type f -size +5k | sort | sed -n 2p)"
	on two build -o "$BATS_TEST_TMPDIR/out" --cache-from "type=local,src=$dir/c"
	equal 2 "$(grep -c "^WARN: cache $dir/c: " "$ERR")"
	equal "one $BATS_TEST_NUMBER 3000 2999" "$(head -n 3 "$BATS_TEST_TMPDIR/out/result" | paste -sd' ')"
	on two sound
}

# against FAULT from|to: a build with a cache at a registry with that fault goes through, and warns once.
against() {
	local at=$BATS_TEST_TMPDIR/$1.$2
	HEW_HTTP_TIMEOUT=1 HEW_ROOT=$at.store hew build --progress plain "--cache-$2" "type=registry,ref=127.0.0.1:$(cat "$at.port")/demo:1" \
		-o "$at.out" . >"$at.said" 2>&1 || return 1
	[ "$(grep -c "^WARN: " "$at.said")" = 1 ] && [ "$(cat "$at.out/f")" = "$BATS_TEST_NUMBER" ]
}

@test "a registry that fails in one way or another fails no build" {
	printf 'FROM scratch\nCOPY f /\n' | dockerfile
	echo "$BATS_TEST_NUMBER" >f
	[ -z "${HEW_TEST_UID-}" ] || readable
	local fault way pids=() names=()
	for fault in 401 403 404 429:99:0 500 hang:9 head-405 put-401 put-404 put-reset:99 manifest-500 \
		wrong-manifest bad-manifest endless-manifest; do
		for way in from to; do
			case $fault.$way in *manifest.to | put*.from | manifest-500.from | 500.to | hang*.to | head*) continue ;; esac
			echo "--port-file $BATS_TEST_TMPDIR/$fault.$way.port --image demo:1 --fault $fault" >>"$BATS_TEST_TMPDIR/many"
			names+=("$fault $way")
		done
	done
	python3 -B "$E2E_LIB/faulty_registry.py" --many "$BATS_TEST_TMPDIR/many" >"$BATS_TEST_TMPDIR/http.out" 2>&1 3>&- &
	SERVERS+=($!)
	for fault in "${names[@]}"; do wait_for test -e "$BATS_TEST_TMPDIR/${fault/ /.}.port"; done
	for fault in "${names[@]}"; do
		against ${fault/ */} "${fault/* /}" 3>&- &
		pids+=($!)
	done
	for fault in "${!pids[@]}"; do
		wait "${pids[fault]}" || { echo "${names[fault]}"; cat "$BATS_TEST_TMPDIR/${names[fault]/ /.}.said"; return 1; }
	done
}

# serve_faulty NAME OPTION...: such a registry, at PORT, with NAME.log.
serve_faulty() {
	local at=$BATS_TEST_TMPDIR/$1
	python3 -B "$E2E_LIB/faulty_registry.py" --port-file "$at.port" --log "$at.log" "${@:2}" >"$at.out" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -e "$at.port"
	PORT=$(cat "$at.port")
}

@test "interrupted while a cache is read or written: status 130, and the next build is right" {
	printf 'FROM scratch\nCOPY f /\n' | dockerfile
	echo "$BATS_TEST_NUMBER" >f
	[ -z "${HEW_TEST_UID-}" ] || readable
	local way fault rc
	for way in from to; do
		[ $way = from ] && fault=hang:1 || fault=put-stall:99
		serve_faulty $way --fault $fault
		rc=0
		HEW_ROOT=$BATS_TEST_TMPDIR/$way env --default-signal=INT hew build "--cache-$way" "type=registry,ref=127.0.0.1:$PORT/c:1" . \
			>out 2>"$BATS_TEST_TMPDIR/said" 3>&- &
		wait_for grep -q hanging "$BATS_TEST_TMPDIR/$way.log"
		kill -INT $!
		wait $! || rc=$?
		equal "$way 130" "$way $rc"
		equal 1 "$(grep -c "^ERROR: " "$BATS_TEST_TMPDIR/said")"
		nothing_left
		serve_faulty "$way.sound"
		on $way build --cache-to "type=registry,ref=127.0.0.1:$PORT/c:1"
		on $way sound
		HEW_ROOT=$BATS_TEST_TMPDIR/$way.other build --cache-from "127.0.0.1:$PORT/c:1"
		equal "" "$(ran)"
	done
}

# Each blob once: what is under way when the steps are done is begun again by the export.
sent() {
	grep 'http.request.method=PUT .*blobs/uploads.*http.response.status=201' "$AT/log" |
		grep -o 'digest=sha256[:%3A]*[0-9a-f]*' | sort -u | wc -l
}
has_sent() { [ "$(sent)" -ge "$1" ]; }
step_is_on() { ls "$BATS_TEST_TMPDIR"/one/cache/*/*/on >/dev/null 2>&1; }

@test "layers are sent while later steps run" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN seq 1000 >/first
		RUN --mount=type=cache,target=/sync touch /sync/on; n=0; while [ ! -e /sync/off ]; do [ $n -lt 600 ] || exit 9; n=$((n+1)); sleep 0.1; done
		RUN seq 2000 >/last
	EOF
	on one build --cache-to "type=registry,ref=$REF" 3>&- &
	local pid=$! sync
	wait_for step_is_on
	wait_for has_sent 1
	equal 1 "$(sent)"
	sync=$(echo "$BATS_TEST_TMPDIR"/one/cache/*/*/on)
	touch "${sync%/on}/off"
	wait $pid
	equal 4 "$(sent)" # and two layers and the config
	on two build --cache-from "$REF"
	equal "" "$(ran)"
}

# named COMMAND...: where registry.test is this machine, though not by name.
named() {
	printf '127.0.0.1 localhost registry.test\n' >"$BATS_TEST_TMPDIR/hosts"
	unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - "$BATS_TEST_TMPDIR/hosts" "$@"
}

@test "registry.insecure is about the cache's registry alone" {
	printf 'FROM scratch\nCOPY f /\n' | dockerfile
	echo "$BATS_TEST_NUMBER" >f
	[ -z "${HEW_TEST_UID-}" ] || readable
	local ref
	ref=registry.test:$(cat "$AT/port")/cache:app
	on one named "$HEW" build --cache-to "type=registry,ref=$ref" . 2>err
	has "cannot speak TLS with 'registry.test:" "$(grep "^WARN: " err)"
	on one named "$HEW" build --cache-to "type=registry,ref=$ref,registry.insecure=true" . 2>err
	equal "" "$(grep "^WARN: " err)"
	on two named "$HEW" build --progress plain --cache-from "type=registry,ref=$ref,registry.insecure=true" . 2>err
	equal "" "$(ERR=err ran)"
}

types_of() { skopeo inspect --raw --tls-verify=false "docker://$REF" | jq -r '[.mediaType, .layers[].mediaType] | unique | join(" ")'; }

@test "compression and media types are as asked for" {
	printf 'FROM alpine:3.19\nCOPY f /\nRUN cat f f >g\n' | dockerfile
	seq 20000 >f
	on one build --cache-to "type=registry,ref=$REF,compression=zstd,compression-level=19"
	equal "application/vnd.oci.image.layer.v1.tar+zstd application/vnd.oci.image.manifest.v1+json" "$(types_of)"
	on two build --cache-from "$REF"
	equal "" "$(ran)"
	on one build --cache-to "type=registry,ref=$REF,oci-mediatypes=false,image-manifest=false"
	equal "application/vnd.docker.distribution.manifest.v2+json application/vnd.docker.image.rootfs.diff.tar.gzip" "$(types_of)"
	on three build --cache-from "$REF"
	equal "" "$(ran)"
	# what came compressed stays so, unless it is not to
	on two build --cache-to "type=registry,ref=${REF%:*}:other,compression=uncompressed"
	equal zstd "$(REF=${REF%:*}:other types_of | grep -o zstd)"
	REF=${REF%:*}:other
	on two build --cache-to "type=registry,ref=$REF,compression=uncompressed,force-compression=true"
	equal "application/vnd.oci.image.layer.v1.tar application/vnd.oci.image.manifest.v1+json" "$(types_of)"
	on four build --cache-from "$REF" -o "$BATS_TEST_TMPDIR/out"
	equal "" "$(ran)"
	cmp <(cat f f) "$BATS_TEST_TMPDIR/out/g"
}

@test "no arguments or variables are in a cache" {
	printf 'FROM alpine:3.19\nARG API_TOKEN\nRUN echo $API_TOKEN | wc -c >/n\n' | dockerfile
	on one build --build-arg API_TOKEN=hidden-value --cache-to "type=registry,ref=$REF,mode=max"
	run ! grep -r hidden-value "$AT/storage"
	on two build --build-arg API_TOKEN=hidden-value --cache-from "$REF"
	equal "" "$(ran)"
}

@test "a cache that is not there, damaged, no cache at all, or of a kind unknown here fails no build" {
	app
	on one build -t app --cache-from "$REF" --cache-to type=s3,bucket=b --cache-from type=gha,scope=x
	has "$REF is not used" "$(cat "$ERR")"
	has "type=s3 is not supported" "$(cat "$ERR")"
	has "type=gha has no credentials" "$(cat "$ERR")"
	on one hew push -q app "${REF%/*}/app:1"
	on two build --cache-from "${REF%/*}/app:1"
	has "an image without cache data" "$(cat "$ERR")"
	equal 1 "$(grep -c "^WARN: " "$ERR")"
	on one build --cache-to "type=registry,ref=127.0.0.1:1/none,mode=max"
	has "will not be written" "$(cat "$ERR")"
	build_fails 7 --cache-to "type=registry,ref=127.0.0.1:1/none,mode=max,ignore-error=false"
	# a config of the right digest that says what is not so
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	local dir=$BATS_TEST_TMPDIR/bad
	[ -z "${HEW_TEST_UID-}" ] || umask 000
	skopeo copy -q --src-tls-verify=false "docker://$REF" "dir:$dir"
	local config
	config=$(jq -r .config.digest "$dir/manifest.json")
	for edit in '.hew.steps[0].layer = 99' '.hew.layers = []' '.hew.steps[1].key = "x"' '.hew.layers[0].diffID = "sha256:../../x"'; do
		rm -rf "$dir.layout" && mkdir -p "$dir.layout/blobs/sha256"
		jq -c "$edit" "$dir/${config#*:}" >"$dir.config"
		local digest size
		digest=$(sha256sum <"$dir.config" | cut -d' ' -f1) size=$(stat -c %s "$dir.config")
		cp "$dir.config" "$dir.layout/blobs/sha256/$digest"
		jq -c --arg d "sha256:$digest" --argjson s "$size" '.config.digest = $d | .config.size = $s' "$dir/manifest.json" >"$dir.manifest"
		digest=$(sha256sum <"$dir.manifest" | cut -d' ' -f1)
		cp "$dir.manifest" "$dir.layout/blobs/sha256/$digest"
		jq -n --arg d "sha256:$digest" --argjson s "$(stat -c %s "$dir.manifest")" '{schemaVersion: 2, manifests: [{mediaType:
			"application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s}]}' >"$dir.layout/index.json"
		on three build --cache-from "type=local,src=$dir.layout"
		has "config is damaged" "$(cat "$ERR")"
	done
	on three sound
}

@test "values that cannot be understood are usage errors" {
	app
	fails 2 hew build --cache-to type=registry .
	has "ref=NAME" "$LAST"
	fails 2 hew build --cache-from type=local .
	has "src=FOLDER" "$LAST"
	fails 2 hew build --cache-to "type=registry,ref=x,mode=most" .
	fails 2 hew build --cache-to "type=nonsense" .
	fails 2 hew build --cache-to "type=registri,ref=x" .
	has 'did you mean "registry"?' "$LAST"
	fails 2 hew build --cache-from type=inline .
	has "type=registry,ref=IMAGE" "$LAST"
	fails 2 hew build --cache-to "type=registry,ref=x,ignore-error=maybe" .
	fails 2 hew build --cache-to "type=registry,ref=x,compression=brotli" .
	fails 2 hew build --cache-to "type=registry,ref=x,compression-level=30" .
	fails 2 hew build --cache-from "type=local,src=x,digest=sha256:1" .
	fails 2 hew build --cache-to "type=registry,ref=x,speed=1" .
	has speed "$LAST"
}

# ---- cache mounts

# with_mounts ARG: a build that runs, with two caches; ARG makes it another one each time.
with_mounts() {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG N
		RUN --mount=type=cache,id=npm,target=/npm,uid=7,gid=8 --mount=type=cache,target=/go,sharing=locked \
			echo $N >>/npm/log && mkdir -p /npm/d && echo $N >/npm/d/f && chown 3:4 /npm/d/f && chmod 600 /npm/d/f && \
			ln -sf d/f /npm/link && touch /npm/.x && echo $N >>/go/log && cp /npm/log /seen && cat /go/log >>/seen
		USER nobody
		RUN --mount=type=cache,target=/mine echo $N >>/mine/log && stat -c %u:%g /mine >/tmp/owner
	EOF
}

seen() { on "$1" hew build -q --build-arg "N=$2" -o "$BATS_TEST_TMPDIR/out.$1" . >/dev/null && paste -sd' ' "$BATS_TEST_TMPDIR/out.$1/seen"; }
mounts_of() { on "$1" hew cache-mount ls --format json; }

@test "cache mounts: listed, exported to a file, imported, removed" {
	with_mounts
	on one build --build-arg N=1 -o "$BATS_TEST_TMPDIR/out"
	equal "65534:65534" "$(cat "$BATS_TEST_TMPDIR/out/tmp/owner")" # of the USER, where BuildKit has root
	equal "/go locked, /mine shared, npm shared" "$(mounts_of one | jq -r 'map(.id + " " + .sharing) | join(", ")')"
	[ "$(mounts_of one | jq '.[2].bytes')" -ge 8192 ]
	matches "npm *kB *shared *Less than a second ago" "$(on one hew cache-mount ls | sed -n '$p' | sed 's/[0-9]* seconds\{0,1\} ago/Less than a second ago/;s/  */ /g')"
	local file=$BATS_TEST_TMPDIR/mounts.tar
	on one hew cache-mount export -o "$file" npm /go
	tar -tf "$file" | grep -x oci-layout
	equal $'/go\nnpm' "$(on two hew cache-mount import "$file" | sort)"
	# a compiler would take a file for changed whose time lost its fraction
	equal "$(stat -c %.9Y "$BATS_TEST_TMPDIR"/one/cache/*/*/d/f)" "$(stat -c %.9Y "$BATS_TEST_TMPDIR"/two/cache/*/*/d/f)"
	equal "1 2 1 2" "$(seen two 2)"
	# owners and modes are those the step gave
	printf 'FROM alpine:3.19\nRUN --mount=type=cache,id=npm,target=/n stat -c "%%a %%u:%%g" /n/d/f >/owner; readlink /n/link >>/owner\n' | dockerfile
	on two build -o "$BATS_TEST_TMPDIR/out"
	equal "600 3:4 d/f" "$(paste -sd' ' "$BATS_TEST_TMPDIR/out/owner")"
	with_mounts
	# one alone, in place of what is there
	equal npm "$(on two hew cache-mount import "$file" npm)"
	equal "1 3 1 2 3" "$(seen two 3)"
	equal $'Deleted: npm' "$(on two hew cache-mount rm npm)"
	equal "4 1 2 3 4" "$(seen two 4)"
	on two hew cache-mount rm --all
	equal "[]" "$(mounts_of two | jq -c .)"
	equal "5 5" "$(seen two 5)"
	on two sound
}

@test "cache mounts: through a registry, unpacked when a step runs, not sent twice" {
	with_mounts
	on one build --build-arg N=1 --cache-to "type=registry,ref=$REF,mounts=all"
	on two build --build-arg N=1 --cache-from "$REF"
	equal "" "$(ran)"
	equal "[]" "$(mounts_of two | jq -c .)"
	# nothing ran here: what came goes on
	on two build --build-arg N=1 --cache-to "type=registry,ref=${REF%:*}:again,mounts=npm,/go"
	equal "$(blobs_in "$REF" | wc -l)" "$(blobs_in "${REF%:*}:again" | cat - <(echo mine) | wc -l)"
	equal "1 2 1 2" "$(seen two 2)"
	on three build --build-arg N=1 --cache-from "type=registry,ref=${REF%:*}:again,mounts=/go"
	equal "3 1 3" "$(seen three 3)"
	on four hew cache-mount import "type=registry,ref=$REF" npm
	equal "1 4 4" "$(seen four 4)"
	on one hew cache-mount export -o "type=registry,ref=${REF%:*}:mounts" --all
	on five build --build-arg N=5 --cache-from "${REF%:*}:mounts" -o "$BATS_TEST_TMPDIR/five"
	equal "1 5 1 5" "$(paste -sd' ' "$BATS_TEST_TMPDIR/five/seen")"
	on five sound
}

blobs_in() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq -r '.layers[].digest'; }

@test "cache mounts: gone from the registry, damaged, a hostile archive: the build goes on" {
	with_mounts
	on one build --build-arg N=1
	on one hew cache-mount export -o "type=registry,ref=$REF" npm
	forge rubbish
	on two build --build-arg N=2 --cache-from "${REF%:*}:rubbish" -o "$BATS_TEST_TMPDIR/two.out"
	equal "2 2" "$(paste -sd' ' "$BATS_TEST_TMPDIR/two.out/seen")"
	has "cache mount npm: unpack layer" "$(grep '^WARN: ' "$ERR")"
	has "it begins empty" "$(grep '^WARN: ' "$ERR")"
	equal 1 "$(grep -c '^WARN: ' "$ERR")"
	lose "cache mount npm"
	on three build --build-arg N=3 --cache-from "$REF" -o "$BATS_TEST_TMPDIR/other"
	equal "3 3" "$(paste -sd' ' "$BATS_TEST_TMPDIR/other/seen")"
	fails 9 on four hew cache-mount import "${REF%:*}:rubbish"
	equal "[]" "$(mounts_of four | jq -c .)"
	echo "no archive" >file
	fails 9 on four hew cache-mount import file
	fails 6 on one hew cache-mount export -o x nothing
	fails 2 on one hew cache-mount export npm
	fails 2 on one hew cache-mount rm
	on four sound
}

@test "cache mounts that cannot travel cost nothing but themselves" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/bad touch /bad/.wh.x
		RUN --mount=type=cache,target=/good touch /good/x
	EOF
	on one build --cache-to "type=registry,ref=$REF,mounts=all"
	equal 1 "$(grep -c "^WARN: " "$ERR")"
	matches "WARN: cache mount /bad: *.wh.x*: left out" "$(grep "^WARN: " "$ERR")"
	equal /good "$(on two hew cache-mount import "$REF")"
	on three build --cache-from "$REF"
	equal "" "$(ran)"
}

is_busy() { on one hew cache-mount ls | grep -q "^sync .* in use"; }

@test "cache mounts in use: an export waits, --cache-to leaves them out, rm refuses" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c,id=busy --mount=type=cache,target=/s,id=sync echo 1 >/c/f; touch /s/on; n=0; \
			while [ ! -e /s/off ]; do [ $n -lt 300 ] || exit 9; n=$((n+1)); sleep 0.1; done; echo 2 >>/c/f
	EOF
	on one build 3>&- &
	local sync pid=$!
	wait_for is_busy
	wait_for step_is_on
	sync=$(echo "$BATS_TEST_TMPDIR"/one/cache/*/*/on)
	fails 1 on one hew cache-mount rm busy
	has "in use" "$LAST"
	mkdir other && printf 'FROM scratch\nCOPY Dockerfile /\n' >other/Dockerfile
	on one hew build --progress plain --cache-to "type=registry,ref=$REF,mounts=busy" other 2>"$BATS_TEST_TMPDIR/warned"
	has "WARN: cache mount busy is in use: left out" "$(cat "$BATS_TEST_TMPDIR/warned")"
	on one hew cache-mount export -o "$BATS_TEST_TMPDIR/busy.tar" busy 3>&- &
	touch "${sync%/on}/off"
	wait $!
	wait $pid
	on two hew cache-mount import "$BATS_TEST_TMPDIR/busy.tar"
	equal "1 2" "$(paste -sd' ' "$BATS_TEST_TMPDIR"/two/cache/*/*/f)"
}
