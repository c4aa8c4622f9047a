#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Past builds: listed, shown, what they printed, forgotten.
load lib/hew

app() {
	echo "one $BATS_TEST_NUMBER" >file
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS base
		ARG GREETING=hello
		ARG API_TOKEN=none
		COPY file /file
		RUN echo to stdout $GREETING; echo to stderr >&2; printf partial
		FROM base
		WORKDIR /work
		RUN cat /file
	EOF
	build -t app
}

# field FILTER [ID]: of the record.
field() { hew builds show --format json "${@:2}" | jq -r "$1"; }

# ids: of the builds, newest first.
ids() { hew builds ls -q; }

forget() { hew builds rm --all >/dev/null; }

@test "no store and no build: an empty list, and nothing to show" {
	local HEW_ROOT=$PWD/none
	export HEW_ROOT
	equal 1 "$(hew builds ls | wc -l)"
	equal "" "$(hew builds ls -q)"
	fails 6 hew builds show
	fails 6 hew builds logs ^0
}

@test "ls: id, name, status, time, duration, cached steps; the newest first" {
	forget
	app
	build --target base
	matches "ID *NAME *STATUS *CREATED *DURATION *CACHED STEPS" "$(hew builds | head -n 1)"
	matches "???????????? *ctx (base) *ok * ago *[0-9].[0-9]s *2/2" "$(hew builds ls | sed -n 2p)"
	matches "???????????? *app:latest *ok * ago *[0-9].[0-9]s *0/4" "$(hew builds list | sed -n 3p)"
	equal '{"name":"app:latest","status":"ok","n_steps":4,"n_cached":0}' \
		"$(hew builds ls --format json | tail -n 1 | jq -c '{name, status, n_steps, n_cached}')"
	equal "$(hew builds ls | awk 'NR > 1 { print $1 }')" "$(ids)"
}

@test "show: by id, its beginning or ^N; image, steps with times, sizes and why they ran" {
	forget
	app
	local first=$ID second
	sed -i 's/cat \/file/cat \/file \/file/' Dockerfile
	build -t app
	equal "$ID" "$(field .image_id)"
	equal "$first" "$(field .image_id ^1)"
	second=$(ids | head -n 1)
	equal "$second" "$(field .id "${second:0:9}")"
	equal "linux/$(skopeo inspect --config "oci:$HEW_ROOT:docker.io/library/app:latest" | jq -r .architecture)" "$(field .platforms[])"
	equal "cached cached cached ran" "$(field '[.steps[].state] | join(" ")')"
	equal $'3 true\n4 true\n6 true\n7 true' "$(field '.steps[] | "\(.line - 1) \(.layer | startswith("sha256:"))"')"
	hew builds inspect >../shown
	matches "*Build: *$second*Name: *app:latest*Status: *ok*Image: *$ID*" "$(cat ../shown)"
	matches "*8 *RUN cat /file /file *ran *s *0B*command is*" "$(cat ../shown)"
	fails 6 hew builds show nonsense
	has nonsense "$LAST"
	fails 6 hew builds show ^7
	fails 6 hew builds show ""
	fails 2 hew builds sohw
	has "did you mean show" "$LAST"
	fails 2 hew builds ls --format xml
}

@test "what was all cached is one record however often, and is the last build then" {
	forget
	app
	build -t app
	local cached
	cached=$(ids | head -n 1)
	equal 2 "$(ids | wc -l)"
	echo "two $BATS_TEST_NUMBER" >file
	build -t app
	equal 3 "$(ids | wc -l)"
	echo "one $BATS_TEST_NUMBER" >file
	build -t app
	build -t app
	equal 3 "$(ids | wc -l)"
	equal "$cached" "$(field .id)"
	equal "true 4" "$(field '"\(.all_cached) \(.n_cached)"')"
	matches "*COPY file /file*CACHED*RUN cat /file*CACHED*" "$(hew builds logs)"
	build -t other
	equal 4 "$(ids | wc -l)"
	sound
}

