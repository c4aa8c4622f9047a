#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The registry client: against a registry that misbehaves in every way that lib/faulty_registry.py knows,
# and against Debian's docker-registry, skopeo and buildah. After every failure the store is sound.
load lib/hew
load lib/registries

setup_file() {
	suite_setup
	export DEMO_ID DEMO_DIGEST
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR N_FAULTY=0
	SERVERS=()
	faulty
	curl -sf "127.0.0.1:$PORT/v2/demo/manifests/1" >"$BATS_FILE_TMPDIR/demo.json"
	DEMO_DIGEST=sha256:$(sha256sum <"$BATS_FILE_TMPDIR/demo.json" | cut -d' ' -f1)
	DEMO_ID=$(jq -r .config.digest "$BATS_FILE_TMPDIR/demo.json")
	kill "${SERVERS[@]}"
	an_image 300000
}

pulled() { # status, part of what is said
	export HEW_ROOT=$PWD/store
	if [ "$1" -eq 0 ]; then
		"$HEW" pull --progress plain "$DEMO" >out 2>err || { cat err; return 1; }
		equal "$DEMO_ID" "$(cat out)"
		[ -z "$2" ] || has "$2" "$(cat err)"
	else
		fails "$1" hew pull -q "$DEMO"
		equal 1 "$(wc -l <"$ERR")"
		has "pull '$DEMO': " "$LAST"
		has "$2" "$LAST"
		fails 6 hew inspect "$DEMO"
	fi
}

@test "pulls that are disturbed, and come to a good end" {
	rows pulled <<-'END'
		0 | --fault hang:1 | no answer
		0 | --fault stall:1 | no answer
		0 | --fault 429:1 | 429
		0 | --fault 500:2 | status 500: trying again
		0 | --fault 503:1 | 503
		0 | |
		0 | --fault truncate:1 | trying again
		0 | --fault truncate:3 | trying again
		0 | --fault short:1 | ends after
		0 | --fault html:1 | status 502
		0 | --fault retry-date:1 | status 503
		0 | --fault retry-text:1 | status 429
		0 | --auth bearer --fault token-hang:1 | no answer
		0 | --fault reset:2 | was lost
		0 | --fault truncate:1 --fault no-range |
		0 | --fault truncate:1 --fault bad-range | another range
		0 | --fault wrong-rest:2 |
		0 | --fault redirect |
		0 | --fault redirect-403:1 | 403
		0 | --fault truncate:1 --fault redirect |
		0 | --auth basic --user u:hush-hush |
		0 | --auth basic --user u:hush-hush --fault redirect |
		0 | --auth bearer |
		0 | --auth bearer --fault 401:1 |
		0 | --auth bearer --user u:hush-hush |
		0 | --auth bearer --user u:hush-hush --fault blob-401:1 |
		0 | --auth bearer --user u:hush-hush --fault token-500:1 | trying again
	END
}

@test "pulls that fail say what, why, what to do; and the status is the documented one" {
	rows pulled <<-'END'
		7 | --fault hang | no answer from
		9 | --fault short | ends after
		7 | --fault truncate | was lost
		7 | --fault reset | was lost
		7 | --fault redirect-403 | answers with status 403
		7 | --fault 429 | allows no more requests for now
		7 | --fault 500 | status 500
		7 | --fault 502 | is in trouble: it answers with status 502
		7 | --fault long-manifest | was lost
		7 | --auth bearer --fault token-500 | token server
		7 | --fault 429:-1:3600 | retry after 3600
		9 | --fault wrong-digest | was expected
		9 | --fault wrong-rest | was expected
		9 | --fault endless | sends more than
		9 | --fault long | announces
		9 | --fault html-blob | ends after
		7 | --fault html | is in trouble
		7 | --fault headers | bytes of headers
		7 | --fault garbage |
		1 | --fault 418 | status 418
		7 | --fault 413 | too large
		9 | --fault html-manifest | not valid JSON
		9 | --fault empty-manifest | is empty
		9 | --auth bearer --fault token-html | token server
		9 | --auth bearer --fault token-empty | sent no token
		9 | --auth bearer --fault token-endless | exceeds 1048576 bytes
		7 | --fault redirect-loop | redirects more than
		7 | --fault redirect-none | status 307
		8 | --fault 401 | run 'hew login 127.0.0.1:
		8 | --fault 403 | run 'hew login 127.0.0.1:
		6 | --fault 404 | image 'demo:1' not found
		9 | --fault wrong-manifest | expected sha256:
		9 | --fault bad-manifest | not valid JSON
		9 | --fault huge-manifest | exceeds 4194304 bytes
		9 | --fault endless-manifest | exceeds 4194304 bytes
		9 | --fault gzip-manifest | has digest
		9 | --platforms linux/amd64,linux/arm64 --depth 9 | nested too deep
		9 | --broken size | ends after
		9 | --broken layers | the config names 1 layers, the manifest 2
		12 | --broken type | application/vnd.example.layer
		12 | --broken schema1 | schema version 1
		8 | --auth bearer --user u:other | refuses the user name or password
		8 | --auth basic --user u:other | run 'hew login
		8 | --auth bearer --user u:hush-hush --expires -1 | does not accept
		8 | --auth bearer --user u:hush-hush --fault token-scope | does not accept
		8 | --auth bearer --fault token-403 | gives no token
		9 | --auth bearer --fault token-bad | token server
		8 | --auth bearer --user u:hush-hush --realm http://192.0.2.1/token | plain http from '192.0.2.1': refused
	END
}

