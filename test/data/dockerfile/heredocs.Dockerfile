FROM debian:12 AS tools
RUN <<EOF
# a comment of the script
set -eu
apt-get update
apt-get install -y --no-install-recommends \
  curl
EOF

RUN <<-"PY" python3
	import sys
	print("$PATH", sys.version)
	PY

COPY <<config.toml <<'raw.sh' extra.txt /etc/app/
level = "${LEVEL:-info}"
config.toml
#!/bin/sh
echo "$0"
raw.sh

RUN <<A cat - /dev/fd/3 3<<B > /out
first
A
second
B

ONBUILD RUN <<EOF
echo later
EOF
