// memory.h: the memory that the software device has allocated. Each allocation begins
// after an inaccessible page, ends (to 16 bytes) at another, and is filled with NaN.
#pragma once
#include <cstddef>
#include <cstdint>

namespace emu {

struct Cell;

struct Allocation {
  char* base;
  size_t bytes;
  int device;   // -1: pinned host memory
  void* owner;  // the context that it is freed with
  Cell* shadow; // made on first use by the checked build
};

// allocate returns nullptr if there is no memory.
void* allocate(size_t bytes, int device, void* owner);
// release frees the allocation that starts at p; it reports whether there is one.
bool release_allocation(void* p, bool host);
// release_owned frees all that belongs to owner and returns how many there were.
size_t release_owned(void* owner);
// find returns the allocation that p points into, or nullptr. It stays valid
// until that allocation is freed.
Allocation* find(const void* p);
// inside reports whether [p, p+bytes) lies in one allocation of device memory.
bool inside_device(const void* p, size_t bytes);
// fits_if_pinned reports whether [p, p+bytes) does not exceed a pinned allocation.
bool fits_if_pinned(const void* p, size_t bytes);
// device_bytes is the total size of a device's live allocations; the counts are of device
// and pinned allocations.
size_t device_bytes(int device);
void count_allocations(uint64_t* device, uint64_t* pinned);

}  // namespace emu
