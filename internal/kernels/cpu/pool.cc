#include "pool.h"

#include "aligned.h"

#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__)
#include <immintrin.h>
static inline void relax() { _mm_pause(); }
#else
static inline void relax() { std::this_thread::yield(); }
#endif

Scratch::~Scratch() { free_aligned(base_); }

void Scratch::reset(size_t n) {
  used_ = 0;
  if (n <= room_) return;
  free_aligned(base_);
  size_t bytes = n * sizeof(float);
  // Rows of a tile lie in as many small pages as there are channels, too many for the
  // table of the first level: a huge page is worth half of it unused.
  base_ = (float*)alloc_pages(bytes >= kHuge / 2 && bytes < kHuge ? kHuge : bytes);
  if (!base_) {
    fprintf(stderr, "clusir: out of memory: %zu bytes of scratch\n", n * sizeof(float));
    abort();
  }
  room_ = n;
}

float* Scratch::take(size_t n) {
  n = (n + 15) / 16 * 16;
  if (used_ + n > room_) {
    fprintf(stderr, "clusir: scratch overrun: %zu + %zu of %zu floats\n", used_, n, room_);
    abort();
  }
  float* p = base_ + used_;
  used_ += n;
  return p;
}

Pool::Pool(int threads, void (*after)()) : scratch_(threads), after_(after) {
  for (int i = 1; i < threads; i++) workers_.emplace_back(&Pool::loop, this, i);
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    generation_++;
  }
  wake_.notify_all();
  for (auto& w : workers_) w.join();
}

float* Pool::shared(size_t n) {
  shared_.reset((n + 15) / 16 * 16);
  return shared_.take(n);
}

void Pool::work(Scratch& s) {
  for (;;) {
    int64_t u = next_.fetch_add(1, std::memory_order_relaxed);
    if (u >= units_) break;
    s.reset(floats_);
    call_(self_, u, s);
  }
  if (after_) after_();
}

void Pool::dispatch(int64_t units, size_t floats, Call call, void* self) {
  units_ = units, floats_ = floats, call_ = call, self_ = self;
  next_.store(0, std::memory_order_relaxed);
  if (units > 1 && !workers_.empty()) {
    busy_.store((int)workers_.size(), std::memory_order_relaxed);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    work(scratch_[0]);
    wait();
    return;
  }
  work(scratch_[0]);
}

// A waiting thread spins for a moment, as the event usually follows within microseconds,
// and then sleeps: on a busy machine, a spinning thread would keep the one that it waits
// for from running.
constexpr int kSpins = 4000;

// wait returns when all workers are done.
void Pool::wait() {
  for (int spin = 0; spin < kSpins && busy_.load(std::memory_order_acquire); spin++) relax();
  if (!busy_.load(std::memory_order_acquire)) return;
  std::unique_lock<std::mutex> lock(mutex_);
  idle_.wait(lock, [&] { return busy_.load(std::memory_order_acquire) == 0; });
}

// loop does a worker's share of every generation.
void Pool::loop(int index) {
  uint64_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; spin++) relax();
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load() != seen; });
      seen = generation_.load();
    }
    if (stop_) return;
    work(scratch_[index]);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      std::lock_guard<std::mutex> lock(mutex_);  // the caller is before its look at busy_, or asleep
      idle_.notify_one();
    }
  }
}
