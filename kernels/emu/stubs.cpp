// Driver calls that a program may link but clusir does not make. The implementations in
// the other files override these weak ones.
#define SYMBOL(name) \
  extern "C" __attribute__((weak, visibility("default"))) int name() { return 801; }  // not supported
#include "../../internal/kernels/cuda/libcuda/symbols.h"
