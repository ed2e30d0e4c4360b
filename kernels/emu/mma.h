// mma.h: products of fragments, for ../ptx.cuh. Both read a, b and c of all lanes
// of a warp and leave the sums in c; they are collectives of a full warp.
#pragma once
#include "fiber.h"

namespace emu {

void mma_tf32(Warp& w, unsigned active);  // m16n8k8
void mma_bf16(Warp& w, unsigned active);  // m16n8k16

}  // namespace emu
