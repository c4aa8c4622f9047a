#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images in and out of the store: as an OCI layout that others read in place, as archives that others write and
# read; names, ids, removal; the same input, the same digest.
load lib/hew

small() { # NAME [ARGS...]
	local name=$1
	shift
	echo hello >file
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY file /file
		RUN echo made >/made
		CMD ["cat", "/made"]
	EOF
	build -t "$name" "$@"
}

# In containers' own store below the test's folder. They want a short path for what runs (50
# characters), and the config.json that DOCKER_CONFIG promises.
peer() { # buildah or podman, arguments...
	local p=$1
	shift
	[ -n "${PEER_RUN-}" ] || return 1 # peers_begin was forgotten
	env -u DOCKER_CONFIG "$p" --root "$BATS_TEST_TMPDIR/containers" --runroot "$PEER_RUN" \
		--storage-driver vfs "$@"
}

peers_begin() { PEER_RUN=$(mktemp -d /tmp/h.XXXX); }

teardown() {
	rm -rf --one-file-system "${PEER_RUN:-/none}" "${PUBLIC:-/none}"
	test_teardown
}

policy() { echo --signature-policy "$HEW_TEST_REGISTRY/policy.json"; }

# ---- the store as it lies there

@test "skopeo and umoci read the store itself" {
	small one
	hew tag one example.com/two/two:2.0
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/one:latest" oci:out:x
	equal "$(config '.rootfs.diff_ids | tojson')" "$(skopeo inspect --config oci:out:x | jq -c .rootfs.diff_ids)"
	has "docker.io/library/one:latest" "$(umoci ls --layout "$HEW_ROOT")"
	has "example.com/two/two:2.0" "$(umoci ls --layout "$HEW_ROOT")"
	equal 2 "$(jq .schemaVersion "$HEW_ROOT/index.json")"
	jq -e .imageLayoutVersion "$HEW_ROOT/oci-layout"
}

@test "a pulled image is read by skopeo too, byte for byte as the registry has it" {
	local name=docker.io/library/debian digest
	hew pull -q debian:bookworm-slim >id
	skopeo copy -q --preserve-digests "oci:$HEW_ROOT:$name:bookworm-slim" oci:out:x
	equal "$(cat id)" "$(skopeo inspect --raw oci:out:x | jq -r .config.digest)"
	# the tag is an index of one platform: both documents lie here as they came
	skopeo inspect --raw "docker://$name:bookworm-slim" >index
	digest=$(jq -r '.manifests[0].digest' index)
	skopeo inspect --raw "docker://$name@$digest" >manifest
	hew inspect --raw debian:bookworm-slim | cmp - manifest
	cmp manifest "$(blob "$digest")"
	cmp index "$(blob "$(sha256sum <index | cut -d' ' -f1)")"
	equal "$digest" "$(hew images --format json | jq -r 'select(.Repository == "debian").Digest')"
}

@test "every blob in the store is what its name says" {
	small one
	cd "$HEW_ROOT/blobs/sha256"
	for f in *; do equal "$f" "$(sha256sum <"$f" | cut -d' ' -f1)"; done
	hew doctor --store --deep
}

@test "doctor finds a blob that was changed, and one that is gone; prune lets go of them, a build makes them again" {
	export HEW_ROOT=$PWD/mine
	small one
	local layer
	layer=$(blob "$(config '.rootfs.diff_ids[-1]')")
	chmod u+w "$layer"
	printf XXXXXXXX | dd of="$layer" bs=1 seek=600 conv=notrunc status=none
	hew doctor --store
	fails 9 hew doctor --store --deep
	has "${layer##*/}: has the digest" "$(cat "$ERR")"
	rm "$layer"
	fails 9 hew doctor --store
	has "${layer##*/}: missing" "$(cat "$ERR")"
	has "hew prune" "$LAST"
	hew prune
	sound
	fails 6 hew inspect one # it would not run
	small one
	equal "RUN echo made" "$(ran | grep -o 'RUN echo made')"
	equal made "$(hew run --rm one cat /made)"
	hew doctor --store --deep
}

