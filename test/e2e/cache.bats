# SPDX-License-Identifier: Apache-2.0
# What one edit does to a warm build.

load lib/hew

app() { # the article's deps, builder, runner, with a shell for node
	mkdir -p src && echo 1 >package.json && echo one >src/main
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS deps
		WORKDIR /app
		COPY package.json ./
		RUN mkdir node_modules && cp package.json node_modules/
		FROM alpine:3.19 AS builder
		WORKDIR /app
		COPY --from=deps /app/node_modules ./node_modules
		COPY src ./src
		RUN mkdir dist && cat src/main node_modules/package.json >dist/out
		FROM alpine:3.19 AS runner
		WORKDIR /app
		COPY --from=builder /app/dist ./dist
		COPY --from=deps /app/node_modules ./node_modules
	EOF
	build -t app
}

@test "nothing changed: nothing runs, and the image is the same" {
	app
	first=$ID
	touch package.json src/main
	build -t app
	equal "" "$(ran)"
	equal "$first" "$ID"
}

@test "a source change re-runs the second and third stage only" {
	app
	echo two >src/main
	build -t app
	has_not "[deps" "$(ran)"
	has "[builder" "$(ran)"
	has "COPY --from=builder" "$(ran)"
}

@test "a package change re-runs all" {
	app
	echo 2 >package.json
	build -t app
	has "[deps" "$(ran)"
	has "[builder" "$(ran)"
	has "COPY --from=deps" "$(ran)"
}

@test "a step that gives the same content again cuts the rest off" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY in /in
		RUN wc -c </in >/size && rm /in
		RUN cp /size /copy
	EOF
	echo a >in
	build
	echo b >in
	build
	has "RUN wc" "$(ran)"
	has "RUN cp" "$(ran)" # the COPY below differs: its layer is part of the root
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		COPY in /in
		RUN mkdir /out && wc -c </in >/out/size
		FROM alpine:3.19
		COPY --from=one /out /out
		RUN cp /out/size /copy
	EOF
	build
	echo c >in
	build
	has "RUN mkdir" "$(ran)"
	has_not "COPY --from=one" "$(ran)"
	has_not "RUN cp" "$(ran)"
}

@test "--no-cache and --no-cache-filter" {
	app
	build -t app --no-cache-filter builder
	has "[builder" "$(ran)"
	has_not "[deps" "$(ran)"
	build -t app --no-cache
	has "[deps" "$(ran)"
}

@test "arguments count where they can be seen" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo before
		ARG V=1
		RUN echo after
	EOF
	build
	build --build-arg V=2
	equal "RUN echo after" "$(ran | sed 's/^\[.*\] //')"
	build --build-arg V=2 --build-arg UNKNOWN=x
	equal "" "$(ran)"
}

@test "two processes build the same thing: each step runs once" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c,id=twice echo x >>/c/count && sleep 1 && cp /c/count /count
	EOF
	(exec hew build -q . >a 2>err_a) &
	local pid=$!
	hew build -q . >b
	wait "$pid"
	equal "$(cat a)" "$(cat b)"
	build -t twice
	unpack twice
	equal x "$(cat "$ROOTFS/count")"
}
