#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What becomes of an image: every type and option of --output, read by others than hew.
load lib/hew

setup() {
	test_setup
	AT=$BATS_TEST_TMPDIR/registry
}

teardown() {
	[ ! -e "$AT" ] || "$TOP/test/bases/serve" stop "$AT"
	rm -rf --one-file-system "${PEER_RUN:-/none}"
	test_teardown
}

# registry: an empty one. Sets REG.
registry() {
	"$TOP/test/bases/serve" start "$AT" --empty
	REG=127.0.0.1:$(cat "$AT/port")
}

# A base, changes of all kinds above it.
layers() {
	printf 'one\n' >f
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS base
		RUN mkdir /d /d/sub && echo old >/d/a && echo b >/d/b && ln /d/b /d/hard && chmod 1777 /d
		COPY f /f
		RUN rm /d/a /etc/shells && echo new >/d/c && ln -s c /d/link
		RUN rm -r /d/sub && mkdir /d/sub && echo z >/d/sub/z && rm -r /etc/ssl && mkdir /etc/ssl && echo n >/etc/ssl/n
		CMD ["x"]
	EOF
}

# files DIR: all in it, with what can be said of each.
files() {
	(cd "$1" && find . -mindepth 1 \( -type f -printf '%p %m %U:%G %y %n %Ts ' -exec sha256sum {} \; -o -printf '%p %m %U:%G %y %l\n' \) |
		sed 's/  .*//' | LC_ALL=C sort)
}

# pulled REF: by skopeo from the registry and unpacked by umoci. Sets ROOTFS.
pulled() {
	N_UNPACKED=$((N_UNPACKED + 1))
	local d=$BATS_TEST_TMPDIR/pulled$N_UNPACKED
	skopeo copy -q --src-tls-verify=false "docker://$1" "oci:$d.oci:x"
	umoci unpack --image "$d.oci:x" "$d" >"$d.log" 2>&1 || { cat "$d.log"; return 1; }
	ROOTFS=$d/rootfs
}

raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }

@test "several outputs of one build: each is written, the same image in all" {
	registry
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	echo x >f
	build -t "$REG/app:1" -o type=oci,dest=a.oci -o type=docker,dest=a.tar -o type=registry -o type=local,dest=out \
		-o type=tar,dest=plain.tar --metadata-file meta
	equal "$ID" "$(skopeo inspect --raw oci-archive:a.oci | jq -r .config.digest)"
	equal "$ID" "sha256:$(tar -xOf a.tar "$(tar -xOf a.tar manifest.json | jq -r '.[0].Config')" | sha256sum | cut -d' ' -f1)"
	equal "$ID" "$(raw "$REG/app:1" | jq -r .config.digest)"
	equal "x x" "$(cat out/f) $(tar -xOf plain.tar f)"
	equal "$ID $REG/app:1" "$(jq -r '"\(.["containerimage.config.digest"]) \(.["image.name"])"' meta)"
	equal "$(jq -r '.["containerimage.digest"]' meta)" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/app:1")"
}

@test "each form, each compression: skopeo, umoci, buildah and podman read it, with the same files" {
	layers
	build -t forms
	unpack forms
	local want form level options
	want=$(files "$ROOTFS")
	for level in uncompressed gzip,compression-level=0 gzip,compression-level=9 zstd,compression-level=1 zstd estargz,compression-level=1; do
		options=compression=$level,force-compression=true
		build -t forms -o "type=oci,dest=f.oci,$options" -o "type=docker,dest=f.tar,$options" -o "type=oci,tar=false,dest=f.dir,$options"
		for form in oci-archive:f.oci docker-archive:f.tar oci:f.dir; do
			rm -rf one.oci unpacked
			# umoci does not know zstd; skopeo does
			[[ $level != zstd* ]] || { rm -rf tmp && skopeo copy -q --dest-decompress "$form" dir:tmp && form=dir:tmp; }
			skopeo copy -q "$form" oci:one.oci:x
			umoci unpack --image one.oci:x unpacked >log 2>&1 || { cat log; false; }
			rm -f unpacked/rootfs/stargz.index.json unpacked/rootfs/.no.prefetch.landmark
			equal "$want" "$(files unpacked/rootfs)"
		done
		rm -r f.dir
	done
}