pushed() { # status, part
	local name=127.0.0.1:$PORT/some/name:1
	cp -a "$HEW_ROOT" store
	export HEW_ROOT=$PWD/store
	if [ "$1" -eq 0 ]; then
		"$HEW" push --progress plain image "$name" >out 2>err || { cat err; return 1; }
		[ -z "$2" ] || has "$2" "$(cat err)"
		skopeo copy -q --src-tls-verify=false ${DOCKER_CONFIG:+--src-authfile "$DOCKER_CONFIG/config.json"} \
			"docker://$name" oci:got:x
		equal "$(cat out)" "$(jq -r '.manifests[0].digest' got/index.json)"
	else
		fails "$1" hew push --progress plain image "$name"
		has "push '$name': " "$LAST"
		has "$2" "$LAST"
	fi
}

@test "pushes that are disturbed" {
	rows pushed <<-'END'
		7 | --fault put-500 | status 500
		7 | --fault put-reset | was lost
		7 | --fault manifest-500 | status 500
		0 | |
		0 | --location absolute |
		0 | --location relative |
		0 | --location foreign --auth bearer --user u:hush-hush |
		0 | --location foreign --auth basic --user u:hush-hush |
		0 | --auth bearer --user u:hush-hush --fault put-401:1 |
		0 | --auth basic --user u:hush-hush |
		0 | --fault head-405 |
		0 | --fault put-cut:1 | was lost
		0 | --fault put-cut:3 | was lost
		0 | --fault put-cut-lost:1 | trying again
		0 | --fault put-cut-lie:1 | trying again
		0 | --fault put-413:1 |
		0 | --fault post-500:1 | status 500
		0 | --fault retry-date:1 | status 503
		0 | --fault retry-text:1 | status 429
		0 | --fault html:1 | status 502
		0 | --piece 100000 |
		0 | --piece 10000000 |
		0 | --piece 100000 --fault put-500:1 | trying again
		0 | --piece 100000 --fault put-cut:1 | was lost
		0 | --auth bearer --user u:hush-hush --expires 1 --fault put-500:1 | trying again
		8 | --auth bearer --user u:other --post-only | refuses the user name or password
		7 | --fault put-cut-lost | was lost
		7 | --fault post-500 | status 500
		6 | --fault post-404 | repository name not known
		7 | --fault html | is in trouble
		7 | --fault headers | bytes of headers
		7 | --fault garbage |
		7 | --fault manifest-413 | too large
		9 | --fault manifest-digest | under the digest
		7 | --fault hang | no answer from
		0 | --fault put-500:1 | trying again
		0 | --fault put-reset:1 |
		0 | --fault put-404:1 | trying again
		0 | --fault put-stall:1 | no answer
		0 | --fault manifest-500:1 | trying again
		0 | --fault 429:2 | 429
		7 | --location none | without telling where to
		8 | --fault 401 | run 'hew login
		8 | --fault 403 | run 'hew login
		8 | --auth bearer --user u:other | refuses the user name or password
	END
}

@test "nobody there, and no such host" {
	fails 7 hew pull 127.0.0.1:1/demo:1
	has "cannot connect to '127.0.0.1:1': Connection refused" "$LAST"
	fails 7 hew push image 127.0.0.1:1/demo:1
	has "Connection refused" "$LAST"
	echo 'nameserver 127.0.0.1' >resolv.conf
	fails 7 unshare --mount bash -c 'mount --bind resolv.conf /etc/resolv.conf && hew pull no-such-host.test/demo:1'
	has "cannot find the host of 'no-such-host.test'" "$LAST"
	has "check the name" "$LAST"
}

@test "a nameserver that never answers is waited for once" {
	echo 'nameserver 127.0.0.9' >resolv.conf
	python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.9", 53))
open("bound", "w")
time.sleep(1000)' &
	SERVERS+=($!)
	wait_for test -e bound
	HEW_HTTP_TIMEOUT=1 fails 7 unshare --mount bash -c \
		'mount --bind resolv.conf /etc/resolv.conf && hew pull no-such-host.test/demo:1'
	has "cannot find the host of 'no-such-host.test' (Resolving timed out" "$LAST"
	run ! grep "trying again" "$ERR"
}

# ---- pulling, in detail

@test "pull prints the id, and nothing else with -q; push the digest" {
	faulty
	equal "$DEMO_ID" "$(hew pull -q "$DEMO" 2>err)"
	equal "" "$(cat err)"
	equal "$DEMO_ID" "$(hew pull --progress plain "$DEMO" 2>err)"
	equal "#1 pull $DEMO" "$(head -n 1 err)"
	matches "#1 DONE *s" "$(sed -n 2p err)"
	equal "$DEMO_DIGEST" "$(hew push -q "$DEMO" "127.0.0.1:$PORT/copy:1" 2>err)"
	equal "" "$(cat err)"
	fails 7 hew push --progress plain "$DEMO" 127.0.0.1:1/copy:1
	equal "#1 push 127.0.0.1:1/copy:1" "$(head -n 1 "$ERR")"
	cmp "$BATS_FILE_TMPDIR/demo.json" <(curl -sf "127.0.0.1:$PORT/v2/copy/manifests/1")
}

@test "on a terminal the bytes are counted while they come, and the id is the last line" {
	HEW_ROOT=$PWD/store
	faulty --fault truncate:1
	TERM=xterm script -qec "'$HEW' pull '$DEMO'" /dev/null </dev/null >screen
	grep -aqE '=> pull .*[0-9.]+kB / 300kB' screen
	equal "$DEMO_ID" "$(tail -n 1 screen | tr -d '\r' | sed 's/.*\x1b\[[0-9]*[a-zA-Z]//')"
}

