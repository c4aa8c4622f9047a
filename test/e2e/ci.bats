#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In a job of a CI service: folded logs, annotations at lines of the Dockerfile, a summary.
load lib/hew

# job: what follows is in a job of GitHub's, whose summary is $SUMMARY
job() {
	SUMMARY=$BATS_TEST_TMPDIR/summary
	[ -z "${HEW_TEST_UID-}" ] || install -o "$HEW_TEST_UID" /dev/null "$SUMMARY"
	export GITHUB_ACTIONS=true GITHUB_WORKSPACE=$PWD GITHUB_STEP_SUMMARY=$SUMMARY
}

@test "github: what was printed is folded, and what came of it is not" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN echo made
	END
	job
	build -t app
	[ "$(head -n 1 "$ERR")" = '::group::hew build' ]
	local end
	end=$(grep -n '^::endgroup::$' "$ERR" | cut -d: -f1)
	[ "$(grep -n '[0-9] made$' "$ERR" | cut -d: -f1)" -lt "$end" ]
	[ "$(grep -n '^built ' "$ERR" | cut -d: -f1)" -gt "$end" ]
}

@test "github: a warning is an annotation at its line" {
	mkdir sub
	dockerfile sub/Dockerfile <<-'END'
		FROM alpine:3.19
		RUN true
		maintainer 100%, somebody
	END
	job
	build -f sub/Dockerfile
	grep '^::warning file=sub/Dockerfile,line=3::MaintainerDeprecated: ' "$ERR"
	run ! grep 'warnings\? found' "$ERR"
}

@test "github: a step that fails is an annotation, and its last lines are not hidden" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN printf '::add-mask::x\nwhy: 100%%\n'; exit 3
	END
	job
	build_fails 5
	grep '^::error file=Dockerfile,line=2::.*exit code: 3' "$ERR"
	sed '1,/^::endgroup::/d' "$ERR" | grep '^| why: 100%$'
	run ! grep '^ *::add-mask' "$ERR" # a line of a step's is no command to the service
	grep '^### hew build: failed$' "$SUMMARY"
	grep 'exit code: 3' "$SUMMARY"
	printf 'FROM alpine:3.19\nRUN <<END\n::add-mask::x\nexit 3\nEND\n' >Dockerfile
	build_fails 5
	run ! grep '^ *::add-mask' "$ERR" # nor is one of the Dockerfile
}

@test "github: the summary has name, size, digest and the slow steps, and is appended" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN echo 'a | <b>' && sleep 0.2
	END
	echo before >"$BATS_TEST_TMPDIR/summary"
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$BATS_TEST_TMPDIR/summary"
	SUMMARY=$BATS_TEST_TMPDIR/summary
	export GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$SUMMARY
	build -t app:1
	[ "$(head -n 1 "$SUMMARY")" = before ]
	grep -F '| Name | docker.io/library/app:1 |' "$SUMMARY"
	grep -F "| Image | $ID |" "$SUMMARY"
	grep -F '| Steps cached | 0 of 1 |' "$SUMMARY"
	grep -F 'echo '\''a \| &lt;b\>'\''' "$SUMMARY"
	build -t app:1
	grep -F '| Steps cached | 1 of 1 |' "$SUMMARY"
}

@test "gitlab: a section" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN true
	END
	export GITLAB_CI=true
	build
	head -n 1 "$ERR" | grep $'^\e\\[0Ksection_start:[0-9]*:hew\\[collapsed=true\\]\r\e\\[0Khew build$'
	grep $'^\e\\[0Ksection_end:[0-9]*:hew\r\e\\[0K$' "$ERR"
}

@test "elsewhere: none of it" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN true
	END
	export GITHUB_ACTIONS=false
	build
	run ! grep -e '^::' -e section_ "$ERR"
}
