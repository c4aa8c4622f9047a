# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What script/test counts: passed, failed and skipped tests of every kind of suite, and which skips are
# allowed. Sourced after say.bash by a script that has set $top. Failing tests are printed as
# they are counted; results_end prints the sum as the last line.

RESULTS_PASSED=0 RESULTS_FAILED=0 RESULTS_SKIPPED=0 RESULTS_UNEXPECTED=0

# results_add NAME PASSED FAILED SKIPPED
results_add() {
	printf '%-24s %4d passed, %d failed, %d skipped\n' "$1" "$2" "$3" "$4"
	RESULTS_PASSED=$((RESULTS_PASSED + $2))
	RESULTS_FAILED=$((RESULTS_FAILED + $3))
	RESULTS_SKIPPED=$((RESULTS_SKIPPED + $4))
}

# results_skip SUITE TEST REASON: an unexpected skip is a failure of the run, and said to be.
# A line of the list is: suite|pattern of the test's name|why it may be skipped.
# shellcheck disable=SC2154  # top is the caller's
results_skip() {
	local suite pattern why
	while IFS='|' read -r suite pattern why; do
		# shellcheck disable=SC2053  # a pattern is meant
		if [[ $1 == $suite && $2 == $pattern && -n $why ]]; then
			printf 'skipped: %s: %s (%s)\n' "$1" "$2" "$3"
			return
		fi
	done < <(grep -v '^#' "$top/test/e2e/allowed-skips.txt")
	printf 'SKIPPED UNEXPECTEDLY: %s: %s (%s)\n' "$1" "$2" "$3"
	RESULTS_UNEXPECTED=$((RESULTS_UNEXPECTED + 1))
}

# results_of_tap LABEL SUITE FILE: bats' output. Tests that the plan promised and that never came
# have failed too.
results_of_tap() {
	local passed failed=0 skipped planned name line
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$3" 2>/dev/null | head -n 1)
	passed=$(grep -cE '^ok [0-9]+ ' "$3" 2>/dev/null || true)
	skipped=$(grep -cE '^ok [0-9]+ .*# skip' "$3" 2>/dev/null || true)
	failed=$((${planned:-1} - ${passed:-0}))
	if [ "$failed" -gt 0 ]; then
		printf '\n---- %s %s\n' "$1" "$2"
		awk '/^not ok / { show = 1 } /^ok / { show = 0 } show' "$3" 2>/dev/null || true
		grep -qE '^not ok ' "$3" 2>/dev/null || tail -n 30 "$3" 2>/dev/null ||
			echo "no result: the suite did not run"
		printf '\n'
	fi
	while IFS= read -r line; do
		name=${line#ok * }
		name=${name%% # skip*}
		results_skip "$1 $2" "$name" "${line##*# skip}"
	done < <(grep -E '^ok [0-9]+ .*# skip' "$3" 2>/dev/null)
	results_add "$1 $2" $((${passed:-0} - ${skipped:-0})) "$failed" "${skipped:-0}"
}

# results_of_meson LABEL TESTLOG LOG: cmocka counts its cases; a program that crashed or timed out
# counts once.
results_of_meson() {
	local counts
	counts=$(python3 - "$2" <<-'PY'
		import json, re, sys
		passed = failed = skipped = 0
		for line in open(sys.argv[1]):
		    t = json.loads(line)
		    text = (t.get("stdout") or "") + (t.get("stderr") or "")
		    def count(word):
		        return sum(map(int, re.findall(r"\[ *%s *\] (\d+) test" % word, text)))
		    ok, bad, left = count("PASSED"), count("FAILED"), count("SKIPPED")
		    if t["result"] == "SKIP" and not left:
		        left = 1
		    elif t["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
		        bad = max(bad, 1)
		    elif not ok and not left:
		        ok = 1
		    passed, failed, skipped = passed + ok, failed + bad, skipped + left
		print(passed, failed, skipped)
	PY
	)
	# shellcheck disable=SC2086  # three numbers
	set -- "$1" "$2" "$3" $counts
	if [ "$5" -gt 0 ]; then cat "$3"; fi
	if [ "$6" -gt 0 ]; then results_skip "$1" "$1" "$6 unit tests"; fi
	results_add "$1" "$4" "$5" "$6"
}

results_end() {
	printf '%d passed, %d failed, %d skipped\n' \
		"$RESULTS_PASSED" "$RESULTS_FAILED" "$RESULTS_SKIPPED"
	[ "$RESULTS_FAILED" -eq 0 ] && [ "$RESULTS_UNEXPECTED" -eq 0 ]
}