@test "a blob that was cut goes on where it stopped" {
	HEW_ROOT=$PWD/store
	faulty --fault truncate:1 --fault redirect:1
	hew pull -q "$DEMO"
	equal 1 "$(grep -c ' 206 .* range=bytes=[1-9][0-9]*-' "$LOG")"
	equal 3 "$(grep -c 'GET /v2/demo/blobs/.* 200 \|GET /blob/.* 200 ' "$LOG")"
}

@test "a blob that is all there is taken, also if the end of the answer is lost" {
	HEW_ROOT=$PWD/store
	faulty --fault unended
	hew pull -q "$DEMO"
	equal 3 "$(grep -c 'GET /v2/demo/blobs/.* 200 ' "$LOG")"
}

@test "by digest; again from the store without a network; another one is refused" {
	HEW_ROOT=$PWD/store
	faulty
	equal "$DEMO_ID" "$(hew pull -q "127.0.0.1:$PORT/demo@$DEMO_DIGEST")"
	kill "${SERVERS[@]}"
	equal "$DEMO_ID" "$(hew pull -q "127.0.0.1:$PORT/demo@$DEMO_DIGEST")"
	HEW_ROOT=$PWD/other
	faulty --fault wrong-manifest
	fails 9 hew pull "127.0.0.1:$PORT/demo@$DEMO_DIGEST"
	has "expected $DEMO_DIGEST" "$LAST"
	fails 6 hew pull "127.0.0.1:$PORT/demo@sha256:$(printf '%064d' 7)"
	store_is_sound
}

@test "a tag that has not moved costs one HEAD" {
	faulty
	hew pull -q "$DEMO"
	: >"$LOG"
	hew pull -q "$DEMO"
	equal "GET /v2/ HEAD /v2/demo/manifests/1" "$(cut -d' ' -f1,2 "$LOG" | paste -sd' ')"
	kill "${SERVERS[@]}"
	faulty --fault head-405
	hew pull -q "$DEMO"
	hew pull -q "$DEMO"
	equal 2 "$(grep -c 'GET /v2/demo/manifests/1' "$LOG")"
	equal 1 "$(grep -c 'HEAD .* 405' "$LOG")"
}

@test "Retry-After is waited for, but not for an hour" {
	faulty --fault 429:1:2
	local began=${EPOCHREALTIME/./}
	hew pull -q "$DEMO"
	[ $((${EPOCHREALTIME/./} - began)) -ge 2000000 ]
}

@test "a server that always asks for another token is not asked for ever" {
	faulty --auth bearer --fault token-scope
	fails 8 hew pull "$DEMO"
	[ "$(wc -l <"$LOG")" -le 10 ]
}

@test "when one blob is missing the others are not waited for" {
	HEW_ROOT=$PWD/store
	faulty --broken missing --fault stall
	local began=$SECONDS
	fails 6 hew pull "$DEMO"
	has "the blob of 'demo' not found" "$LAST"
	[ $((SECONDS - began)) -lt 20 ]
	store_is_sound
}

@test "an index: this machine's platform, another, none that fits" {
	local arch
	arch=$(dpkg --print-architecture)
	faulty --platforms "linux/s390x,linux/$arch,linux/arm/v7" --depth 2
	equal "$arch" "$(hew pull -q "$DEMO" >id && config .architecture "$(cat id)")"
	equal "s390x" "$(hew pull -q --platform linux/s390x "$DEMO" >id && config .architecture "$(cat id)")"
	equal "arm" "$(hew pull -q --platform linux/arm/v7 "$DEMO" >id && config .architecture "$(cat id)")"
	fails 6 hew pull --platform linux/riscv64 "$DEMO"
	has "nothing for platform 'linux/riscv64': it has linux/s390x, linux/$arch, linux/arm/v7" "$LAST"
	faulty --platforms linux/s390x,linux/ppc64le
	fails 6 hew pull "$DEMO"
	has "it has linux/s390x, linux/ppc64le" "$LAST"
}

@test "the size shown: compressed as long as nothing needed the files, then unpacked" {
	local compressed unpacked=0 layer
	faulty
	hew pull -q "$DEMO"
	compressed=$(jq '[.layers[].size] | add' "$BATS_FILE_TMPDIR/demo.json")
	size() { hew inspect "$DEMO" | jq '.[0].Size'; }
	equal "$compressed" "$(size)"
	equal "$compressed" "$(hew images --format json | jq "select(.Repository == \"${DEMO%:1}\") | .Size")"
	printf 'FROM %s AS demo\nFROM scratch\nCOPY --from=demo /hello.txt /\n' "$DEMO" >Dockerfile
	build
	for layer in $(jq -r '.layers[].digest' "$BATS_FILE_TMPDIR/demo.json"); do
		unpacked=$((unpacked + $(curl -s "127.0.0.1:$PORT/v2/demo/blobs/$layer" | gzip -d | wc -c)))
	done
	equal "$unpacked" "$(size)"
	equal "$unpacked" "$(hew images --format json | jq "select(.Repository == \"${DEMO%:1}\") | .Size")"
}

@test "a layer that is not the one its config names is found out when it is unpacked" {
	HEW_ROOT=$PWD/store
	faulty --broken diff-id
	printf 'FROM %s AS demo\nFROM scratch\nCOPY --from=demo /hello.txt /\n' "$DEMO" >Dockerfile
	build_fails 9
	has "Dockerfile:3" "$LAST"
	has "the image's configuration says" "$LAST"
	store_is_sound
}