@test "logs: what the steps printed, in order, as plain progress shows it; or as JSON" {
	forget
	app
	hew builds logs >../log
	matches "*RUN echo to stdout*to stdout hello*to stderr*partial*DONE*RUN cat /file*one $BATS_TEST_NUMBER*DONE*" "$(cat ../log)"
	equal "$(sed -n 's/^#[0-9]* [0-9.]* //p' "$ERR" | sort)" "$(sed -n 's/^#[0-9]* [0-9.]* //p' ../log | sort)"
	equal '1 to stdout hello
2 to stderr
1 partial' "$(hew builds logs --format json ^0 | jq -r 'select(.kind == "output" and (.text | startswith("one") | not)) | "\(.stream) \(.text)"')"
	[ "$(hew builds logs --format json | jq -r 'select(.kind == "done") | .step' | wc -l)" -eq 4 ]
}

@test "a build that fails: in which step, with which error; a Dockerfile that cannot be read too" {
	forget
	app
	sed -i 's/cat \/file/cat \/file; exit 9/' Dockerfile
	build_fails 5
	has "exit code: 9" "$LAST"
	equal "failed step" "$(field '"\(.status) \(.error_code)"')"
	equal "$LAST" "ERROR: $(field .error)"
	equal "RUN cat /file; exit 9" "$(field '.steps[] | select(.state == "failed") | .name | sub("^[^]]*] "; "")')"
	matches "*one $BATS_TEST_NUMBER*ERROR: process*exit code: 9*" "$(hew builds logs)"
	printf 'FROM alpine:3.19\nRNU x\n' | dockerfile
	build_fails 3
	equal "failed dockerfile 0" "$(field '"\(.status) \(.error_code) \(.steps | length)"')"
	has "RNU" "$(hew builds logs)$(field .error)"
	printf 'FROM alpine:3.19\nCOPY nothing /\n' | dockerfile
	build_fails 4
	equal "failed" "$(field .steps[].state)"
	equal "failed failed failed ok" "$(hew builds ls --format json | jq -r .status | paste -sd' ')"
	hew why --build ^3 >../why
	has "file changed" "$(cat ../why)"
	fails 6 hew why --build nonsense
}

@test "ls --filter: by status and name" {
	forget
	app
	build -t example.com/team/other:1
	sed -i 's/cat \/file/false/' Dockerfile
	build_fails 5 -t app
	equal 1 "$(hew builds ls -q --filter status=failed | wc -l)"
	equal 1 "$(hew builds ls -q -f status=error | wc -l)"
	equal 2 "$(hew builds ls -q -f status=completed | wc -l)"
	equal 3 "$(hew builds ls -q -f status=ok -f status=failed | wc -l)"
	equal 2 "$(hew builds ls -q -f 'name=app*' | wc -l)"
	equal 1 "$(hew builds ls -q -f 'name=app*' -f status=ok | wc -l)"
	equal 1 "$(hew builds ls -q -f 'name=example.com/team/*' | wc -l)"
	fails 2 hew builds ls -f status=good
	fails 2 hew builds ls -f nothing=x
}

@test "rm: some, all; with their logs; a mistake costs nothing" {
	forget
	app
	echo "two $BATS_TEST_NUMBER" >file
	build
	local one two
	two=$(ids | head -n 1)
	one=$(ids | tail -n 1)
	fails 6 hew builds rm "$one" nonsense
	equal 2 "$(ids | wc -l)"
	equal "$one" "$(hew builds rm "${one:0:10}")"
	equal "$two" "$(ids)"
	equal "$two" "$(ls "$HEW_ROOT/logs")"
	build
	hew builds rm --all >/dev/null
	equal "" "$(ids)$(ls "$HEW_ROOT/logs")"
	fails 2 hew builds rm
	fails 2 hew builds rm --all "$two"
	sound
}

@test "no secret is in a record or a log: not mounted, not as an argument" {
	forget
	printf 'very-secret' >../secret
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" ../secret
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG API_TOKEN
		RUN --mount=type=secret,id=s cat /run/secrets/s
		RUN test -n "$API_TOKEN"
	EOF
	build --secret id=s,src=../secret --build-arg API_TOKEN=token-value
	has '***' "$(hew builds logs)"
	[ "$(field '.steps | length')" -eq 2 ]
	run ! grep -raE 'very-secret' "$HEW_ROOT/logs"
	run ! grep -E 'very-secret|token-value' <<<"$(hew builds show --format json)"
	equal API_TOKEN "$(field '.environments[] | .[] | select(startswith("API"))')"
}

