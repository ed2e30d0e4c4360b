// vmath applies one function of vmath.h to the floats on stdin, for
// vmath_test.go: vmath exp <in >out. ISA and LANES are set on the command line.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "vmath.h"

namespace ISA {

INLINE vf vsin(vf x) {
  vf s, c;
  vsincos(x, &s, &c);
  return s;
}
INLINE vf vcos(vf x) {
  vf s, c;
  vsincos(x, &s, &c);
  return c;
}

INLINE vf vgelu_slope(vf x) {
  vf y, slope;
  vgelu_and_slope(x, &y, &slope);
  return slope;
}

struct Function {
  const char* name;
  void (*apply)(float*);
};
#define FUNCTION(name) \
  { #name, [](float* p) { store(p, v##name(load(p))); } }
static const Function functions[] = {
    FUNCTION(sqrt),      FUNCTION(exp),    FUNCTION(erf),        FUNCTION(gelu),
    FUNCTION(gelu_half), FUNCTION(sin),    FUNCTION(gelu_slope), FUNCTION(gelu_slope_half),
    FUNCTION(sigmoid),   FUNCTION(log1p),  FUNCTION(cos)};

}  // namespace ISA

int main(int argc, char** argv) {
  for (const ISA::Function& f : ISA::functions) {
    if (argc != 2 || strcmp(argv[1], f.name)) continue;
    float x[ISA::L];
    for (size_t n; (n = fread(x, sizeof(float), ISA::L, stdin)) > 0;) {
      f.apply(x);
      if (fwrite(x, sizeof(float), n, stdout) != n) return 1;
    }
    return 0;
  }
  fprintf(stderr, "usage: vmath function <in >out\n");
  return 2;
}