@test "a layer of zeros, a hundred times as large unpacked: no memory is lost on it, only the disk is full" {
	faulty --zeros --size 150000000
	printf 'FROM %s AS demo\nFROM scratch\nCOPY --from=demo /random.bin /\n' "$DEMO" >Dockerfile
	mkdir small
	mount -t tmpfs -o size=64m none small
	HEW_ROOT=$PWD/small/store
	build_fails 10
	has "space" "$LAST"
	store_is_sound
	umount small
	HEW_ROOT=$PWD/store
	bounded 64 "$HEW" build -q .
	equal 150000000 "$(hew build -q -o type=tar,dest=- . | tar xO random.bin | wc -c)"
}

@test "300 MB through a docker-registry and back in bounded memory" {
	local from layer
	large_layout
	registry
	skopeo copy -q --preserve-digests --dest-tls-verify=false oci:in:x "docker://127.0.0.1:$PORT/large:1"
	from=127.0.0.1:$PORT/large:1
	HEW_ROOT=$PWD/store
	bounded 64 "$HEW" pull -q "$from"
	cmp "in/blobs/sha256/${layer#*:}" "$(blob "$layer")"
	registry
	bounded 64 "$HEW" push -q "$from" "127.0.0.1:$PORT/large:1"
	curl -s "127.0.0.1:$PORT/v2/large/blobs/$layer" | cmp - "$(blob "$layer")"
}

@test "ADD of a URL: a download that is cut begins anew; what is not there" {
	HEW_ROOT=$PWD/store
	faulty --fault truncate:1
	printf 'FROM scratch\nADD http://127.0.0.1:%s/file/some.txt /\n' "$PORT" >Dockerfile
	build -o type=tar,dest=out.tar
	has "was lost" "$(cat "$ERR")"
	equal "$(head -c 2000 /dev/zero | tr '\0' x)" "$(tar xOf out.tar some.txt)"
	equal "2015-10-21" "$(TZ=UTC tar tvf out.tar --full-time | awk '{ print $4 }')"
	printf 'FROM scratch\nADD http://127.0.0.1:%s/nowhere /\n' "$PORT" >Dockerfile
	build_fails 6
	has "Dockerfile:2" "$LAST"
	has "http://127.0.0.1:$PORT/nowhere" "$LAST"
	store_is_sound
}

@test "a proxy is used, but not to reach this machine" {
	faulty
	export HEW_ROOT=$PWD/store http_proxy=http://127.0.0.1:$PORT https_proxy=http://127.0.0.1:1
	fails 7 hew pull no-such-host.test/demo:1
	has "cannot connect to 'no-such-host.test:443': Failed to connect to 127.0.0.1 port 1" "$LAST"
	https_proxy=$http_proxy
	equal "$DEMO_ID" "$(hew pull -q --insecure no-such-host.test/demo:1)"
	grep -q 'GET http://no-such-host.test/v2/demo/manifests/1 200' "$LOG"
	http_proxy=http://127.0.0.1:1
	HEW_ROOT=$PWD/other
	equal "$DEMO_ID" "$(hew pull -q "$DEMO")"
}

# ---- pushing, in detail

@test "push: HEAD first, one PUT a blob; again: nothing is uploaded" {
	registry
	hew push -q image "127.0.0.1:$PORT/a:1" >digest
	equal 2 "$(asked HEAD | grep -c /v2/a/blobs/)"
	equal 2 "$(asked POST | grep -c '/v2/a/blobs/uploads/$')"
	equal 2 "$(asked PUT | grep -c /v2/a/blobs/uploads/)"
	equal "" "$(asked PATCH)"
	: >"$LOG"
	equal "$(cat digest)" "$(hew push -q image "127.0.0.1:$PORT/a:2")"
	equal 2 "$(asked HEAD | grep -c /v2/a/blobs/)"
	equal "" "$(asked POST)"
	equal /v2/a/manifests/2 "$(asked PUT)"
}

@test "push: what the registry has in another repository is mounted" {
	registry
	hew push -q image "127.0.0.1:$PORT/a:1"
	: >"$LOG"
	hew push -q image "127.0.0.1:$PORT/b/c:1" >digest
	equal 2 "$(asked POST | grep -c '/v2/b/c/blobs/uploads/?mount=sha256:[0-9a-f]*&from=a$')"
	equal /v2/b/c/manifests/1 "$(asked PUT)"
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/b/c:1" oci:got:x
	equal "$(cat digest)" "$(jq -r '.manifests[0].digest' got/index.json)"
}

@test "push: a mount that is not granted becomes an upload" {
	faulty --no-mount --auth bearer --user u:hush-hush
	config_json "$PORT"
	hew push -q image "127.0.0.1:$PORT/a:1"
	: >"$LOG"
	hew push -q image "127.0.0.1:$PORT/b:1"
	equal 2 "$(grep -c 'POST /v2/b/blobs/uploads/?mount=' "$LOG")"
	equal 2 "$(grep -c 'PUT /v2/b/blobs/uploads/.* 201' "$LOG")"
	no_secret_told /dev/null
}

@test "push: a name with the digest of something else is refused" {
	faulty
	fails 2 hew push image "127.0.0.1:$PORT/a@$DEMO_DIGEST"
	has "give the name a tag" "$LAST"
	equal "" "$(grep PUT "$LOG" || true)"
}

