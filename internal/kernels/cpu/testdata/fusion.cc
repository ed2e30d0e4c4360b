// fusion sets each fused operation beside the same one made of separate passes
// over memory, with the same micro-kernels, threads and tiles: what is left is
// what fusing gains. For fusion_test.go and scripts/bench-fusion.sh:
//
//   fusion check         exit code 1 if the two differ
//   fusion time [RUNS]   milliseconds of both at every size, medians
//
// ISA and LANES are set on the command line.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "conv1x1.h"
#include "conv3x3.h"
#include "experts_stream.h"
#include "pointwise.h"
#include "wavelet.h"

namespace ISA {

struct Size {
  const char* name;
  int64_t B, C, H, h;  // h: hidden channels of the FFN
  int64_t pixels() const { return B * H * H; }
};

using Floats = std::vector<float>;

static Floats random_floats(int64_t n) {
  static uint64_t state = 1;
  Floats v((size_t)n);
  for (float& x : v) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x = (float)(state >> 40) / (1 << 24) - 0.5f;
  }
  return v;
}

// over is a tensor of that shape on memory that another owns.
static Tensor over(float* p, int64_t a, int64_t b = 1, int64_t c = 1, int64_t d = 1) { return {p, {a, b, c, d}}; }
static Tensor over(Floats& v, int64_t a, int64_t b = 1, int64_t c = 1, int64_t d = 1) {
  return over(v.data(), a, b, c, d);
}

// norm_pass writes LN(x) to u, [B,C,HW] both.
static void norm_pass(Pool& pool, float* u, const float* x, int64_t B, int64_t C, int64_t HW, const float* weight,
                      const float* bias) {
  int64_t T = 256, tiles = HW / T;
  pool.run(B * tiles, (size_t)(2 * T + 32), [&](int64_t unit, Scratch& s) {
    int64_t at = unit / tiles * C * HW + unit % tiles * T;
    float *mean = s.take(T), *rstd = s.take(T);
    layer_norm(C, T, x + at, HW, weight, bias, Feed<float>(u + at, HW, nullptr), nullptr, 0, mean, rstd);
  });
}

// depthwise_pass is a zero-padded 3×3 filter for each of n planes.
static void depthwise_pass(Pool& pool, float* y, const float* x, const float* w, int64_t B, int64_t C, int64_t H) {
  int64_t line = round_up(H, L) + 2 * kMargin;
  pool.run(B * C, (size_t)(4 * line + 64), [&](int64_t unit, Scratch& s) {
    Ring ring = {s.take(3 * line), 3, line, 1};
    float* out = s.take(line);
    const float* plane = x + unit * H * H;
    memset(ring.p, 0, 4 * (size_t)(3 * line));
    for (int64_t y1 = 0; y1 <= H; y1++) {
      float* newest = ring.row(0, y1);
      if (y1 < H) memcpy(newest, plane + y1 * H, 4 * (size_t)H);
      else memset(newest, 0, 4 * (size_t)H);
      if (y1 == 0) continue;
      depthwise_row(ring.p, ring.near(y1 - 1), w + unit % C * 9, round_up(H, L), out);
      memcpy(y + unit * H * H + (y1 - 1) * H, out, 4 * (size_t)H);
    }
  });
}

// gate_pass computes GELU(a) ⊙ b of the halves of x [B,2h,HW].
static void gate_pass(Pool& pool, float* y, const float* x, int64_t B, int64_t h, int64_t HW) {
  pool.run(B * h, 0, [&](int64_t unit, Scratch&) {
    const float* a = x + (unit / h * 2 * h + unit % h) * HW;
    for (int64_t i = 0; i < HW; i += L) store(y + unit * HW + i, vgelu(load(a + i)) * load(a + h * HW + i));
  });
}

// Forms is one operation in its two forms, each writing its result to y.
struct Forms {
  const char* name;
  int64_t size;  // of y
  std::function<void(float* y)> fused, separate;
};

