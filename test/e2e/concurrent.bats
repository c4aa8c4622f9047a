#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Many users of one store at once: what comes out is what comes out of one after the other, nothing is done
# twice, and nobody does another any harm. The registry is this suite's own, for its log.
load lib/hew

setup_file() {
	suite_setup
	export OWN=$BATS_FILE_TMPDIR/registry
	"$TOP/test/bases/serve" start "$OWN"
	export CONTAINERS_REGISTRIES_CONF=$OWN/registries.conf
}

setup() {
	test_setup
	export SOURCE_DATE_EPOCH=1700000000
}

teardown_file() { "$TOP/test/bases/serve" stop "$OWN"; }

# seven: Dockerfiles 0 to 6, each in a folder of its own. The first stage is the same in all, the second in
# two or three, the last is its own. Each step that runs writes its name into a cache.
SEVEN=(0 1 2 3 4 5 6)
seven() {
	local n log='RUN --mount=type=cache,target=/c,id=log echo'
	for n in "${SEVEN[@]}"; do
		mkdir -p "$n/files"
		echo "$n" >"$n/files/$n"
		dockerfile "$n/Dockerfile" <<-END
			FROM alpine:3.19 AS common
			$log common >>/c/log; seq 1000 >/common
			FROM alpine:3.19 AS part
			$log part $((n % 3)) >>/c/log; seq $((n % 3)) 2000 >/part
			FROM common
			WORKDIR /w
			COPY --from=part /part ./
			COPY files /files
			$log own $n >>/c/log; rm /common; cat /files/* part >sum; ln sum /hard
			CMD ["cat", "/w/sum"]
		END
	done
	[ -z "${HEW_TEST_UID-}" ] || readable
}

# in_turn: their ids, from another store, one after the other.
in_turn() {
	local n
	for n in "${SEVEN[@]}"; do
		HEW_ROOT=$BATS_TEST_TMPDIR/other hew build -q "$n"
	done
}

# start N COMMAND...: in the background; its output in N.out, its messages in N.err.
PIDS=()
start() {
	local n=$1
	shift
	"$@" >"$n.out" 2>"$n.err" 3>&- &
	PIDS+=($!)
}

# finish: all that were started have succeeded.
finish() {
	local i rc=0
	for i in "${!PIDS[@]}"; do
		wait "${PIDS[i]}" || {
			echo "process $i ended with status $?: $(cat "$i.err")"
			rc=1
		}
	done
	PIDS=()
	return $rc
}

# meanwhile COMMAND...: again and again, from now until that_is_all. Has succeeded each time.
meanwhile() {
	rm -f enough
	(set -e; while [ ! -e enough ]; do "$@"; done) >meanwhile.out 2>&1 3>&- &
	MEANWHILE=$!
}

that_is_all() {
	touch enough
	wait "$MEANWHILE" || {
		cat meanwhile.out
		return 1
	}
}

# blobs IMAGE: how often each of its blobs was fetched from the registry: count and digest, one a line.
blobs() {
	grep 'http.request.method=GET' "$OWN/log" | grep -o "/v2/library/$1/blobs/sha256:[0-9a-f]*" | sort | uniq -c
}

# once IMAGE: each blob was fetched, and only once.
once() {
	[ -n "$(blobs "$1")" ]
	has_not x "$(blobs "$1" | awk '$1 != 1 { print "x", $0 }')"
}

@test "twenty builds of seven Dockerfiles: the same images as in turn, each step once" {
	seven
	local i
	for i in {0..19}; do start "$i" hew build -q -t "app$((i % 7))" "$((i % 7))"; done
	finish
	equal "$(in_turn)" "$(cat {0..6}.out)"
	for i in {7..19}; do equal "$(cat $((i % 7)).out)" "$(cat "$i.out")"; done
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c,id=log sort /c/log >/log
	EOF
	build -o log
	equal "$({ echo common && printf 'part %d\n' 0 1 2 && printf 'own %d\n' "${SEVEN[@]}"; } | sort)" "$(cat log/log)"
	# by twenty and by one after the other
	equal 2 "$(blobs alpine | awk '/blobs/ { print $1 }' | sort -u)"
	equal "$(cat 3/files/3; seq 0 2000)" "$(hew run app3)"
	sound
	nothing_left
}

# What makes room and forgets, in the way of those who build.
in_the_way() {
	hew images >images.out
	hew prune ${1-} >prune.out
	hew rmi "app$((RANDOM % 7))" >rmi.out 2>&1 || has "no such image" "$(cat rmi.out)"
}

@test "prune, images and rmi while others build do no harm" {
	export HEW_ROOT=$BATS_TEST_TMPDIR/store
	seven
	hew pull -q alpine:3.19 # makes the store, which hew rmi wants
	local i
	meanwhile in_the_way
	for i in {0..13}; do start "$i" hew build -q -t "app$((i % 7))" "$((i % 7))"; done
	finish
	that_is_all
	equal "$(in_turn)" "$(cat {0..6}.out)"
	equal "$(cat {0..6}.out)" "$(cat {7..13}.out)"
	hew prune --all
	meanwhile in_the_way --all
	for i in {0..13}; do start "$i" hew build -q -t "app$((i % 7))" "$((i % 7))"; done
	finish
	that_is_all
	equal "$(in_turn)" "$(cat {0..6}.out)"
	equal "$(cat {0..6}.out)" "$(cat {7..13}.out)"
	hew doctor --store --deep
	nothing_left
}

@test "the same image pulled, built on and run by several at once: each blob comes once" {
	export HEW_ROOT=$BATS_TEST_TMPDIR/store
	: >"$OWN/log"
	printf 'FROM python:3.12-slim\nRUN echo x >/x\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	start 0 hew pull -q python:3.12-slim
	start 1 hew pull -q python:3.12-slim
	start 2 hew build -q .
	start 3 hew run python:3.12-slim python3 -c 'print(6 * 7)'
	finish
	once python
	equal "$(cat 0.out)" "$(cat 1.out)"
	equal 42 "$(cat 3.out)"
	sound
}

@test "plain: two steps that print thousands of lines at once stay readable" {
	# in ten rounds, each begun when the other step is there; on both outputs, in pieces
	cat >print <<-'EOF'
		lines() {
			i=0
			while [ $i -lt 300 ]; do
				printf "$1 $me "
				echo "$((round * 300 + i)) ............................................. end"
				i=$((i + 1))
			done
		}
		me=$1 other=$2 round=0
		while [ $round -lt 10 ]; do
			touch /c/$me-$round
			n=0
			while [ ! -e /c/$other-$round ]; do
				[ $n -lt 200 ] || exit 9
				n=$((n + 1))
				sleep 0.05
			done
			lines out &
			lines err >&2
			wait
			round=$((round + 1))
		done
	EOF
	{
		printf 'FROM alpine:3.19 AS base\nCOPY print /\n'
		printf 'FROM base AS one\nRUN --mount=type=cache,target=/c,id=meet sh /print 1 2\n'
		printf 'FROM base AS two\nRUN --mount=type=cache,target=/c,id=meet sh /print 2 1\n'
		printf 'FROM scratch\nCOPY --from=one /print /1\nCOPY --from=two /print /2\n'
	} | dockerfile
	build --jobs 2
	# every line has the number of the step that printed it, and is whole
	local stage n stream
	for stage in "one 1" "two 2"; do
		n=$(sed -n "s/^#\([0-9]*\) \[${stage% *} .*RUN.*/\1/p" "$ERR" | sort -u)
		for stream in out err; do
			equal "$(seq 0 2999)" \
				"$(sed -nE "s/^#$n [0-9]+\.[0-9]+ $stream ${stage#* } ([0-9]+) \.+ end$/\1/p" "$ERR")"
		done
	done
	equal 12000 "$(grep -c '\.\.\.' "$ERR")"
	[ "$(sed -n 's/^\(#[0-9]*\) .*end$/\1/p' "$ERR" | uniq | wc -l)" -ge 10 ]
}
