#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The release that hew makes of itself: static, whole in an empty root, installable. Minutes: script/test --all.
load lib/hew
export BATS_TEST_TIMEOUT=1500 # of suites as a test

setup_file() {
	suite_setup
	[ -n "${HEW_TEST_SLOW-}" ] && [ -z "${HEW_TEST_UID-}" ] || return 0
	export DIST=$BATS_FILE_TMPDIR/dist ARCH EPOCH=1767225600
	ARCH=$(dpkg --print-architecture)
	# only what is the project's: nothing of a build beside
	mkdir "$BATS_FILE_TMPDIR/source"
	(cd "$TOP" && tar -c release script src doc tools meson.build meson_options.txt LICENSE README.md CHANGELOG.md) |
		tar -x -C "$BATS_FILE_TMPDIR/source"
	SOURCE_DATE_EPOCH=$EPOCH "$BATS_FILE_TMPDIR/source/release/build" --hew "$HEW" --out "$DIST" >&2
}

setup() {
	[ -z "${HEW_TEST_UID-}" ] || skip "root makes it"
	[ -n "${HEW_TEST_SLOW-}" ] || skip "script/test --all"
	test_setup
}

teardown() { [ -z "${SERVERS+set}" ] || test_teardown; }

# in_empty_root COMMAND: a shell's words, in a root of hew, two files of /etc, and busybox to start it by.
in_empty_root() {
	local r=$BATS_TEST_TMPDIR/root
	mkdir -p "$r"/{etc,proc,dev,sys,tmp,ctx,old}
	cp "$DIST/hew-linux-$ARCH" "$r/hew"
	cp "$(command -v busybox)" "$r/busybox"
	printf '127.0.0.1 localhost registry.test\n' >"$r/etc/hosts"
	printf '%s\n' "set -ex" "hew() { HEW_DB=/tmp/db HEW_ROOT=/tmp/store /hew \"\$@\"; }" "$1" >"$r/commands"
	# shellcheck disable=SC2016  # the inner shell's
	unshare --mount --propagation private bash -ec '
		mount --bind "$1" "$1"
		cd "$1"
		mount -t proc proc proc
		mount --rbind /dev dev
		mount --rbind /sys sys
		mount -t tmpfs tmp tmp
		pivot_root . old
		exec /busybox env -i /busybox sh -c "/busybox umount -l /old && . /commands"' empty "$r" </dev/null
}

@test "one file for each architecture, static, under sums that are right" {
	(cd "$DIST" && sha256sum --check --quiet SHA256SUMS)
	equal "$(cd "$DIST" && echo hew-linux-* hew_*.deb)" "$(cut -c67- "$DIST/SHA256SUMS" | tr '\n' ' ' | sed 's/ $//')"
	for a in amd64 arm64; do
		run ! grep -qE 'NEEDED|INTERP' <(objdump -p "$DIST/hew-linux-$a" 2>/dev/null || readelf -ld "$DIST/hew-linux-$a")
	done
	run ! ldd "$DIST/hew-linux-$ARCH" --
	matches "hew *" "$("$DIST/hew-linux-$ARCH" version)"
}

@test "an empty root: pull by a name of /etc/hosts, build, run, push, scan" {
	local port
	port=$(cat "$HEW_TEST_REGISTRY/port")
	mkdir -p "$BATS_TEST_TMPDIR/root/ctx"
	sed "s/2031-01-01T/$(date -u +%F)T/" "$TOP/test/data/scan/records.jsonl" >"$BATS_TEST_TMPDIR/root/records.jsonl"
	dockerfile "$BATS_TEST_TMPDIR/root/ctx/Dockerfile" <<-END
		FROM registry.test:$port/library/alpine:3.19 AS made
		RUN echo made >/made
		FROM registry.test:$port/library/debian:bookworm-slim
		COPY --from=made /made /
	END
	cp "$DIST/hew-linux-$ARCH.cdx.json" "$BATS_TEST_TMPDIR/root/"
	in_empty_root "
		hew pull --insecure registry.test:$port/library/alpine:3.19
		hew build --insecure -t app /ctx
		hew run app cat /made
		hew push --insecure app registry.test:$port/released:1
		hew db import -q /records.jsonl
		hew scan app
		hew sbom app
	" >"$BATS_TEST_TMPDIR/out"
	grep -x made "$BATS_TEST_TMPDIR/out"
	grep CVE-2031-10001 "$BATS_TEST_TMPDIR/out"
	grep CycloneDX "$BATS_TEST_TMPDIR/out"
}

# Those that need no program, file of /etc, process of the machine or build folder beside it.
SUITES=(build builds call care cli concurrent context copy db edits errors language lint packages place platforms
	reproducible run scan_match shell size store)

@test "suites of the rest in an empty root, too" {
	local s out=$PWD/out
	mkdir out
	cd "$TOP" # which is in that root, too
	# without bats' own programs, one of which is called bats, too
	env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" HOME="$HOME" HEW_TEST_CACHE="$HEW_TEST_CACHE" HEW_TEST_BIN="$DIST/hew-linux-$ARCH" HEW_TEST_EMPTY_ROOT=1 \
		test/e2e/run "$out" "${SUITES[@]}"
	for s in "${SUITES[@]}"; do
		grep -qx "1..$(grep -c '^ok' "$out/$s.tap")" "$out/$s.tap" || { grep -v '^ok' "$out/$s.tap" && return 1; }
	done
}

@test "what is linked in is in its SBOM" {
	local p
	for p in curl openssl glibc sqlite3 c-ares; do
		grep -q "upstream=${p}[\"%]" "$DIST/hew-linux-$ARCH.cdx.json"
	done
}

@test "the .deb is installed and purged, and leaves nothing" {
	cp "$DIST"/hew_*_"$ARCH.deb" hew.deb
	dockerfile <<-'END'
		FROM debian:bookworm
		COPY hew.deb /
		RUN find / -xdev -path /proc -prune -o -print | grep -v /var/lib/dpkg | sort >/before
		RUN dpkg -i /hew.deb && hew version && test -s /usr/share/man/man1/hew-build.1.gz && \
			bash -c '. /usr/share/bash-completion/completions/hew && complete -p hew' && \
			grep -q OpenSSL /usr/share/doc/hew/copyright
		RUN dpkg --purge hew && find / -xdev -path /proc -prune -o -print | grep -v /var/lib/dpkg | sort >/after && \
			diff /before /after | grep -v -e '/after$' -e '/before$' -e /var/log/ -e '^[0-9]' | tee /left && test ! -s /left
	END
	build --network none
}

@test "the same bytes once more" {
	SOURCE_DATE_EPOCH=$EPOCH hew build -q --no-cache-filter build,package -f "$BATS_FILE_TMPDIR/source/release/Dockerfile" \
		--target dist -o type=local,dest=again "$BATS_FILE_TMPDIR/source"
	(cd again && grep " hew.*$ARCH" "$DIST/SHA256SUMS" | grep -v cdx | sha256sum --check --quiet -)
}

@test "the other architecture's starts" {
	local q arch
	q=$("$TOP/test/bases/emulator")
	arch=$(cat "$q/arch")
	q=$(echo "$q"/qemu-*-static)
	matches "hew *" "$("$q" "$DIST/hew-linux-$arch" version)"
}