@test "form by reader: buildah and podman" {
	only_root "buildah and podman keep what they read for root"
	layers
	echo '{}' >"$DOCKER_CONFIG/config.json"
	local form options root=$BATS_TEST_TMPDIR/containers
	PEER_RUN=$(mktemp -d /tmp/h.XXXX) # containers/storage allows 50 characters
	tool() { command "$1" --root "$root" --runroot "$PEER_RUN" --storage-driver vfs "${@:2}"; }
	for options in compression=gzip compression=zstd,force-compression=true compression=estargz oci-mediatypes=false; do
		build -t forms -o "type=oci,dest=f.oci,$options" -o "type=docker,dest=f.tar,$options"
		for form in oci-archive:f.oci docker-archive:f.tar; do
			tool buildah --signature-policy "$HEW_TEST_REGISTRY/policy.json" pull -q "$form" >id
			equal "$(skopeo inspect --config "$form" | jq -c .rootfs.diff_ids)" \
				"$(tool podman image inspect "$(cat id)" | jq -c '.[0].RootFS.Layers')"
		done
		tool podman load -q -i f.tar >/dev/null
		has docker.io/library/forms:latest "$(tool podman images --format '{{.Repository}}:{{.Tag}}')"
	done
	rm -rf "$root"
}

@test "compression-level: what is smaller is; what is none is refused" {
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	cat "$TOP"/src/o*/*.c >f
	size() {
		hew build -q -o "type=oci,dest=o,$1" . >/dev/null
		skopeo inspect --raw oci-archive:o | jq '.layers[0].size'
	}
	[ "$(size compression-level=9)" -lt "$(size compression-level=1)" ]
	[ "$(size compression=estargz,compression-level=9)" -lt "$(size compression=estargz,compression-level=1)" ]
	[ "$(size compression=zstd,compression-level=22)" -lt "$(size compression=zstd,compression-level=1)" ]
	[ "$(size compression=uncompressed)" -gt 100000 ]
	build_fails 2 -o type=oci,dest=o,compression=estargz,compression-level=10
	build_fails 2 -o type=oci,dest=o,compression=zstd,compression-level=23
	build_fails 2 -o type=oci,dest=o,compression=estargz,oci-mediatypes=false
	has "do not go together" "$LAST"
}

# estargz LAYOUT N: layer N of an OCI layout, checked; the names in it.
estargz() {
	local m c
	m=$1/blobs/sha256/$(jq -r '.manifests[0].digest' "$1/index.json" | cut -d: -f2)
	c=$1/blobs/sha256/$(jq -r '.config.digest' "$m" | cut -d: -f2)
	"$E2E_LIB/estargz.py" "$1/blobs/sha256/$(jq -r ".layers[$2].digest" "$m" | cut -d: -f2)" \
		"$(jq -r ".layers[$2].annotations[\"containerd.io/snapshot/stargz/toc.digest\"]" "$m")" \
		"$(jq -r ".layers[$2].annotations[\"io.containers.estargz.uncompressed-size\"]" "$m")" \
		"$(jq -r ".rootfs.diff_ids[$2]" "$c")"
}

@test "compression=estargz: footer, table, members and digests, for all kinds of files" {
	printf 'FROM alpine:3.19\nCOPY d /d\nRUN %s\n' \
		'rm -r /etc/ssl && mkdir /etc/ssl && rm /etc/shells && ln /d/small /d/hard && ln -s small /d/link && mkfifo /d/fifo' | dockerfile
	mkdir d && seq 1500000 >d/large && echo x >d/small && : >d/empty && mkdir d/sub && : >"d/sub/ü \"q\""
	head -c $((4 << 20)) /dev/zero >d/whole
	build -o type=oci,tar=false,dest=o,compression=estargz
	has "d/whole" "$(estargz o 1)"
	has "etc/.wh.shells" "$(estargz o 2)"
	equal null "$(jq -r '.layers[0].annotations' "o/blobs/sha256/$(jq -r '.manifests[0].digest' o/index.json | cut -d: -f2)")"
	# again: from the store, the same
	local first
	first=$(jq -c .manifests o/index.json)
	hew build -q -o type=oci,tar=false,dest=again,compression=estargz .
	equal "$first" "$(jq -c .manifests again/index.json)"
	# layers from elsewhere too
	hew build -q -o type=oci,tar=false,dest=all,compression=estargz,force-compression=true .
	has "bin/busybox" "$(estargz all 0)"
	sound
}

@test "estargz: any number of processors, the same bytes" {
	printf 'FROM scratch\nCOPY d /d\n' | dockerfile
	mkdir d && seq 2000000 >d/a && seq 9 >d/b && split -l 2000 d/a d/part
	build -o type=oci,dest=a,compression=estargz
	HEW_ROOT=$BATS_TEST_TMPDIR/other SOURCE_DATE_EPOCH='' taskset -c 0 hew build -q -o type=oci,dest=b,compression=estargz . >/dev/null
	equal "$(skopeo inspect --raw oci-archive:a | jq -r '.layers[].digest')" "$(skopeo inspect --raw oci-archive:b | jq -r '.layers[].digest')"
}

@test "squash: one layer above the base, or one in all; the same files; the history says so" {
	layers
	build -t many
	unpack many
	local want base
	want=$(files "$ROOTFS")
	base=$(config '.rootfs.diff_ids[0]')
	build -t one -o type=image,squash=from-base
	matches "*squash: 4 layers of * are one of *: * saved*" "$(cat "$ERR")"
	equal "2 $base" "$(config '"\(.rootfs.diff_ids | length) \(.rootfs.diff_ids[0])"')"
	equal "4 layers merged" "$(config '.history[-1].comment')"
	equal 2 "$(config '[.history[] | select(.empty_layer | not)] | length')"
	equal '["x"]' "$(config '.config.Cmd | tojson')"
	equal "$ID" "$(hew inspect one | jq -r '.[0].Id')"
	unpack one
	equal "$want" "$(files "$ROOTFS")"
	# neither what came and went, nor whiteouts of it
	has_not "d/a" "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[1]')")")"
	has "etc/.wh.shells" "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[1]')")")"
	build --squash -t flag
	equal 2 "$(config '.rootfs.diff_ids | length')"
	build -t all -o type=image,squash=all
	equal 1 "$(config '.rootfs.diff_ids | length')"
	unpack all
	equal "$want" "$(files "$ROOTFS")"
	has_not .wh. "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[0]')")")"
	sound
	build_fails 2 -o type=image,squash=some
}

@test "squash: an archive alone, and what was built stays as it is" {
	layers
	build -t many -o type=oci,dest=o,squash=from-base --metadata-file meta --iidfile iid
	equal 2 "$(skopeo inspect --config oci-archive:o | jq '.rootfs.diff_ids | length')"
	equal 5 "$(hew inspect many | jq '.[0].RootFS.Layers | length')"
	# what is told is the archive's
	equal "$(skopeo inspect --raw oci-archive:o | jq -r .config.digest)" "$ID"
	equal "$ID $ID" "$(cat iid) $(jq -r '.["containerimage.config.digest"]' meta)"
	# again: nothing is merged twice, and nothing is different
	cp o first
	hew build -q -t many -o type=oci,dest=o,squash=from-base .
	cmp o first
}

@test "rewrite-timestamp: files of the build's layers are not younger, those of the base as they were" {
	layers
	local base
	build -o type=oci,dest=plain
	base=$(skopeo inspect --config oci-archive:plain | jq -r '.rootfs.diff_ids[0]')
	build -t t --metadata-file meta -o type=oci,tar=false,dest=o,source-date-epoch=1000000000,rewrite-timestamp=true,compression=uncompressed
	umoci unpack --image o:latest u >log 2>&1 || { cat log; false; }
	equal 1000000000 "$(stat -c %Y u/rootfs/d/c)"
	[ "$(stat -c %Y u/rootfs/bin/busybox)" -gt 1000000000 ]
	local m
	m=o/blobs/sha256/$(jq -r '.manifests[0].digest' o/index.json | cut -d: -f2)
	for l in $(jq -r '.layers[1:][].digest' "$m" | cut -d: -f2); do
		equal "$l" "$(sha256sum <"o/blobs/sha256/$l" | cut -d' ' -f1)"
		equal "" "$(python3 -c 'import sys, tarfile; [print(m.name, m.mtime) for m in tarfile.open(sys.argv[1]) if m.mtime > 10**9]' "o/blobs/sha256/$l")"
	done
	equal "$base" "$(jq -r '.rootfs.diff_ids[0]' "o/blobs/sha256/$(jq -r '.config.digest' "$m" | cut -d: -f2)")"
	equal 2001-09-09T01:46:40Z "$(jq -r .created "o/blobs/sha256/$(jq -r '.config.digest' "$m" | cut -d: -f2)")"
	equal "$(jq -r '.manifests[0].digest' o/index.json)" "$(jq -r '.["containerimage.digest"]' meta)"
	# without a time there is nothing to do
	build -o type=oci,dest=same,rewrite-timestamp=true
	has "rewrite-timestamp=true does nothing" "$(cat "$ERR")"
	cmp plain same
}

@test "source-date-epoch: a folder and a tar have that time, the build's other outputs their own" {
	printf 'FROM scratch\nCOPY f /d/f\n' | dockerfile
	echo x >f
	build -o type=local,dest=out,source-date-epoch=1000000000 -o type=tar,dest=t.tar,source-date-epoch=1000000000 -o type=local,dest=as
	equal "1000000000 1000000000" "$(stat -c %Y out/d/f out/d | paste -sd' ')"
	equal "$(stat -c %Y f)" "$(stat -c %Y as/d/f)"
	equal 1000000000 "$(python3 -c 'import tarfile; print(*{m.mtime for m in tarfile.open("t.tar")})')"
	build_fails 2 -o type=local,dest=out,source-date-epoch=never
}

@test "mode=delete: what the image has not goes from the folder, and only there" {
	printf 'FROM scratch\nCOPY d /d\n' | dockerfile
	mkdir d && echo x >d/kept
	[ -z "${HEW_TEST_UID-}" ] || mkdir -p out outside
	mkdir -p out/old/deep out/d outside && echo 1 >out/old/deep/f && echo 1 >out/d/gone && echo 1 >outside/safe
	ln -s "$PWD/outside" out/link && ln -s "$PWD/outside" out/d/link
	build -o type=local,dest=out
	equal "d d/gone d/kept d/link link old old/deep old/deep/f" "$(cd out && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	build -o type=local,dest=out,mode=delete
	equal "d d/kept" "$(cd out && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	equal safe "$(ls outside)"
	# what is not below this folder has to be meant
	mkdir "$BATS_TEST_TMPDIR/far" && echo 1 >"$BATS_TEST_TMPDIR/far/f"
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" "$BATS_TEST_TMPDIR/far"
	build_fails 2 -o "type=local,dest=$BATS_TEST_TMPDIR/far,mode=delete"
	has "--allow buildx.local.delete" "$LAST"
	build_fails 2 -o type=local,dest=.,mode=delete
	equal f "$(ls "$BATS_TEST_TMPDIR/far")"
	build --allow buildx.local.delete -o "type=local,dest=$BATS_TEST_TMPDIR/far,mode=delete"
	equal d "$(ls "$BATS_TEST_TMPDIR/far")"
	build_fails 2 -o type=tar,dest=t,mode=delete
	build_fails 2 -o type=local,dest=out,mode=replace
}

@test "names: name-canonical, dangling-name-prefix, a list; push-by-digest" {
	registry
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	echo x >f
	build -o "type=image,\"name=$REG/a:1,$REG/b:2\",push=true,name-canonical=true" --metadata-file meta
	local d
	d=$(jq -r '.["containerimage.digest"]' meta)
	equal "$REG/a:1,$REG/b:2" "$(jq -r '.["image.name"]' meta)"
	equal "$ID $ID" "$(hew inspect "$REG/a@$d" | jq -r '.[0].Id') $(hew inspect "$REG/b@$d" | jq -r '.[0].Id')"
	equal "$d" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/b@$d")"
	build -o type=image,dangling-name-prefix=moby-dangling,danging-name-empty-only=true
	equal 1 "$(hew images --format json | jq -r .Repository | grep -c '^moby-dangling$')"
	equal "$ID" "$(hew inspect "moby-dangling@$(hew images --format json | jq -r 'select(.Repository == "moby-dangling").Digest')" | jq -r '.[0].Id')"
	build -t named -o type=image,dangling-name-prefix=other,danging-name-empty-only=true
	has_not other "$(hew images --format json | jq -r .Repository)"
	build -o "type=registry,name=$REG/c,push-by-digest=true" --metadata-file meta
	d=$(jq -r '.["containerimage.digest"]' meta)
	equal "$d" "sha256:$(raw "$REG/c@$d" | sha256sum | cut -d' ' -f1)"
	has_not latest "$(curl -s "http://$REG/v2/c/tags/list")"
	sound
}

@test "--push means the image that -o names, with all that is said of it; --load its docker" {
	registry
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	echo x >f
	build -t "$REG/z:1" -o type=image,compression=zstd --push
	equal application/vnd.oci.image.layer.v1.tar+zstd "$(raw "$REG/z:1" | jq -r '.layers[0].mediaType')"
	build -t "$REG/d:1" -o type=image,push-by-digest=true --push --metadata-file meta
	equal "$(jq -r '.["containerimage.digest"]' meta)" \
		"sha256:$(raw "$REG/d@$(jq -r '.["containerimage.digest"]' meta)" | sha256sum | cut -d' ' -f1)"
	has_not '"1"' "$(curl -s "http://$REG/v2/d/tags/list")"
	build -o "type=image,name=$REG/n:1" --push
	equal '["1"]' "$(curl -s "http://$REG/v2/n/tags/list" | jq -c .tags)"
	build -t "$REG/both:1" -o type=local,dest=out --push
	equal '["1"]' "$(curl -s "http://$REG/v2/both/tags/list" | jq -c .tags)"
	equal x "$(cat out/f)"
	engine
	DOCKER_HOST=unix://$SOCKET build -t once --load -o type=docker
	equal 1 "$(grep -c "loaded into docker" "$ERR")"
}

# named COMMAND...: where registry.test is this machine, though not by name.
named() {
	printf '127.0.0.1 localhost registry.test\n' >"$BATS_TEST_TMPDIR/hosts"
	unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - "$BATS_TEST_TMPDIR/hosts" "$@"
}

@test "registry.insecure is about that output's registry alone" {
	registry
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	echo x >f
	[ -z "${HEW_TEST_UID-}" ] || readable
	local ref=registry.test:${REG#*:}/app
	fails 7 named "$HEW" build -o "type=registry,name=$ref" .
	has "cannot speak TLS with 'registry.test:" "$LAST"
	named "$HEW" build -q -o "type=registry,name=$ref,registry.insecure=true" .
	equal 1 "$(raw "$REG/app" | jq '.layers | length')"
}

@test "oci-mediatypes=false: docker's types, in whatever form; daemon's options are taken" {
	registry
	layers
	local m
	build -t "$REG/app" -o type=registry,oci-mediatypes=false,squash=from-base,store=false,unpack=true,compatibility-version=20 \
		-o type=docker,dest=d.tar,oci-mediatypes=false,attestation-inline=true,oci-artifact=false
	m=$(raw "$REG/app")
	equal "application/vnd.docker.distribution.manifest.v2+json application/vnd.docker.container.image.v1+json application/vnd.docker.image.rootfs.diff.tar.gzip" \
		"$(jq -r '[.mediaType, .config.mediaType, (.layers | map(.mediaType) | unique | join(","))] | join(" ")' <<<"$m")"
	equal 2 "$(jq '.layers | length' <<<"$m")"
	pulled "$REG/app"
	equal z "$(cat "$ROOTFS/d/sub/z")"
	equal 5 "$(skopeo inspect --config docker-archive:d.tar | jq '.rootfs.diff_ids | length')"
}

@test "prefer-nondist-layers: the type of a base's layers is kept only then" {
	mkdir base && printf 'FROM scratch\nCOPY base /\n' | dockerfile && echo b >base/b
	build -o type=oci,tar=false,dest=o
	python3 - <<-'EOF'
		import hashlib, json
		def put(data):
		    h = hashlib.sha256(data).hexdigest()
		    open("o/blobs/sha256/" + h, "wb").write(data)
		    return "sha256:" + h, len(data)
		index = json.load(open("o/index.json"))
		manifest = json.load(open("o/blobs/sha256/" + index["manifests"][0]["digest"][7:]))
		manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
		index["manifests"][0]["digest"], index["manifests"][0]["size"] = put(json.dumps(manifest).encode())
		json.dump(index, open("o/index.json", "w"))
	EOF
	[ -z "${HEW_TEST_UID-}" ] || readable
	printf 'FROM base\nCOPY Dockerfile /\n' | dockerfile
	local -x HEW_ROOT=$BATS_TEST_TMPDIR/other
	build --build-context base=oci-layout://o -o type=oci,dest=plain -o type=oci,dest=kept,prefer-nondist-layers=true
	equal application/vnd.oci.image.layer.v1.tar+gzip "$(skopeo inspect --raw oci-archive:plain | jq -r '.layers[0].mediaType')"
	equal application/vnd.oci.image.layer.nondistributable.v1.tar+gzip "$(skopeo inspect --raw oci-archive:kept | jq -r '.layers[0].mediaType')"
}

# ---- engines that run here

# engine: a docker, listening. Sets SOCKET.
engine() {
	SOCKET=$BATS_TEST_TMPDIR/docker.sock
	mkdir "$BATS_TEST_TMPDIR/engine"
	"$E2E_LIB/docker_engine.py" "$SOCKET" "$BATS_TEST_TMPDIR/engine" >"$BATS_TEST_TMPDIR/engine.log" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -S "$SOCKET"
	chmod 777 "$SOCKET"
}

@test "--load: into a podman that runs here, again, and with another base" {
	only_root "this podman keeps its images for root"
	layers
	local root=$BATS_TEST_TMPDIR/containers socket=$BATS_TEST_TMPDIR/podman.sock
	PEER_RUN=$(mktemp -d /tmp/h.XXXX)
	tool() { command podman --root "$root" --runroot "$PEER_RUN" --storage-driver vfs "$@"; }
	# exec: what is ended with the test is podman, not a shell around it
	(exec podman --root "$root" --runroot "$PEER_RUN" --storage-driver vfs system service -t 0 "unix://$socket") \
		>"$BATS_TEST_TMPDIR/podman.log" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -S "$socket"
	DOCKER_HOST=unix://$socket build --load -t loaded -t other:2 --metadata-file meta
	matches "*loaded into podman * (unix://$socket): 0 of 5 layers were there*" "$(cat "$ERR")"
	equal "$ID" "sha256:$(tool image inspect --format '{{.Id}}' loaded)"
	equal "$ID" "sha256:$(tool image inspect --format '{{.Id}}' other:2)"
	equal "$ID" "$(jq -r '.["containerimage.config.digest"]' meta)"
	echo two >f
	DOCKER_HOST=unix://$socket build -t loaded -o type=docker
	equal "$ID" "sha256:$(tool image inspect --format '{{.Id}}' loaded)"
	# what podman calls from another place is found there
	mkdir -p "$BATS_TEST_TMPDIR/run/podman" && ln -s "$socket" "$BATS_TEST_TMPDIR/run/podman/podman.sock"
	DOCKER_HOST='' XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run build --load -t third
	equal "$ID" "sha256:$(tool image inspect --format '{{.Id}}' third)"
	rm -rf "$root"
}

@test "--load: a docker gets the layers it lacks" {
	layers
	engine
	build -t first
	config '{Id: "sha256:'"$(printf '%064d' 7)"'", RootFS: {Type: "layers", Layers: (.rootfs.diff_ids[:2] + ["sha256:'"$(printf '%064d' 1)"'"])}}' \
		>"$BATS_TEST_TMPDIR/engine/image.json"
	DOCKER_HOST=unix://$SOCKET build --load -t loaded
	matches "*loaded into docker 20.10.24 (unix://$SOCKET): 2 of 5 layers were there*" "$(cat "$ERR")"
	equal "/images/load?quiet=1 chunked application/x-tar" "$(cat "$BATS_TEST_TMPDIR/engine/how")"
	tar -xOf "$BATS_TEST_TMPDIR/engine/loaded.tar" manifest.json >m
	equal '["docker.io/library/loaded:latest"]' "$(jq -c '.[0].RepoTags' m)"
	tar -tf "$BATS_TEST_TMPDIR/engine/loaded.tar" | grep -v '/$' | sort >have
	equal "$(jq -r '.[0].Layers[2:][]' m | sort)" "$(jq -r '.[0].Layers[]' m | sort | comm -12 - have)"
	# nothing there: all of it
	rm "$BATS_TEST_TMPDIR/engine/image.json"
	DOCKER_HOST=unix://$SOCKET build --load -t loaded
	equal "$(jq -r '.[0].Layers[]' m | sort)" "$(tar -tf "$BATS_TEST_TMPDIR/engine/loaded.tar" | sort | comm -12 - <(jq -r '.[0].Layers[]' m | sort))"
}

@test "--load: nobody there is said, and no error; unless somebody was named" {
	printf 'FROM scratch\nCOPY Dockerfile /\n' | dockerfile
	DOCKER_HOST=unix:///nowhere/docker.sock build --load -t app
	has "no docker or podman answers: unix:///nowhere/docker.sock: No such file or directory" "$(cat "$ERR")"
	has "hew save app:latest | docker load" "$(cat "$ERR")"
	equal "$ID" "$(hew inspect app | jq -r '.[0].Id')"
	build_fails 6 -o type=docker,context=none
	has 'docker context "none"' "$LAST"
	engine
	echo "you may not" >"$BATS_TEST_TMPDIR/engine/refuse"
	DOCKER_HOST=unix://$SOCKET build --load -t app
	has "you may not" "$(cat "$ERR")"
	build_fails 2 -o type=oci,dest=o,context=x
}

@test "--load: docker's contexts, by name and the current one; an engine's error is ours" {
	printf 'FROM scratch\nCOPY Dockerfile /\n' | dockerfile
	engine
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/config
	local meta
	meta=$DOCKER_CONFIG/contexts/meta/$(printf there | sha256sum | cut -d' ' -f1)
	mkdir -p "$meta"
	printf '{"Name":"there","Metadata":{},"Endpoints":{"docker":{"Host":"unix://%s","SkipTLSVerify":false}}}' "$SOCKET" >"$meta/meta.json"
	chmod -R a+rX "$DOCKER_CONFIG"
	build -t app -o type=docker,context=there
	has "loaded into docker" "$(cat "$ERR")"
	rm "$BATS_TEST_TMPDIR/engine/loaded.tar"
	echo '{"currentContext":"there"}' >"$DOCKER_CONFIG/config.json"
	build -t app --load
	equal '["docker.io/library/app:latest"]' "$(tar -xOf "$BATS_TEST_TMPDIR/engine/loaded.tar" manifest.json | jq -c '.[0].RepoTags')"
	DOCKER_CONTEXT=default DOCKER_HOST=tcp://127.0.0.1:1 build --load -t app
	has "no docker or podman answers" "$(cat "$ERR")"
}

# ---- export and import

@test "export: the files that umoci unpacks, into a file or a pipe" {
	layers
	build -t app
	unpack app
	hew export -o app.tar app
	hew export app >pipe.tar
	cmp app.tar pipe.tar
	mkdir x && tar --numeric-owner --same-owner -xpf app.tar -C x
	equal "$(files "$ROOTFS")" "$(files x)"
	fails 6 hew export nothing:1
}

@test "import: a tar becomes an image of one layer, with what --change says" {
	layers
	build -t app
	hew export -o app.tar app
	export SOURCE_DATE_EPOCH=1000000000
	[ -z "${HEW_TEST_UID-}" ] || readable
	ID=$(hew import -c 'CMD ["a", "b"]' -c 'ENV K="v w"' --change 'LABEL l=1' -c 'WORKDIR /d' -c 'EXPOSE 80' -c 'USER 3:4' \
		-m 'from a tar' --platform linux/arm64 app.tar in:1)
	equal "sha256:$(sha256sum <app.tar | cut -d' ' -f1)" "$(config '.rootfs.diff_ids | join(" ")')"
	equal '["a","b"] v w 1 /d 80/tcp 3:4 arm64' \
		"$(config '"\(.config.Cmd | tojson) \(.config.Env[] | select(startswith("K=")) | .[2:]) \(.config.Labels.l) \(.config.WorkingDir) \(.config.ExposedPorts | keys[0]) \(.config.User) \(.architecture)"')"
	equal '2001-09-09T01:46:40Z [{"created":"2001-09-09T01:46:40Z","comment":"from a tar"}]' "$(config '"\(.created) \(.history | tojson)"')"
	unpack app
	local want
	want=$(files "$ROOTFS")
	unpack in:1
	equal "$want" "$(files "$ROOTFS")"
	# from a pipe, compressed, without a name: the same layer, and the same image each time
	local first
	first=$(gzip <app.tar | hew import -)
	equal "$first" "$(zstd -q <app.tar | hew import -)"
	equal "$(config '.rootfs.diff_ids[0]')" "$(config '.rootfs.diff_ids[0]' "$first")"
	equal "Imported from -" "$(config '.history[0].comment' "$first")"
	sound
}

@test "import: what cannot be" {
	local before
	printf 'FROM scratch\nCOPY noise /\n' | dockerfile
	head -c 3000 /dev/urandom >noise
	build -o type=tar,dest=a.tar
	before=$(hew images -q | sort)
	fails 6 hew import nowhere.tar
	fails 9 hew import noise
	fails 2 hew import -c 'RUN x' a.tar
	has "RUN is not possible" "$LAST"
	fails 2 hew import -c 'FROM alpine' a.tar
	fails 2 hew import -c 'BOGUS x' a.tar
	fails 2 hew import a.tar Capital
	fails 2 hew import --platform x/y/z/w a.tar
	equal "$before" "$(hew images -q | sort)"
}

@test "several platforms: each image is changed, and the index is over what came of it" {
	dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY f /f
		COPY f /$TARGETARCH
	EOF
	echo x >f
	build -t many --platform linux/amd64,linux/arm64 --metadata-file meta \
		-o type=oci,tar=false,dest=o,squash=from-base,compression=estargz,source-date-epoch=1000000000,rewrite-timestamp=true
	local index arch
	index=o/blobs/sha256/$(jq -r '.manifests[0].digest' o/index.json | cut -d: -f2)
	equal "$(jq -r '.manifests[0].digest' o/index.json)" "$(jq -r '.["containerimage.digest"]' meta)"
	equal "amd64 arm64" "$(jq -r '[.manifests[].platform.architecture] | join(" ")' "$index")"
	for arch in amd64 arm64; do
		skopeo copy -q --override-arch $arch oci:o "oci:$arch:x"
		equal ".no.prefetch.landmark $arch f stargz.index.json" "$(estargz $arch 0 | paste -sd' ')"
		equal 2001-09-09T01:46:40Z "$(skopeo inspect --config "oci:$arch:x" | jq -r .created)"
	done
}
