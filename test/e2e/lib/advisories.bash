# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# An advisory database of the records written for the tests, and an image to look into. Loaded after hew.bash.

# advisories_setup: for setup_file; HEW_DB is the database.
advisories_setup() {
	local records=$BATS_FILE_TMPDIR/records.jsonl
	export HEW_DB=$BATS_FILE_TMPDIR/advisories.db
	# of today, or they would be old one day
	sed "s/2031-01-01T/$(date -u +%F)T/" "$TOP/test/data/scan/records.jsonl" >"$records"
	chmod 644 "$records"
	"$HEW" db import -q "$records"
	"$HEW" pull -q debian:bookworm-slim
}
