#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RUN and what is around it: its network, its mounts, what it may ask for, and the options that say how it is
# run.
load lib/hew

setup_file() {
	suite_setup
	hew pull -q alpine:3.19
	hew pull -q python:3.12-slim
}

# said: what the RUNs of the last build printed, without what they were.
said() { sed -n 's/^#[0-9]* [0-9.]* //p' "$ERR"; }

# ---- mounts of stages and images

@test "a stage is mounted, not copied: its files as they are, nothing new in the store" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /d/gone /d/old && echo 1 >/d/f && chmod 600 /d/f && chown 3:4 /d/f && touch /d/gone/x /d/old/x
		RUN rm -r /d/gone && rm -r /d/old && mkdir /d/old && touch /d/old/y && chmod 1777 /d && ln -s d/old /link && ln -s /d/f /file
		FROM alpine:3.19
		RUN true
	EOF
	build
	build --target s
	local before
	before=$(ls "$HEW_ROOT/trees" "$HEW_ROOT/layers" | wc -l)
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /d/gone /d/old && echo 1 >/d/f && chmod 600 /d/f && chown 3:4 /d/f && touch /d/gone/x /d/old/x
		RUN rm -r /d/gone && rm -r /d/old && mkdir /d/old && touch /d/old/y && chmod 1777 /d && ln -s d/old /link && ln -s /d/f /file
		FROM alpine:3.19
		RUN --mount=from=s,target=/m stat -c '%a %u:%g %n' /m/d /m/d/f; ls /m/d /m/d/old; ls /m/etc/passwd; ! touch /m/x 2>/dev/null
		RUN --mount=from=s,source=/d,target=/m stat -c '%a %n' /m; ls /m
		RUN --mount=from=s,source=link,target=/m ls /m
		RUN --mount=from=s,source=/file,target=/f cat /f
		RUN --mount=from=alpine:3.19,source=/etc,target=/m ls /m/passwd
	EOF
	build
	equal '1777 /m/d
600 3:4 /m/d/f
f
old
y
/m/etc/passwd
1777 /m
f
old
y
1
/m/passwd' "$(said | sed 's/^\/m\/d:$//; /^$/d; /:$/d; s/^1777 0:0 /1777 /' | awk '!(/^y$/ && 0)')"
	# the five empty layers of the RUNs are one, which `RUN true` made before
	equal "$before" "$(ls "$HEW_ROOT/trees" "$HEW_ROOT/layers" | wc -l)"
}

@test "a stage mounted rw: what is written is thrown away, the stage stays" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir /d && echo old >/d/f
		FROM alpine:3.19
		RUN --mount=from=s,source=/d,target=/m,rw echo new >/m/f && rm -r /m/f && touch /m/g && ls /m
		RUN --mount=from=s,target=/m,rw rm -r /m/d /m/etc && ls /m | grep -cx -e d -e etc || true
		RUN --mount=from=s,source=/d,target=/m cat /m/*
		COPY --from=s /d /d
	EOF
	build -t t
	equal $'g\n0\nold' "$(said)"
	unpack t
	equal old "$(cat "$ROOTFS"/d/*)"
	[ ! -e "$ROOTFS/m" ]
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
}

@test "a mount of a stage counts by what it shows, its own folder included" {
	stage() {
		dockerfile <<-EOF
			FROM alpine:3.19 AS s
			RUN mkdir /a /b && $1
			FROM alpine:3.19
			RUN --mount=from=s,source=/a,target=/m ls -a /m >/x
		EOF
		build
		ran | grep -c 'RUN --mount' || true
	}
	equal 1 "$(stage 'echo 1 >/a/f')"
	equal 0 "$(stage 'echo 1 >/a/f; echo 2 >/b/f')"
	equal 1 "$(stage 'echo 2 >/a/f')"
	equal 1 "$(stage 'echo 2 >/a/f; chmod 700 /a')"
	equal 1 "$(stage 'echo 2 >/a/f; chown 5 /a')"
}

@test "a mount's source is a name, not a pattern" {
	mkdir 'c*' cc
	echo star >'c*/f'
	echo plain >cc/f
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir '/d*' /dd && echo star >'/d*/f' && echo plain >/dd/f
		FROM alpine:3.19
		RUN --mount=from=s,source=/d*,target=/m cat /m/f
		RUN --mount=source=c*,target=/m cat /m/f
	EOF
	build
	equal $'star\nstar' "$(said)"
}

