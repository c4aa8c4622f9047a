#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table of edits: what one edit does to a warm build, and what `hew why` says of it. Each row starts from a build
# of its own. A row is
#     edit | command | steps that run again | what why says of the first of them
# with steps as in the Dockerfile, by their beginning, separated by ";". [hew] marks where BuildKit would run more.
load lib/hew

# Its files are different in each row, so that no row helps another.
app() { # number of the row
	mkdir -p src/sub other && echo "{ \"row\": \"$1\" }" >package.json
	echo "main $1" >src/main && echo "sub $1" >src/sub/file && echo "conf $1" >conf && echo "extra $1" >extra
	cp conf other/conf && cp conf renamed && printf 'ignored\n' >.dockerignore
	dockerfile <<-'EOF'
		FROM row-base AS deps
		ARG MIRROR=one
		WORKDIR /app
		COPY package.json ./
		RUN --mount=type=cache,id=first,target=/cache --mount=type=secret,id=token mkdir node_modules && cp package.json node_modules/
		RUN cat node_modules/package.json >all

		FROM row-base AS builder
		ENV MODE=dev
		LABEL step=builder
		USER root
		WORKDIR /app
		COPY --from=deps /app/all ./
		COPY --chmod=644 conf /etc/conf
		COPY src ./src
		RUN mkdir dist && \
		    cat src/main all >dist/out

		FROM row-base
		COPY --from=builder /app/dist /dist
		COPY --link extra /extra
		EXPOSE 80
		CMD ["/bin/true"]
	EOF
	hew tag alpine:3.19 row-base
	printf 'secret %s' "$1" >../token
	warm
}

warm() { build --secret id=token,src=../token "${ARGS[@]}"; }

steps() { ran | sed 's/^\[[^]]*\] //' | paste -sd';' | sed 's/;/; /g'; }

