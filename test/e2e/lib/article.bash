# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The article's application, with a shell in the place of yarn: `load lib/article`. Every suite adds the last
# stage that it needs.

# article_files TEXT: the folder; TEXT is what the source says.
article_files() {
	mkdir -p src && echo '{}' >package.json && echo "$1" >src/main
}

# article_stages [DEPS [BUILDER [LINE...]]]: the first two stages. More of the RUN of each, and more lines of the
# second.
article_stages() {
	cat <<-EOF
		FROM alpine:3.19 AS deps
		WORKDIR /app
		COPY package.json ./
		RUN mkdir node_modules && cp package.json node_modules/${1:+ && $1}
		FROM alpine:3.19 AS builder
	EOF
	[ $# -lt 3 ] || printf '%s\n' "${@:3}"
	cat <<-EOF
		WORKDIR /app
		COPY --from=deps /app/node_modules ./node_modules
		COPY . .
		RUN mkdir dist && cat src/main node_modules/package.json >dist/out${2:+ && $2}
	EOF
}
