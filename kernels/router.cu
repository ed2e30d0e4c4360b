// PCGRM, the two-stage router: tokens of the clusters, attention among a few
// tokens, sums of those kept, and the count of samples that reach an expert.
//
// Letters: B samples, N clusters, D channels; T queries and S keys of `heads` heads
// with D/heads channels each.
// Mapping: one thread per number, or one warp per sum. In a training step all tensors have
// at most some ten thousand numbers: every kernel is bound by its launch, so the code is
// kept short instead of fast. Bytes and operations are per number of the result.
// Threads a multiprocessor, at least: 2048, attend_fwd 1536, attend_weights 1536,
// attend_dkv 1536.
#include "common.cuh"

constexpr int threads = 128;

__device__ __forceinline__ int thread() { return blockIdx.x * threads + threadIdx.x; }

// deviation returns exp(logσ_n)·ε_bn at number d of cluster n, 0 without noise.
__device__ __forceinline__ float deviation(const float* logsigma, const float* eps, int nd, int i) {
  return eps ? expf(logsigma[nd]) * eps[i] : 0.f;
}

// tokens_fwd: t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn), Eq. 7. 16 bytes, 4 operations.
extern "C" __global__ void __launch_bounds__(threads)
    tokens_fwd(float* __restrict__ t, const float* __restrict__ alpha, const float* __restrict__ mu,
               const float* __restrict__ logsigma, const float* __restrict__ eps, int B, int N, int D) {
  const int i = thread(), nd = i % (N * D);
  if (i < B * N * D) t[i] = alpha[i / D] * (mu[nd] + deviation(logsigma, eps, nd, i));
}

// tokens_dalpha: dα_bn += Σ_d dt (μ + exp(logσ) ε), one warp for each b, n.
extern "C" __global__ void __launch_bounds__(threads)
    tokens_dalpha(float* __restrict__ dalpha, const float* __restrict__ dt, const float* __restrict__ mu,
                  const float* __restrict__ logsigma, const float* __restrict__ eps, int B, int N, int D) {
  const int bn = thread() / 32;
  if (bn >= B * N) return;
  float sum = 0.f;
  for (int d = threadIdx.x % 32; d < D; d += 32) {
    const int i = bn * D + d, nd = i % (N * D);
    sum += dt[i] * (mu[nd] + deviation(logsigma, eps, nd, i));
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) dalpha[bn] += sum;
}

// tokens_grad: dμ_n += Σ_b α_bn dt_bn, dlogσ_n += Σ_b α_bn dt_bn exp(logσ_n) ε_bn;
// either may be absent.
extern "C" __global__ void __launch_bounds__(threads)
    tokens_grad(float* __restrict__ dmu, float* __restrict__ dlogsigma, const float* __restrict__ dt,
                const float* __restrict__ alpha, const float* __restrict__ logsigma, const float* __restrict__ eps,
                int B, int N, int D) {
  const int nd = thread();
  if (nd >= N * D) return;
  float mean = 0.f, noise = 0.f;
  for (int b = 0; b < B; b++) {
    const int i = b * N * D + nd;
    const float g = alpha[i / D] * dt[i];
    mean += g;
    noise += g * deviation(logsigma, eps, nd, i);
  }
  if (dmu) dmu[nd] += mean;
  if (dlogsigma) dlogsigma[nd] += noise;
}

// ---- attention

// Query is a warp's query of one head: i counts [B,T,heads].
struct Query {
  bool any;
  int b, n, at, key;  // sample, channels of the head, where they are in q, and in k for s = 0
  __device__ __forceinline__ Query(int B, int T, int S, int D, int heads) {
    const int i = thread() / 32, head = i % heads;
    any = i < B * T * heads;
    b = i / heads / T;
    n = D / heads;
    at = i / heads * D + head * n;
    key = b * S * D + head * n;
  }
};

// attention: weight_s = softmax over the kept s of (q·k_s)/√n, 0 for the others;
// weight is the warp's own shared memory.
__device__ __forceinline__ void attention(float* weight, const float* q, const float* k, const float* keep, int n, int S,
                                          int D) {
  const int lane = threadIdx.x % 32;
  const float scale = 1.f / sqrtf(static_cast<float>(n));
  float largest = -INFINITY, sum = 0.f;
  for (int s = 0; s < S; s++) {
    float dot = 0.f;
    for (int c = lane; c < n; c += 32) dot += q[c] * k[s * D + c];
    dot = keep[s] != 0.f ? warp_sum(dot) * scale : -INFINITY;  // the same for all lanes
    largest = fmaxf(largest, dot);
    if (lane == 0) weight[s] = dot;
  }
  __syncwarp();
  for (int s = lane; s < S; s += 32) {
    weight[s] = expf(weight[s] - largest);
    sum += weight[s];
  }
  const float share = 1.f / warp_sum(sum);
  for (int s = lane; s < S; s += 32) weight[s] *= share;
  __syncwarp();
}