@test "a stage's links and device nodes lead a mount nowhere outside" {
	local victim=$BATS_TEST_TMPDIR/victim link
	mkdir "$victim"
	echo secret >"$victim/secret"
	for link in "$victim" "$victim/secret" ../../../../../../../.."$victim" /proc/self/root"$victim" /proc/1/cwd; do
		printf 'FROM alpine:3.19 AS s\nRUN ln -s %s /link\nFROM alpine:3.19\nRUN --mount=from=s,source=/link,target=/m cat /m /m/*\n' "$link" | dockerfile
		build_fails 4
		has "not found" "$LAST"
	done
	printf 'FROM alpine:3.19 AS s\nRUN true\nFROM alpine:3.19\nRUN --mount=from=s,source=/../../..,target=/m ls -d /m%s 2>&1; ls /m/etc/passwd\n' "$victim" | dockerfile
	build
	has_not secret "$(cat "$ERR")"
	has /m/etc/passwd "$(said)"
}

# ---- caches

# both SHARING... : two steps at once with the same cache, each with the sharing given; what each saw of the
# other's file while both ran.
both() {
	local s=$1 step
	{
		for step in a b; do
			printf 'FROM alpine:3.19 AS %s\nARG N\nRUN --mount=type=cache,target=/sync --mount=type=cache,target=/c,sharing=%s ' $step "$s"
			printf 'touch /sync/%s.$N /c/%s.$N; n=0; while [ $n -lt %s ] && ! { [ -e /sync/a.$N ] && [ -e /sync/b.$N ]; }; do n=$((n+1)); sleep 0.02; done; echo %s saw $(ls /c | grep "[.]$N" | wc -l)\n' \
				$step $step "$2" $step
			s=${3-$s}
		done
		printf 'FROM alpine:3.19\nCOPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n'
	} | dockerfile
	build --jobs 2 --build-arg N="$RANDOM$RANDOM"
	said | sort
}

@test "cache sharing: shared is at once, private gets another one, locked waits" {
	equal $'a saw 2\nb saw 2' "$(both shared 500)"
	equal $'a saw 1\nb saw 1' "$(both private 500)"
	has "b saw 1" "$(both shared 25 private)" # whoever is first
	# the second comes after the first has given up waiting for it
	equal $'saw 1\nsaw 2' "$(both locked 10 | cut -c3- | sort)"
	equal $'saw 1\nsaw 2' "$(both locked 10 shared | cut -c3- | sort)"
	equal "" "$(find "$HEW_ROOT/locks" -mindepth 1 ! -name '.*')"
}

@test "a private cache is kept, and used again" {
	printf 'FROM alpine:3.19\nARG N\nRUN --mount=type=cache,target=/p,sharing=private echo x >>/p/x; wc -l </p/x\n' | dockerfile
	build --build-arg N=1
	build --build-arg N=2
	equal 2 "$(said)"
}

@test "a cache begins with what from and source say, owned as asked for" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /seed/d && echo seed >/seed/d/f
		FROM alpine:3.19
		ARG N
		RUN --mount=type=cache,target=/c,id=seeded,from=s,source=/seed,uid=5,gid=6,mode=0710 stat -c '%a %u:%g' /c; cat /c/d/f; echo more >>/c/d/f
	EOF
	build --build-arg N=1
	equal $'710 5:6\nseed' "$(said)"
	build --build-arg N=2
	equal $'710 5:6\nseed\nmore' "$(said)"
	# what it would begin with counts
	sed -i 's/echo seed/echo other/' Dockerfile
	build --build-arg N=2
	has "seed" "$(said)"
}

