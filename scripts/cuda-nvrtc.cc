// Compiles one file of kernels with NVIDIA's run-time compiler, for CUDA 12, whose wheels
// have no nvcc.
//
// usage: cuda-nvrtc LIBNVRTC KERNEL.cu KEEP FOLDER/NAME.compute_80.ptx
//
// Writes PTX, and next to it NAME.sm_80.cubin and NAME.sm_90.cubin. KEEP gets the machine
// code and NAME.ptxas, the assembler's report on registers and shared memory, as with
// cuda-compile.sh. Warnings are errors, and so is double precision. TestMachineCode limits
// spills, as this compiler needs a few more registers.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using Program = struct Opaque *;

static void *library;

[[noreturn]] static void fail(const std::string &why) {
  fprintf(stderr, "cuda-nvrtc: %s\n", why.c_str());
  exit(1);
}

template <typename... Args>
static int call(const char *name, Args... args) {
  auto f = reinterpret_cast<int (*)(Args...)>(dlsym(library, name));
  if (!f) fail(dlerror());
  return f(args...);
}

// text fetches the result of one of the library's pairs of functions: size and contents.
static std::string text(Program p, const std::string &what) {
  size_t n = 0;
  if (call(("nvrtcGet" + what + "Size").c_str(), p, &n)) fail("no size of " + what);
  std::string s(n, '\0');
  if (call(("nvrtcGet" + what).c_str(), p, s.data())) fail("no " + what);
  return s;
}

static void write(const std::string &path, const std::string &contents) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << contents).flush()) fail("cannot write " + path);
}

int main(int argc, char **argv) {
  const std::string last = "compute_80";
  const std::string ptx = argc == 5 ? argv[4] : "", ending = "." + last + ".ptx";
  if (ptx.size() <= ending.size() || ptx.compare(ptx.size() - ending.size(), ending.size(), ending))
    fail("usage: cuda-nvrtc LIBNVRTC KERNEL.cu KEEP FOLDER/NAME.compute_80.ptx");
  const std::string source = argv[2], include = "-I" + source.substr(0, source.rfind('/'));
  const std::string out = ptx.substr(0, ptx.size() - ending.size());
  library = dlopen(argv[1], RTLD_NOW);
  if (!library) fail(dlerror());
  std::stringstream code;
  code << std::ifstream(source).rdbuf();
  const std::string name = source.substr(source.rfind('/') + 1, source.rfind('.') - source.rfind('/') - 1);
  const std::string keep = std::string(argv[3]) + "/" + name;

  std::string logs;
  for (const std::string arch : {"sm_80", "sm_90", last.c_str()}) {
    const bool machine = arch[0] == 's';
    const std::string target = "--gpu-architecture=" + arch;
    // What nvcc gets from the host's headers; also, lambdas need not be declared __device__.
    std::vector<const char *> options = {target.c_str(), "-std=c++17", "-lineinfo", include.c_str(), "-default-device",
                                         "-DINFINITY=__int_as_float(0x7f800000)", "-DNAN=__int_as_float(0x7fffffff)"};
    if (machine)
      for (auto o : {"-v", "-Werror", "-warn-double-usage"})
        options.insert(options.end(), {"--ptxas-options", o});
    Program p = nullptr;
    const char *const *none = nullptr; // headers
    if (call("nvrtcCreateProgram", &p, code.str().c_str(), source.c_str(), 0, none, none))
      fail("cannot read " + source);
    const int result = call("nvrtcCompileProgram", p, int(options.size()), options.data());
    const std::string log = text(p, "ProgramLog");
    if (result || log.find("warning") != std::string::npos) fail(source + " for " + arch + ":\n" + log);
    logs += log;
    const std::string image = text(p, machine ? "CUBIN" : "PTX");
    call("nvrtcDestroyProgram", &p);
    if (machine) write(keep + "." + arch + ".cubin", image);
    else write(keep + ".ptxas", logs);
    write(out + "." + arch + (machine ? ".cubin" : ".ptx"), image); // the PTX last: make looks at it
  }
}
