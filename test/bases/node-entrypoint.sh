#!/bin/sh
# Options, and files that are no program, are given to node; anything else is run as it is.
set -e
first=${1-}
program=$(command -v -- "$first" || true)
case $first in
-*) program= ;;
esac
if [ -z "$program" ] || { [ -f "$first" ] && [ ! -x "$first" ]; }; then
	set -- node "$@"
fi
exec "$@"