@test "BUILDKIT_CACHE_MOUNT_NS: other caches" {
	printf 'FROM alpine:3.19\nARG N\nRUN --mount=type=cache,target=/ns echo x >>/ns/x; wc -l </ns/x\n' | dockerfile
	build --build-arg N=1
	build --build-arg N=2 --build-arg BUILDKIT_CACHE_MOUNT_NS=mine
	equal 1 "$(said)"
	build --build-arg N=3
	equal 2 "$(said)"
}

# ---- mounts as they are written

@test "mounts: keys in any case, values with variables, relative targets" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG D=dir I=ident M=0750
		WORKDIR /w
		RUN --mount=TYPE=Cache,Target=$D/c,ID=$I,Mode=$M,SHARING=Locked stat -c '%a %n' /w/dir/c; touch /w/dir/c/here
		RUN --mount=type=cache,id=ident,dst=/other ls /other
		RUN --mount=type=tmpfs,destination=t,size=${S:-64k} ! head -c 100000 /dev/zero >/w/t/x 2>/dev/null && echo full
		RUN --mount=type=secret,target=sub/name tr a-z A-Z <sub/name
		RUN --mount=type=secret,source=name,env=V,target=f,mode=0444,uid=7,gid=8 echo "$V" | tr a-z A-Z; stat -c '%a %u:%g' f
		RUN --mount=type=secret,id=name,env=ONLY echo "$ONLY" | tr a-z A-Z; ls /run/secrets 2>/dev/null || true
		RUN --mount=target=ctx,ro cat ctx/file; ! touch ctx/x 2>/dev/null
	EOF
	printf hidden >"$BATS_TEST_TMPDIR/name"
	echo file >file
	build --secret id=name,src="$BATS_TEST_TMPDIR/name"
	equal '750 /w/dir/c
here
full
HIDDEN
HIDDEN
444 7:8
HIDDEN
file' "$(said)"
	printf 'FROM alpine:3.19 AS s\nFROM alpine:3.19\nARG S=s\nRUN --mount=from=$S,target=/m true\n' | dockerfile
	build_fails 3
	has "variable expansion" "$LAST"
	printf 'FROM alpine:3.19\nRUN --mount=type=tmpfs,target=/ true\n' | dockerfile
	build_fails 3
}

@test "places to mount on leave no trace: no entry, no time" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /a/b && touch -d '2001-02-03 04:05:06' /a/b && touch -d '2001-02-03 04:05:07' /a
		RUN --mount=type=cache,target=/a/b/c/d --mount=type=tmpfs,target=/a/t --mount=type=secret,id=s,target=/a/s \
		    --mount=type=bind,target=/a/b/ctx echo x >/a/b/c/d/x && test -s /a/s && ls /a >/made
	EOF
	echo s >"$BATS_TEST_TMPDIR/s"
	build -t t --secret id=s,src="$BATS_TEST_TMPDIR/s"
	equal "made" "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[-1]')")")"
	unpack t
	equal $'b' "$(ls "$ROOTFS/a")"
	equal "" "$(ls "$ROOTFS/a/b")"
	equal "$(date -ud '2001-02-03 04:05:07' +%s) $(date -ud '2001-02-03 04:05:06' +%s)" "$(mtime a) $(mtime a/b)"
}

@test "a secret's value is in no key, no history, no record and no log" {
	printf 'hunter2-value' >"$BATS_TEST_TMPDIR/secret"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=TOKEN test "$TOKEN" = "$(cat /run/secrets/s)" && echo same
		RUN --mount=type=secret,id=s,env=TOKEN test "$TOKEN" = x || true
	EOF
	build -t t --secret id=s,src="$BATS_TEST_TMPDIR/secret"
	equal same "$(said)"
	has_not hunter2 "$(cat "$ERR")"
	has_not hunter2 "$(hew history --no-trunc t; hew inspect t)"
	equal "" "$(grep -rl hunter2 "$HEW_ROOT" || true)"
	# nor does another value run the step again
	printf 'hunter3-value' >"$BATS_TEST_TMPDIR/secret"
	build --secret id=s,src="$BATS_TEST_TMPDIR/secret"
	equal "" "$(ran | grep RUN || true)"
}
