// aligned.h: aligned memory and pages; Windows has them by other names, and no free for both.
#pragma once
#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

// alloc_aligned returns NULL where the system has none. bytes is a multiple of align.
static inline void* alloc_aligned(size_t align, size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, align);
#else
  return aligned_alloc(align, bytes);
#endif
}

static inline void free_aligned(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  free(p);
#endif
}

static const size_t kHuge = 2 << 20;  // bytes of a huge page

// alloc_pages returns whole pages for bytes, huge ones for as much as fills them: the rest
// of a last huge page would be memory that nothing uses.
static inline void* alloc_pages(size_t bytes) {
  size_t align = bytes >= kHuge ? kHuge : 4096, whole = (bytes + align - 1) / align * align;
  void* p = alloc_aligned(align, whole);
#if defined(MADV_HUGEPAGE)
  if (p && bytes >= kHuge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

// discard_pages gives the pages of a vacant part of such memory back to the system, if it
// takes them; what they hold is lost.
static inline void discard_pages(void* p, size_t bytes) {
#if defined(__linux__)
  madvise(p, bytes, MADV_DONTNEED);
#elif defined(__APPLE__)
  madvise(p, bytes, MADV_FREE);
#else
  (void)p, (void)bytes;
#endif
}
