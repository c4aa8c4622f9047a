#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Dockerfile language, rule by rule: what hew makes of a Dockerfile is what BuildKit made of it, files,
# configuration, history or error. The cases are test/data/language/*.cases, the goldens beside them were
# written by bench/oracle; the form of both is told in lib/language.py.
load lib/hew

CASES=$TOP/test/data/language

setup_file() {
	suite_setup
	export LANGUAGE_BASE
	LANGUAGE_BASE=$("$E2E_LIB/language.py" bases "$BATS_FILE_TMPDIR/bases.tar")
	hew load -i "$BATS_FILE_TMPDIR/bases.tar" >/dev/null
}

same() { # THEME
	"$E2E_LIB/language.py" replay "$CASES/$1.cases" "$HEW_ROOT" "$BATS_TEST_TMPDIR"
}

@test "lexing: lines, comments, directives, flags, lists" { same lexing; }
@test "heredocs" { same heredoc; }
@test "expansion" { same expansion; }
@test "stages: FROM, names, targets, triggers, platforms" { same stages; }
@test "ARG and ENV" { same args; }
@test "COPY: from the context" { same copy; }
@test "COPY --from: stages, images, named contexts" { same from; }
@test "ADD: files and archives" { same add; }
@test "RUN: user, folder, mounts" { same run; }
@test "configuration and history" { same config; }
@test "ignore files" { same ignore; }
@test "where hew means to differ" { same differs; }

@test "every theme has a test, and every rule of normalisation its case" {
	local theme rule
	for theme in "$CASES"/*.cases; do
		theme=${theme##*/}
		grep -q "same ${theme%.cases};" "$BATS_TEST_FILENAME"
	done
	[ "$(cat "$CASES"/*.cases | grep -c '^=== ')" -ge 150 ]
	"$E2E_LIB/language.py" rules >rules
	[ -s rules ]
	for rule in $(cat rules); do
		grep -qx "=== $rule" "$CASES"/*.cases
	done
}