@test "build --push and -o type=registry: what arrives has the digest that was told" {
	local digest
	registry
	echo hello >file
	printf 'FROM alpine:3.19\nCOPY file /\n' >Dockerfile
	build --push -t "127.0.0.1:$PORT/a:1" --metadata-file meta.json
	digest=$(jq -r '."containerimage.digest"' meta.json)
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a:1" oci:got:x
	equal "$digest" "$(jq -r '.manifests[0].digest' got/index.json)"
	equal "$ID" "$(jq -r .config.digest "got/blobs/sha256/${digest#*:}")"
	# the base's layers go as the blobs they came as
	skopeo inspect --no-tags docker://docker.io/library/alpine:3.19 | jq -r '.Layers[]' >base
	equal "$(cat base)" "$(jq -r '.layers[].digest' "got/blobs/sha256/${digest#*:}" | head -n "$(wc -l <base)")"
	build -o "type=registry,name=127.0.0.1:$PORT/b/c:2" --metadata-file meta.json
	equal "$digest" "$(jq -r '."containerimage.digest"' meta.json)"
	equal "$digest" "$(skopeo inspect --no-tags --tls-verify=false "docker://127.0.0.1:$PORT/b/c:2" | jq -r .Digest)"
}

# ---- with others

@test "what skopeo and buildah push, hew pulls: OCI and Docker, gzip and zstd; and back, the same digest" {
	local digest kind id
	registry
	skopeo copy -q --format oci "oci:$HEW_ROOT:docker.io/library/image:latest" oci:oci:x
	skopeo copy -q --dest-tls-verify=false --format v2s2 oci:oci:x "docker://127.0.0.1:$PORT/v2s2:1"
	skopeo copy -q --dest-tls-verify=false oci:oci:x "docker://127.0.0.1:$PORT/oci:1"
	skopeo copy -q --dest-compress-format zstd --dest-compress oci:oci:x dir:zstd
	skopeo copy -q --dest-tls-verify=false --format oci dir:zstd "docker://127.0.0.1:$PORT/zstd:1"
	buildah() { env -u DOCKER_CONFIG buildah --root "$PWD/b/root" --runroot "$PWD/b/run" --storage-driver vfs "$@"; }
	id=$(buildah from scratch)
	buildah copy -q "$id" oci/oci-layout /x
	buildah commit -q --signature-policy "$HEW_TEST_REGISTRY/policy.json" "$id" made
	buildah push -q --tls-verify=false --signature-policy "$HEW_TEST_REGISTRY/policy.json" made \
		"docker://127.0.0.1:$PORT/buildah:1"
	HEW_ROOT=$PWD/store
	for kind in v2s2 oci zstd buildah; do
		skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/$kind:1" >raw
		digest=sha256:$(sha256sum <raw | cut -d' ' -f1)
		equal "$(jq -r .config.digest raw)" "$(hew pull -q "127.0.0.1:$PORT/$kind:1")"
		equal "$digest" "$(hew inspect "127.0.0.1:$PORT/$kind:1" | jq -r '.[0].Digest')"
		equal "$digest" "$(hew push -q "127.0.0.1:$PORT/$kind:1" "127.0.0.1:$PORT/back/$kind:1")"
		skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/back/$kind:1" "dir:$kind.dir"
		cmp raw "$kind.dir/manifest.json"
		printf 'FROM 127.0.0.1:%s/%s:1 AS it\nFROM scratch\nCOPY --from=it / /\n' "$PORT" "$kind" >Dockerfile
		build
	done
	has docker.distribution.manifest.v2 "$(jq -r .mediaType v2s2.dir/manifest.json)"
	store_is_sound
}

# ---- who is who

@test "login: wrong, right, from standard input; kept for others to use" {
	registry --htpasswd "u:$SECRET"
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$DOCKER_CONFIG"
	echo '{"auths": {"other.test": {"auth": "dTpw"}}, "psFormat": "x"}' >"$DOCKER_CONFIG/config.json"
	cp "$DOCKER_CONFIG/config.json" before
	fails 8 hew login -u u -p wrong "127.0.0.1:$PORT"
	has "refuses the user name or password" "$LAST"
	fails 8 hew login -u u --password-stdin "127.0.0.1:$PORT" <<<"$SECRET-not"
	cmp before "$DOCKER_CONFIG/config.json"
	fails 8 hew push image "127.0.0.1:$PORT/a:1"
	has "run 'hew login 127.0.0.1:$PORT'" "$LAST"
	equal "Login Succeeded" "$(hew login -u u --password-stdin "127.0.0.1:$PORT" <<<"$SECRET" 2>err)"
	equal 600 "$(stat -c %a "$DOCKER_CONFIG/config.json")"
	equal dTpw "$(jq -r '.auths."other.test".auth' "$DOCKER_CONFIG/config.json")"
	equal x "$(jq -r .psFormat "$DOCKER_CONFIG/config.json")"
	hew push -q image "127.0.0.1:$PORT/a:1" >digest
	equal "$(cat digest)" "$(skopeo inspect --no-tags --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" \
		"docker://127.0.0.1:$PORT/a:1" | jq -r .Digest)"
	config_json "$PORT" wrong
	fails 8 hew pull "127.0.0.1:$PORT/a:1"
	has "does not accept the stored credentials" "$LAST"
	has "run 'hew login 127.0.0.1:$PORT' again" "$LAST"
	equal "Removing login credentials for 127.0.0.1:$PORT" "$(hew logout "127.0.0.1:$PORT")"
	equal '{}' "$(jq -c .auths "$DOCKER_CONFIG/config.json")"
	equal "Not logged in to 127.0.0.1:$PORT" "$(hew logout "127.0.0.1:$PORT")"
	no_secret_told err "$ERR" "$LOG"
}

@test "login: through a credential helper; and one that is not installed" {
	registry --htpasswd "u:$SECRET"
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker KEPT=$BATS_TEST_TMPDIR/kept
	mkdir "$DOCKER_CONFIG" "$BATS_TEST_TMPDIR/bin" "$KEPT"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-shelf" <<-'END'
		#!/bin/bash
		case $1 in
		store) d=$(cat) && jq -c . <<<"$d" >"$KEPT/$(jq -r .ServerURL <<<"$d" | tr / _)" ;;
		get) read -r s; cat "$KEPT/${s//\//_}" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
		erase) read -r s; rm "$KEPT/${s//\//_}" ;;
		esac
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-shelf"
	echo '{"credsStore": "shelf"}' >"$DOCKER_CONFIG/config.json"
	fails 8 hew login -u u -p "$SECRET" "127.0.0.1:$PORT"
	has "docker-credential-shelf" "$LAST"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	fails 8 hew push image "127.0.0.1:$PORT/a:1"
	hew login -u u -p "$SECRET" "127.0.0.1:$PORT"
	equal '{"credsStore":"shelf"}' "$(jq -c . "$DOCKER_CONFIG/config.json")"
	equal "$SECRET" "$(jq -r .Secret "$KEPT/127.0.0.1:$PORT")"
	hew push -q image "127.0.0.1:$PORT/a:1"
	hew logout "127.0.0.1:$PORT"
	equal "" "$(ls "$KEPT")"
}

