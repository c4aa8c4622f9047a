#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew debug: how a Dockerfile, a word, an ignore file is read.
load lib/hew

@test "debug parse" {
	printf '# escape=`\nFROM --platform=$X alpine AS b\nENV a=1 c="d e"\nONBUILD RUN x `\n  y\nCOPY <<E /z\nbody\nE\n' | dockerfile
	said hew debug parse Dockerfile
	equal '(from ["--platform=$X"] "alpine" "AS" "b")
(env "a" "1" "=" "c" "\"d e\"" "=")
(onbuild (run "x   y"))
(copy "<<E" "/z")' "$OUT"
	said hew debug parse --format json Dockerfile
	equal '["FROM",2,1,2,30]' "$(jq -c '.instructions[0] | [.instruction, .line, .column, .endLine, .endColumn]' <<<"$OUT")"
	equal '[4,5]' "$(jq -c '.instructions[2] | [.line, .endLine]' <<<"$OUT")"
	equal '"body\n"' "$(jq -c '.instructions[3].heredocs[0].body' <<<"$OUT")"
	equal '`' "$(jq -r .escape <<<"$OUT")"
	fails 3 hew debug parse - <<<$'FROM a\nNO'
	has "line 2" "$LAST"
	has ">>> NO" "$(cat "$ERR")"
}

@test "debug expand, words" {
	equal "app" "$(hew debug expand --env file=app.tar.gz '${file%.tar.gz}')"
	equal "a b c" "$(hew debug expand --env x='b c' '"a $x"')"
	equal 'a$x' "$(hew debug expand --env x=1 'a\$x')"
	equal "a
b c
d" "$(hew debug words --env x='a "b' 'a "b c" d')"
	fails 3 hew debug expand '${a:=b}'
	fails 2 hew debug expand
	fails 2 hew debug exapnd x
	has "did you mean expand?" "$LAST"
}

@test "debug match" {
	printf '# what is ignored\n*.log\n!keep.log\nnode_modules\n' >patterns
	equal "excluded	*.log	a.log
included	!keep.log	keep.log
excluded	node_modules	node_modules/x/y.js
included	-	src/a.c" "$(hew debug match patterns a.log keep.log node_modules/x/y.js src/a.c)"
	printf '!\n' | fails 4 hew debug match - x
}

@test "debug graph" {
	printf 'FROM alpine:3.19 AS a\nRUN x\nFROM a\nCOPY --from=a /y /z\nRUN --mount=from=busybox,target=/m z\n' | dockerfile
	said hew debug graph --format json Dockerfile
	equal "image run copy image run" "$(jq -r '.steps[].kind' <<<"$OUT" | paste -sd' ')"
	equal '[1,[1]]' "$(jq -c '.steps[2] | [.parent, .from]' <<<"$OUT")"
	equal '[0,1]' "$(jq -c '[.stages[].index]' <<<"$OUT")"
	said hew debug graph Dockerfile
	equal 'digraph "Dockerfile" {' "$(head -n 1 <<<"$OUT")"
	has 's1 -> s2 [style=dashed];' "$OUT"
	has 's0 -> s1;' "$OUT"
	has 'subgraph cluster_0 {' "$OUT"
	equal "$(tr -cd '{' <<<"$OUT" | wc -c)" "$(tr -cd '}' <<<"$OUT" | wc -c)"
}
