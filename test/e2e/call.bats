#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew build --check and --call: what buildx prints, with nothing run.
load lib/hew

# ---- hew build --check

@test "check: no warnings" {
	dockerfile <<<'FROM scratch'
	said hew build --check .
	equal "0 Check complete, no warnings found." "$STATUS $OUT"
}

@test "check: a warning as buildx prints it, and exit status 1" {
	dockerfile <<-'EOF'
		FROM scratch AS Bad
		COPY Dockerfile \
		  /
	EOF
	said hew build --check .
	equal 1 "$STATUS"
	equal "Check complete, 1 warning has been found!

WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
Stage name 'Bad' should be lowercase
Dockerfile:1
--------------------
   1 | >>> FROM scratch AS Bad
   2 |     COPY Dockerfile \\
   3 |       /
--------------------" "$OUT"
	local text=$OUT
	said hew build --call=ignorestatus=true,check .
	equal "0 $text" "$STATUS $OUT"
	said hew build --call=check,ignorestatus=0 .
	equal 1 "$STATUS"
}

@test "check: warnings by line, all stages unless a target is named, nothing run" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		RUN exit 1
		CMD x
		FROM alpine:3.19
		ENV a b
		WORKDIR rel
	EOF
	said hew build --check .
	equal "JSONArgsRecommended LegacyKeyValueFormat WorkdirRelativePath" \
		"$(sed -n 's/^WARNING: \([A-Za-z]*\).*/\1/p' <<<"$OUT" | paste -sd' ')"
	has "3 warnings have been found!" "$OUT"
	said hew build --check --target one .
	equal "JSONArgsRecommended" "$(sed -n 's/^WARNING: \([A-Za-z]*\).*/\1/p' <<<"$OUT")"
	equal "" "$(cat "$ERR")"
}

@test "check: as JSON" {
	printf 'FROM scratch AS Bad\nLABEL \\\n a=b\nMAINTAINER x\nEXPOSE 1/TCP \\\n 2\n' | dockerfile
	said hew build --call=check,format=json .
	equal 1 "$STATUS"
	equal '{"ruleName":"StageNameCasing","description":"Stage names should be lowercase","url":"https://docs.docker.com/go/dockerfile/rule/stage-name-casing/","detail":"Stage name '\''Bad'\'' should be lowercase","location":{"ranges":[{"start":{"line":1},"end":{"line":1}}]}}' \
		"$(jq -c '.warnings[0]' <<<"$OUT")"
	equal "StageNameCasing MaintainerDeprecated ExposeProtoCasing" "$(jq -r '.warnings[].ruleName' <<<"$OUT" | paste -sd' ')"
	equal '[5,6]' "$(jq -c '[.warnings[2].location.ranges[].start.line]' <<<"$OUT")"
	equal 'Dockerfile Dockerfile' "$(jq -r '.sources[0] | "\(.filename) \(.language)"' <<<"$OUT")"
	cmp Dockerfile <(jq -r '.sources[0].data' <<<"$OUT" | base64 -d)
	equal null "$(jq -c .buildError <<<"$OUT")"
	dockerfile <<<'FROM scratch'
	said hew build --check --call=check .
	equal 0 "$STATUS"
	said hew build --call=check,format=json .
	equal null "$(jq -c .warnings <<<"$OUT")"
}

@test "check: what would fail a build, after the warnings above it" {
	printf 'FROM scratch AS Bad\nMAINTAINER x\nBADCMD\n' | dockerfile
	said hew build --check .
	equal 1 "$STATUS"
	has "2 warnings have been found!" "$OUT"
	equal "ERROR: dockerfile parse error on line 3: unknown instruction: BADCMD
Dockerfile:3
--------------------
   1 |     FROM scratch AS Bad
   2 |     MAINTAINER x
   3 | >>> BADCMD
   4 |     
--------------------" "$(cat "$ERR")"
	said hew build --call=check,format=json .
	equal '{"message":"dockerfile parse error on line 3: unknown instruction: BADCMD","location":{"ranges":[{"start":{"line":3},"end":{"line":3}}]}}' \
		"$(jq -c .buildError <<<"$OUT")"
	printf 'FROM --platform=$BULIDPLATFORM scratch\n' | dockerfile
	said hew build --check .
	has "FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)" "$OUT"
	has 'empty platform value from expression $BULIDPLATFORM (did you mean BUILDPLATFORM?)' "$(cat "$ERR")"
}

@test "check: the base image's SHELL and variables, and the ignore file" {
	printf 'FROM alpine:3.19\nSHELL ["/bin/sh", "-c"]\nENV HERE=1\n' | dockerfile
	build -t with-shell
	printf 'FROM with-shell\nCOPY a $HERE /\nCMD x\n' | dockerfile
	echo a >.dockerignore
	said hew build --check .
	equal "CopyIgnoredFile" "$(sed -n 's/^WARNING: \([A-Za-z]*\).*/\1/p' <<<"$OUT")"
	has 'Attempting to Copy file "a" that is excluded by .dockerignore' "$OUT"
	printf 'a\n!b\n' >.dockerignore
	said hew build --check .
	equal 0 "$STATUS"
}

