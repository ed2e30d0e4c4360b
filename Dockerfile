# Three images, each with one binary that runs as a normal user:
#
#   docker build --target cpu  -t clusir:cpu  --build-arg VERSION=$(git describe --always) .
#   docker build --target cuda -t clusir:cuda --build-arg VERSION=$(git describe --always) .
#   docker build --target cuda12 -t clusir:cuda12 ...           # drivers of CUDA 12, below 580
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" clusir:cpu restore in.png out.png
#   docker run --rm --user "$(id -u):$(id -g)" --gpus all -v "$PWD:/work" clusir:cuda restore in.png out.png
#
#   docker run --rm -p 127.0.0.1:8080:8080 -v "$PWD/token.txt:/token.txt:ro" clusir:cpu \
#     serve --addr :8080 --token-file /token.txt     # docs/serve.md describes the token
#
# Without --user only a folder that user 1000 may write to takes results.
#
# The image for the CPU was built with buildah and run with podman, on Debian 12 bases made
# with debootstrap: it restored a picture, served one, and obeyed limits of memory. Of the
# others, the steps were run one by one in a clean Debian 12 root. They need the NVIDIA
# container toolkit, which provides the driver; without a GPU their binary computes on the CPU.

FROM golang:1.26-bookworm AS source
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make git python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build-cpu
ARG VERSION=unknown
RUN make build VERSION=$VERSION && python3 scripts/release_files.py notice bin/clusir "gcc g++ g++" NOTICE

FROM source AS build-cuda
ARG VERSION=unknown
RUN make cuda VERSION=$VERSION && python3 scripts/release_files.py notice bin/clusir "gcc g++ g++" NOTICE

FROM source AS build-cuda12
ARG VERSION=unknown
RUN make cuda CUDA_RELEASE=12 VERSION=$VERSION && python3 scripts/release_files.py notice bin/clusir "gcc g++ g++" NOTICE

FROM debian:bookworm-slim AS run
RUN apt-get update \
 && apt-get install -y --no-install-recommends libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 clusir
USER clusir
WORKDIR /work
ENTRYPOINT ["clusir"]
CMD ["--help"]

FROM run AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /src/bin/clusir /usr/local/bin/
COPY --from=build-cuda /src/LICENSE /src/NOTICE /usr/share/doc/clusir/

FROM run AS cuda12
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda12 /src/bin/clusir /usr/local/bin/
COPY --from=build-cuda12 /src/LICENSE /src/NOTICE /usr/share/doc/clusir/

# The last stage is the one that docker build makes if no target is named.
FROM run AS cpu
COPY --from=build-cpu /src/bin/clusir /usr/local/bin/
COPY --from=build-cpu /src/LICENSE /src/NOTICE /usr/share/doc/clusir/