@test "login is for the registry named, not for where its images have been moved to" {
	faulty --auth basic --user "u:$SECRET"
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	conf <<-END
		[[registry]]
		prefix = "127.0.0.1:1"
		location = "127.0.0.1:$PORT"
	END
	fails 7 hew login -u u -p "$SECRET" 127.0.0.1:1
	equal "" "$(cat "$LOG")"
}

@test "bearer tokens of a docker-registry: anonymous, with a password, with a refresh token" {
	tokens
	fails 8 hew push image "127.0.0.1:$PORT/public/a:1"
	has "run 'hew login 127.0.0.1:$PORT'" "$LAST"
	hew login -u u --password-stdin "127.0.0.1:$PORT" <<<"$SECRET"
	hew push -q image "127.0.0.1:$PORT/public/a:1"
	hew push -q image "127.0.0.1:$PORT/private/a:1"
	grep -q 'GET auth=basic repository:private/a:pull,push repository:public/a:pull$' "$TOKENS"
	HEW_ROOT=$PWD/store DOCKER_CONFIG=$PWD/none
	hew pull -q "127.0.0.1:$PORT/public/a:1"
	fails 8 hew pull "127.0.0.1:$PORT/private/a:1"
	has "denies access to image 'private/a:1'" "$LAST"
	has "run 'hew login 127.0.0.1:$PORT'" "$LAST"
	mkdir "$DOCKER_CONFIG"
	jq -n --arg host "127.0.0.1:$PORT" '{auths: {($host): {identitytoken: "refresh-u"}}}' >"$DOCKER_CONFIG/config.json"
	: >"$TOKENS"
	hew pull -q "127.0.0.1:$PORT/private/a:1"
	equal "POST auth=refresh repository:private/a:pull" "$(cat "$TOKENS")"
	store_is_sound
}

@test "passwords: to the host they are for, and nowhere to be read" {
	faulty --auth bearer --user "u:$SECRET" --fault redirect --fault stall:1 --location foreign
	config_json "$PORT"
	HEW_ROOT=$PWD/store "$HEW" pull --progress rawjson "$DEMO" >out 2>err 3>&- &
	wait_for grep -q hanging "$LOG"
	has "pull --progress rawjson" "$(processes_now)"
	has_not "$SECRET" "$(processes_now)"
	kill $!
	wait $! || true
	hew push --progress rawjson image "127.0.0.1:$PORT/a:1" >>out 2>>err
	hew push --progress plain image "127.0.0.1:$PORT/b:1" >>out 2>>err
	no_secret_told out err
	[ "$(grep -c 'PUT /upload/.* 201 auth=none' "$LOG")" -ge 2 ]
}

@test "login -p: the password is off the process list as soon as it is read, also as docker" {
	local words
	ln -s "$HEW" docker
	for words in "$HEW login" "./docker login" "./docker --config $PWD login" "$HEW docker login"; do
		rm -f gate port
		mkfifo gate
		# a registry that takes the connection and says nothing
		python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
c = s.accept()
print("asked", flush=True)
c[0].recv(9)
sys.stdin.read()' <>gate >port 3>&- &
		SERVERS+=($!)
		wait_for grep -q . port
		$words -u u -p "$SECRET" "127.0.0.1:$(head -n 1 port)" >out 2>&1 3>&- &
		SERVERS+=($!)
		wait_for grep -q asked port
		has "login" "$(tr '\0' ' ' <"/proc/$!/cmdline")"
		has_not "$SECRET" "$(tr '\0' ' ' <"/proc/$!/cmdline")"
	done
}

@test "login: Ctrl-C at the password ends it, and what is typed afterwards can be seen" {
	local rc=0
	"$E2E_LIB/terminal" 24 80 hew login -u u 127.0.0.1:9 <<-'EOF' || rc=$?
		expect Password:
		send \x03
		expect ERROR: cancelled
	EOF
	equal 130 "$rc" # and not 99: the settings are what they were
}

# ---- https, and when plain http will do

@test "plain http is for this machine only, unless somebody says so" {
	faulty --auth basic --user "u:$SECRET"
	config_json "$PORT"
	sed -i 's/127.0.0.1/registry.test/' "$DOCKER_CONFIG/config.json"
	HEW_ROOT=$PWD/store
	fails 7 named "$HEW" pull "registry.test:$PORT/demo:1"
	has "cannot speak TLS with 'registry.test:$PORT'" "$LAST"
	has "allow the registry as insecure" "$LAST"
	equal "" "$(cat "$LOG")"
	equal "$DEMO_ID" "$(named "$HEW" pull -q --insecure "registry.test:$PORT/demo:1")"
	conf <<-END
		[[registry]]
		location = "registry.test:$PORT"
		insecure = true
	END
	HEW_ROOT=$PWD/second
	equal "$DEMO_ID" "$(named "$HEW" pull -q "registry.test:$PORT/demo:1")"
	equal "$DEMO_DIGEST" "$(named "$HEW" push -q "registry.test:$PORT/demo:1" "registry.test:$PORT/copy:1")"
	fails 7 named "$HEW" pull "other.test:$PORT/demo:1"
}

