# `make help` lists the targets. `make check` is exactly what CI runs.

GOLANGCI_LINT := v2.12.2
GOTESTSUM     := v1.13.0
FUZZTIME      ?= 20s
MUTANTS       ?= 20000

TOOLS   := build/tools
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help
.PHONY: help build install mpi demo check lint test test-quick golden verify-metrics bench bench-fusion bench-peers results tables fuzz fuzz-field soak man release release-check wheel seams clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/clusir
	go build -ldflags '-X main.version=$(VERSION)' -o bin/clusir ./cmd/clusir
	@echo "bin/clusir computes on the CPU; make cuda adds the GPU kernels"

PREFIX ?= /usr/local

# It builds nothing: under sudo, root would own the compiler's cache. macOS has no install -D.
install: ## copy bin/clusir to PREFIX/bin, by default /usr/local/bin
	@[ -x bin/clusir ] || { echo "there is no bin/clusir: run make build first, not as root" >&2; exit 1; }
	@newer=$$(find cmd configs internal weights go.mod go.sum -type f -newer bin/clusir ! -name '*_test.go' ! -path '*/testdata/*' ! -path '*/cuda/image*' | head -n 1); \
	[ -z "$$newer" ] || { echo "bin/clusir is older than $$newer: run make build (or make cuda) first, not as root, or touch bin/clusir to install it as it is" >&2; exit 1; }
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install bin/clusir '$(DESTDIR)$(PREFIX)/bin/clusir'

mpi: ## build bin/clusir with MPI, for training on several machines
	@pkg-config --exists ompi-c || { echo "OpenMPI is needed: apt-get install libopenmpi-dev openmpi-bin pkg-config" >&2; exit 1; }
	go build -tags mpi -ldflags '-X main.version=$(VERSION)' -o bin/clusir ./cmd/clusir

demo: build ## restore a noisy picture: build/demo/compare.png is before and after
	@mkdir -p build/demo
	bin/clusir restore testdata/images/chelsea-noisy.png build/demo/restored.png --compare build/demo/compare.png --overwrite

check: build lint test check-cuda ## build, lint and test: what CI runs
	$(MAKE) --no-print-directory soak SOAK=90s

# Findings name files by path: a cache shared by several checkouts would name files of
# one that has been deleted.
export GOLANGCI_LINT_CACHE := $(CURDIR)/build/lint

lint: ## run the linters of .golangci.yml
	@scripts/tool.sh $(TOOLS) golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT) run --allow-parallel-runners ./...

# Skipped tests are listed with their reasons at the end.
test: ## run all tests
	@scripts/tool.sh $(TOOLS) gotestsum gotest.tools/gotestsum@$(GOTESTSUM) --format pkgname -- ./...

test-quick: ## test the network, kernels, image files and settings: a few minutes
	go test ./internal/kernels ./internal/kernels/cpu ./internal/kernels/ref ./internal/autograd ./internal/model \
	  ./internal/infer ./internal/checkpoint ./internal/config ./internal/imageio ./internal/metrics ./internal/atomicfile ./internal/style

golden: ## compare the network with the reference vectors; CLUSIR_GOLDEN names more files
	go test ./internal/model -run Golden -count=1 -v

verify-metrics: ## compare PSNR and SSIM with scikit-image itself; PICTURES="RESTORED CLEAN" names folders
	scripts/verify-metrics.sh $(PICTURES)

bench: ## run the Go benchmarks (BENCH=REGEXP selects some) and compare with docs/bench/baseline.txt
	scripts/bench-go.sh '$(BENCH)'

bench-fusion: ## time each fused operation against separate passes
	CLUSIR_TIME_FUSION=9 go test ./internal/kernels/cpu -run Fusion -count=1 -v

bench-peers: ## compare with PyTorch, ONNX Runtime and OpenVINO, installed in peers/; CASES="tiny:256 --rounds 9" selects
	scripts/bench-peers.sh $(CASES)

results: build ## remake the pictures of docs/results; needs Chromium and the data of CLUSIR_SHARED
	scripts/results.sh

tables: build ## measure the shipped model on CLUSIR_DATA: docs/results/tables.md
	scripts/tables.sh

release-check: ## test the archives in build/release (Windows' under Wine), and clusir serve with 100 clients
	scripts/release-check.sh build/release
	CLUSIR_SERVE_LOAD=1000 go test ./internal/serve -run TestLoad -count=1 -timeout 30m -v

fuzz: ## run every fuzz test for FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME)

SOAK ?= 1h

soak: ## kill commands, fill their disks and make system calls fail for SOAK; print the counts
	CLUSIR_SOAK=$(SOAK) go test ./cmd/clusir -run TestSoak -count=1 -timeout 0 -v

fuzz-field: ## give every file reader MUTANTS damaged files and print the counts
	scripts/fuzz-field.sh $(MUTANTS)

man: build ## write the manual pages into build/man/man1
	bin/clusir man build/man/man1

release: ## archives for Linux, Windows and macOS, and their checksums: build/release
	scripts/release.sh $(VERSION) build/release $(PLATFORMS)

wheel: ## a Python wheel with the program for each archive of PLATFORMS: build/wheel
	scripts/release.sh $(VERSION) build/release $(or $(PLATFORMS),linux-$(shell go env GOHOSTARCH))
	scripts/wheel.sh $(VERSION) build/release build/wheel

seams: ## compare tiled pictures with whole ones (slow); SEAMS_CASES=0,1 selects
	go test -tags seams -run TestSeams -timeout 0 -v ./internal/restore

clean: ## remove build results
	rm -rf bin build

-include cuda.mk
