#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What one edit does to a warm build: which steps run again and which do not.
load lib/hew
load lib/article

app() {
	article_files one
	article_stages | dockerfile
	cat >>Dockerfile <<-'EOF'
		FROM alpine:3.19 AS runner
		WORKDIR /app
		COPY --from=builder /app/dist ./dist
		COPY --from=deps /app/node_modules ./node_modules
	EOF
	build -t app
}

# again WANT [ARGS...]: build again; exactly these steps run (one a line, without [stage n/m]).
again() {
	local want=$1
	shift
	build "$@"
	equal "$(printf '%s' "$want" | sort)" "$(ran | sed 's/^\[[^]]*\] //' | sort)"
}

@test "nothing changed: nothing runs, and the image is the same" {
	app
	local first=$ID
	again ""
	equal "$first" "$ID"
	matches "*10 of 10 steps cached*" "$(cat "$ERR")"
}

@test "a cached build opens no layer, starts no process, loads no network and writes nothing" {
	only_root "an ordinary user's hew is started by programs that do more"
	app
	sleep 0.1 # an index does not believe files as young as itself
	build -t app
	local trace=$BATS_TEST_TMPDIR/trace before
	before=$(sha256sum "$HEW_ROOT/hew.db" "$HEW_ROOT/hew.db-wal")
	strace -f -s 200 -e trace=openat,%process,%network -o "$trace" "$HEW" build -q -t app .
	grep -q 'openat(.*"blobs/sha256/' "$trace" # the base's configuration: so the pattern is right
	run ! grep -E 'openat\(.*"(layers|trees)/' "$trace"
	run ! grep -E 'clone|fork|socket|libcurl' "$trace"
	equal "$before" "$(sha256sum "$HEW_ROOT/hew.db" "$HEW_ROOT/hew.db-wal")"
}

@test "COPY --from another stage: every word that chooses files counts" {
	local words want
	while IFS='|' read -r words want; do
		dockerfile <<-EOF
			FROM alpine:3.19 AS made
			RUN mkdir o p && touch o/a o/b o/c && echo 2 >p/a
			FROM scratch
			COPY --from=made $words /d/
		EOF
		build -t words
		has "COPY --from=made $words" "$(ran)"
		unpack words
		equal "$words|$want" "$words|$(cd "$ROOTFS/d" && find . -type f -printf '%P %m %U %s\n' | sort | paste -sd,)"
		again ""
	done <<-'EOF'
		/o/a /o/b|a 644 0 0,b 644 0 0
		/o/a /p/a|a 644 0 2
		/p/a /o/a|a 644 0 0
		/o|a 644 0 0,b 644 0 0,c 644 0 0
		--exclude=a /o|b 644 0 0,c 644 0 0
		--exclude=b /o|a 644 0 0,c 644 0 0
		--chmod=700 /o|a 700 0 0,b 700 0 0,c 700 0 0
		--chown=7 /o/a|a 644 7 0
		--parents /o/a|o/a 644 0 0
		/o/[b-c]|b 644 0 0,c 644 0 0
	EOF
}

@test "COPY --from another stage: the text of a file in the Dockerfile counts" {
	local text
	for text in first second; do
		dockerfile <<-EOF
			FROM alpine:3.19 AS base
			FROM scratch
			COPY --from=base /etc/alpine-release <<EOT /d/
			$text
			EOT
		EOF
		build -t inline
		unpack inline
		equal "$text" "$(cat "$ROOTFS/d/EOT")"
		again ""
	done
	sed -i 's/ <<EOT//; /^second/d; /^EOT/d' Dockerfile
	build -t inline
	unpack inline
	equal alpine-release "$(ls "$ROOTFS/d")"
}

@test "times, the owner on the host and a fresh copy of the context do not count" {
	app
	touch package.json src/main src .
	chown -R 123:456 src
	again ""
	cp -r . "$BATS_TEST_TMPDIR/copy"
	cd "$BATS_TEST_TMPDIR/copy"
	touch -d @1000000000 src/main
	again ""
}

