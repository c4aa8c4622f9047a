#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Why a step was not cached: after the build, while it builds, and before anything runs.
load lib/hew
load lib/article

app() {
	article_files one && echo a >src/other && chmod 644 src/*
	# shellcheck disable=SC2016  # the step expands them
	article_stages "" 'echo $VERSION $API_TOKEN >/dev/null' "ARG VERSION=1" "ARG API_TOKEN" | dockerfile
	cat >>Dockerfile <<-'EOF'
		FROM scratch AS runner
		COPY --from=builder /app/dist /dist
	EOF
	build -t app "$@"
}

# reasons: "instruction: reason" of every step of the last build that ran, in order.
reasons() {
	hew why --format json | jq -r '.steps[] | select(.state != "cached")
		| (.name | sub("^\\[[^]]*\\] "; "")) + ": " + (.reason.text // "-")'
}

# because INSTRUCTION REASON: the last build ran it for that reason. Patterns.
because() {
	local all
	all=$(reasons)
	grep -qE "^$1.*: .*$2" <<<"$all" || {
		printf 'not there: %s: %s\n--- all\n%s\n' "$1" "$2" "$all"
		return 1
	}
}

@test "no build yet; the first one has nothing to compare with; one that is cached leaves the last" {
	HEW_ROOT=$PWD/none fails 6 hew why
	app
	because "COPY package" "nothing like it"
	hew why >../before
	build -t app
	hew why >../after 2>/dev/null
	cmp ../before ../after
}

@test "files: changed, new, gone, another mode, by name and with both digests" {
	app
	local one two
	one=$(sha256sum <src/main | cut -d' ' -f1)
	echo "two $BATS_TEST_NUMBER" >src/main
	two=$(sha256sum <src/main | cut -d' ' -f1)
	build
	because "COPY . ." "src/main changed$"
	equal "file src/main sha256:$one sha256:$two" \
		"$(hew why --format json "COPY . ." | jq -r '.[0].reason | "\(.kind) \(.subject) \(.before) \(.after)"')"
	because "COPY --from=builder" "dist/out changed"
	echo x >src/third
	build
	because "COPY . ." "src/third is new"
	rm src/third src/other
	build # as before but for what is gone
	because "COPY . ." "src/other is gone"
	chmod 755 src/main
	build
	because "COPY . ." "src/main has another mode"
	for i in 1 2 3; do echo "$i" >"src/n$i"; done
	echo "three $BATS_TEST_NUMBER" >src/main
	build
	because "COPY . ." "src/main changed, and 3 more"
	echo '{ }' >package.json
	build
	because "COPY package.json" "package.json changed"
	because "COPY --from=deps" "package.json changed"
}

@test "variables and words of the instruction, both values; secrets are not told" {
	app --build-arg API_TOKEN=one-secret
	build --build-arg API_TOKEN=one-secret --build-arg VERSION=2
	because "RUN mkdir dist" 'variable VERSION is "2", was "1"'
	build --build-arg API_TOKEN=other-secret --build-arg VERSION=2
	because "RUN mkdir dist" 'variable API_TOKEN is "\*\*\*"'
	hew why --format json >../all
	run ! grep -E "one-secret|other-secret" ../all
	sed -i 's/mkdir dist/mkdir -p dist/' Dockerfile
	build --build-arg API_TOKEN=other-secret --build-arg VERSION=2
	because "RUN mkdir -p dist" 'command is "mkdir -p dist .*was "mkdir dist'
	sed -i 's/COPY package.json/COPY --chmod=600 package.json/' Dockerfile
	build
	because "COPY --chmod=600" 'chmod is "600", was nothing'
}

@test "what comes out of an archive is not said to be gone" {
	mkdir -p t && echo a >t/a && tar -cf x.tar t
	printf 'FROM scratch\nADD x.tar /x/\n' | dockerfile
	build
	echo "b $BATS_TEST_NUMBER" >t/a && tar -cf x.tar t
	build
	because "ADD x.tar" "what is copied as x.tar changed"
}

@test "the base, and the step below" {
	app
	sed -i 's/^FROM alpine:3.19 AS deps/FROM debian:bookworm-slim AS deps/' Dockerfile
	build
	because "COPY package.json" "WORKDIR /app, which it follows, has another result"
	because "WORKDIR" "the base is docker.io/library/debian:bookworm-slim@sha256:.*was docker.io/library/alpine:3.19@sha256:"
	sed -i 's/^COPY package.json/RUN echo new >\/new\n&/' Dockerfile
	build
	because "COPY package.json" "RUN echo new >/new, which it follows"
}

@test "--no-cache, and a layer that is not here any more" {
	app
	build --no-cache-filter deps
	because "COPY package" "not to be cached was asked for"
	equal 3 "$(reasons | wc -l)"
	hew rmi app >/dev/null
	hew prune -af >/dev/null
	build
	because "COPY package" "nothing like it|not here any more"
}

@test "--explain says it while it builds; hew why finds a step by line and by words" {
	app
	echo "two $BATS_TEST_NUMBER" >src/main
	build --explain
	has "COPY . .: not cached: src/main changed" "$(cat "$ERR")"
	equal 1 "$(hew why 10 2>/dev/null | grep -c "src/main changed")"
	has "cached" "$(hew why "COPY package" 2>/dev/null)"
	equal 2 "$(hew why 11 2>/dev/null | wc -l)"
	fails 6 hew why nonsense
	has "nonsense" "$LAST"
	fails 6 hew why --format json nonsense
	equal 1 "$(hew why --format json 10 | jq length)"
}

@test "--dry-run runs nothing, makes nothing, and says what would run" {
	app
	local before
	before=$(hew images --format json)
	echo "two $BATS_TEST_NUMBER" >src/main
	hew build --dry-run -t other . >../out 2>"$BATS_TEST_TMPDIR/err"
	matches "*COPY . . *would run *src/main changed*" "$(cat ../out)"
	matches "*RUN mkdir dist*undecided*" "$(cat ../out)"
	matches "*COPY package.json*cached*" "$(cat ../out)"
	equal "$before" "$(hew images --format json)"
	nothing_left
	sound
	build
	equal $'COPY . .\nRUN mkdir dist\nCOPY --from=builder' "$(ran | sed 's/^\[[^]]*\] //' | grep -oE '^(COPY \. \.|RUN mkdir dist|COPY --from=builder)')"
}

@test "a build that fails tells what it came to" {
	app
	echo "two $BATS_TEST_NUMBER" >src/main
	sed -i 's/mkdir dist/false/' Dockerfile
	run ! hew build -q .
	equal "ran failed" "$(hew why --format json | jq -r '[.steps[] | select(.state != "cached") | .state] | .[0:2] | join(" ")')"
	because "RUN false" 'command is "false'
}
