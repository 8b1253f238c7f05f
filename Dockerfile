# gi-bench on a bare Debian. The Swift toolchain for Debian 12 is given, as an archive in the build's context or as an address:
#
#   docker build --build-arg SWIFT_TOOLCHAIN=swift-6.3-RELEASE-debian12.tar.gz -t gi-bench .
#   docker run --rm -v "$PWD/traces:/traces" gi-bench /traces/boot.trace
ARG DEBIAN=debian:12
FROM ${DEBIAN} AS build
ARG SWIFT_TOOLCHAIN
RUN apt-get update && apt-get install -y --no-install-recommends \
      binutils ca-certificates g++ git libcurl4 libedit2 libncurses6 libpython3.11 libsqlite3-0 libxml2 make pkg-config tzdata \
      libxxhash-dev libzstd-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
# An archive is unpacked where it is copied from the context; ADD also takes an address, which it does not unpack.
ADD ${SWIFT_TOOLCHAIN} /opt/
RUN cd /opt && for archive in *.tar.gz; do [ ! -e "$archive" ] || { tar xzf "$archive" && rm "$archive"; }; done && \
    ln -s /opt/*/usr/bin/swift /usr/local/bin/swift
COPY . /src
WORKDIR /src
RUN make release

# The program is static, so nothing is installed beside it.
FROM ${DEBIAN}
COPY --from=build /src/.build/release/gi-bench /usr/local/bin/gi-bench
ENTRYPOINT ["gi-bench"]
