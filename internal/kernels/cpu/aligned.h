// aligned.h: aligned memory; Windows has it by other names, and no free for both.
#pragma once
#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#endif

// take_aligned returns NULL where the system has none. bytes is a multiple of align.
static inline void* take_aligned(size_t align, size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, align);
#else
  return aligned_alloc(align, bytes);
#endif
}

static inline void give_aligned(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  free(p);
#endif
}
