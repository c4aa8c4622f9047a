#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The place where a store lies, and what may be wrong with it: odd paths, files and folders of others, no
# permission, read-only; a database that is damaged, lost or of a newer hew; left-overs; many at once.
load lib/hew

# A store of its own with one image in it, `kept`. Sets ID.
stocked() { # PATH
	export HEW_ROOT=$1
	printf 'FROM alpine:3.19\nRUN echo kept >/kept\n' | dockerfile
	build -t kept
}

sql() { # DATABASE STATEMENT
	python3 - "$@" <<-'EOF'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		for row in db.execute(sys.argv[2]): print(*row)
		db.commit()
	EOF
}

# hews PATH...: what we have put there belongs to whoever runs hew.
hews() { [ -z "${HEW_TEST_UID-}" ] || chown -R --from=root "$HEW_TEST_UID" "$@"; }

# ---- paths

@test "blanks, line breaks, separators, letters of no alphabet: any path will do" {
	local name n=0
	printf 'FROM alpine:3.19\nCOPY Dockerfile /d\nRUN cat /d >/e\n' | dockerfile
	for name in 'a b' $'a\nb' 'a,b:c=d' "it's \"quoted\"" 'a%20b?c#d&e' '\a\b' $'\xff\xfe' '-o' '$HOME' \
		"$(printf 'x%.0s' {1..255})"; do
		export HEW_ROOT=$PWD/roots/$name/store
		n=$((n + 1))
		build -t one
		equal "$ID" "$(hew images -q --no-trunc)"
		equal "$(cat Dockerfile)" "$(hew run --rm one cat /e)"
		hew save one -o saved.tar
		hew doctor --store --deep
		hew prune -a
	done
	equal "$n" "$(find roots -mindepth 1 -maxdepth 1 -printf x | wc -c)"
}

@test "relative, through a link, with slashes at the end: one store" {
	export HEW_ROOT=sub/store
	printf 'FROM alpine:3.19\nRUN echo x >/x\n' | dockerfile
	build -t one
	[ -e sub/store/hew.db ]
	ln -s sub/store link
	equal "$ID" "$(HEW_ROOT="link" hew images -q --no-trunc)"
	equal "$ID" "$(HEW_ROOT=$PWD/sub/../sub//store/ hew images -q --no-trunc)"
	HEW_ROOT=link/ build -t two
	equal "" "$(ran)"
	sound
}

# in_chroot MOUNTED COMMAND...: in a root with nothing but hew, its libraries, and a context in /context. MOUNTED, if not
# empty: that root is a mount, too.
in_chroot() {
	local f root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"/{proc,dev,tmp}
	for f in $(ldd "$HEW_PROGRAM" | grep -o '/[^ ]*'); do
		mkdir -p "$root${f%/*}"
		cp -L "$f" "$root$f"
	done
	cp "$HEW_PROGRAM" "$root/hew"
	# shellcheck disable=SC2016  # the inner shell's
	unshare --mount --propagation private bash -ec '
		[ -z "$2" ] || mount --bind "$1" "$1"
		mount -t proc proc "$1/proc"
		mount --rbind /dev "$1/dev"
		exec chroot "$1" "${@:3}"' bash "$root" "$@"
}

@test "in a chroot, be it a mount or not" {
	[ -z "${HEW_TEST_UID-}" ] || skip "chroot is root's"
	local context=$BATS_TEST_TMPDIR/root/context mounted
	mkdir -p "$context"
	cp "$(command -v busybox)" "$context/sh"
	cat >"$context/Dockerfile" <<-'EOF'
		FROM scratch
		COPY sh /bin/sh
		RUN --mount=target=/context --mount=type=cache,target=/cache \
		    cmp /context/sh /bin/sh && echo x >/cache/x && cd / && echo * >/seen && ! ls /../hew
		FROM scratch
		COPY --from=0 /seen /
	EOF
	for mounted in "" yes; do
		export HEW_ROOT=/store$mounted
		in_chroot "$mounted" /hew build -q -o /out /context
		equal "bin cache context dev etc proc sys" "$(cat "$BATS_TEST_TMPDIR/root/out/seen")"
		has "R0 root" "$(in_chroot "$mounted" /hew doctor)"
	done
}

# ---- other people's places

@test "a file, a place below a file, a folder with other things in it" {
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	echo mine >file
	mkdir docs oci
	echo thesis >docs/thesis.tex
	HEW_ROOT=$PWD/file build_fails 2
	has "HEW_ROOT" "$LAST"
	HEW_ROOT=$PWD/file/below build_fails 2
	has "HEW_ROOT" "$LAST"
	HEW_ROOT=$PWD/docs build_fails 2
	has "thesis.tex" "$LAST"
	equal thesis.tex "$(ls docs)"
	equal mine "$(cat file)"
	# an image layout of another tool's looks much like a store
	skopeo copy -q docker://docker.io/library/alpine:3.19 oci:oci:x
	cp oci/index.json before
	HEW_ROOT=$PWD/oci build_fails 9
	has "hew load -i" "$LAST"
	HEW_ROOT=$PWD/oci fails 9 hew images
	cmp before oci/index.json
	equal "blobs index.json oci-layout" "$(ls -A oci | paste -sd' ')"
}

