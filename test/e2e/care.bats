#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the store takes up and what goes: hew du against du(1), hew prune's filters and limits, the cap that a build
# keeps, alone and beside others, and a disk that is full. Each test has a store of its own.
load lib/hew

setup() {
	test_setup
	export HEW_ROOT=$BATS_TEST_TMPDIR/store SOURCE_DATE_EPOCH=1700000000
}

teardown() {
	[ -z "${DISK-}" ] || umount "$DISK" 2>/dev/null || true
	test_teardown
}

# two: images "one" and "two", which share the base and a layer of 1 MB; "one" has a cache mount of its own.
two() {
	head -c 1000000 /dev/urandom >large
	cat >one <<-'EOF'
		FROM alpine:3.19
		COPY large /large
		RUN --mount=type=cache,target=/c,id=things echo one >/made; ln /made /again; head -c 300000 /dev/zero >/c/x
	EOF
	printf 'FROM alpine:3.19\nCOPY large /large\nRUN echo two >/made\n' >two
	build -f one -t one
	build -f two -t two
}

du_json() { hew du --format json "$@" | jq -r "$FILTER"; }
of_du() { FILTER=$1 du_json "${@:2}"; }
on_disk() { command du -s --block-size=1 "$HEW_ROOT" | cut -f1; }
sql() { python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for row in db.execute(sys.argv[2]): print(*row)
db.commit()' "$HEW_ROOT/hew.db" "$1"; }
folder_bytes() { (cd "$HEW_ROOT/$1" && command du -s --block-size=1 -- * 2>/dev/null | awk '{ s += $1 } END { print s + 0 }'); }

# ---- du

@test "du says what du(1) says, to the byte; its kinds add up to it" {
	two
	equal "$(on_disk)" "$(of_du .total)"
	equal "$(on_disk)" "$(of_du '[.kinds[]] | add')"
	equal "$(folder_bytes trees)" "$(of_du '.kinds.trees')"
	equal "$(folder_bytes layers)" "$(of_du '.kinds["layer indexes"]')"
	equal "$(folder_bytes cache)" "$(of_du '.kinds["cache mounts"]')"
	equal "$(folder_bytes contexts)" "$(of_du '.kinds["context indexes"]')"
	equal "$(folder_bytes blobs/sha256)" "$(of_du '.kinds.blobs + .kinds.layers')"
	# files with several names are there once, whatever folder they are in
	equal 0 "$(of_du '.kinds.trash')"
	hew du >said
	matches "KIND *RECLAIMABLE" "$(head -n 1 said | tr -s ' ')"
	grep -qE '^one:latest ' said
	tail -n 1 said | grep -qE '^Total: +[0-9.]+MB$'
}

@test "du by image: what goes with it, and what others need too" {
	two
	local shared
	shared=$(of_du '[.records[] | select(.description | test("COPY large|layer of")) | .size] | add')
	equal "$shared $shared" "$(of_du '[.images[] | select(.name == "one:latest" or .name == "two:latest") | .shared] | join(" ")')"
	[ "$(of_du '.images[] | select(.name == "one:latest") | .own')" -lt 100000 ]
	hew rmi two
	equal "0" "$(of_du '.images[] | select(.name == "one:latest") | .shared')"
	# a second name is the same image
	hew tag one uno
	equal "0 0" "$(of_du '[.images[].shared] | join(" ")')"
}

@test "du --why: names, bases, steps, processes; when it was last used and how long it took" {
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN sleep 0.3; echo made >/made
		RUN --mount=type=cache,target=/c,id=wait [ -e /c/go ] || { touch /c/begun; until [ -e /c/go ]; do sleep 0.05; done; }
	EOF
	hew build -q -t app . >id 2>err 3>&- &
	local pid=$!
	SERVERS+=("$pid")
	begun() { ls "$HEW_ROOT"/cache/*/*/begun >/dev/null; }
	wait_for begun
	of_du '.records[] | select(.description | test("RUN sleep")) | .heldBy[]' >held
	has "step [2/3] RUN sleep 0.3" "$(cat held)"
	has "process $pid" "$(cat held)"
	equal true "$(of_du '.records[] | select(.type == "exec.cachemount") | .inUse')"
	equal true "$(of_du '.records[] | select(.description | test("RUN sleep")) | .inUse')"
	hew du --filter inuse | grep -q "RUN sleep"
	touch "$(dirname "$HEW_ROOT"/cache/*/*/begun)/go"
	wait $pid || { cat err; false; }
	equal "cache mount wait" "$(of_du '.records[] | select(.type == "exec.cachemount") | .description')"
	equal "false 0" "$(of_du '[.records[] | select(.inUse)] | "\(length > 0) \(length)"')"
	of_du '.records[] | select(.description | test("RUN sleep")) | .tookNs' >took
	[ "$(cat took)" -ge 300000000 ]
	[ $((EPOCHSECONDS - $(of_du '[.records[] | select(.type == "regular") | .lastUsed] | min'))) -lt 120 ]
	hew du --why >said
	has "name docker.io/library/app:latest" "$(cat said)"
	has "base docker.io/library/alpine:3.19 linux/" "$(cat said)"
	grep -qE '^Took: +[0-9.]+ s$' said
}

@test "du and prune of no store, filters that are none" {
	equal "Total: 0B" "$(hew du | tail -n 1 | tr -s ' ')"
	equal "0" "$(of_du .total)"
	[ ! -e "$HEW_ROOT" ]
	fails 2 hew prune --filter colour=red
	has 'unknown filter "colour": known are until, unused-for, id, type' "$LAST"
	fails 2 hew prune --filter parents=sha256:1
	has 'a layer of this store has no parent of its own' "$LAST"
	fails 2 hew du --filter type=layers
	has 'known are regular, internal, source.local, source.git.checkout, exec.cachemount' "$LAST"
	fails 2 hew prune --filter until=soon
	has 'a duration like 24h' "$LAST"
	fails 2 hew prune --filter 'description~=['
	fails 2 hew prune --filter inuse=maybe
	fails 2 hew prune --filter until=1h --filter unused-for=2h
	hew build -q - <<<"FROM scratch"
	fails 2 hew prune --max-used-space much
	has '"much": a size like 10GB' "$LAST"
	fails 2 hew prune --keep-storage 1GB --reserved-space 1GB
}

# ---- prune by filters

@test "prune --filter: by type, id, description, age; the rest stays" {
	two
	cached() { # what of the two images is still known
		build -f one -t one
		build -f two -t two
	}
	has "cache mounts" "$(hew prune --dry-run --filter type=exec.cachemount)"
	equal 300000 "$(stat -c %s "$HEW_ROOT"/cache/*/*/x)"
	hew prune --filter type=exec.cachemount
	equal "" "$(ls "$HEW_ROOT/cache")"
	equal 0 "$(sql 'SELECT count(*) FROM cache_mounts')"
	hew prune --filter type=source.local
	equal "" "$(ls "$HEW_ROOT/contexts")"
	cached
	equal "" "$(ran)"
	# nothing is that old; then one step is
	equal "Total reclaimed space: 0B" "$(hew prune --filter until=24h)"
	equal "Total reclaimed space: 0B" "$(hew prune --filter until=2020-01-01T00:00:00Z)"
	hew rmi one two
	sql "UPDATE steps SET used = used - 100000 WHERE name LIKE '%echo two%'"
	sql "DELETE FROM uses WHERE digest IN (SELECT diff_id FROM steps WHERE name LIKE '%echo two%')"
	sql "UPDATE layers SET created = created - 100000 WHERE diff_id IN (SELECT diff_id FROM steps WHERE name LIKE '%echo two%')"
	sql "UPDATE trees SET created = created - 100000 WHERE diff_id IN (SELECT diff_id FROM steps WHERE name LIKE '%echo two%')"
	hew prune --dry-run --filter until=24h >said
	has "echo two" "$(cat said)"
	has_not "echo one" "$(cat said)"
	hew prune --filter until=24h
	build -f one -t one
	equal "" "$(ran)"
	build -f two -t two
	equal "RUN echo two" "$(ran | grep -o 'RUN echo two')"
	equal 1 "$(ran | wc -l)"
	# by id and by description; what a name holds stays, what is made from it goes
	hew rmi two
	local id
	id=$(of_du '.records[] | select(.description | test("echo two")) | .id')
	hew prune --filter "id=${id:7:12}" --format json | jq -r '.removed[].id' >said
	equal "$id" "$(sort -u said)"
	build -f two -t two
	equal 1 "$(ran | wc -l)"
	hew prune --filter 'description~=COPY large' --filter type=regular
	equal "" "$(find "$HEW_ROOT/trees" -name large)"
	build -f two -t three
	equal "" "$(ran)"
	hew doctor --store --deep
}

@test "prune --dry-run removes nothing, and tells what prune -a removes; --verbose and JSON" {
	two
	hew rmi two
	local before told
	before=$(on_disk)
	hew prune -a --dry-run --format json >told
	equal "$before" "$(on_disk)"
	equal true "$(jq .dryRun told)"
	equal "$(jq .reclaimed told)" "$(jq '[.removed[].size] | add' told)"
	equal "$(of_du .reclaimable)" "$(jq .reclaimed told)"
	has "can be unpacked again" "$(jq -r '.removed[].why' told)"
	jq -r '.removed[].id' told | sort >told.ids
	hew prune -a --format json >removed
	equal "$(cat told.ids)" "$(jq -r '.removed[].id' removed | sort)"
	equal 0 "$(of_du .reclaimable)"
	equal one "$(hew images --format json | jq -r .Repository)"
	equal one "$(hew run --rm one cat /made)"
	hew doctor --store --deep
	# the size of folders themselves is not counted as reclaimed
	told=$(jq .reclaimed told)
	[ "$(jq .reclaimed removed)" -le "$told" ]
	[ "$(jq .reclaimed removed)" -gt $((told * 9 / 10)) ]
}

@test "prune asks on a terminal, unless -f; a script is not asked" {
	two
	hew rmi two one
	ends 130 "$E2E_LIB/terminal" 24 80 hew prune -a <<-'EOF'
		expect [y/N]
		send n\n
		expect nothing was removed
	EOF
	equal true "$(of_du '.reclaimable > 1000000')"
	"$E2E_LIB/terminal" 24 80 hew prune -a <<-'EOF'
		expect [y/N]
		send y\n
		expect Total reclaimed space
	EOF
	equal 0 "$(of_du .reclaimable)"
	two
	# Ctrl-C is no, whatever else is typed
	ends 130 "$E2E_LIB/terminal" 24 80 hew prune -a <<-'EOF'
		expect [y/N]
		send \x03
		expect ERROR: cancelled
	EOF
	equal true "$(of_du '.reclaimable > 1000000')"
	"$E2E_LIB/terminal" 24 80 hew prune -f <<<'expect Total reclaimed space'
}

# ---- prune by limits

@test "limits: what is made again cheaply goes first, a step that took long last" {
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN sleep 1; head -c 400000 /dev/urandom >/slow
		RUN head -c 400000 /dev/urandom >/quick
	EOF
	build -t app
	hew rmi app
	hew prune
	below() { hew prune --max-used-space "$1" >/dev/null; }
	equal "Total reclaimed space: 0B" "$(hew prune --max-used-space 1GB)"
	equal "Total reclaimed space: 0B" "$(hew prune --max-used-space 1 --reserved-space 1GB)"
	equal "Total reclaimed space: 0B" "$(hew prune --min-free-space 1)"
	# the trees are enough
	below $(($(on_disk) - 300000))
	[ "$(on_disk)" -gt 1000000 ]
	[ "$(folder_bytes trees)" -lt "$(folder_bytes blobs/sha256)" ]
	build -t app
	equal "" "$(ran)"
	hew rmi app
	# then the base, which a registry has, then the quick step; the slow one stays
	hew prune --max-used-space $(($(on_disk) - $(folder_bytes trees) - 3800000)) --verbose >said
	grep -qE 'layers .* layer of docker.io/library/alpine +can be inflated again' said
	grep -qE 'blobs .* layer of docker.io/library/alpine +can be fetched again' said
	grep -qE 'layers .* RUN head -c 400000 .* took 0' said
	has_not "RUN sleep 1" "$(grep -v trees said)"
	build -t app
	equal "RUN head -c 400000" "$(ran | grep -o 'RUN head -c 400000')"
	equal 1 "$(ran | wc -l)"
	hew doctor --store --deep
	# --keep-storage is the older name of --reserved-space, which alone is a limit
	hew rmi app
	hew prune --keep-storage 2500k >/dev/null
	[ "$(on_disk)" -le 2560000 ]
	hew prune --min-free-space 100% >/dev/null
	equal "" "$(ls "$HEW_ROOT/trees")"
	sound
}

@test "a layer that was pushed and is gone here is built again, for its own bytes" {
	"$TOP/test/bases/serve" start "$BATS_TEST_TMPDIR/registry" --empty
	local to
	to=127.0.0.1:$("$TOP/test/bases/serve" port "$BATS_TEST_TMPDIR/registry")/x
	printf 'FROM scratch\nCOPY file /\n' | dockerfile
	head -c 100000 /dev/zero >file
	build -t "$to" --push
	local want=$ID
	equal 2 "$(of_du '.records[] | select(.description | test("COPY")) | .forms | map(select(.kind == "blobs" or .kind == "layers")) | length')"
	hew prune --max-used-space 1 --dry-run --verbose | grep -qE 'blobs .* COPY file / +can be compressed again'
	hew rmi "$to"
	hew prune --max-used-space 1 >/dev/null
	build -t "$to" --push || { cat "$ERR"; "$TOP/test/bases/serve" stop "$BATS_TEST_TMPDIR/registry"; false; }
	"$TOP/test/bases/serve" stop "$BATS_TEST_TMPDIR/registry"
	equal "$want" "$ID"
	equal 1 "$(ran | grep -c COPY)"
	hew doctor --store --deep
}

# ---- the cap that builds keep

@test "HEW_STORE_MAX: no build leaves more; the image that was named last is whole" {
	export HEW_STORE_MAX=7MB
	fails 2 env HEW_STORE_MAX=little hew build -q - <<<"FROM scratch"
	has 'invalid HEW_STORE_MAX "little"' "$LAST"
	local i
	for i in 1 2 3 4 5; do
		printf 'FROM alpine:3.19\nRUN head -c 1000000 /dev/urandom >/f; echo %s >/n\n' $i | dockerfile
		build -t app
		[ "$(on_disk)" -le $((7 * 1024 * 1024)) ] || { hew du; false; }
		equal "$i" "$(hew run --rm app cat /n)"
	done
	has "the store was above its limit: removed" "$(cat "$ERR")"
	hew doctor --store --deep
	# without a cap all of it would have stayed
	HEW_STORE_MAX=0 build -t app --no-cache
	[ "$(on_disk)" -gt $((6 * 1024 * 1024)) ]
}

@test "the same builds beside each other and a prune in a loop, under a cap: digests right, cap kept, space freed" {
	if [ -n "${HEW_TEST_SLOW-}" ]; then
		concurrent_under_cap 20 2048 $((50 << 20))
	else
		concurrent_under_cap 6 12 $((768 << 10))
	fi
}

# concurrent_under_cap BUILDS MIB BYTES: each makes a layer and a tree of so many bytes, all of them together
# another one.
concurrent_under_cap() {
	local n=$1 cap=$2 size=$3 i pids=() pruner
	for ((i = 0; i < n; i++)); do
		mkdir -p "c$i"
		cat >"c$i/Dockerfile" <<-END
			FROM alpine:3.19 AS common
			RUN yes common | head -c $size >/common
			FROM common
			RUN --mount=type=cache,target=/c,id=c$((i % 2)) yes $i | head -c $size >/own; date >>/c/log
			RUN rm /common; sha256sum /own >/sum
		END
		HEW_ROOT=$BATS_TEST_TMPDIR/other hew build -q "c$i" >"want$i"
	done
	rm -rf "$BATS_TEST_TMPDIR/other"
	# one that lives all the while, and holds what it uses
	mkdir wait
	cat >wait/Dockerfile <<-'END'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c,id=wait echo held >/held; [ -e /c/go ] || { touch /c/begun; until [ -e /c/go ]; do sleep 0.05; done; }
		RUN cat /held >/seen
	END
	hew build -q -t waited wait >waited 2>waited.err 3>&- &
	local waiter=$!
	SERVERS+=("$waiter")
	begun() { ls "$HEW_ROOT"/cache/*/*/begun >/dev/null; }
	wait_for begun
	export HEW_STORE_MAX=${cap}MB
	(until [ -e stop ]; do hew prune >>pruned 2>&1 || echo failed >>pruned; done) 3>&- &
	pruner=$!
	SERVERS+=("$pruner")
	for ((i = 0; i < n; i++)); do
		(
			hew build -q "c$i" >"got$i" 2>"err$i" || cat "err$i"
			stat -c %Y . >"ended$i"
		) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	# whoever ended last has kept the cap, whatever ran beside it
	local left
	left=$(on_disk)
	touch stop
	wait "$pruner"
	[ "$left" -le $((cap * 1024 * 1024)) ] || { echo "$left bytes after the last of $n builds" && false; }
	for ((i = 0; i < n; i++)); do equal "$(cat "want$i")" "$(cat "got$i")"; done
	has_not failed "$(cat pruned)"
	# one more each, alone: the cap is kept after it, while the waiting build lives
	for ((i = 0; i < 3; i++)); do
		hew build -q --no-cache "c$i" >"got$i"
		equal "$(cat "want$i")" "$(cat "got$i")"
		[ "$(on_disk)" -le $((cap * 1024 * 1024)) ] || { hew du; false; }
	done
	# space is freed while it lives
	local before after
	before=$(on_disk)
	hew prune -a >/dev/null
	after=$(on_disk)
	[ "$after" -lt $((before - size)) ]
	touch "$(dirname "$HEW_ROOT"/cache/*/*/begun)/go"
	wait $waiter || { cat waited.err; false; }
	equal held "$(hew run --rm waited cat /seen)"
	hew doctor --store --deep
	[ "$(on_disk)" -le $((cap * 1024 * 1024)) ]
}

# ---- times of use

@test "a build in which nothing changed writes nothing; after an hour, when it was used" {
	two
	build -f one -t one # the image's time of use is settled
	state() { { cat "$HEW_ROOT/hew.db" && cat "$HEW_ROOT/hew.db-wal"; } 2>/dev/null | sha256sum; }
	local before
	before=$(state)
	build -f one -t one
	equal "" "$(ran)"
	equal "$before" "$(state)"
	sql "UPDATE steps SET used = used - 4000"
	sql "UPDATE uses SET at = at - 4000"
	build -f one -t one
	equal "0" "$(sql "SELECT count(*) FROM steps WHERE name LIKE '%echo one%' AND used < $EPOCHSECONDS - 600")"
	equal "1" "$(sql "SELECT count(*) FROM steps WHERE name LIKE '%echo two%' AND used < $EPOCHSECONDS - 600")"
	equal "1" "$(sql "SELECT count(*) FROM uses u JOIN steps s ON s.diff_id = u.digest WHERE s.name LIKE '%echo one%' AND u.at > $EPOCHSECONDS - 600")"
	before=$(state)
	build -f one -t one
	equal "$before" "$(state)"
}

@test "a store of the format before this one is taken over" {
	two
	sql "DROP TABLE layer_notes"
	sql "DROP TABLE uses"
	sql "DROP TABLE cache_mounts"
	sql "DROP INDEX steps_place"
	sql "DROP INDEX steps_words"
	sql "ALTER TABLE trees DROP COLUMN bytes"
	sql "PRAGMA user_version = 1"
	equal 2 "$(hew images -q | wc -l)" # which only reads
	build -f one -t one
	equal "" "$(ran)"
	equal 3 "$(sql "PRAGMA user_version")"
	of_du .total >told
	equal "$(on_disk)" "$(cat told)"
	hew doctor --store --deep
}

# ---- a disk that is full

@test "a full disk during a build: what can be had again goes, the build goes on" {
	DISK=$BATS_TEST_TMPDIR/disk
	mkdir "$DISK"
	mount -t tmpfs -o size=24m,uid="${HEW_TEST_UID:-0}" none "$DISK"
	export HEW_ROOT=$DISK/store HEW_STORE_MAX=0
	printf 'FROM alpine:3.19\nRUN yes old | head -c 4000000 >/old\n' >old
	printf 'FROM scratch\nCOPY large /\nCOPY --from=alpine:3.19 /bin/busybox /\n' >new
	head -c 3000000 /dev/urandom >large
	local want
	want=$(HEW_ROOT=$BATS_TEST_TMPDIR/other hew build -q -f new .)
	build -f old -t old
	hew rmi old
	head -c $(($(df --output=avail -k "$DISK" | tail -n 1) * 1024 - 1000000)) /dev/zero >"$DISK/fill"
	build -f new -t new
	equal "$want" "$ID"
	has "the disk is full: what can be had again was removed" "$(cat "$ERR")"
	hew doctor --store --deep
	# with nothing left to remove it is the one error that it was
	hew prune -a >/dev/null
	rm "$DISK/fill"
	head -c $(($(df --output=avail -k "$DISK" | tail -n 1) * 1024 - 1000000)) /dev/zero >"$DISK/fill"
	head -c 3000000 /dev/urandom >large
	fails 10 hew build -q -f new .
	has "No space left" "$LAST"
	has_not "once more" "$(cat "$ERR")"
	equal 1 "$(grep -c ERROR "$ERR")"
	sound
}
