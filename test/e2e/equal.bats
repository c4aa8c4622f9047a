#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Two builders, one Dockerfile: what hew builds and what buildah builds (chroot isolation, from the same
# base images) is the same, path by path and in what the config says. The Dockerfiles are the folders of
# test/data/equal, each with its context; `setup` makes there what git cannot keep, `args` are options for
# both, `only-root` says why an ordinary user's hew cannot. Differences are those of differences.txt, each
# with its reason. hew may be an ordinary user's; buildah is always root's.
load lib/hew

CASES=$TOP/test/data/equal

setup_file() {
	suite_setup
	[ -z "${HEW_TEST_SLOW-}" ] || export BATS_TEST_TIMEOUT=1500
	export PEER_RUN USED=$BATS_FILE_TMPDIR/used
	PEER_RUN=$(mktemp -d /tmp/h.XXXX) # containers/storage allows 50 characters
	mkdir "$USED"
	peer pull -q "$(policy)" alpine:3.19 >/dev/null
}

teardown_file() {
	umount -l "$BATS_FILE_TMPDIR/peer/overlay" 2>/dev/null || true
	rm -rf --one-file-system "${PEER_RUN:?}"
}

# buildah wants the config.json that DOCKER_CONFIG promises
peer() {
	env -u DOCKER_CONFIG buildah --root "$BATS_FILE_TMPDIR/peer" --runroot "$PEER_RUN" --storage-driver overlay "$@"
}

policy() { echo "--signature-policy=$HEW_TEST_REGISTRY/policy.json"; }

as_builder() {
	if [ -z "${HEW_TEST_UID-}" ]; then "$@"; else
		setpriv --reuid "$HEW_TEST_UID" --regid "$HEW_TEST_UID" --clear-groups "$@"
	fi
}

# context FOLDER: a copy of it here, the builder's own, complete.
context() {
	mkdir context
	cp -r "$1/." context
	cd context || return 1
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID:$HEW_TEST_UID" .
	[ ! -e setup ] || as_builder ./setup
}

# both CASE OPTION...: builds what is here with both and compares.
both() {
	local case=$1 id out=$BATS_TEST_TMPDIR/by-peer
	shift
	id=$(hew build -q -t "equal/$case" "$@" . 2>"$out.log") || {
		echo "$case: hew: $(tail -n 1 "$out.log")"
		return 1
	}
	rm -rf "$out"
	peer bud -q --isolation chroot --network host --cap-add MKNOD --layers=false --format docker \
		--identity-label=false "$(policy)" "$@" -t "dir:$out" . >"$out.log" 2>&1 || {
		echo "$case: buildah: $(tail -n 1 "$out.log")"
		return 1
	}
	python3 "$E2E_LIB/compare_images.py" "$case" "$HEW_ROOT@$id" "$out" "$CASES/differences.txt" "$USED/$case"
}

one() { # CASE
	local args=()
	mkdir "$BATS_TEST_TMPDIR/$1"
	cd "$BATS_TEST_TMPDIR/$1" || return 1
	context "$CASES/$1"
	if [ -e only-root ] && [ -n "${HEW_TEST_UID-}" ]; then
		touch "$USED/$1"
		return
	fi
	[ ! -e args ] || mapfile -t args <args
	both "$1" "${args[@]}"
}

# same PATTERN: every case of those names, whatever becomes of the one before.
same() {
	local case failed=0
	for case in $(compgen -G "$CASES/$1"); do
		(one "${case##*/}") || failed=1
	done
	return $failed
}

@test "COPY: files, folders, owners, modes" { same 'copy-[a-e]*'; }
@test "COPY: names, links, merges" { same 'copy-[f-m]*'; }
@test "COPY: over what is there, wildcards, attributes" { same 'copy-[n-z]*'; }
@test "COPY --from: stages and images" { same 'from-*'; }
@test "ADD: archives of every kind" { same 'add-*'; }
@test "RUN: whatever a command does to files" { same 'run-[a-m]*'; }
@test "RUN: as whom, where, with which mounts" { same 'run-[n-z]*'; }
@test "config: ENV, ARG, CMD, ENTRYPOINT, EXPOSE" { same 'meta-[a-e]*'; }
@test "config: HEALTHCHECK, ONBUILD, LABEL, STOPSIGNAL" { same 'meta-[h-s]*'; }
@test "config: USER, VOLUME, WORKDIR, targets" { same 'meta-[t-z]*'; }
@test "ignore files" { same 'ignore-*'; }

# The article's, whose base images are large.
@test "the article's Dockerfiles" {
	[ -n "${HEW_TEST_SLOW-}" ] || skip "minutes: script/test --all"
	local file name failed=0
	for file in go/Dockerfile go/Dockerfile.distroless node/Dockerfile node3/Dockerfile python/Dockerfile; do
		name=${file//\//-} name=article-${name,,}
		mkdir "$BATS_TEST_TMPDIR/$name"
		cd "$BATS_TEST_TMPDIR/$name"
		context "$TOP/example/${file%%/*}"
		both "$name" -f "${file#*/}" || failed=1
	done
	return $failed
}

@test "every Dockerfile was compared, and every difference of the list occurs" {
	equal "$(cd "$CASES" && printf '%s\n' [!d]*)" "$(cd "$USED" && printf '%s\n' [!d]* | sed /^article-/d)"
	[ "$(find "$USED" -type f | wc -l)" -ge 60 ]
	local n line rc=0
	while IFS= read -r line; do
		n=$((n + 1))
		case $line in '' | '#'*) continue ;; article-*) [ -n "${HEW_TEST_SLOW-}" ] || continue ;; esac
		grep -qx "$n" "$USED"/* || {
			echo "differences.txt:$n: occurs no more: $line"
			rc=1
		}
	done <"$CASES/differences.txt"
	return $rc
}