@test "no permission: status 8, and what to do" {
	PUBLIC=$(mktemp -d /tmp/h.XXXX)
	chmod 755 "$PUBLIC"
	install -m 755 "$HEW_PROGRAM" "$PUBLIC/hew"
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups "$PUBLIC/hew")
	mkdir -m 700 "$PUBLIC/closed"
	mkdir -m 755 "$PUBLIC/read"
	cd "$PUBLIC"
	printf 'FROM scratch\nLABEL a=b\n' >Dockerfile
	for HEW_ROOT in "$PUBLIC/closed" "$PUBLIC/closed/store" "$PUBLIC/read/store"; do
		export HEW_ROOT
		fails 8 "${nobody[@]}" build .
		has "Permission denied" "$LAST"
		has "HEW_ROOT" "$LAST"
	done
	equal "" "$(find closed read -mindepth 1)"
}

teardown() {
	[ -z "${MOUNTED-}" ] || umount "$MOUNTED" 2>/dev/null || true
	rm -rf --one-file-system "${PUBLIC:-/none}"
	test_teardown
}

@test "others cannot look in, even where the root is open and the mask is 0" {
	mkdir -m 777 open
	hews open
	umask 0
	export HEW_ROOT=$PWD/open
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG TOKEN
		RUN --mount=type=cache,target=/c echo $TOKEN >/c/token && cp /bin/busybox /root-shell && chmod 4755 /root-shell
	EOF
	build --build-arg TOKEN=hush -t one
	equal "" "$(find open -mindepth 1 -maxdepth 1 -type d -perm /077)"
	equal "" "$(find open -maxdepth 1 -name 'hew.db*' -perm /077)"
	equal 0 "$(setpriv --reuid 65534 --regid 65534 --clear-groups grep -rl hush open 2>/dev/null | wc -l)"
}

@test "a store that may only be read: it can be looked at, and nothing is changed" {
	stocked "$PWD/store"
	hew prune
	mount --bind store store
	MOUNTED=$PWD/store
	mount -o remount,bind,ro store
	equal "$ID" "$(hew images -q --no-trunc)"
	equal "$ID" "$(hew inspect kept | jq -r '.[0].Id')"
	has "echo kept" "$(hew history kept)"
	hew save kept -o kept.tar
	has 'kept:latest' "$(tar xOf kept.tar manifest.json)"
	hew doctor --store --deep
	for verb in "build ." "pull alpine:3.19" "tag kept other" "rmi kept" "prune" "load -i kept.tar"; do
		# shellcheck disable=SC2086
		fails 8 hew $verb
		has "HEW_ROOT" "$LAST"
	done
	fails 125 hew run kept true
	umount store
	hew run kept cat /kept
	sound
}

# ---- the database

# taken_over FROM: what can be had from the blobs of a store that has lost its database
taken_over() {
	export HEW_ROOT=$PWD/new
	hew load -i "$1"
	equal "$ID" "$(hew images -q --no-trunc)"
	equal kept "$(hew run --rm kept cat /kept)"
	hew doctor --store --deep
}

@test "hew.db is damaged: a clear error, nothing is touched, the images can be taken over" {
	stocked "$PWD/old"
	local before
	before=$(find old/blobs old/index.json -type f -exec sha256sum {} + | sort)
	rm old/hew.db-*
	head -c 20000 /dev/urandom | dd of=old/hew.db bs=1 seek=2000 conv=notrunc status=none
	for verb in images "build ." "inspect kept" "prune" "doctor --store"; do
		# shellcheck disable=SC2086
		fails 9 hew $verb
		has "hew.db" "$LAST"
		has "hew load -i $PWD/old" "$LAST"
	done
	echo "no database at all" >old/hew.db
	fails 9 hew images
	has "hew load -i $PWD/old" "$LAST"
	equal "$before" "$(find old/blobs old/index.json -type f -exec sha256sum {} + | sort)"
	taken_over "$PWD/old"
}

@test "hew.db is gone, or empty: no new store around the old blobs" {
	local how
	for how in "rm -f" "truncate -s 0"; do
		stocked "$PWD/old"
		local before
		before=$(find old/blobs old/index.json -type f -exec sha256sum {} + | sort)
		rm -f old/hew.db-*
		$how old/hew.db
		for verb in images "build ." "prune" "doctor --store" "pull alpine:3.19"; do
			# shellcheck disable=SC2086
			fails 9 hew $verb
			has "hew load -i $PWD/old" "$LAST"
		done
		equal "$before" "$(find old/blobs old/index.json -type f -exec sha256sum {} + | sort)"
		taken_over "$PWD/old"
		rm -rf old new
	done
}