@test "a source change re-runs the second and third stage only" {
	app
	echo two >src/main
	build -t app
	has_not "[deps" "$(ran)"
	has "[builder" "$(ran)"
	has "COPY --from=builder" "$(ran)"
	unpack app
	equal $'two\n{}' "$(cat "$ROOTFS/app/dist/out")"
}

@test "a package.json change re-runs all three" {
	app
	echo 2 >package.json
	build -t app
	has "[deps" "$(ran)"
	has "[builder" "$(ran)"
	has "[runner" "$(ran)"
	unpack app
	equal $'one\n2' "$(cat "$ROOTFS/app/dist/out")"
}

@test "the first builds of an app and of its change do not disturb each other" {
	app
	echo two >src/main
	build -t app
	echo one >src/main
	again ""
}

@test "mode, name, link target and an added file in a copied folder count" {
	mkdir d && echo x >d/x && ln -s x d/l
	dockerfile <<-'EOF'
		FROM scratch
		COPY d /d
	EOF
	build
	chmod 700 d/x
	again "COPY d /d"
	echo y >d/y
	again "COPY d /d"
	ln -sfn y d/l
	again "COPY d /d"
	mv d/y d/z
	again "COPY d /d"
	again ""
}

@test "files that no COPY takes, or that are ignored, do not count" {
	echo a >a && echo log >x.log
	printf '*.log\n' >.dockerignore
	dockerfile <<-'EOF'
		FROM scratch AS one
		COPY a /
		FROM scratch
		COPY *.* a /all/
	EOF
	build --target one
	echo b >b
	again "" --target one
	build
	echo more >x.log
	again ""
}

@test "comments and blank lines do not count; the text of a RUN does" {
	printf 'FROM alpine:3.19\nRUN echo 1 >/1\nRUN echo 2 >/2\n' | dockerfile
	build
	printf '# a comment\nFROM alpine:3.19\n\n# another\nRUN echo 1 \\\n# inside\n>/1\nRUN echo 2 >/2\n' | dockerfile
	build
	printf 'FROM alpine:3.19\n\n\nRUN echo 1 \\\n>/1\n# c\nRUN echo 2 >/2\n' | dockerfile
	again ""
	printf 'FROM alpine:3.19\nRUN echo  1 >/1\nRUN echo 2 >/2\n' | dockerfile
	build
	has "RUN echo  1" "$(ran)"
}

@test "arguments count from where they can be seen" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo before
		ARG V=1
		WORKDIR /w
		RUN echo after
	EOF
	build
	again "RUN echo after" --build-arg V=2
	again "" --build-arg V=2 --build-arg UNKNOWN=x --build-arg http_proxy=http://other
	again ""
}

@test "metadata does not count for the steps after it, ENV and USER do" {
	head() { printf 'FROM alpine:3.19\nRUN mkdir -p /tmp && chmod 1777 /tmp\n'; }
	{ head && printf 'LABEL a=1\nEXPOSE 80\nCMD ["a"]\nRUN echo x >/tmp/x\n'; } | dockerfile
	build
	{ head && printf 'LABEL a=2\nEXPOSE 81\nCMD ["b"]\nRUN echo x >/tmp/x\n'; } | dockerfile
	again ""
	{ head && printf 'ENV A=1\nRUN echo x >/tmp/x\n'; } | dockerfile
	again "RUN echo x >/tmp/x"
	{ head && printf 'ENV A=1\nUSER 5\nRUN echo x >/tmp/x\n'; } | dockerfile
	again "RUN echo x >/tmp/x"
}

@test "a step that gives the same content again cuts the rest off" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		COPY in /in
		RUN mkdir /out && wc -c </in >/out/size
		FROM alpine:3.19
		COPY --from=one /out /out
		RUN cp /out/size /copy
	EOF
	echo a >in
	build
	echo b >in
	again $'COPY in /in\nRUN mkdir /out && wc -c </in >/out/size'
}

@test "a secret's value and a cache mount's content do not count, a bound file's does" {
	echo 1 >file
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=secret,id=s,env=S --mount=type=cache,target=/c date +%N >>/c/x
		RUN --mount=source=file,target=/f cat /f
	EOF
	S=1 build --secret id=s,env=S
	S=2 again "" --secret id=s,env=S
	echo 2 >file
	S=2 again "RUN --mount=source=file,target=/f cat /f" --secret id=s,env=S
}