@test "a long output: the beginning and the end are kept" {
	forget
	printf 'FROM alpine:3.19\nRUN echo first; i=0; while [ $i -lt 3000 ]; do printf "%%01000d\\n" $i; i=$((i+1)); done; echo last\n' | dockerfile
	build
	hew builds logs >../log
	has " first" "$(head -n 30 ../log)"
	has " last" "$(tail -n 30 ../log)"
	has " bytes of output are not kept]" "$(grep "not kept" ../log)"
	local size
	size=$(stat -c %s "$HEW_ROOT/logs/$(ids)")
	[ "$size" -gt 1100000 ]
	[ "$size" -lt 1600000 ]
}

@test "all logs together are bounded: the oldest go first, their records stay" {
	forget
	app
	local old new
	old=$(ids)
	head -c 70000000 /dev/zero >>"$HEW_ROOT/logs/$old"
	echo "two $BATS_TEST_NUMBER" >file
	build
	new=$(ids | head -n 1)
	equal "$new" "$(ls "$HEW_ROOT/logs")"
	fails 6 hew builds logs "$old"
	has "not here any more" "$LAST"
	equal ok "$(field .status "$old")"
	sound
}

@test "a log that no record knows is found, and removed" {
	app
	touch "$HEW_ROOT/logs/0123456789ab"
	run ! hew doctor --store
	echo "$output" >../doctor
	has "logs/0123456789ab: belongs to nothing" "$(cat ../doctor)"
	hew prune >/dev/null
	[ ! -e "$HEW_ROOT/logs/0123456789ab" ]
	sound
}

@test "the oldest records go, those of cached builds first" {
	forget
	app
	hew prune >/dev/null
	python3 - "$HEW_ROOT/hew.db" <<-'EOF'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		for i in range(300):
		    db.execute("INSERT INTO builds(id, json, at) VALUES(?, ?, ?)",
		               ("fill%d" % i, '{"all_cached": %s, "steps": []}' % ("true" if i % 2 else "false"), i))
		db.commit()
	EOF
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$HEW_ROOT"/hew.db*
	touch "$HEW_ROOT/logs/fill0" "$HEW_ROOT/logs/fill299"
	echo "two $BATS_TEST_NUMBER" >file
	build
	equal 200 "$(ids | wc -l)"
	equal 50 "$(hew builds ls -q | grep -c 'fill[0-9]*[13579]$')"
	run ! test -e "$HEW_ROOT/logs/fill0"
	test -e "$HEW_ROOT/logs/fill299"
	sound
}

# under_way: a build that does not end by itself, with number $pid.
under_way() {
	printf 'FROM alpine:3.19\nRUN echo ready; sleep 1000\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew build --progress plain . >run.out 2>&1 3>&- &
	pid=$!
	SERVERS+=("$pid")
	wait_for grep -q '[0-9] ready' run.out
}

@test "a build under way and one that was killed: status, and the log so far" {
	forget
	under_way
	equal "running" "$(field .status)"
	wait_for eval 'hew builds logs | grep -q "[0-9] ready"'
	fails 2 hew builds rm "$(ids)"
	has "still running" "$LAST"
	equal "" "$(hew builds rm --all)"
	kill -KILL "$pid"
	ends 137 wait "$pid"
	nothing_left
	equal "killed" "$(field .status)"
	equal "killed" "$(hew builds ls | awk 'NR == 2 { print $3 }')"
	has " ready" "$(hew builds logs)"
	equal 1 "$(hew builds ls -q -f status=killed | wc -l)"
	sound
	equal "$(ids)" "$(hew builds rm ^0)"
}

@test "a build that is interrupted is cancelled" {
	forget
	under_way
	kill -TERM "$pid"
	ends 130 wait "$pid"
	equal "cancelled" "$(field .status)"
	nothing_left
}
