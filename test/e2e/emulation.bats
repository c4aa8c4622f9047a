#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Steps and images for another processor, run by an emulator that nobody has registered with the machine.
load lib/hew

setup_file() {
	suite_setup
	FETCHED=$("$TOP/test/bases/emulator")
	export ARCH MACHINE HEW_QEMU_DIR=$BATS_FILE_TMPDIR/qemu
	ARCH=$(cat "$FETCHED/arch")
	case $ARCH in arm64) MACHINE=aarch64 ;; amd64) MACHINE=x86_64 ;; esac
	install -D -m 755 "$FETCHED"/qemu-*-static -t "$HEW_QEMU_DIR"
	install -m 755 "$FETCHED/busybox" "$BATS_FILE_TMPDIR/busybox-$ARCH"
	install -m 755 /bin/busybox "$BATS_FILE_TMPDIR/busybox-$(go_arch)"
}

setup() {
	test_setup
	registered=$(handlers)
	cp "$BATS_FILE_TMPDIR"/busybox-* .
	dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox-$TARGETARCH /bin/busybox
		RUN ["/bin/busybox", "--install", "/bin"]
	EOF
}

teardown() {
	test_teardown
	equal "$registered" "$(handlers)" # nothing of it on the machine
}

handlers() { ls /proc/sys/fs/binfmt_misc 2>/dev/null || true; }

# Handlers of a user namespace's own came with Linux 6.7.
need_handlers() {
	if [ "$(printf '6.7\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.7 ] || ! grep -q binfmt_misc /proc/filesystems; then
		skip "this kernel has no binfmt_misc for user namespaces"
	fi
}

@test "emulated: RUN, and the image is run" {
	need_handlers
	cat >>Dockerfile <<-'EOF'
		RUN uname -m >/machine && mkdir -m 700 /dir && chown 5:6 /dir
		USER 7:8
		RUN id
		CMD ["sh", "-c", "echo $(uname -m) $(id -u) && exit 3"]
	EOF
	build --platform "linux/$ARCH" -t app
	equal "$ARCH" "$(config .architecture)"
	has 'uid=7 gid=8' "$(cat "$ERR")"
	unpack app
	equal "$MACHINE" "$(cat "$ROOTFS/machine")"
	equal 'dir 700 5:6' "$(entry dir)"
	# mount points and the emulator leave nothing
	equal 'bin dir machine' "$(cd "$ROOTFS" && echo *)"
	said hew run --platform "linux/$ARCH" app
	equal "$MACHINE 7" "$OUT"
	equal 3 "$STATUS"
	build --platform "linux/$ARCH" -t app
	has '4 of 4 steps cached' "$(cat "$ERR")"
	sound
}

@test "emulated: one platform beside this machine's own, each by its own means" {
	need_handlers
	echo 'RUN uname -m >/machine' >>Dockerfile
	build --platform "linux/$ARCH,linux/$(go_arch)" -o out
	equal "$MACHINE" "$(cat "out/linux_$ARCH/machine")"
	equal "$(uname -m)" "$(cat "out/linux_$(go_arch)/machine")"
}

@test "emulated: a step can neither write to the emulator nor register another" {
	need_handlers
	local before
	before=$(sha256sum "$HEW_QEMU_DIR"/*)
	cat >>Dockerfile <<-'EOF'
		RUN sleep 5 & for p in $! 1; do echo x 2>&1 >"/proc/$p/exe"; done; true
		RUN ls -l /proc/1/fd; mount -t binfmt_misc none /bin; echo x >/proc/sys/fs/binfmt_misc/register; true
	EOF
	build --platform "linux/$ARCH"
	has 'exe: Read-only file system' "$(cat "$ERR")"
	has 'exe: Permission denied' "$(cat "$ERR")"
	has 'fd/7: cannot read link: Permission denied' "$(cat "$ERR")"
	has 'mount: permission denied' "$(cat "$ERR")"
	equal "$before" "$(sha256sum "$HEW_QEMU_DIR"/*)"
}

@test "without an emulator: files are copied; a RUN is refused before it starts, with what helps" {
	local said="programs for linux/$ARCH do not run on this machine, linux/$(go_arch): there is no static qemu-$MACHINE"
	export HEW_QEMU_DIR=/nonexistent
	build_fails 11 --no-cache --platform "linux/$ARCH"
	has "$said to emulate them: 'apt install qemu-user-static' brings it" "$LAST"
	has 'Dockerfile:4' "$LAST"
	has "linux/$ARCH" "$(hew doctor | grep -A1 'other platforms')"
	equal 'false' "$(hew doctor --format json | jq --arg p "linux/$ARCH" '.other_platforms[] | select(.platform == $p) | .runs')"
	sed -i '$d' Dockerfile
	echo 'CMD ["/bin/busybox", "true"]' >>Dockerfile
	build --platform "linux/$ARCH" -t app
	fails 125 hew run --platform "linux/$ARCH" app
	has "$said" "$LAST"
}

@test "emulated: doctor names the emulator that would be used; one that needs libraries is none" {
	need_handlers
	equal "$HEW_QEMU_DIR/qemu-$MACHINE-static" \
		"$(hew doctor --format json | jq -r --arg p "linux/$ARCH" '.other_platforms[] | select(.platform == $p) | .emulator')"
	mkdir other && cp /bin/ls "other/qemu-$MACHINE-static"
	export HEW_QEMU_DIR=$PWD/other
	build_fails 11 --no-cache --platform "linux/$ARCH"
	has "there is no static qemu-$MACHINE" "$LAST"
}

@test "a program for another processor in an image of this one: what it is, is said" {
	dockerfile <<-EOF
		FROM scratch
		COPY busybox-$ARCH /bin/busybox
		RUN ["/bin/busybox", "true"]
	EOF
	build_fails 5
	has "exec /bin/busybox: exec format error: it is a program for $ARCH" "$LAST"
}
