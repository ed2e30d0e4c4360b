# cuda.mk is the CUDA half of the build; the Makefile includes it. Nothing here
# runs for a plain `make build`.
#
#   make cuda        bin/clusir with the kernels and the CUDA backend in it
#   make test-cuda   the CUDA backend's tests on the software device, and the
#                    checks of the machine code; needs no GPU
#   make check-cuda  of these what make check has time for; if no compiler can be had,
#                    CLUSIR_REQUIRE_SHARED=1 fails and others are told
#   make gpu-kit     build/kit.tar.xz, which accepts and measures all that on a GPU
#   make cuda-clean  removes what these made, the fetched compiler included

CUDA_BUILD   := build/cuda
CUDA_SOURCES := $(wildcard kernels/*.cu)
CUDA_HEADERS := $(wildcard kernels/*.cuh)
CUDA_IMAGE   := internal/kernels/cuda/image
CUDA_FATBINS := $(CUDA_SOURCES:kernels/%.cu=$(CUDA_IMAGE)/%.fatbin)

.PHONY: cuda cuda-libs gpu-kit build/kit lint-cuda test-cuda check-cuda cuda-clean

cuda: cuda-libs ## build bin/clusir with CUDA kernels
	. $(CUDA_BUILD)/env && go build -tags cuda -ldflags '-X main.version=$(VERSION)' -o bin/clusir ./cmd/clusir

cuda-libs: $(CUDA_FATBINS) $(CUDA_IMAGE)/release $(CUDA_BUILD)/lib/libcuda.a

gpu-kit: build/kit ## what a machine with a GPU needs to accept and measure this: build/kit.tar.xz
	tar -C build -c kit | xz -T0 --lzma2=preset=1,dict=128MiB >build/kit.tar.xz
	@size=$$(stat -c %s build/kit.tar.xz); echo "build/kit.tar.xz: $$((size / 1000000)) MB; unpack it there and start kit/run.sh"; \
	[ $$size -le 45000000 ] || { echo "more than 45 MB" >&2; exit 1; }

build/kit: cuda-libs
	scripts/gpu-kit.sh $(CUDA_BUILD) $@ $(VERSION)

test-cuda: cuda-libs ## test the CUDA backend on the software device
	scripts/test-cuda.sh $(CUDA_BUILD)

lint-cuda: cuda-libs
	@. $(CUDA_BUILD)/env && scripts/tool.sh $(TOOLS) golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT) \
	  run --allow-parallel-runners --build-tags cuda ./internal/kernels/cuda/...

check-cuda:
	@if ! $(MAKE) --no-print-directory $(CUDA_BUILD)/env; then \
	  [ "$(CLUSIR_REQUIRE_SHARED)" != 1 ] && echo "SKIPPED: there is no CUDA compiler, so nothing of the CUDA backend was tested" >&2; \
	else \
	  $(MAKE) --no-print-directory -j$$(nproc) lint-cuda && CUDA_QUICK=1 scripts/test-cuda.sh $(CUDA_BUILD); \
	fi

cuda-clean:
	rm -rf $(CUDA_BUILD) third_party/cuda $(CUDA_IMAGE)/*.fatbin $(CUDA_IMAGE)/release

# What was found or fetched to build with, as shell assignments.
$(CUDA_BUILD)/env: scripts/cuda-toolkit.sh
	mkdir -p $(@D)
	scripts/cuda-toolkit.sh >$@.tmp
	mv $@.tmp $@

$(CUDA_IMAGE)/%.fatbin: kernels/%.cu $(CUDA_HEADERS) $(CUDA_BUILD)/env scripts/cuda-compile.sh
	. $(CUDA_BUILD)/env && scripts/cuda-compile.sh "$$NVCC" $< $(CUDA_BUILD)/machine $@

# The compiler's release, beside the kernels that it made. Kernels whose source
# is gone go too, so that what is embedded is what there is.
$(CUDA_IMAGE)/release: $(CUDA_BUILD)/env $(CUDA_SOURCES)
	rm -f $(filter-out $(CUDA_FATBINS),$(wildcard $(CUDA_IMAGE)/*.fatbin))
	. $(CUDA_BUILD)/env && echo "$$CUDA_RELEASE" >$@

$(CUDA_BUILD)/lib/libcuda.a: scripts/cuda-libcuda.sh $(wildcard internal/kernels/cuda/libcuda/*)
	scripts/cuda-libcuda.sh $@