static Forms ffn_pair(Pool& pool, const Size& z) {
  struct Data {
    Floats x, weight, bias, expand, depthwise, project, u, wide, filtered, gated;
  };
  int64_t HW = z.H * z.H, n = z.pixels();
  auto d = std::make_shared<Data>(Data{random_floats(n * z.C), random_floats(z.C), random_floats(z.C),
                                       random_floats(2 * z.h * z.C), random_floats(18 * z.h), random_floats(z.C * z.h),
                                       Floats(n * z.C), Floats(2 * n * z.h), Floats(2 * n * z.h), Floats(n * z.h)});
  return {"GatedFFN", n * z.C,
          [=, &pool](float* y) {
            clusir_ffn f = {over(d->expand, 2 * z.h, z.C), over(d->depthwise, 2 * z.h, 9), over(d->project, z.C, z.h)};
            Tensor x = over(d->x, z.B, z.C, z.H, z.H);
            gated_ffn(pool, over(y, z.B, z.C, z.H, z.H), x, {over(d->weight, z.C), over(d->bias, z.C)}, 1, &f, {});
          },
          [=, &pool](float* y) {
            norm_pass(pool, d->u.data(), d->x.data(), z.B, z.C, HW, d->weight.data(), d->bias.data());
            Tensor u = over(d->u, z.B, z.C, z.H, z.H), gated = over(d->gated, z.B, z.h, z.H, z.H),
                   out = over(y, z.B, z.C, z.H, z.H);
            conv1x1(pool, over(d->wide, z.B, 2 * z.h, z.H, z.H), over(d->expand, 2 * z.h, z.C), {}, 1, &u);
            depthwise_pass(pool, d->filtered.data(), d->wide.data(), d->depthwise.data(), z.B, 2 * z.h, z.H);
            gate_pass(pool, d->gated.data(), d->filtered.data(), z.B, z.h, HW);
            conv1x1(pool, out, over(d->project, z.C, z.h), {}, 1, &gated);
            add(pool, out, out, over(d->x, z.B, z.C, z.H, z.H), 1);
          }};
}

static Forms reduce_pair(Pool& pool, const Size& z) {
  struct Data {
    Floats x, weight, bias, w, u, r;
  };
  int64_t HW = z.H * z.H, n = z.pixels(), Q = z.C / 4;
  auto d = std::make_shared<Data>(Data{random_floats(n * z.C), random_floats(z.C), random_floats(z.C),
                                       random_floats(Q * z.C), Floats(n * z.C), Floats(n * Q)});
  return {"WaveletReduce", n * Q,
          [=, &pool](float* y) {
            wavelet_reduce(pool, over(y, z.B, z.C, z.H / 2, z.H / 2), over(d->x, z.B, z.C, z.H, z.H),
                           {over(d->weight, z.C), over(d->bias, z.C)}, over(d->w, Q, z.C));
          },
          [=, &pool](float* y) {
            norm_pass(pool, d->u.data(), d->x.data(), z.B, z.C, HW, d->weight.data(), d->bias.data());
            Tensor u = over(d->u, z.B, z.C, z.H, z.H), r = over(d->r, z.B, Q, z.H, z.H);
            conv1x1(pool, r, over(d->w, Q, z.C), {}, 1, &u);
            for (int64_t b = 0; b < z.B; b++) {
              float* at = y + b * n / z.B * Q;
              dwt(pool, over(at, 1, Q, z.H / 2, z.H / 2), over(at + Q * HW / 4, 1, 3 * Q, z.H / 2, z.H / 2),
                  over(r + b * Q * HW, 1, Q, z.H, z.H), false);
            }
          }};
}

static Forms merge_pair(Pool& pool, const Size& z) {
  struct Data {
    Floats x, s, m, w, o, a, b;
  };
  int64_t HW = z.H * z.H, n = z.pixels(), Q = z.C / 4;
  auto d = std::make_shared<Data>(Data{random_floats(n * z.C), random_floats(n * Q), random_floats(z.B * z.C * z.C),
                                       random_floats(z.C * z.C / 2), Floats(n * Q), Floats(n * Q), Floats(n * Q)});
  return {"WaveletMerge", n * z.C,
          [=, &pool](float* y) {
            wavelet_merge(pool, over(y, z.B, z.C, z.H, z.H), over(d->x, z.B, z.C, z.H, z.H),
                          over(d->s, z.B, z.C, z.H / 2, z.H / 2), over(d->m, z.B, z.C, z.C), over(d->w, z.C, z.C / 2));
          },
          [=, &pool](float* y) {
            int64_t half = z.H / 2;
            for (int64_t b = 0; b < z.B; b++) {
              float *s = d->s.data() + b * Q * HW, *o = d->o.data() + b * Q * HW;
              Tensor part = over(s, 1, z.C, half, half);
              conv1x1(pool, over(o, 1, z.C, half, half), over(d->m.data() + b * z.C * z.C, z.C, z.C), {}, 1, &part);
              idwt(pool, over(d->a.data() + b * Q * HW, 1, Q, z.H, z.H), over(o, 1, Q, half, half),
                   over(o + Q * HW / 4, 1, 3 * Q, half, half), {});
              idwt(pool, over(d->b.data() + b * Q * HW, 1, Q, z.H, z.H), over(s, 1, Q, half, half),
                   over(s + Q * HW / 4, 1, 3 * Q, half, half), {});
            }
            Tensor both[2] = {over(d->a, z.B, Q, z.H, z.H), over(d->b, z.B, Q, z.H, z.H)};
            Tensor out = over(y, z.B, z.C, z.H, z.H);
            conv1x1(pool, out, over(d->w, z.C, z.C / 2), {}, 2, both);
            add(pool, out, out, over(d->x, z.B, z.C, z.H, z.H), 1);
          }};
}