@test "a store of a newer hew is left alone" {
	stocked "$PWD/store"
	local version
	version=$(sql store/hew.db "PRAGMA user_version")
	sql store/hew.db "PRAGMA user_version = 99"
	for verb in images "build ." "prune -a" "rmi kept" "doctor --store"; do
		# shellcheck disable=SC2086
		fails 12 hew $verb
		has "format 99" "$LAST"
		has "newer hew" "$LAST"
	done
	sql store/hew.db "PRAGMA user_version = $version"
	hew doctor --store --deep
	equal kept "$(hew run --rm kept cat /kept)"
}

# ---- left-overs

@test "folders that a copy has left out come back" {
	stocked "$PWD/store"
	hew prune
	find store -mindepth 1 -maxdepth 1 -type d -empty -delete
	rm -r store/locks
	equal "$ID" "$(hew images -q --no-trunc)"
	hew tag "$ID" copied
	build --no-cache -t again
	sound
}

@test "what was left behind by a process whose number is somebody else's now" {
	stocked "$PWD/store"
	# of process 1, which lives and is not hew
	mkdir -p store/work/1-0123456789ab/d0/upper/deep
	echo left >store/work/1-0123456789ab/d0/upper/deep/file
	touch store/leases/1-0123456789ab
	hews store
	hew history kept
	equal "" "$(find store/work store/leases store/trash -mindepth 1)"
	sound
}

@test "the first command after a restart looks at every file" {
	stocked "$PWD/store"
	local orphan
	orphan=$(printf 'nobody knows me' | tee orphan | sha256sum | cut -d' ' -f1)
	cp orphan "store/blobs/sha256/$orphan"
	mkdir -p store/work/99-0123456789ab
	hews store
	fails 9 hew doctor --store
	hew images
	[ -e "store/blobs/sha256/$orphan" ]
	# the mark of this boot
	rm store/locks/.boot-*
	hew images
	[ ! -e "store/blobs/sha256/$orphan" ]
	sound
	equal kept "$(hew run --rm kept cat /kept)"
}

# ---- many at once

@test "eight builds and some pruning at once, from no store at all" {
	export HEW_ROOT=$PWD/store SOURCE_DATE_EPOCH=1700000000
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		RUN echo one >/one
		FROM alpine:3.19
		COPY --from=one /one /
		RUN cat /one >/two
	EOF
	local want pids=() p
	want=$(HEW_ROOT=$PWD/alone hew build -q .)
	for p in 1 2 3 4 5 6 7 8; do
		hew build -q -t "n$p" . >"out$p" 2>"err$p" 3>&- &
		pids+=($!)
	done
	until [ -e store/hew.db ]; do sleep 0.01; done
	for p in 1 2 3 4 5 6; do hew prune ${p:+-a} >/dev/null; done
	for p in 1 2 3 4 5 6 7 8; do
		wait "${pids[p - 1]}" || {
			cat "err$p"
			false
		}
		equal "$want" "$(cat "out$p")"
	done
	equal 8 "$(hew images --format json | wc -l)"
	hew doctor --store --deep
	equal "" "$(find store/work store/leases -mindepth 1)"
}

# What one person does all day, N times; each has names of its own, all make the same few layers.
busy() { # NUMBER N
	local i n
	for ((i = 0; i < $2; i++)); do
		n=$((RANDOM % 6))
		echo $n >file
		printf 'FROM alpine:3.19 AS one\nRUN echo %s >/n\nFROM alpine:3.19\nCOPY file /f\nCOPY --from=one /n /n\n' $n >Dockerfile
		hew build -q -t "t$n:$1" . >id
		case $((RANDOM % 4)) in
		0)
			hew save "t$n:$1" -o saved.tar
			hew load -q -i saved.tar
			;;
		1) hew rmi "t$n:$1" >removed ;;
		2) equal "$n $n" "$(hew run --rm "t$n:$1" cat /n /f | paste -sd' ')" ;;
		esac
	done
}

@test "building, naming, removing, saving and running, beside prune -a: nobody loses anything" {
	export HEW_ROOT=$PWD/store SOURCE_DATE_EPOCH=1700000000
	local pids=() p rounds=60 n=0
	[ -z "${HEW_TEST_SLOW-}" ] || rounds=400
	for p in 1 2 3 4; do
		mkdir "$p"
		[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$p"
		(
			trap 'touch ended' EXIT
			set -e
			cd "$p"
			busy "$p" $rounds
		) >"$p.out" 2>&1 3>&- &
		pids+=($!)
	done
	while [ "$(ls -d ?/ended | wc -l)" -lt 4 ]; do
		hew prune -a >/dev/null
		n=$((n + 1))
		[ $((n % 8)) -ne 0 ] || sound
	done 2>/dev/null
	for p in 1 2 3 4; do
		wait "${pids[p - 1]}" || {
			cat "$p.out"
			false
		}
	done
	echo "pruned $n times"
	[ "$n" -gt 10 ]
	hew prune -a
	hew doctor --store --deep
	equal "" "$(find store/work store/leases store/trash -mindepth 1)"
}
