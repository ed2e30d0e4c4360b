// residual_grad.h: the last step of gated_ffn's gradient unless bands do it themselves:
// dx += dy + the norm's gradient of du. 20 bytes per element; bound by memory.
#pragma once
#include "norm.h"

namespace ISA {

constexpr int64_t kNormParts = 8;  // parts of the sums over the batch for the norm's gradients

// residual_grad adds dy and the norm's gradient of du to dx.
static void residual_grad(Pool& pool, float* dx, float* dweight, float* dbias, const float* dy, const float* x,
                          const float* du, const float* weight, int64_t B, int64_t C, int64_t HW, Partials sums) {
  int64_t T = clamp((32 << 10) / C / 32 * 32, 64, 256), per_image = ceil_div(HW, T), units = B * per_image;
  pool.run(sums.parts, (size_t)((2 * C + 4) * T + 128), [&](int64_t part, Scratch& s) {
    float *v = s.take(C * T), *g = s.take(C * T), *room = s.take(4 * T), *acc = sums.open(part);
    int64_t from, to;
    part_range(sums, units, part, &from, &to);
    for (int64_t unit = from; unit < to; unit++) {
      int64_t b = unit / per_image, at = unit % per_image * T, n = min(T, HW - at), N = round_up(n, L);
      for (int64_t c = 0; c < C; c++) {
        copy_padded(v + c * N, x + (b * C + c) * HW + at, n, N);
        copy_padded(g + c * N, du + (b * C + c) * HW + at, n, N);
      }
      norm_grad_tile(C, N, v, g, N, weight, acc, room);
      for (int64_t c = 0; c < C && dx; c++) {
        int64_t row = (b * C + c) * HW + at;
        add_both(dx + row, dy + row, g + c * N, n);
      }
    }
  });
  reduce(pool, dweight, sums, 0, 1, C, C);
  reduce(pool, dbias, sums, C, 1, C, C);
}

}  // namespace ISA
