// ops.h: the operations, for both languages. Go passes a tensor by value, as an
// address and a shape; an absent one has the address NULL.
//
// The list has a line for each operation: name, parameters, arguments. From it
// come the table of functions that each instruction set fills (table.h) and the
// functions clusir_<name> that Go calls (cpu.h). kernels.go documents the operations and
// their shapes.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Axes that a tensor does not have are 1; axes beyond the fourth are part of it.
// A tensor converts to its address.
typedef struct Tensor {
  float* p;
  int64_t n[4];
#ifdef __cplusplus
  __attribute__((always_inline)) operator float*() const { return p; }  // or one instruction set would link another's
#endif
} Tensor;

typedef struct {
  Tensor weight, bias;
} clusir_norm;

typedef struct {
  Tensor expand, depthwise, project;
} clusir_ffn;

typedef struct {
  Tensor w1, b1, w2, b2;
} clusir_fuse;

typedef struct {
  Tensor param, grad, m, v, step, reached;
} clusir_adam_param;

#define CLUSIR_OPS(X)                                                                                                  \
  X(fill, (Tensor y, float v), (y, v))                                                                                 \
  X(add, (Tensor y, Tensor a, Tensor b, float s), (y, a, b, s))                                                        \
  X(linear, (Tensor y, Tensor x, Tensor w, Tensor bias), (y, x, w, bias))                                              \
  X(linear_grad, (Tensor dx, Tensor dw, Tensor dbias, Tensor dy, Tensor x, Tensor w), (dx, dw, dbias, dy, x, w))       \
  X(mix, (Tensor y, Tensor a, Tensor c), (y, a, c))                                                                    \
  X(mix_grad, (Tensor da, Tensor dc, Tensor dy, Tensor a, Tensor c), (da, dc, dy, a, c))                               \
  X(normalize, (Tensor y, Tensor x), (y, x))                                                                           \
  X(normalize_grad, (Tensor dx, Tensor dy, Tensor x), (dx, dy, x))                                                     \
  X(top_k_softmax, (Tensor y, Tensor x, int64_t k), (y, x, k))                                                         \
  X(softmax_grad, (Tensor dx, Tensor dy, Tensor y), (dx, dy, y))                                                       \
  X(scale_rows, (Tensor y, Tensor x, Tensor s), (y, x, s))                                                             \
  X(scale_rows_grad, (Tensor dx, Tensor ds, Tensor dy, Tensor x, Tensor s), (dx, ds, dy, x, s))                        \
  X(tokens, (Tensor t, Tensor alpha, Tensor mu, Tensor log_sigma, Tensor eps), (t, alpha, mu, log_sigma, eps))         \
  X(tokens_grad, (Tensor dalpha, Tensor dmu, Tensor dlog_sigma, Tensor dt, Tensor alpha, Tensor mu,                    \
                 Tensor log_sigma, Tensor eps),                                                                        \
    (dalpha, dmu, dlog_sigma, dt, alpha, mu, log_sigma, eps))                                                          \
  X(attend, (Tensor o, Tensor q, Tensor k, Tensor v, Tensor keep, int64_t heads), (o, q, k, v, keep, heads))           \
  X(attend_grad, (Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor k, Tensor v, Tensor keep,             \
                 int64_t heads),                                                                                       \
    (dq, dk, dv, dout, q, k, v, keep, heads))                                                                          \
  X(sum_kept, (Tensor y, Tensor t, Tensor keep), (y, t, keep))                                                         \
  X(sum_kept_grad, (Tensor dt, Tensor dy, Tensor keep), (dt, dy, keep))                                                \
  X(count_routed, (Tensor count, Tensor route), (count, route))                                                        \
  X(mean_hw, (Tensor y, Tensor x), (y, x))                                                                             \
  X(mean_hw_grad, (Tensor dx, Tensor dy), (dx, dy))                                                                    \
  X(resize, (Tensor y, Tensor x), (y, x))                                                                              \
  X(resize_grad, (Tensor dx, Tensor dy), (dx, dy))                                                                     \
  X(conv1x1, (Tensor y, Tensor w, Tensor bias, int64_t parts, const Tensor* xs), (y, w, bias, parts, xs))              \
  X(conv1x1_grad, (const Tensor* dxs, Tensor dw, Tensor dbias, Tensor dy, Tensor w, int64_t parts, const Tensor* xs),  \
    (dxs, dw, dbias, dy, w, parts, xs))                                                                                \
  X(conv3x3, (Tensor y, Tensor x, Tensor w), (y, x, w))                                                                \
  X(conv3x3_grad, (Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w), (dx, dw, dy, x, w))                           \
  X(dwt, (Tensor ll, Tensor bands, Tensor x, bool add), (ll, bands, x, add))                                           \
  X(idwt, (Tensor y, Tensor ll, Tensor bands, Tensor res), (y, ll, bands, res))                                        \
  X(wavelet_reduce, (Tensor y, Tensor x, clusir_norm norm, Tensor w), (y, x, norm, w))                                 \
  X(wavelet_reduce_grad, (Tensor dx, clusir_norm dnorm, Tensor dw, Tensor dy, Tensor x, clusir_norm norm, Tensor w),   \
    (dx, dnorm, dw, dy, x, norm, w))                                                                                   \
  X(wavelet_merge, (Tensor y, Tensor x, Tensor s, Tensor m, Tensor w), (y, x, s, m, w))                                \
  X(wavelet_merge_grad, (Tensor ds, Tensor dm, Tensor dw, Tensor dy, Tensor s, Tensor m, Tensor w),                    \
    (ds, dm, dw, dy, s, m, w))                                                                                         \
  X(attention_map, (Tensor m, Tensor s, Tensor qkv, Tensor temperature), (m, s, qkv, temperature))                     \
  X(attention_map_grad, (Tensor ds, Tensor dqkv, Tensor dtemperature, Tensor dm, Tensor s, Tensor qkv,                 \
                        Tensor temperature),                                                                           \
    (ds, dqkv, dtemperature, dm, s, qkv, temperature))                                                                 \
  X(gated_ffn, (Tensor y, Tensor x, clusir_norm norm, int64_t E, const clusir_ffn* experts, Tensor route),             \
    (y, x, norm, E, experts, route))                                                                                   \
  X(gated_ffn_grad, (Tensor dx, clusir_norm dnorm, const clusir_ffn* dexperts, Tensor droute, Tensor dy, Tensor x,     \
                    clusir_norm norm, int64_t E, const clusir_ffn* experts, Tensor route),                             \
    (dx, dnorm, dexperts, droute, dy, x, norm, E, experts, route))                                                     \
  X(rfft2, (Tensor z, Tensor x, float inner, bool add), (z, x, inner, add))                                            \
  X(irfft2, (Tensor x, Tensor z, float inner, bool add), (x, z, inner, add))                                           \
  X(spectral_fusion, (Tensor y, Tensor z, Tensor l, clusir_fuse amplitude, clusir_fuse phase),                         \
    (y, z, l, amplitude, phase))                                                                                       \
  X(spectral_fusion_grad, (Tensor dz, Tensor dl, clusir_fuse damplitude, clusir_fuse dphase, Tensor dy, Tensor z,      \
                          Tensor l, clusir_fuse amplitude, clusir_fuse phase),                                         \
    (dz, dl, damplitude, dphase, dy, z, l, amplitude, phase))                                                          \
  X(batch_norm, (Tensor y, Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance, float momentum),        \
    (y, x, weight, bias, mean, variance, momentum))                                                                    \
  X(batch_norm_grad, (Tensor dx, Tensor dweight, Tensor dbias, Tensor dy, Tensor x, Tensor weight),                    \
    (dx, dweight, dbias, dy, x, weight))                                                                               \
  X(batch_norm_infer, (Tensor y, Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance),                  \
    (y, x, weight, bias, mean, variance))                                                                              \
  X(dynamic_filter, (Tensor low, Tensor high, Tensor x, Tensor f), (low, high, x, f))                                  \
  X(dynamic_filter_grad, (Tensor dx, Tensor df, Tensor dlow, Tensor dhigh, Tensor x, Tensor f),                        \
    (dx, df, dlow, dhigh, x, f))                                                                                       \
  X(sigmoid_gate, (Tensor y, Tensor g, Tensor x), (y, g, x))                                                           \
  X(sigmoid_gate_grad, (Tensor dg, Tensor dx, Tensor dy, Tensor g, Tensor x), (dg, dx, dy, g, x))                      \
  X(l1, (Tensor y, Tensor x, Tensor t, float beta), (y, x, t, beta))                                                   \
  X(l1_grad, (Tensor dx, Tensor dy, Tensor x, Tensor t, float beta), (dx, dy, x, t, beta))                             \
  X(orthogonality, (Tensor y, Tensor p), (y, p))                                                                       \
  X(orthogonality_grad, (Tensor dp, Tensor dy, Tensor p), (dp, dy, p))                                                 \
  X(ms_ssim, (Tensor y, Tensor x, Tensor t), (y, x, t))                                                                \
  X(ms_ssim_grad, (Tensor dx, Tensor dy, Tensor x, Tensor t), (dx, dy, x, t))                                          \
  X(adam, (const clusir_adam_param* ps, int64_t count, double lr, double beta1, double beta2, double eps),             \
    (ps, count, lr, beta1, beta2, eps))                                                                                \
  X(clip_norm, (const Tensor* gs, int64_t count, float limit), (gs, count, limit))                                     \
  X(average, (const Tensor* ys, const Tensor* xs, int64_t count, float a), (ys, xs, count, a))
