# cuda.mk is the CUDA half of the build; the Makefile includes it. A plain `make build`
# runs nothing here.
#
#   make cuda        bin/clusir with the kernels and the CUDA backend, for drivers of
#                    CUDA 13; with CUDA_RELEASE=12, for those of CUDA 12 and later
#   make test-cuda   the CUDA backend's tests on the software device, and the
#                    checks of the machine code; needs no GPU
#   make test-cuda12 checks that CUDA 12 compiles all of the kernels, and their machine
#                    code
#   make check-cuda  the part of these that make check has time for; without a compiler
#                    it fails under CLUSIR_REQUIRE_SHARED=1, and else is skipped
#   make gpu-kit     build/kit.tar.xz, which tests and measures all of this on a GPU
#   make cuda-clean  removes what these made, including the downloaded compiler

CUDA_RELEASE ?= 13
ifeq ($(CUDA_RELEASE),12)
CUDA_SUFFIX  := 12
CUDA_FORM    := compute_80.ptx
CUDA_TAGS    := cuda,cuda12
else
CUDA_FORM    := fatbin
CUDA_TAGS    := cuda
endif
CUDA_BUILD   := build/cuda$(CUDA_SUFFIX)
CUDA_SOURCES := $(wildcard kernels/*.cu)
CUDA_HEADERS := $(wildcard kernels/*.cuh)
CUDA_IMAGE   := internal/kernels/cuda/image$(CUDA_SUFFIX)
CUDA_IMAGES  := $(CUDA_SOURCES:kernels/%.cu=$(CUDA_IMAGE)/%.$(CUDA_FORM))
LIBCUDA      := build/cuda/lib/libcuda.a

.PHONY: cuda cuda-libs gpu-kit build/kit lint-cuda test-cuda test-cuda12 check-cuda cuda-clean

cuda: cuda-libs ## build bin/clusir with CUDA kernels
	. $(CUDA_BUILD)/env && go build -tags $(CUDA_TAGS) -ldflags '-X main.version=$(VERSION)' -o bin/clusir ./cmd/clusir

cuda-libs: $(CUDA_IMAGES) $(CUDA_IMAGE)/release $(LIBCUDA)

gpu-kit: build/kit ## all that a machine with a GPU needs to test and measure this: build/kit.tar.xz
	tar -C build -c kit | xz -T0 --lzma2=preset=1,dict=128MiB >build/kit.tar.xz
	@size=$$(stat -c %s build/kit.tar.xz); echo "build/kit.tar.xz: $$((size / 1000000)) MB; unpack it there and start kit/run.sh"; \
	[ $$size -le 45000000 ] || { echo "more than 45 MB" >&2; exit 1; }

build/kit: cuda-libs
	scripts/gpu-kit.sh $(CUDA_BUILD) $@ $(VERSION)

test-cuda: cuda-libs ## test the CUDA backend on the software device
	scripts/test-cuda.sh $(CUDA_BUILD)

test-cuda12: ## test the kernels as compiled by CUDA 12, on the software device
	$(MAKE) cuda-libs CUDA_RELEASE=12
	scripts/test-cuda12.sh build/cuda12

lint-cuda: cuda-libs
	@. $(CUDA_BUILD)/env && scripts/tool.sh $(TOOLS) golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT) \
	  run --allow-parallel-runners --build-tags cuda ./internal/kernels/cuda/...

check-cuda:
	@if ! $(MAKE) --no-print-directory $(CUDA_BUILD)/env; then \
	  [ "$(CLUSIR_REQUIRE_SHARED)" != 1 ] && echo "SKIPPED: there is no CUDA compiler, so the CUDA backend was not tested" >&2; \
	else \
	  $(MAKE) --no-print-directory -j$$(nproc) lint-cuda && CUDA_QUICK=1 scripts/test-cuda.sh $(CUDA_BUILD); \
	fi

cuda-clean: ## remove what the CUDA targets made, including the downloaded compiler
	rm -rf build/cuda build/cuda12 third_party/cuda internal/kernels/cuda/image*/*

# The tools that were found or downloaded, as shell assignments.
$(CUDA_BUILD)/env: scripts/cuda-toolkit.sh scripts/cuda-nvrtc.cc
	mkdir -p $(@D)
	CUDA_RELEASE=$(CUDA_RELEASE) scripts/cuda-toolkit.sh >$@.tmp
	mv $@.tmp $@

$(CUDA_IMAGE)/%.$(CUDA_FORM): kernels/%.cu $(CUDA_HEADERS) $(CUDA_BUILD)/env scripts/cuda-compile.sh
	@mkdir -p $(CUDA_BUILD)/machine
	. $(CUDA_BUILD)/env && $$COMPILE $< $(CUDA_BUILD)/machine $@

# The compiler's release, next to the kernels that it made. Kernels whose source no
# longer exists are deleted, so that they are not embedded.
$(CUDA_IMAGE)/release: $(CUDA_BUILD)/env $(CUDA_SOURCES)
	rm -f $(foreach old,$(filter-out $(CUDA_IMAGES),$(wildcard $(CUDA_IMAGE)/*.$(CUDA_FORM))),$(old:%.$(CUDA_FORM)=%.*))
	. $(CUDA_BUILD)/env && echo "$$CUDA_RELEASE" >$@

$(LIBCUDA): scripts/cuda-libcuda.sh internal/kernels/cuda/libcuda/lazy.c $(CUDA_BUILD)/env
	. $(CUDA_BUILD)/env && scripts/cuda-libcuda.sh $@ "$$CUDA_INCLUDE"
