# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Messages and privilege for every script of the project. Sourced, never run.
# The last line on stderr of a failing script begins "ERROR: " and stands alone.

say() { printf '%s\n' "$*" >&2; }
note() { printf '==> %s\n' "$*" >&2; }

die() {
	printf 'ERROR: %s\n' "$*" >&2
	exit 1
}

have_command() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# as_root COMMAND...: run it with root's rights, through sudo where needed.
as_root() {
	if is_root; then
		"$@"
	elif have_command sudo; then
		sudo -- "$@"
	else
		die "'$1' needs root: run this as root or install sudo"
	fi
}

# need_commands COMMAND...: every one must be there, or say all that are not.
need_commands() {
	local c missing=()
	for c in "$@"; do
		have_command "$c" || missing+=("$c")
	done
	[ "${#missing[@]}" -eq 0 ] ||
		die "missing programs: ${missing[*]} (script/setup installs them)"
}
