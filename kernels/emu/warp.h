// warp.h: the collectives of a warp's 32 threads. Every lane stores its operands in the
// warp, the last to arrive computes the results of all, then all continue. Only __syncwarp
// orders memory, as on the device.
#pragma once

// emu_shuffle returns lane `from`'s v, or this lane's own if inside is false.
template <class T>
EMU_INTERNAL T emu_shuffle(unsigned mask, T v, int from, bool inside) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  emu::Warp& w = emu::warp();
  int lane = emu::lane();
  memcpy(&w.value[lane], &v, sizeof v);
  w.from[lane] = inside ? from : lane;
  emu::collective(mask, emu::exchange);
  T r;
  memcpy(&r, &w.result[lane], sizeof r);
  return r;
}

static inline void __syncwarp(unsigned mask = 0xffffffffu) { emu::sync_warp(mask); }

template <class T>
static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
  int base = emu::lane() / width * width;
  return emu_shuffle(mask, v, base + (from & (width - 1)), true);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32) {
  int from = emu::lane() ^ bits;
  return emu_shuffle(mask, v, from & 31, from < (emu::lane() / width + 1) * width);
}