@test "a base's layer that is gone is fetched again" {
	export HEW_ROOT=$PWD/mine
	hew pull -q alpine:3.19
	equal Linux "$(hew run --rm alpine:3.19 uname)"
	find "$HEW_ROOT/blobs/sha256" "$HEW_ROOT/layers" -size +100k -delete
	rm -r "$HEW_ROOT"/trees/*
	fails 9 hew doctor --store
	hew prune
	sound
	equal Linux "$(hew run --rm alpine:3.19 uname)"
	hew doctor --store --deep
}

@test "an index of a layer that cannot be used is made again by whoever needs it" {
	export HEW_ROOT=$PWD/mine
	small one
	damaged() { for f in "$HEW_ROOT"/layers/*; do printf X | dd of="$f" bs=1 seek=4 conv=notrunc status=none; done; "$@"; }
	damaged small one --no-cache
	damaged hew size one >out
	damaged hew build -q -o type=local,dest=files .
	equal made "$(cat files/made)"
	damaged hew build -q -o type=oci,dest=o.tar,squash=all .
	damaged hew build -q -o type=oci,dest=o.tar,compression=estargz,force-compression=true .
	damaged hew build -q -o type=oci,dest=o.tar,rewrite-timestamp=true,source-date-epoch=0 .
	hew doctor --store
}

@test "a damaged layer is made again from what it came as" {
	export HEW_ROOT=$PWD/mine
	local name
	hew pull -q alpine:3.19
	printf 'FROM alpine:3.19\nCOPY --from=alpine:3.19 /etc/alpine-release /copied\n' | dockerfile
	build -t one
	name=$(hew inspect alpine:3.19 | jq -r '.[0].RootFS.Layers[0][7:]')
	for part in layers blobs/sha256; do
		printf XXXXXXXX | dd of="$HEW_ROOT/$part/$name" bs=1 seek=260 conv=notrunc status=none
	done
	build -t one --no-cache
	hew save -o one.tar one
	hew doctor --store --deep
}

# ---- archives

@test "what skopeo saves, hew loads: docker archive, OCI archive, OCI layout" {
	local src=docker://docker.io/library/alpine:3.19 id
	id=$(skopeo inspect --config "$src" | jq -c .rootfs.diff_ids)
	skopeo copy -q "$src" docker-archive:d.tar:alpine:d
	skopeo copy -q -f oci "$src" oci-archive:o.tar:alpine:o
	skopeo copy -q -f oci "$src" oci:layout:alpine:l
	export HEW_ROOT=$PWD/store
	hew load -i d.tar
	hew load <o.tar
	hew load -i layout
	for t in d o l; do
		equal "$id" "$(hew inspect alpine:$t | jq -c '.[0].RootFS.Layers')"
		equal "Linux" "$(hew run alpine:$t uname)"
	done
	hew doctor --store --deep
}

@test "what buildah and podman save, hew loads" {
	peers_begin
	echo hello >file
	local c id f
	c=$(peer buildah from scratch)
	peer buildah copy -q "$c" file /file
	peer buildah config --cmd /file --env A=1 "$c"
	# shellcheck disable=SC2046
	peer buildah commit -q $(policy) "$c" made >/dev/null
	# shellcheck disable=SC2046
	{
		peer buildah push -q $(policy) made docker-archive:b.tar:made:b
		peer buildah push -q $(policy) made oci-archive:bo.tar:made:bo
	}
	peer podman save -q -o p.tar made
	peer podman save -q --format oci-archive -o po.tar made
	id=$(peer podman images -q --no-trunc made)
	for f in b bo p po; do
		export HEW_ROOT=$PWD/$f
		hew load -q -i $f.tar
		equal "$id" "$(hew images -q --no-trunc)"
		equal '["/file"] A=1' "$(hew inspect "$id" |
			jq -r '.[0].Config | (.Cmd | tojson) + " " + (.Env[] | select(startswith("A=")))')"
		hew tag "$id" loaded
		hew build -q -o out.$f - <<<"FROM loaded"
		equal hello "$(cat out.$f/file)"
		hew doctor --store --deep
	done
}

@test "what hew saves, skopeo and podman load" {
	peers_begin
	small one
	hew tag one two:2
	hew save one two:2 -o both.tar
	hew save one >stdout.tar
	equal "$ID" "$(skopeo inspect --raw docker-archive:stdout.tar | jq -r .config.digest)"
	equal '["docker.io/library/one:latest","docker.io/library/two:2"]' "$(tar xOf both.tar manifest.json | jq -c '[.[].RepoTags[]] | sort')"
	# shellcheck disable=SC2046
	peer podman load -q $(policy) -i both.tar
	equal "$ID docker.io/library/one:latest docker.io/library/two:2" "$(peer podman images --no-trunc --format json |
		jq -r '"sha256:" + .[0].Id + " " + (map(.Names) | flatten | unique | join(" "))')"
}

@test "save and load again: ids, names and files are the same, and a second load changes nothing" {
	small one
	hew save one -o one.tar
	export HEW_ROOT=$PWD/second
	has "Loaded image: one" "$(hew load -i one.tar)"
	hew load -q -i one.tar
	equal "one $ID" "$(hew images --format json | jq -r '.Repository + " " + .ID')"
	equal made "$(hew run one)"
	hew doctor --store --deep
	hew save one | cmp - one.tar
}

@test "archives that are none, cut off, or not what they say" {
	small one
	hew save one -o one.tar
	export HEW_ROOT=$PWD/second
	echo "no archive" >none.tar
	fails 9 hew load -i none.tar
	head -c $(($(stat -c %s one.tar) / 2)) one.tar >cut.tar
	fails 9 hew load -i cut.tar
	fails 6 hew load -i missing.tar
	has "missing.tar" "$LAST"
	mkdir x && tar -C x -xf one.tar
	local layer
	layer=$(find x -type f -size +100k | head -n 1)
	printf XXXXXXXX | dd of="$layer" bs=1 seek=70000 conv=notrunc status=none
	tar -C x -cf changed.tar .
	fails 9 hew load -i changed.tar
	mkdir y && tar -C y -xf one.tar && mv y/blobs shared && ln -s ../shared y/blobs
	fails 9 hew load -i y
	has "'blobs' is a symbolic link" "$LAST"
	sound
	equal "" "$(hew images -q)"
}

# ---- names

@test "tag, images, inspect, history and rmi" {
	export HEW_ROOT=$PWD/mine
	small one
	hew tag one other/name:2
	hew tag "${ID:7:12}" third
	equal $'one\nother/name\nthird' "$(hew images --format json | jq -r .Repository | sort)"
	hew images >table
	grep -qE '^other/name +2 +'"${ID:7:12}"' +.* [0-9.]+MB$' table
	equal "$ID" "$(hew images -q --no-trunc)"
	equal "$ID $ID" "$(hew inspect one other/name:2 | jq -r 'map(.Id) | join(" ")')"
	equal '["one:latest","other/name:2","third:latest"]' "$(hew inspect one | jq -c '.[0].RepoTags | sort')"
	equal '["cat","/made"]' "$(hew inspect "$ID" | jq -c '.[0].Config.Cmd')"
	hew history one >table
	has "COPY file /file # buildkit" "$(cat table)"
	equal 'CMD ["cat" "/made"]' "$(hew history --format json one | head -n 1 | jq -r .CreatedBy)"
	equal "Untagged: one:latest" "$(hew rmi one)"
	fails 6 hew inspect one
	hew inspect "$ID" >found
	# by its id, an image with several names goes only when told so
	fails 2 hew rmi "$ID"
	equal "Untagged: third:latest" "$(hew rmi third)"
	equal $'Untagged: other/name:2\nDeleted: '"$ID" "$(hew rmi "${ID:7:12}")"
	fails 6 hew inspect "$ID"
	fails 6 hew rmi "$ID"
	hew rmi -f "$ID"
	equal "" "$(hew images -q)"
	equal "[]" "$(jq -c .manifests "$HEW_ROOT/index.json")"
	sound
}

@test "the last name takes the image with it; -f takes all names" {
	export HEW_ROOT=$PWD/mine
	small one
	equal $'Untagged: one:latest\nDeleted: '"$ID" "$(hew rmi one)"
	equal "" "$(hew images -q)"
	build -t a -t b
	equal "Deleted: $ID" "$(hew rmi -f "$ID" | tail -n 1)"
	equal "" "$(hew images -q)"
	sound
}

@test "a name that moves leaves the old image behind, shown as <none> until it is pruned" {
	export HEW_ROOT=$PWD/mine
	small one
	local old=$ID
	printf 'FROM scratch\nLABEL new=1\n' | dockerfile
	build -t one
	equal "$ID" "$(hew inspect one | jq -r '.[0].Id')"
	equal "$old" "$(hew inspect "$old" | jq -r '.[0].Id')"
	equal "<none> <none> $old" "$(hew images --format json |
		jq -r 'select(.ID == "'"$old"'") | [.Repository, .Tag, .ID] | join(" ")')"
	grep -qE "^<none> +<none> +${old:7:12} " <(hew images)
	equal "$(hew images -q)" "$(hew images -a -q)"
	equal 2 "$(hew images -q | wc -l)"
	hew prune
	equal "$ID" "$(hew images -q --no-trunc)"
}

@test "prune removes what nothing needs, prune -a the build cache too" {
	export HEW_ROOT=$PWD/mine
	small one
	printf 'FROM scratch\nCOPY file /\n' | dockerfile
	build -t two
	hew rmi one
	hew prune >said
	matches "Total reclaimed space: *B" "$(cat said)"
	sound
	small again # its steps were kept
	equal "" "$(ran)"
	hew rmi again
	hew prune -a
	equal two "$(hew images --format json | jq -r .Repository)"
	equal 3 "$(ls "$HEW_ROOT/blobs/sha256" | wc -l)" # layer, config, manifest
	equal "" "$(find "$HEW_ROOT"/{trash,work} -mindepth 1)"
	hew rmi two
	hew prune -a
	equal 0 "$(ls "$HEW_ROOT/blobs/sha256" | wc -l)"
	equal "" "$(find "$HEW_ROOT"/{cache,contexts} -mindepth 1)"
	equal "Total reclaimed space: 0B" "$(hew prune -a)"
	hew doctor --store --deep
}

@test "no store yet: nothing to list, nothing to remove" {
	export HEW_ROOT=$PWD/none
	equal "Total reclaimed space: 0B" "$(hew prune)"
	equal "Total reclaimed space: 0B" "$(hew prune -a)"
	equal "REPOSITORY TAG IMAGE ID CREATED SIZE" "$(hew images | tr -s ' ')"
	equal "" "$(hew images -q)"
	equal "" "$(hew images --format json)"
	hew doctor --store
	hew rmi -f nothing
	fails 6 hew rmi nothing
	[ ! -e none ]
}

@test "prune beside a build takes nothing from it" {
	export HEW_ROOT=$PWD/mine
	echo hello >file
	# the second step tells when it has begun, and waits until enough has been pruned
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY file /file
		RUN --mount=type=cache,target=/c cat /file && touch /c/begun && until [ -e /c/go ]; do sleep 0.05; done
		RUN cat /file >/again
	EOF
	hew build -q -t one . >id 2>err 3>&- &
	local pid=$! n
	SERVERS+=("$pid")
	begun() { ls "$HEW_ROOT"/cache/*/*/begun >/dev/null; }
	wait_for begun
	for ((n = 0; n < 6; n++)); do hew prune -a >/dev/null; done
	touch "$(dirname "$HEW_ROOT"/cache/*/*/begun)/go"
	# and while the last step and the image are made
	while kill -0 $pid 2>/dev/null; do hew prune -a >/dev/null; done
	wait $pid || { cat err; false; }
	hew prune -a
	equal hello "$(hew run one cat /again)"
	hew doctor --store --deep
}