@test "ADD of an archive: its bytes count, and which files are left out" {
	mkdir t && echo a >t/a && echo b >t/b && tar --owner=0 --group=0 -czf x.tar t
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ADD x.tar /x/
		RUN ls /x/t
	EOF
	build
	again ""
	touch -d @1000000000 t/a && tar --owner=0 --group=0 -cf x.tar t
	again "ADD x.tar /x/"
	sed -i 's/ADD/ADD --exclude=t\/b/' Dockerfile
	again $'ADD --exclude=t/b x.tar /x/\nRUN ls /x/t'
	matches "*RUN ls*[0-9] a*" "$(cat "$ERR")"
	has_not " b" "$(grep '^#[0-9]* [0-9.]* ' "$ERR")"
}

@test "COPY --link does not look at what lies below" {
	echo x >x
	printf 'FROM alpine:3.19\nRUN echo 1 >/1\nCOPY --link x /x\n' | dockerfile
	build
	printf 'FROM alpine:3.19\nRUN echo 2 >/1\nCOPY --link x /x\n' | dockerfile
	again "RUN echo 2 >/1"
}

@test "the base's content counts, not its name" {
	hew pull -q alpine:3.19
	hew tag alpine:3.19 my/base:1
	printf 'FROM alpine:3.19\nRUN echo 1 >/1\n' | dockerfile
	build
	printf 'FROM my/base:1\nRUN echo 1 >/1\n' | dockerfile
	again ""
	printf 'FROM debian:bookworm-slim\nRUN echo 1 >/1\n' | dockerfile
	again "RUN echo 1 >/1"
}

@test "a context that changes after it was looked at: layers and keys agree" {
	echo one >f && mkdir d && echo a >d/a
	# the keys of second and third are known before first runs, which it does alone
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS first
		ARG PORT
		RUN wget -qO /done http://127.0.0.1:$PORT/
		FROM scratch AS second
		COPY f /f
		FROM scratch AS third
		COPY d /d
		FROM scratch
		COPY --from=first /done /
		COPY --from=second /f /
		COPY --from=third /d /d
	EOF
	serve_command sh -c 'echo two >f; echo b >d/b; echo done'
	build -t app --jobs 1 --build-arg PORT="$PORT"
	unpack app
	equal "done" "$(cat "$ROOTFS/done")"
	equal two "$(cat "$ROOTFS/f")"
	build -t app --build-arg PORT="$PORT"
	unpack app
	equal "two a b" "$(cd "$ROOTFS" && cat f d/* | xargs)"
	echo one >f && rm d/b
	build -t app --build-arg PORT="$PORT"
	unpack app
	equal "one a" "$(cd "$ROOTFS" && cat f d/* | xargs)"
}

@test "a context that changes after it was looked at: so it is for what RUN mounts and seeds caches with" {
	mkdir more && echo one >f && echo a >more/a
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS first
		ARG PORT
		RUN wget -qO /done http://127.0.0.1:$PORT/
		FROM alpine:3.19 AS second
		RUN --mount=type=bind,source=f,target=/f cat /f >/out
		FROM alpine:3.19 AS third
		ARG ID
		RUN --mount=type=cache,id=$ID,target=/c,from=more ls /c >/list
		FROM scratch
		COPY --from=first /done /
		COPY --from=second /out /
		COPY --from=third /list /
	EOF
	local args=(-t app --build-context more=more)
	serve_command sh -c 'echo two >f; echo b >more/b; echo done'
	build "${args[@]}" --jobs 1 --build-arg PORT="$PORT" --build-arg ID=1
	unpack app
	equal "two a b" "$(cd "$ROOTFS" && cat out list | xargs)"
	build "${args[@]}" --build-arg PORT="$PORT" --build-arg ID=1
	equal "" "$(ran)"
	echo one >f && rm more/b
	build "${args[@]}" --build-arg PORT="$PORT" --build-arg ID=2
	unpack app
	equal "one a" "$(cd "$ROOTFS" && cat out list | xargs)"
}

