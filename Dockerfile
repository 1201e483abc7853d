# Helpline in a container: built with everything that it needs, run without a compiler and not as root.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin helpline && cp target/release/helpline /usr/local/bin/helpline

FROM debian:bookworm-slim
RUN useradd --uid 10001 --home-dir /helpline --shell /usr/sbin/nologin helpline \
    && install -d -o helpline -g helpline /helpline /data
COPY --from=build /usr/local/bin/helpline /usr/local/bin/helpline
COPY flows /helpline/flows
COPY prompts /helpline/prompts
COPY deploy/helpline.yaml /helpline/helpline.yaml
USER helpline
WORKDIR /helpline
VOLUME /data
EXPOSE 5060/udp 5060/tcp 8080/tcp 16384-16583/udp
# The image has no HTTP client: the shell asks by itself. `/healthz` wants no token.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
# SIGTERM drains: calls in progress may end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["helpline"]
CMD ["serve"]