// shuffle_pair is a stage's downward convolution with its pixel-unshuffle.
static Forms shuffle_pair(Pool& pool, const Size& z) {
  struct Data {
    Floats x, w, plain;
  };
  int64_t HW = z.H * z.H, n = z.pixels(), O = z.C / 2;
  auto d = std::make_shared<Data>(Data{random_floats(n * z.C), random_floats(9 * O * z.C), Floats(n * O)});
  return {"Conv3x3 ↓", n * O,
          [=, &pool](float* y) {
            conv3x3(pool, over(y, z.B, 4 * O, z.H / 2, z.H / 2), over(d->x, z.B, z.C, z.H, z.H), over(d->w, O, z.C, 3, 3));
          },
          [=, &pool](float* y) {
            conv3x3(pool, over(d->plain, z.B, O, z.H, z.H), over(d->x, z.B, z.C, z.H, z.H), over(d->w, O, z.C, 3, 3));
            pool.run(z.B * O, 0, [&](int64_t c, Scratch&) {
              Planes to = {y + c * HW, 1, z.H, z.H, -1};
              for (int64_t i = 0; i < z.H; i++) put(to, 0, i, 0, z.H, d->plain.data() + c * HW + i * z.H, Overwrite);
            });
          }};
}

static const Size kSizes[] = {
    {"base 1", 1, 48, 256, 144}, {"base 2", 1, 96, 128, 288}, {"base 3", 1, 192, 64, 576},
    {"nano 1", 1, 16, 256, 32},  {"nano 2", 1, 32, 128, 64},
};

static std::vector<Forms> pairs(Pool& pool, const Size& z) {
  return {ffn_pair(pool, z), reduce_pair(pool, z), merge_pair(pool, z), shuffle_pair(pool, z)};
}

// difference is that between the forms, relative in the Euclidean norm; NaN if
// either leaves a result out.
static double difference(const Forms& p) {
  Floats a((size_t)p.size, NAN), b((size_t)p.size, NAN);
  p.fused(a.data());
  p.separate(b.data());
  double apart = 0, all = 0;
  for (size_t i = 0; i < a.size(); i++) apart += pow(a[i] - b[i], 2), all += pow(b[i], 2);
  return sqrt(apart / all);
}

static double milliseconds(const std::function<void(float*)>& f, float* y) {
  auto start = std::chrono::steady_clock::now();
  f(y);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

static double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

static int check(Pool& pool) {
  int failed = 0;
  for (const Size& z : {Size{"", 2, 16, 32, 12}, Size{"", 1, 48, 64, 20}})
    for (const Forms& p : pairs(pool, z)) {
      double d = difference(p);
      bool bad = !(d < 1e-5);
      failed |= bad;
      printf("%s C=%d: %.1e%s\n", p.name, (int)z.C, d, bad ? " TOO FAR" : "");
    }
  return failed;
}

static void time_all(Pool& pool, int runs) {
  printf("%-8s %-14s %9s %9s %7s\n", "size", "operation", "fused ms", "apart ms", "gain");
  for (const Size& z : kSizes) {
    Floats y((size_t)(z.pixels() * z.C));
    for (const Forms& p : pairs(pool, z)) {
      std::vector<double> fused, separate;
      for (int i = -1; i < runs; i++) {
        double a = milliseconds(p.fused, y.data()), b = milliseconds(p.separate, y.data());
        if (i >= 0) fused.push_back(a), separate.push_back(b);
      }
      double a = median(fused), b = median(separate);
      printf("%-8s %-14s %9.2f %9.2f %6.2f×\n", z.name, p.name, a, b, b / a);
    }
  }
}

}  // namespace ISA

int main(int argc, char** argv) {
  Pool pool((int)std::max(1u, std::thread::hardware_concurrency()));
  if (argc >= 2 && !strcmp(argv[1], "check")) return ISA::check(pool);
  if (argc >= 2 && !strcmp(argv[1], "time")) {
    ISA::time_all(pool, argc > 2 ? std::max(1, atoi(argv[2])) : 9);
    return 0;
  }
  fprintf(stderr, "usage: fusion check | time [RUNS]\n");
  return 2;
}