@test "many files, which are read ahead: all bytes, also of those that change meanwhile" {
	mkdir -p d/sub && for i in $(seq 300); do head -c $((i * i * 3 % 200000)) /dev/urandom >"d/f$i"; done
	ln -s f1 d/link && : >d/sub/empty && ln d/f7 d/f7.same
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS first
		ARG PORT
		RUN wget -qO /done http://127.0.0.1:$PORT/
		FROM scratch AS second
		COPY d /d
		FROM scratch
		COPY --from=first /done /
		COPY --from=second /d /d
	EOF
	serve_command sh -c 'echo 2 >d/f150; rm d/f200; echo n >d/new; echo done'
	build -t app --jobs 1 --build-arg PORT="$PORT"
	unpack app
	[ ! -e d/f200 ]
	diff -r d "$ROOTFS/d"
	build -t app --build-arg PORT="$PORT"
	equal "" "$(ran)"
}

@test "--no-cache runs everything, --no-cache-filter a stage" {
	app
	again $'WORKDIR /app\nCOPY package.json ./\nRUN mkdir node_modules && cp package.json node_modules/' \
		--target deps --no-cache
	local name
	for name in builder Builder; do # as FROM has it, in any case
		build --no-cache-filter "$name"
		has "[builder" "$(ran)"
		has_not "[deps" "$(ran)"
	done
	again ""
}

@test "a failed step leaves those before it in the cache" {
	printf 'FROM alpine:3.19\nRUN echo one >/1\nRUN false\n' | dockerfile
	build_fails 5
	printf 'FROM alpine:3.19\nRUN echo one >/1\nRUN true\n' | dockerfile
	again "RUN true"
}

@test "two processes build the same thing at once: each step runs once" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c,id=twice echo x >>/c/count && sleep 1 && cp /c/count /count
	EOF
	hew build -q -t twice . >a 2>a.err 3>&- &
	local other=$!
	hew build -q -t twice . >b
	wait $other
	equal "$(cat a)" "$(cat b)"
	unpack twice
	equal x "$(cat "$ROOTFS/count")"
}

@test "equal steps of one build run once" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS a
		RUN --mount=type=cache,target=/c,id=same echo x >>/c/count && cp /c/count /count
		FROM alpine:3.19 AS b
		RUN --mount=type=cache,target=/c,id=same echo x >>/c/count && cp /c/count /count
		FROM scratch
		COPY --from=a /count /a
		COPY --from=b /count /b
	EOF
	build -t same
	unpack same
	equal x "$(cat "$ROOTFS/a")"
	equal x "$(cat "$ROOTFS/b")"
}

@test "independent stages run at the same time, at most --jobs of them" {
	meet() { # each waits for the other's file in a cache that both see
		printf 'RUN --mount=type=cache,target=/c,id=%s touch /c/%s; n=0; while [ ! -e /c/%s ]; do [ $n -lt %s ] || exit 9; n=$((n+1)); sleep 0.1; done; echo %s >/%s\n' \
			"$1" "$2" "$3" "$4" "$2" "$2"
	}
	{
		echo "FROM alpine:3.19 AS a" && meet both a b 80
		echo "FROM alpine:3.19 AS b" && meet both b a 80
		printf 'FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n'
	} | dockerfile
	build --jobs 2
	{
		echo "FROM alpine:3.19 AS a" && meet alone a b 3
		echo "FROM alpine:3.19 AS b" && meet alone b a 3
		printf 'FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n'
	} | dockerfile
	build_fails 5 --jobs 1
}

@test "the cache is used without a network, and --pull asks again" {
	printf 'FROM alpine:3.19\nRUN echo net\n' | dockerfile
	build
	printf '[[registry]]\nprefix = "docker.io"\nlocation = "127.0.0.1:1"\ninsecure = true\n' >"$BATS_TEST_TMPDIR/off.conf"
	export CONTAINERS_REGISTRIES_CONF=$BATS_TEST_TMPDIR/off.conf
	again ""
	build_fails 7 --pull
}