// attend_fwd: o = Σ_s weight_s v_s, one warp per query and head; S floats of shared memory
// per warp. 4·S bytes and 4·S operations.
extern "C" __global__ void __launch_bounds__(threads)
    attend_fwd(float* __restrict__ o, const float* __restrict__ q, const float* __restrict__ k,
               const float* __restrict__ v, const float* __restrict__ keep, int B, int T, int S, int D, int heads) {
  DYN_SHARED(float, shared);
  const Query i(B, T, S, D, heads);
  if (!i.any) return;
  float* weight = shared + threadIdx.x / 32 * S;
  attention(weight, q + i.at, k + i.key, keep + i.b * S, i.n, S, D);
  for (int c = threadIdx.x % 32; c < i.n; c += 32) {
    float sum = 0.f;
    for (int s = 0; s < S; s++) sum += weight[s] * v[i.key + s * D + c];
    o[i.at + c] = sum;
  }
}

// attend_weights: recomputes, for attend_dq and attend_dkv, the weights [B,T,heads,S], and
// the gradient of their logits, dlogit_s = weight_s Σ_j weight_j (g_s − g_j) with
// g_s = do·v_s. 2·S floats of shared memory per warp.
extern "C" __global__ void __launch_bounds__(threads)
    attend_weights(float* __restrict__ weights, float* __restrict__ dlogits, const float* __restrict__ d_o,
                   const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                   const float* __restrict__ keep, int B, int T, int S, int D, int heads) {
  DYN_SHARED(float, shared);
  const Query i(B, T, S, D, heads);
  if (!i.any) return;
  const int lane = threadIdx.x % 32;
  float *weight = shared + threadIdx.x / 32 * 2 * S, *g = weight + S;
  attention(weight, q + i.at, k + i.key, keep + i.b * S, i.n, S, D);
  for (int s = 0; s < S; s++) {
    float dot = 0.f;
    for (int c = lane; c < i.n; c += 32) dot += d_o[i.at + c] * v[i.key + s * D + c];
    dot = warp_sum(dot);
    if (lane == 0) g[s] = dot;
  }
  __syncwarp();
  const size_t row = static_cast<size_t>(thread() / 32) * S;
  for (int s = lane; s < S; s += 32) {
    float sum = 0.f;
    for (int j = 0; j < S; j++) sum += weight[j] * (g[s] - g[j]);
    weights[row + s] = weight[s];
    dlogits[row + s] = weight[s] * sum;
  }
}

// attend_dq: dq += Σ_s dlogit_s k_s/√n, one thread per number of q.
extern "C" __global__ void __launch_bounds__(threads)
    attend_dq(float* __restrict__ dq, const float* __restrict__ dlogits, const float* __restrict__ k, int B, int T, int S,
              int D, int heads) {
  const int i = thread(), c = i % D, n = D / heads;
  if (i >= B * T * D) return;
  const float* d = dlogits + (static_cast<size_t>(i / D) * heads + c / n) * S;
  float sum = 0.f;
  for (int s = 0; s < S; s++) sum += d[s] * k[(i / D / T * S + s) * D + c];
  dq[i] += sum / sqrtf(static_cast<float>(n));
}

// attend_dkv: dk_s += Σ_t dlogit_ts q_t/√n and dv_s += Σ_t weight_ts do_t, one thread per
// number of k; either may be absent.
extern "C" __global__ void __launch_bounds__(threads)
    attend_dkv(float* __restrict__ dk, float* __restrict__ dv, const float* __restrict__ weights,
               const float* __restrict__ dlogits, const float* __restrict__ d_o, const float* __restrict__ q, int B,
               int T, int S, int D, int heads) {
  const int i = thread(), c = i % D, n = D / heads, s = i / D % S, b = i / D / S;
  if (i >= B * S * D) return;
  float key = 0.f, value = 0.f;
  for (int t = 0; t < T; t++) {
    const int at = (b * T + t) * D + c;
    const size_t w = (static_cast<size_t>(b * T + t) * heads + c / n) * S + s;
    key += dlogits[w] * q[at];
    value += weights[w] * d_o[at];
  }
  if (dk) dk[i] += key / sqrtf(static_cast<float>(n));
  if (dv) dv[i] += value;
}

// ---- sums over kept tokens

// sum_kept_fwd: y_b = Σ_n [keep_bn ≠ 0] t_bn. 4·N bytes, N operations.
extern "C" __global__ void __launch_bounds__(threads)
    sum_kept_fwd(float* __restrict__ y, const float* __restrict__ t, const float* __restrict__ keep, int B, int N,
                 int D) {
  const int i = thread(), b = i / D;
  if (i >= B * D) return;
  float sum = 0.f;
  for (int n = 0; n < N; n++)
    if (keep[b * N + n] != 0.f) sum += t[(b * N + n) * D + i % D];
  y[i] = sum;
}

// sum_kept_grad: dt_bn += [keep_bn ≠ 0] dy_b. 12 bytes, 1 operation.
extern "C" __global__ void __launch_bounds__(threads)
    sum_kept_grad(float* __restrict__ dt, const float* __restrict__ dy, const float* __restrict__ keep, int B, int N,
                  int D) {
  const int i = thread(), bn = i / D;
  if (i < B * N * D && keep[bn] != 0.f) dt[i] += dy[bn / N * D + i % D];
}

// count_routed_fwd: count_e += |{b: route_be ≠ 0}|. 4·B bytes, B operations.
extern "C" __global__ void __launch_bounds__(threads)
    count_routed_fwd(float* __restrict__ count, const float* __restrict__ route, int B, int E) {
  const int e = thread();
  if (e >= E) return;
  float n = 0.f;
  for (int b = 0; b < B; b++) n += route[b * E + e] != 0.f;
  count[e] += n;
}
