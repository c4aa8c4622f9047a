# SPDX-License-Identifier: Apache-2.0
# The command line itself: help, mistakes, progress kinds, files it writes, documentation that is true.

load lib/hew

@test "man pages, exit statuses and the table of rooms agree with the program" {
	"$TOP/tools/check-docs" "$HEW"
}

@test "--help of every verb, and of the program" {
	for verb in $(hew --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		has "Usage: hew $verb" "$(hew "$verb" --help)"
	done
	has "Usage: hew COMMAND" "$(hew)"
}

@test "unknown verbs and flags get a suggestion" {
	fails 2 hew biuld
	has "did you mean hew build" "$LAST"
	fails 2 hew build --tgat x .
	has "unknown flag: --tgat" "$LAST"
}

@test "-q prints the id alone; --iidfile and --metadata-file hold it" {
	dockerfile <<<'FROM scratch
LABEL a=b'
	id=$(hew build -q -t meta --iidfile iid --metadata-file meta.json . 2>err)
	equal "" "$(cat err)"
	equal "$id" "$(cat iid)"
	equal "$id" "$(jq -r '."containerimage.config.digest"' meta.json)"
	equal docker.io/library/meta:latest "$(jq -r '."image.name"' meta.json)"
}

@test "progress as JSON lines" {
	dockerfile <<<'FROM alpine:3.19
RUN echo out'
	hew build --progress rawjson . 2>lines >/dev/null
	jq -e . lines >/dev/null
	equal out "$(jq -r 'select(.logs) | .logs[].data | @base64d' lines)"
}

@test "completion scripts parse" {
	hew completion bash >c.bash
	bash -n c.bash
	fails 2 hew completion tcsh
}
