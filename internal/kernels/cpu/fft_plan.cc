// fft_plan.cc: factors, twiddles and the chirps of Bluestein's transform.
#include "fft_plan.h"

#include <cmath>
#include <complex>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace {

constexpr double kPi = 3.14159265358979323846;

// Above this prime, two transforms of more than twice the length are cheaper
// than the quadratic cost of a direct one.
constexpr int64_t kLargestRadix = 97;

struct Owned : FFTPlan {
  std::vector<std::vector<float>> tables;
  const float* keep(std::vector<float> t) {
    tables.push_back(std::move(t));
    return tables.back().data();
  }
};

// turn returns e^(-2πi·k/n), k reduced first so that the angle is exact.
std::complex<double> turn(int64_t k, int64_t n) {
  double angle = -2 * kPi * (double)(k % n) / (double)n;
  return {std::cos(angle), std::sin(angle)};
}

void push(std::vector<float>& t, std::complex<double> z) {
  t.push_back((float)z.real());
  t.push_back((float)z.imag());
}

// factors splits n into radices. It returns none if a prime exceeds kLargestRadix.
std::vector<int64_t> factors(int64_t n) {
  std::vector<int64_t> radices;
  for (; n % 4 == 0; n /= 4) radices.push_back(4);
  for (int64_t p = 2; n > 1; p++) {
    if (p > kLargestRadix) return {};
    for (; n % p == 0; n /= p) radices.push_back(p);
  }
  return radices;
}

// odd_dft tabulates the direct transform of an odd radix: see FFTPass.
std::vector<float> odd_dft(int64_t r) {
  std::vector<float> t;
  int64_t h = r / 2;
  if (r <= kLargestUnrolled) {
    for (int64_t j = 1; j <= h; j++) t.push_back((float)turn(j, r).real());
    for (int64_t j = 1; j <= h; j++) t.push_back((float)-turn(j, r).imag());
    return t;
  }
  for (int64_t u = 0; u <= h; u++)
    for (int64_t j = 0; j <= h; j++) t.push_back((float)turn(u * j, r).real());
  for (int64_t u = 1; u <= h; u++)
    for (int64_t j = 1; j <= h; j++) t.push_back((float)-turn(u * j, r).imag());
  return t;
}

// add_passes plans a length that has only small factors.
void add_passes(Owned& plan, const std::vector<int64_t>& radices) {
  int64_t n = plan.n, stride = 1, direct = 0;
  for (int64_t r : radices) {
    int64_t count = n / r;
    std::vector<float> w;
    for (int64_t p = 0; p < count; p++)
      for (int64_t u = 1; u < r; u++) push(w, turn(p * u, n));
    const float* twiddle = plan.keep(std::move(w));
    plan.pass[plan.passes++] = {r, count, stride, twiddle, r % 2 ? plan.keep(odd_dft(r)) : nullptr};
    if (r > kLargestUnrolled) direct = r;  // they come in ascending order
    n = count, stride *= r;
  }
  // Two lines to alternate between; four matrices of a direct transform.
  plan.room = 4 * plan.n + 8 * (direct / 2 + 1);
}

// smooth returns the smallest number >= n with no prime factor but 2, 3 and 5.
int64_t smooth(int64_t n) {
  for (;; n++) {
    int64_t m = n;
    for (int64_t p : {2, 3, 5})
      while (m % p == 0) m /= p;
    if (m == 1) return n;
  }
}

// fourier is the transform of z in double precision, by recursion on z's
// smallest factor.
std::vector<std::complex<double>> fourier(const std::vector<std::complex<double>>& z) {
  int64_t n = (int64_t)z.size(), r = 2;
  if (n == 1) return z;
  while (n % r) r++;
  std::vector<std::complex<double>> y(n);
  for (int64_t t = 0; t < r; t++) {
    std::vector<std::complex<double>> part;
    for (int64_t j = t; j < n; j += r) part.push_back(z[j]);
    part = fourier(part);
    for (int64_t k = 0; k < n; k++) y[k] += turn(t * k, n) * part[k % (n / r)];
  }
  return y;
}

// add_chirp plans any length as a convolution: jk = (j² + k² - (k-j)²)/2 turns
// the transform into one with the chirp e^(πik²/n).
void add_chirp(Owned& plan, const FFTPlan& inner) {
  int64_t n = plan.n, m = inner.n;
  std::vector<float> chirp, filter;
  std::vector<std::complex<double>> wrapped(m);
  for (int64_t k = 0; k < n; k++) {
    std::complex<double> c = turn(k * k, 2 * n);
    push(chirp, c);
    wrapped[k] = wrapped[(m - k) % m] = std::conj(c);
  }
  for (std::complex<double> f : fourier(wrapped)) push(filter, f / (double)m);
  plan.chirp_plan = &inner;
  plan.chirp = plan.keep(std::move(chirp));
  plan.filter = plan.keep(std::move(filter));
  plan.room = 2 * m + inner.room;
}

// make fills in plan; find returns the plan for another length.
template <class Find>
void make(Owned& plan, int64_t n, Find find) {
  plan.n = n;
  std::vector<float> half;
  for (int64_t k = 0; k <= n / 2; k++) push(half, turn(k, 2 * n));
  plan.half = plan.keep(std::move(half));
  std::vector<int64_t> radices = factors(n);
  if (n > 1 && radices.empty())
    add_chirp(plan, find(smooth(2 * n - 1)));
  else
    add_passes(plan, radices);
}

struct Table {
  std::mutex mutex;
  std::map<int64_t, std::unique_ptr<Owned>> plans;

  const FFTPlan& find(int64_t n) {
    std::unique_ptr<Owned>& p = plans[n];
    if (!p) {
      p = std::make_unique<Owned>();
      make(*p, n, [this](int64_t m) -> const FFTPlan& { return find(m); });
    }
    return *p;
  }
};

}  // namespace

const FFTPlan& fft_plan(int64_t n) {
  static Table table;
  std::lock_guard<std::mutex> lock(table.mutex);
  return table.find(n);
}