@test "check=: skip, error and experimental; the build argument instead" {
	printf '# check=skip=StageNameCasing;error=true\nFROM scratch AS Bad\nMAINTAINER x\nCOPY Dockerfile /\n' | dockerfile
	build_fails 3
	equal "ERROR: lint violation found for rules: MaintainerDeprecated" "$LAST"
	has " 1 warning found" "$(cat "$ERR")"
	said hew build --call=check,format=json .
	equal "lint violation found for rules: MaintainerDeprecated" "$(jq -r .buildError.message <<<"$OUT")"
	build --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=all
	has_not "warning" "$(cat "$ERR")"
	build_fails 3 --build-arg 'BUILDKIT_DOCKERFILE_CHECK=error=true'
	has "MaintainerDeprecated, StageNameCasing" "$LAST"
	printf 'FROM scratch\n# text\nARG a\n# check=skip=MaintainerDeprecated\nMAINTAINER x\n' | dockerfile
	said hew build --check .
	equal 0 "$STATUS"
	said hew build --check --build-arg BUILDKIT_DOCKERFILE_CHECK=experimental=all .
	has 'Comment for ARG should follow the format: `# a <description>`' "$OUT"
	build_fails 3 --build-arg BUILDKIT_DOCKERFILE_CHECK=nonsense
	has 'failed to parse check options: invalid check option "nonsense"' "$LAST"
}

@test "a build lists its warnings at the end, and quiet ones do not" {
	printf 'FROM scratch AS Bad\nMAINTAINER x\nCOPY Dockerfile /\n' | dockerfile
	build
	equal "
 2 warnings found (use hew build --check to expand):
 - StageNameCasing: Stage name 'Bad' should be lowercase (line 1)
 - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)" "$(tail -n 4 "$ERR")"
	hew build -q . 2>quiet >/dev/null
	has_not "warning" "$(cat quiet)"
	hew build --progress rawjson . 2>raw >/dev/null
	equal 2 "$(jq -s '[.[].warnings // [] | .[] | select(.level == 1)] | length' raw)"
}

@test "an error of the parser shows the lines around it" {
	printf 'FROM scratch\nRUNN x\n' | dockerfile
	build_fails 3
	has "   2 | >>> RUNN x" "$(cat "$ERR")"
	has "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)" "$LAST"
}

# ---- hew build --call

@test "outline" {
	dockerfile <<-'EOF'
		ARG BASE=3.19
		# VERSION what is built
		ARG VERSION=1
		# app the program
		FROM alpine:${BASE} AS app
		ARG VERSION
		# DEBUG says more
		ARG DEBUG
		RUN --mount=type=secret,id=token,required=true --mount=type=ssh true
		FROM scratch
	EOF
	said hew build --call outline --target app --build-arg DEBUG=yes .
	equal "TARGET:      app
DESCRIPTION: the program

BUILD ARG   VALUE   DESCRIPTION
BASE        3.19    
VERSION     1       what is built
DEBUG       yes     says more

SECRET   REQUIRED
token    true

SSH       REQUIRED
default   " "$OUT"
	said hew build --call outline,format=json --target app .
	equal 'app the program' "$(jq -r '"\(.name) \(.description)"' <<<"$OUT")"
	equal '[["BASE",1],["VERSION",3],["DEBUG",8]]' "$(jq -c '[.args[] | [.name, .location.ranges[0].start.line]]' <<<"$OUT")"
	equal '[{"name":"token","required":true,"location":{"ranges":[{"start":{"line":9},"end":{"line":9}}]}}]' "$(jq -c .secrets <<<"$OUT")"
	cmp Dockerfile <(jq -r '.sources[0]' <<<"$OUT" | base64 -d)
}

@test "targets, describe, and what cannot be called" {
	printf '# build makes it\nFROM --platform=$BUILDPLATFORM alpine:3.19 AS build\n\nFROM scratch\n' | dockerfile
	said hew build --call targets .
	equal "TARGET    DESCRIPTION
build     makes it
(default) " "$OUT"
	said hew build --call=targets,format=json .
	equal '{"name":"build","description":"makes it","base":"alpine:3.19","platform":"$BUILDPLATFORM","location":{"ranges":[{"start":{"line":2},"end":{"line":2}}]}}' \
		"$(jq -c '.targets[0]' <<<"$OUT")"
	equal true "$(jq .targets[1].default <<<"$OUT")"
	equal "outline lint targets subrequests.describe" "$(hew build --call subrequests.describe . | awk 'NR > 1 { print $1 }' | paste -sd' ')"
	equal 4 "$(hew build --call subrequests.describe,format=json . | jq length)"
	equal build "$(hew build --call=format=json,targets . | jq -r .targets[0].name)"
	fails 2 hew build --call targets,outline .
	fails 2 hew build --call check,ignorestatus=perhaps .
	fails 2 hew build --call nonsense .
	fails 2 hew build --call check,format=xml .
	build --call build
	[ -n "$ID" ]
}
