# syntax=docker/dockerfile:1
# check=skip=JSONArgsRecommended

# GO_VERSION is the compiler's version
ARG GO_VERSION=1.22
ARG ALPINE=3.20

# build compiles the server
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=bind,source=.,target=. \
    go mod download
COPY --link . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,id=build-$TARGETARCH,target=/root/.cache/go-build,sharing=locked \
    # static, so that it runs on scratch
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
      go build -ldflags="-s -w" -o /out/server ./cmd/server

FROM alpine:${ALPINE} AS runtime
LABEL org.opencontainers.image.title="server" \
      org.opencontainers.image.licenses=Apache-2.0
RUN apk add --no-cache ca-certificates tzdata && adduser -D -u 10001 app
COPY --from=build --chown=app:app --chmod=0755 /out/server /usr/local/bin/
ENV PORT=8080 \
    GREETING="hello \"world\""
EXPOSE 8080/tcp $METRICS_PORT
VOLUME /var/lib/server
USER app
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=1m \
  CMD wget -qO- "http://localhost:$PORT/healthz" || exit 1
ENTRYPOINT ["server"]
CMD ["--listen", ":8080"]