@test "where the store is: HEW_ROOT, root's place, the user's data folder" {
	where() { "$@" doctor --format json | jq -r .store; }
	equal "$HEW_ROOT" "$(where "$HEW")"
	equal /var/lib/hew "$(where env -u HEW_ROOT "$HEW_PROGRAM")"
	# as an ordinary user, who cannot look into our folders
	PUBLIC=$(mktemp -d /tmp/h.XXXX)
	chmod 755 "$PUBLIC"
	install -m 755 "$HEW_PROGRAM" "$PUBLIC/hew"
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups env -u HEW_ROOT)
	equal /home/x/.local/share/hew "$(where "${as[@]}" -u XDG_DATA_HOME HOME=/home/x "$PUBLIC/hew")"
	equal /data/hew "$(where "${as[@]}" XDG_DATA_HOME=/data "$PUBLIC/hew")"
}

# ---- the same input, the same digest

# Until the clock shows another second than now.
another_second() {
	local now=$EPOCHSECONDS
	passed() { [ "$EPOCHSECONDS" -gt "$now" ]; }
	wait_for passed
}

@test "two stores, another umask, one job, another clock: the same image and the same archive" {
	export SOURCE_DATE_EPOCH=1700000000
	small one -o type=oci,dest="$BATS_TEST_TMPDIR/first.tar"
	local first=$ID
	mkdir "$BATS_TEST_TMPDIR/elsewhere"
	cd "$BATS_TEST_TMPDIR/elsewhere"
	another_second
	umask 077
	export HEW_ROOT=$BATS_TEST_TMPDIR/second
	echo hello >file
	chmod 644 file
	cp "$BATS_TEST_TMPDIR/ctx/Dockerfile" .
	build -t one --jobs 1 -o type=oci,dest="$BATS_TEST_TMPDIR/second.tar"
	equal "$first" "$ID"
	cmp "$BATS_TEST_TMPDIR/first.tar" "$BATS_TEST_TMPDIR/second.tar"
	equal 1700000000 "$(date -d "$(config .created)" +%s)"
}

@test "without it, nothing but times differs" {
	small one
	local first=$ID
	export HEW_ROOT=$PWD/second
	another_second
	small one
	[ "$first" != "$ID" ]
	unpack one
	tar -C "$ROOTFS" --mtime=@0 --sort=name -cf a.tar .
	HEW_ROOT=$BATS_FILE_TMPDIR/store unpack one
	tar -C "$ROOTFS" --mtime=@0 --sort=name -cf b.tar .
	cmp a.tar b.tar
}

@test "--timestamp is the same as SOURCE_DATE_EPOCH" {
	SOURCE_DATE_EPOCH=1600000000 small one
	local first=$ID
	HEW_ROOT=$PWD/second small one --timestamp 1600000000
	equal "$first" "$ID"
	unpack one
	[ "$(find "$ROOTFS" -newermt @1770000000 ! -type l | wc -l)" -eq 0 ]
	equal 1600000000 "$(mtime made)"
}
