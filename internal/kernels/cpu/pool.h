// pool.h: the threads of one backend and their scratch memory.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

// Scratch is one worker's memory: a stack of 64-byte-aligned float arrays that is reset
// for every unit of work and grows to the largest size needed.
class Scratch {
 public:
  ~Scratch();
  // reset drops all arrays and makes room for a total of n floats.
  void reset(size_t n);
  // take returns the next n floats, not cleared. It aborts if they exceed the room.
  float* take(size_t n);

 private:
  float* base_ = nullptr;
  size_t room_ = 0, used_ = 0;
};

// Pool runs a function over units of work on a fixed number of threads, including the
// caller's. Which thread takes which unit varies, so a unit's result may depend only on
// its number.
class Pool {
 public:
  // Each thread calls after, if not NULL, at the end of its part of a run.
  explicit Pool(int threads, void (*after)() = nullptr);
  ~Pool();
  int threads() const { return (int)workers_.size() + 1; }

  // run calls f(unit, scratch) for every unit in [0, units).
  template <class F>
  void run(int64_t units, size_t scratch_floats, F&& f) {
    auto call = [](void* self, int64_t u, Scratch& s) { (*(F*)self)(u, s); };
    dispatch(units, scratch_floats, call, (void*)&f);
  }
  // shared returns scratch of the calling thread that outlives run's units: at
  // least n floats, valid until the next call of shared.
  float* shared(size_t n);

 private:
  using Call = void (*)(void*, int64_t, Scratch&);
  void dispatch(int64_t units, size_t scratch_floats, Call call, void* self);
  void work(Scratch& s);
  void loop(int index);
  void wait();

  std::vector<std::thread> workers_;
  std::vector<Scratch> scratch_;
  Scratch shared_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;  // of the workers; of the caller
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> busy_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
  int64_t units_ = 0;
  size_t floats_ = 0;
  Call call_ = nullptr;
  void* self_ = nullptr;
  void (*const after_)();
};