@test "an authority of one's own: certs.d, SSL_CERT_FILE, another host's certificate" {
	local ca digest
	registry --tls
	ca=$BATS_TEST_TMPDIR/registry0/ca.crt
	fails 7 named "$HEW" push image "registry.test:$PORT/a:1"
	has "cannot trust the certificate of 'registry.test:$PORT'" "$LAST"
	has "certs.d/registry.test:$PORT/ca.crt" "$LAST"
	digest=$(SSL_CERT_FILE=$ca named "$HEW" push -q image "registry.test:$PORT/a:1")
	equal "$digest" "$(named "$HEW" push -q --insecure image "registry.test:$PORT/a:1")"
	export XDG_CONFIG_HOME=$PWD/config HEW_ROOT=$PWD/store
	mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/"{registry,other}".test:$PORT"
	cp "$ca" "$XDG_CONFIG_HOME/containers/certs.d/registry.test:$PORT/"
	cp "$ca" "$XDG_CONFIG_HOME/containers/certs.d/other.test:$PORT/"
	named "$HEW" pull -q "registry.test:$PORT/a@$digest"
	fails 7 named "$HEW" pull "other.test:$PORT/a:1"
	has "cannot trust the certificate of 'other.test:$PORT'" "$LAST"
	# this machine is trusted by its name
	hew pull -q "127.0.0.1:$PORT/a@$digest"
}

@test "from https nothing goes on by plain http: neither a blob nor a password" {
	local certs=$BATS_TEST_TMPDIR/registry0
	registry --tls
	export SSL_CERT_FILE=$certs/ca.crt HEW_ROOT=$PWD/store
	faulty --tls "$certs/server.crt" "$certs/server.key" --auth bearer --user "u:$SECRET" --fault token-http:1 \
		--fault redirect
	config_json "$PORT"
	sed -i 's/127.0.0.1/registry.test/' "$DOCKER_CONFIG/config.json"
	fails 8 named "$HEW" pull "registry.test:$PORT/demo:1"
	has "wants its token fetched by plain http from 'registry.test': refused" "$LAST"
	equal "" "$(grep auth=basic "$LOG" || true)"
	fails 7 named "$HEW" pull "registry.test:$PORT/demo:1"
	has "redirects from https to plain http ('registry.test'): refused" "$LAST"
	no_secret_told "$ERR"
	store_is_sound
}

# ---- registries.conf

mirrored() { # status, part of what is said about the mirror
	local registry
	registry=$(cat "$PWD.port2")
	export HEW_ROOT=$PWD/store
	config_json "$registry"
	conf <<-END
		[[registry]]
		prefix = "images.test"
		location = "127.0.0.1:$registry"
		[[registry.mirror]]
		location = "127.0.0.1:1"
		[[registry.mirror]]
		location = "127.0.0.1:$PORT"
	END
	"$HEW" pull --progress plain images.test/demo:1 >out 2>err || { cat err; return 1; }
	equal "$DEMO_ID" "$(cat out)"
	[ -z "$2" ] || has "$2" "$(cat err)"
	has "mirror 127.0.0.1:1: " "$(cat err)"
	has_not auth=basic "$(cat "$LOG")" # the password is for the registry
	if [ "$1" = alone ]; then equal "" "$(cat "$PWD.log2")"; fi
}

@test "mirrors: asked first, without the registry's password; what they cannot give the registry gives" {
	rows mirrored "--auth basic --user u:$SECRET" <<-'END'
		alone | |
		alone | --fault truncate:1 |
		both | --fault stall |
		both | --fault hang | no answer
		both | --fault 404 | not found
		both | --fault 429 | no more requests
		both | --fault 500 | status 500
		both | --fault wrong-manifest | expected sha256:
		both | --fault bad-manifest | not valid JSON
		both | --fault wrong-digest |
		both | --fault truncate |
		both | --fault reset |
		both | --auth basic --user nobody:knows | denies access
		both | --image other:1 | manifest unknown
	END
}

@test "a mirror for digests only is not asked for a tag" {
	HEW_ROOT=$PWD/store
	faulty
	local mirror=$PORT said=$LOG
	faulty
	conf <<-END
		[[registry]]
		prefix = "images.test"
		location = "127.0.0.1:$PORT"
		mirror-by-digest-only = true
		[[registry.mirror]]
		location = "127.0.0.1:$mirror"
	END
	equal "$DEMO_ID" "$(hew pull -q images.test/demo:1)"
	equal "" "$(grep manifests/1 "$said" || true)"
	equal 2 "$(grep -c "GET /v2/demo/manifests/1\|GET /v2/ " "$LOG")"
	equal 3 "$(grep -c /blobs/ "$said")"
}

