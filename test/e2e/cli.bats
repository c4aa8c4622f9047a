#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line itself: help, mistakes, kinds of progress, the files it writes, documentation that
# says what the program does.
load lib/hew

verbs() { hew --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'; }

# ---- help

@test "man pages, exit statuses and the table of rooms agree with the program" {
	"$TOP/tools/check-docs" "$HEW"
}

@test "man pages are what scdoc takes" {
	for page in "$TOP"/doc/*.scd; do
		scdoc <"$page" >page.out || { echo "$page"; false; }
		matches '.TH*' "$(grep -m1 '^\.TH' page.out)"
	done
}

@test "--help of the program and of every verb, three ways" {
	[ "$(verbs | wc -l)" -ge 15 ]
	for verb in $(verbs); do
		hew "$verb" --help >help
		has "Usage: hew $verb" "$(head -n 1 help)"
		cmp help <(hew help "$verb")
		[ "$(awk 'length > 100' help | wc -l)" -eq 0 ]
	done
	has "Usage: hew COMMAND" "$(hew)"
	equal "$(hew)" "$(hew --help)"
}

@test "docker's verbs and options are there" {
	for verb in build pull push tag images rmi inspect history save load login logout run doctor version; do
		verbs | grep -qx "$verb"
	done
	for o in --tag --file --target --build-arg --no-cache --pull --push --output --progress --quiet --label \
		--network --iidfile --metadata-file --secret --jobs; do
		has "$o" "$(hew build --help)"
	done
	for o in --env --workdir --user --volume --entrypoint --rm; do has "$o" "$(hew run --help)"; done
	for verb in images history inspect doctor version; do has --format "$(hew $verb --help)"; done
}

@test "hew --version and hew version" {
	matches "hew [0-9]*" "$(hew --version)"
	equal "$(hew version --format json | jq -r .version)" "$(hew version | sed 's/^hew \([^ ]*\).*/\1/')"
}

# ---- mistakes

@test "unknown verbs and flags get a suggestion" {
	fails 2 hew biuld
	has "did you mean hew build" "$LAST"
	fails 2 hew build --taget x .
	has "unknown flag: --taget" "$LAST"
	has "did you mean --target" "$LAST"
	fails 2 hew run --xyzzy image
	fails 2 hew build -Z .
}

@test "missing and surplus arguments, values that are none" {
	fails 2 hew build
	fails 2 hew build a b
	fails 2 hew build . -t
	fails 2 hew build --no-cache=perhaps .
	fails 2 hew build --jobs many .
	fails 2 hew build --progress loud .
	fails 2 hew build --network mars .
	fails 2 hew build --secret src=x .
	fails 2 hew build -o type=nothing .
	has nothing "$LAST"
	fails 2 hew build -o type=local .
	fails 2 hew images --format xml
	fails 2 hew tag one
	fails 2 hew completion tcsh
}

@test "invalid names are refused before anything is built" {
	printf 'FROM alpine:3.19\nRUN touch /ran\n' | dockerfile
	build_fails 2 -t Upper/Case || build_fails 3 -t Upper/Case
	has "Upper/Case" "$LAST"
	has_not "RUN" "$(cat "$ERR")"
}

@test "options and arguments in any order, values in any form, -- ends them" {
	printf 'FROM scratch\nARG A=0\nLABEL a=$A\n' | dockerfile
	hew build . -q -t=one --build-arg A=1
	equal 1 "$(hew inspect one | jq -r '.[0].Config.Labels.a')"
	hew build --tag=two -q --build-arg=A=2 -- .
	equal 2 "$(hew inspect two | jq -r '.[0].Config.Labels.a')"
	hew build -qtthree --quiet=true .
	hew inspect three >three
	# a letter, too, takes a value behind "="
	hew build -q=false -t=four . 2>told
	[ -s told ]
	hew inspect four >four
}

@test "docker's options without a meaning here are taken, with a note" {
	printf 'FROM scratch\nLABEL a=1\n' | dockerfile
	hew build -q --rm --builder x --provenance=false . 2>notes
	has "--builder" "$(cat notes)"
}

# ---- what it prints

@test "-q prints the id alone; --iidfile and --metadata-file hold it" {
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	id=$(hew build -q -t meta --iidfile iid --metadata-file meta.json . 2>err)
	equal "" "$(cat err)"
	matches 'sha256:????????????????????????????????????????????????????????????????' "$id"
	equal "$id" "$(cat iid)"
	equal "$id" "$(jq -r '."containerimage.config.digest"' meta.json)"
	equal docker.io/library/meta:latest "$(jq -r '."image.name"' meta.json)"
	equal "$(hew inspect meta | jq -r '.[0].Digest')" "$(jq -r '."containerimage.digest"' meta.json)"
}

@test "--metadata-file tells what the checks found where BUILDX_METADATA_WARNINGS is true, as buildx does" {
	printf 'frOM scratch as base\ncOpy Dockerfile .\nfrom scratch\nCOPy --from=base \\\n  /Dockerfile \\\n  /\n' | dockerfile
	BUILDX_METADATA_WARNINGS=true build --metadata-file meta.json
	equal "buildx.build.warnings" "$(jq -r 'keys_unsorted[1]' meta.json)"
	equal "ConsistentInstructionCasing: Command 'frOM' should match the case of the command majority (lowercase) (line 1)
ConsistentInstructionCasing: Command 'cOpy' should match the case of the command majority (lowercase) (line 2)
ConsistentInstructionCasing: Command 'COPy' should match the case of the command majority (lowercase) (line 4)" \
		"$(jq -r '."buildx.build.warnings"[].short | @base64d' meta.json)"
	jq '."buildx.build.warnings"[2]' meta.json >last.json
	equal "$(cat Dockerfile)" "$(jq -r '.sourceInfo.data | @base64d' last.json)"
	equal '["All commands within the Dockerfile should use the same casing (either upper or lower)"]' \
		"$(jq -c '.detail | map(@base64d)' last.json)"
	equal '{"level":1,"url":"https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/","filename":"Dockerfile","language":"Dockerfile","lines":[[4,4],[5,5],[6,6]]}' \
		"$(jq -c '{level, url, filename: .sourceInfo.filename, language: .sourceInfo.language, lines: .range | map([.start.line, .end.line])}' last.json)"
	local off
	for off in 0 false maybe ''; do
		BUILDX_METADATA_WARNINGS=$off build --metadata-file meta.json
		equal null "$(jq '."buildx.build.warnings"' meta.json)"
	done
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	BUILDX_METADATA_WARNINGS=1 build --metadata-file meta.json
	equal null "$(jq '."buildx.build.warnings"' meta.json)"
}

@test "a failed build leaves no --iidfile, not even an old one" {
	echo old >iid
	printf 'FROM alpine:3.19\nRUN false\n' | dockerfile
	build_fails 5 --iidfile iid
	[ ! -e iid ]
}

@test "the id goes to standard output, all else to standard error" {
	printf 'FROM alpine:3.19\nRUN echo to-out; echo to-err >&2\n' | dockerfile
	build -t streams
	equal 71 "${#ID}"
	has "to-out" "$(cat "$ERR")"
	has "to-err" "$(cat "$ERR")"
}

@test "plain: numbered steps, output, CACHED, and the sum at the end" {
	printf 'FROM alpine:3.19\nRUN echo one; printf unfinished\n' | dockerfile
	build --no-cache
	has "RUN echo one" "$(cat "$ERR")"
	grep -qE '^#[0-9]+ [0-9]+\.[0-9]+ one$' "$ERR"
	grep -qE '^#[0-9]+ [0-9]+\.[0-9]+ unfinished$' "$ERR"
	grep -qE '^#[0-9]+ DONE [0-9.]+s$' "$ERR"
	build
	grep -qE '^#[0-9]+ CACHED$' "$ERR"
	matches "*built sha256:* in 2 layers *steps cached*" "$(cat "$ERR")"
	equal 0 "$(grep -c $'\033' "$ERR")"
}

@test "plain: what a step prints cannot move the cursor" {
	printf 'FROM alpine:3.19\nRUN printf "\\\\033[2Jcleared\\\\033]0;title\\\\007\\\\n"\n' | dockerfile
	build --no-cache
	has "cleared" "$(cat "$ERR")"
	equal 0 "$(grep -c $'\033\[2J\|\007' "$ERR")"
	# nor does the instruction's own text
	printf 'FROM alpine:3.19\nRUN echo a\033]0;title\007b; false\n' | dockerfile
	build_fails 5
	has "RUN echo ab; false" "$(cat "$ERR")"
	equal 0 "$(grep -c $'\033\|\007' "$ERR")"
}

@test "rawjson: each line is buildx's JSON" {
	printf 'FROM alpine:3.19\nRUN echo out; echo err >&2\n' | dockerfile
	hew build --no-cache --progress rawjson . 2>lines >/dev/null
	jq -e . lines >/dev/null
	equal $'err\nout' "$(jq -r 'select(.logs) | .logs[].data | @base64d' lines | sort | sed '/^$/d')"
	has "RUN echo out" "$(jq -r 'select(.vertexes) | .vertexes[].name' lines)"
	[ "$(jq -r 'select(.vertexes) | .vertexes[] | select(.completed) | .digest' lines | sort -u | wc -l)" -ge 1 ]
	equal true "$(hew build --progress rawjson . 2>&1 >/dev/null | jq -r 'select(.vertexes) | .vertexes[] | select(.cached) | .cached' | sort -u)"
	printf 'FROM alpine:3.19\nRUN false\n' | dockerfile
	build_fails 5 --progress rawjson
	has "exit code: 1" "$(sed '$d' "$ERR" | jq -r 'select(.vertexes) | .vertexes[].error // empty')"
}

@test "a terminal: live lines, colours unless NO_COLOR, restored at the end" {
	printf 'FROM alpine:3.19\nRUN echo shown; sleep 0.5\n' | dockerfile
	TERM=xterm script -qec "stty rows 24 cols 80; '$HEW' build --no-cache -t tty ." typescript >/dev/null
	has $'\033[' "$(cat typescript)"
	has "RUN echo shown" "$(cat typescript)"
	has "built sha256:" "$(cat typescript)"
	TERM=dumb script -qec "'$HEW' build --no-cache ." typescript >/dev/null
	equal 0 "$(grep -c $'\033' typescript)"
	NO_COLOR=1 TERM=xterm script -qec "'$HEW' build --no-cache ." typescript >/dev/null
	equal 0 "$(grep -cE $'\033\[[0-9;]*m' typescript)"
}

@test "BUILDKIT_PROGRESS chooses, --progress overrules" {
	printf 'FROM alpine:3.19\nRUN true\n' | dockerfile
	BUILDKIT_PROGRESS=quiet hew build . 2>err >/dev/null
	equal "" "$(grep -v '^built\|^named' err || true)"
	BUILDKIT_PROGRESS=quiet hew build --progress plain . 2>err >/dev/null
	has "RUN true" "$(cat err)"
}

@test "warnings name the rule and the line" {
	printf 'FROM alpine:3.19 as x\nENV key value\nCMD echo hi\n' | dockerfile
	build
	has "FromAsCasing" "$(cat "$ERR")"
	has "LegacyKeyValueFormat" "$(cat "$ERR")"
	has "JSONArgsRecommended" "$(cat "$ERR")"
}

@test "the machine's state as text and JSON" {
	has "sandbox" "$(hew doctor)"
	equal "$HEW_ROOT" "$(hew doctor --format json | jq -r .store)"
}

@test "a store that is not there yet is no error for verbs that only look" {
	export HEW_ROOT=$PWD/none
	equal "REPOSITORY" "$(hew images | awk '{ print $1 }')"
	hew doctor --store
	[ ! -e none ]
}

@test "run: the command's status, and docker's own when there is none" {
	run -7 hew run alpine:3.19 sh -c 'exit 7'
	run -143 hew run alpine:3.19 sh -c 'kill -TERM $$'
	fails 125 hew run no/such:image
	fails 125 hew run -p 80:80 alpine:3.19
	fails 126 hew run alpine:3.19 /etc
	fails 127 hew run alpine:3.19 no-such-command
	fails 127 hew run alpine:3.19 /no/such/command
}

@test "run: a root that cannot be written, with places that can" {
	run -1 hew run --read-only alpine:3.19 touch /new
	equal ok "$(hew run --read-only --tmpfs /t -v "$PWD:/v" alpine:3.19 sh -c 'touch /t/x /v/x && echo ok')"
	[ -e x ]
	fails 125 hew run -v "$PWD/none:/v" alpine:3.19
}

onto_full() { "$@" >/dev/full; }

@test "a closed pipe or a full one for output is an error, not a crash" {
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	build -t pipe
	rc=0
	hew inspect pipe >/dev/full 2>err || rc=$?
	[ "$rc" -ne 0 ]
	[ "$rc" -lt 128 ]
	for words in "images" "images --format json" "inspect pipe" "history pipe" "version" "--help" "help build"; do
		# shellcheck disable=SC2086 # words
		fails 10 onto_full hew $words
		equal "$LAST" "ERROR: write standard output: No space left on device"
	done
}

# ---- completion

@test "completion scripts parse, and bash completes verbs, flags and images" {
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	build -t complete-me
	hew completion bash >c.bash
	bash -n c.bash
	hew completion zsh >c.zsh
	hew completion fish >c.fish
	local verbs=()
	eval "$(sed -n '/^verbs=(/,/^)/p' c.zsh)" # quoted as bash does it
	equal "$(grep -c . <<<"$(sed -n '/^verbs=(/,/^)/p' c.zsh | sed '1d;$d')")" "${#verbs[@]}"
	matches "*inspect:*image's configuration*" "$(printf '%s\n' "${verbs[@]}")"
	complete() { # words...
		bash -c '. ./c.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hew; printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
	}
	complete hew bui | grep -qx build
	complete hew build --tar | grep -qx -- --target
	complete hew builds l | paste -sd' ' | grep -qx 'ls logs'
	complete hew run complete | grep -q '^complete-me'
}
