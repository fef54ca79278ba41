# Gatepass in a container: `docker build -t gatepass .`, then mount a gateway.toml over /etc/gatepass/gateway.toml.
# The stores (users, revocations) live in the volume /var/lib/gatepass.
FROM rust:1.95-bookworm AS build
# cmake builds the zlib inside Pingora; its version does not end up in the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock README.md gateway.toml ./
COPY benches/rooms.rs benches/
COPY benches/compare/passthrough.rs benches/compare/
COPY tests/it tests/it
COPY src src
RUN cargo build --locked --profile dist --bin gatepass \
    && install -D target/dist/gatepass /out/usr/local/bin/gatepass \
    && mkdir -p /out/var/lib/gatepass
COPY packaging/container/gateway.toml /out/etc/gatepass/gateway.toml

# glibc, libgcc and certificates, no shell; the user `nonroot` is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/usr/local/bin/gatepass /usr/local/bin/gatepass
COPY --from=build /out/etc/gatepass /etc/gatepass
COPY --from=build --chown=65532:65532 /out/var/lib/gatepass /var/lib/gatepass
USER 65532:65532
WORKDIR /var/lib/gatepass
VOLUME /var/lib/gatepass
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["/usr/local/bin/gatepass", "healthcheck", "--config", "/etc/gatepass/gateway.toml"]
ENTRYPOINT ["/usr/local/bin/gatepass"]
CMD ["run", "--config", "/etc/gatepass/gateway.toml"]