# begins WANTED GOT: the steps of GOT start as those of WANTED do, whatever their order.
begins() {
	local want got i k
	IFS=';' read -ra want <<<"${1//; /;}"
	IFS=';' read -ra got <<<"${2//; /;}"
	[ ${#want[@]} -eq ${#got[@]} ] || return 1
	for i in "${!want[@]}"; do
		for k in "${!got[@]}"; do
			[[ ${got[k]} != "${want[i]}"* ]] || { unset "got[k]" && continue 2; }
		done
		return 1
	done
}

reason() { # of the first step that ran
	hew why --format json | jq -r '[.steps[] | select(.state == "ran")][0].reason.text // "-"'
}

# rows: the table on standard input.
rows() {
	local edit command want why n=0 got
	while IFS='|' read -r edit command want why; do
		n=$((n + 1)) ARGS=()
		mkdir "../row$n"
		cd "../row$n" || return 1
		app "$BATS_TEST_NUMBER.$n"
		eval "$command"
		warm
		want=$(sed 's/^ *//; s/ *$//; s/\[hew\] *//' <<<"$want") why=$(sed 's/^ *//; s/ *$//' <<<"$why")
		got=$(steps)
		begins "$want" "$got" || equal "$edit: $want" "$edit: $got"
		# shellcheck disable=SC2053  # a pattern is meant
		[ -z "$want" ] || [[ $(reason) == $why ]] || equal "$edit: $why" "$edit: $(reason)"
	done
}

setup_file() {
	suite_setup
	hew pull -q alpine:3.19
	hew pull -q debian:bookworm-slim
}

@test "files" {
	rows <<-'EOF'
		other times           | touch -d 2001-01-01 src/main src package.json conf ||
		a new clone           | cp -r . ../clone$n && cd ../clone$n                ||
		outside of every COPY | echo new >unrelated && mkdir -p junk/deep          ||
		ignored               | echo new >src/ignored && mkdir ignored && echo "**/ignored" >>.dockerignore ||
		contents              | echo new >>src/main            | COPY src; RUN mkdir dist; COPY --from=builder | src/main changed
		a new file            | echo new >src/new              | COPY src; RUN mkdir dist | src/new is new
		a file gone           | rm src/sub/file                | COPY src; RUN mkdir dist | src/sub/file is gone
		mode of a file        | chmod 755 src/main             | COPY src; RUN mkdir dist | src/main has another mode
		mode of a folder      | chmod 700 src/sub              | COPY src; RUN mkdir dist | src/sub has another mode
		mode under --chmod    | chmod 600 conf                 | [hew] |
		kind of a file        | rm src/main && ln -s sub/file src/main | COPY src; RUN mkdir dist; COPY --from=builder | src/main is of another type
		first of two stages   | echo "{}" >package.json        | COPY package.json; RUN --mount; RUN cat; COPY --from=deps; COPY --chmod; COPY src; RUN mkdir; COPY --from=builder | package.json changed
		under COPY --link     | echo new >extra                | COPY --link | extra changed
	EOF
}

@test "owners on the host" {
	rows <<-'EOF'
		another owner | chown -R 1234:4321 . ||
	EOF
}

@test "the same words and others" {
	rows <<-'EOF'
		comments and blank lines   | sed -i "1i # a comment" Dockerfile && sed -i "s/^USER/\n# another\n\n&/" Dockerfile ||
		layout of an instruction   | sed -i "s/^COPY src /COPY \\\\\n   src   /" Dockerfile ||
		a comment inside of RUN    | sed -i "s/^    cat src/# a comment\n&/" Dockerfile ||
		text of RUN                | sed -i "s/mkdir dist/mkdir -p dist/" Dockerfile | RUN mkdir | command is *was *
		renamed with its COPY      | sed -i "s/644 conf/644 renamed/" Dockerfile | COPY --chmod=644 renamed | *renamed*
		moved, with the same name  | sed -i "s/644 conf/644 other\/conf/" Dockerfile ||
		another place to copy to   | sed -i "s/ .etc.conf/ \/etc\/conf2/" Dockerfile | COPY --chmod; COPY src; RUN mkdir | *conf2*
		SHELL                      | sed -i "s/^USER root/SHELL [\"\/bin\/sh\", \"-ec\"]/" Dockerfile | RUN mkdir | command is *
		stages in another order    | sed -i "s/AS deps/AS first/; s/from=deps/from=first/" Dockerfile ||
	EOF
}

@test "arguments and options" {
	rows <<-'EOF'
		a declared argument        | ARGS=(--build-arg MIRROR=two) | RUN --mount; RUN cat | variable MIRROR is "two", was "one"
		one that nobody declared   | ARGS=(--build-arg NOBODY=1)   ||
		a proxy                    | ARGS=(--build-arg HTTP_PROXY=http://127.0.0.1:1) ||
		a secret's value           | printf other >../token        ||
		where a secret lies        | sed -i "s/id=token/id=token,target=\/other/" Dockerfile | [hew] RUN --mount | *
		id of a cache mount        | sed -i "s/id=first/id=second/" Dockerfile ||
		sharing of a cache mount   | sed -i "s/id=first/id=first,sharing=locked/" Dockerfile ||
		a host's name              | ARGS=(--add-host one:127.0.0.2) | RUN --mount; RUN cat; RUN mkdir | *
		a limit                    | ARGS=(--ulimit nofile=512)   | RUN --mount; RUN cat; RUN mkdir | *
		a label of the image       | ARGS=(--label x=y)           ||
		a name                     | ARGS=(-t other:name)         ||
	EOF
}

@test "metadata" {
	rows <<-'EOF'
		LABEL  | sed -i "s/step=builder/step=other/" Dockerfile ||
		EXPOSE | sed -i "s/^EXPOSE 80/EXPOSE 81/" Dockerfile   ||
		CMD    | sed -i "s/.bin.true/\/bin\/false/" Dockerfile ||
		ENV    | sed -i "s/MODE=dev/MODE=prod/" Dockerfile     | RUN mkdir | variable MODE is "prod", was "dev"
		USER   | sed -i "s/^RUN mkdir dist/USER 0:1\n&/" Dockerfile | RUN mkdir; COPY --from=builder | user is "0:1", was "root"
	EOF
}

@test "the base, and an earlier step that gives the same again" {
	rows <<-'EOF'
		another image under its name | hew tag debian:bookworm-slim row-base | WORKDIR; COPY package; RUN --mount; RUN cat; WORKDIR; COPY --from=deps; COPY --chmod; COPY src; RUN mkdir; COPY --from=builder | the base is *row-base*@sha256:*was *row-base*@sha256:*
		the same image, another name | hew tag alpine:3.19 same && sed -i "s/row-base/same/" Dockerfile ||
		RUN gives the same again     | sed -i "s/mkdir node/mkdir -p node/" Dockerfile | [hew] RUN --mount | command is *
		another platform             | ARGS=(--platform linux/arm64) && printf "FROM scratch\nCOPY conf /\n" >Dockerfile && build && cp Dockerfile a | COPY conf | *
	EOF
}