@test "registries.conf: the longest prefix counts; locations with a path; blocked; short names" {
	HEW_ROOT=$PWD/store
	faulty --image deep/below/demo:1
	conf <<-END
		unqualified-search-registries = ["images.test"]
		[aliases]
		demo = "images.test/demo"
		[[registry]]
		prefix = "images.test"
		location = "127.0.0.1:1"
		[[registry]]
		prefix = "images.test/team"
		location = "127.0.0.1:$PORT/deep/below"
		[[registry]]
		prefix = "images.test/team/secret"
		blocked = true
		[[registry]]
		prefix = "*.wild.test"
		location = "127.0.0.1:$PORT/deep"
		[[registry]]
		prefix = "docker.io/library"
		location = "127.0.0.1:$PORT/deep/below"
	END
	equal "$DEMO_ID" "$(hew pull -q images.test/team/demo:1)"
	equal "$DEMO_ID" "$(hew pull -q a.b.wild.test/below/demo:1)"
	equal "$DEMO_ID" "$(hew pull -q demo:1)"
	hew inspect docker.io/library/demo:1 >/dev/null
	fails 7 hew pull images.test/demo:1
	fails 7 hew pull images.test/teams/demo:1
	has "127.0.0.1:1" "$LAST"
	fails 8 hew pull images.test/team/secret:1
	has "blocked by registries.conf (prefix 'images.test/team/secret')" "$LAST"
	fails 8 hew push demo:1 images.test/team/secret:1
	hew push -q demo:1 images.test/team/new:1
	grep -q 'PUT /v2/deep/below/new/manifests/1 201' "$LOG"
}

@test "registries.conf: the variable, the user's file, the system's; and one that cannot be read" {
	faulty
	moved() { # file, name
		mkdir -p "$(dirname "$1")"
		printf '[[registry]]\nprefix = "%s.test"\nlocation = "127.0.0.1:%s"\n' "$2" "$PORT" >"$1"
	}
	moved variable.conf variable
	moved xdg/containers/registries.conf xdg
	moved home/.config/containers/registries.conf home
	moved system/registries.conf system
	moved system/registries.conf.d/more.conf more
	with() { # name known, name unknown, COMMAND...
		local known=$1 unknown=$2
		shift 2
		equal "$DEMO_ID" "$(HEW_ROOT=$PWD/store-$known "$@" "$HEW" pull -q "$known.test/demo:1")"
		HEW_ROOT=$PWD/store-$known fails 7 "$@" "$HEW" pull "$unknown.test:1/demo:1"
	}
	unset CONTAINERS_REGISTRIES_CONF
	echo 'nameserver 127.0.0.1' >resolv.conf
	cat >in-etc <<-'END'
		#!/bin/bash
		mount --bind resolv.conf /etc/resolv.conf
		mkdir -p /etc/containers
		mount --bind system /etc/containers
		exec "$@"
	END
	chmod +x in-etc
	with variable xdg env CONTAINERS_REGISTRIES_CONF="$PWD/variable.conf" XDG_CONFIG_HOME="$PWD/xdg" \
		unshare --mount ./in-etc
	with xdg home env XDG_CONFIG_HOME="$PWD/xdg" HOME="$PWD/home" unshare --mount ./in-etc
	with home system env -u XDG_CONFIG_HOME HOME="$PWD/home" unshare --mount ./in-etc
	with system home env -u XDG_CONFIG_HOME HOME="$PWD" unshare --mount ./in-etc
	with more home env -u XDG_CONFIG_HOME HOME="$PWD" unshare --mount ./in-etc
	printf '[[registry]]\nlocation = "a.test"\n\ninsecure = "yes\n' >variable.conf
	fails 1 env CONTAINERS_REGISTRIES_CONF=variable.conf "$HEW" pull a.test/b
	has "'variable.conf': line 4: a string is not closed" "$LAST"
}

# ---- interrupted

# interrupt SIGNAL COMMAND...: sends it when the registry hangs; sets RC.
interrupt() {
	local signal=$1
	shift
	ERR=$BATS_TEST_TMPDIR/err RC=0
	env --default-signal=INT,TERM "$@" >out 2>"$ERR" 3>&- &
	wait_for grep -q hanging "$LOG"
	kill "-$signal" $!
	wait $! || RC=$?
	if [ "$signal" = KILL ]; then equal 137 "$RC"; else equal 130 "$RC"; fi
	nothing_left
}

@test "an interrupted pull leaves nothing, and the next one does the rest" {
	local signal
	for signal in INT TERM KILL; do
		faulty --fault stall:1
		export HEW_ROOT=$PWD/$signal
		interrupt $signal "$HEW" pull --progress plain "$DEMO"
		if [ $signal != KILL ]; then
			equal "ERROR: pull '$DEMO'" "$(tail -n 1 "$ERR" | cut -d: -f1-4 | sed 's/: fetch.*//')"
			has "cancelled" "$(tail -n 1 "$ERR")"
			store_is_sound
		fi
		fails 6 hew inspect "$DEMO"
		equal "$DEMO_ID" "$(hew pull -q "$DEMO")"
		store_is_sound
		equal 1 "$(grep -c "/blobs/$DEMO_ID " "$LOG")"
	done
}

@test "an interrupted push leaves nothing, and the next one does the rest" {
	local signal
	for signal in INT TERM KILL; do
		faulty --fault put-stall:1
		interrupt $signal "$HEW" push --progress plain image "127.0.0.1:$PORT/a:1"
		hew push -q image "127.0.0.1:$PORT/a:1" >digest
		equal "$(cat digest)" "sha256:$(curl -sf "127.0.0.1:$PORT/v2/a/manifests/1" | sha256sum | cut -d' ' -f1)"
		store_is_sound
	done
}

@test "an interrupted wait for the next try" {
	faulty --fault 429:-1:50
	HEW_ROOT=$PWD/store
	"$HEW" pull --progress plain "$DEMO" >out 2>err 3>&- &
	wait_for grep -q "trying again" err
	kill $!
	rc=0
	wait $! || rc=$?
	equal 130 "$rc"
	nothing_left
}
