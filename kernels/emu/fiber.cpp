// The scheduler: fibers, barriers, deadlock detection. See fiber.h.
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <vector>

#include "worker.h"

extern "C" void emu_switch(void** save, void* to);
asm(R"(
.text
.globl emu_switch
.hidden emu_switch
.type emu_switch,@function
emu_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  popq %rcx
  jmp *%rcx      # not ret: its predictor always misses across stacks
)");

namespace emu {

thread_local Fiber* current = nullptr;

// Spare holds the workers of OS threads that have ended, for reuse by new streams: mapping
// a worker's stacks is slow.
struct Spare {
  std::mutex lock;
  std::vector<Worker*> all;
};
static Spare& spare = *new Spare;  // threads may outlive main

// Lease is an OS thread's worker, for as long as the thread lives.
struct Lease {
  Worker* w;
  Lease() {
    std::lock_guard l(spare.lock);
    if (spare.all.empty()) spare.all.push_back(new Worker);
    w = spare.all.back();
    spare.all.pop_back();
    w->adopt();
  }
  ~Lease() {
    std::lock_guard l(spare.lock);
    spare.all.push_back(w);
  }
};

Worker& worker() {
  static thread_local Lease lease;
  return *lease.w;
}

// stop_waiting_for_ended wakes a lane whose collective waits only for lanes that have
// returned since, which masks may include. The lane then acts as the last.
static void stop_waiting_for_ended(Warp& w) {
  for (unsigned i = 0; i < 32; i++)
    if ((w.arrived >> i & 1) && (w.mask[i] & w.alive & ~w.arrived) == 0) {
      w.last |= 1u << i;
      w.ready |= 1u << i;
      return;
    }
}

static void fiber_main() {
  Fiber* f = current;
  const Launch* l = f->block->launch;
  l->kernel->call(l->args);
  Worker& w = *f->worker;
  f->warp->alive &= ~(1u << f->lane);
  f->warp->ready &= ~(1u << f->lane);
  stop_waiting_for_ended(*f->warp);
  if (--w.block.live == 0) emu_switch(&f->sp, w.main_sp);
  w.next(f);
  __builtin_unreachable();
}

// prepare makes f start in fiber_main. The starts of the stacks are spread over the
// cache's sets: at a constant distance they would all share one.
static void prepare(Worker& w, Fiber& f) {
  char* top = w.stacks + size_t(f.index + 1) * stack_size - f.index % 16 * 128;
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;  // where a return address would be
  *--sp = reinterpret_cast<void*>(fiber_main);
  for (int i = 0; i < 6; i++) *--sp = nullptr;
  f.sp = sp;
  f.copies = f.groups = 0;
}

// next switches from a fiber that is waiting or has ended to one that can run.
void Worker::next(Fiber* from) {
  for (unsigned i = 0; i <= warp_count; i++) {
    Warp& w = warps[warp_now];
    if (w.ready) {
      unsigned lane = __builtin_ctz(w.ready);
      if (from->warp == &w) {  // round robin, so that lanes keep in step
        unsigned later = w.ready & ~(~0u >> (31 - from->lane));
        if (later) lane = __builtin_ctz(later);
      }
      Fiber* to = &fibers[warp_now * 32 + lane];
      current = to;
      if (to != from) emu_switch(&from->sp, to->sp);
      return;
    }
    if (++warp_now == warp_count) warp_now = 0;
  }
  unsigned ended = block.threads - block.live, in_warp = 0;
  for (unsigned i = 0; i < warp_count; i++) in_warp += __builtin_popcount(warps[i].arrived);
  fail(launch_failed,
       "deadlock: %u threads wait at __syncthreads, %u in warp collectives, %u have returned; "
       "every thread of a block must reach each __syncthreads, and every lane of a mask its collective",
       block.waiting, in_warp, ended);
}

Failure Worker::run(const Launch& l, uint32_t index) {
  unsigned n = l.block.x * l.block.y * l.block.z;
  uint3 at{index % l.grid.x, index / l.grid.x % l.grid.y, index / l.grid.x / l.grid.y};
  char* dynamic = shared + max_shared - (l.shared + 15) / 16 * 16;
  memset(dynamic, 0xff, shared + max_shared - dynamic);  // NaN
  block = Block{at, index, dynamic, 0, 0, n, n, &l};
  runs++;
  warp_count = (n + 31) / 32;
  for (unsigned i = 0; i < warp_count; i++) {
    unsigned lanes = n - 32 * i >= 32 ? ~0u : (1u << (n - 32 * i)) - 1;
    warps[i].alive = warps[i].ready = lanes;
    warps[i].arrived = warps[i].last = warps[i].epoch = 0;
  }
  for (unsigned i = 0; i < n; i++) {
    Fiber& f = fibers[i];
    f.tid = {i % l.block.x, i / l.block.x % l.block.y, i / l.block.x / l.block.y};
    f.index = i, f.lane = i % 32, f.warp = &warps[i / 32], f.block = &block, f.worker = this;
    prepare(*this, f);
  }
  failure.code = 0;
  warp_now = 0;
  current = &fibers[0];
  emu_switch(&main_sp, current->sp);
  current = nullptr;
  return failure;
}

Failure run_block(const Launch& l, uint32_t index) { return worker().run(l, index); }

void fail(int code, const char* format, ...) {
  Fiber* f = current;
  Worker& w = *f->worker;
  const uint3 b = f->block->index, t = f->tid;
  int n = snprintf(w.failure.text, sizeof w.failure.text, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ",
                   f->block->launch->kernel->name, b.x, b.y, b.z, t.x, t.y, t.z);
  va_list args;
  va_start(args, format);
  vsnprintf(w.failure.text + n, sizeof w.failure.text - n, format, args);
  va_end(args);
  w.failure.code = code;
  emu_switch(&f->sp, w.main_sp);
  __builtin_unreachable();
}

// ---- barriers

void sync_threads() {
  Fiber* f = current;
  Worker& w = *f->worker;
  if (++w.block.waiting < w.block.threads) {
    f->warp->ready &= ~(1u << f->lane);
    return w.next(f);
  }
  w.block.waiting = 0;
  w.block.barrier++;
  for (unsigned i = 0; i < w.warp_count; i++) w.warps[i].ready = w.warps[i].alive;
}

bool arrive(unsigned mask) {
  Fiber* f = current;
  Warp& w = *f->warp;
  unsigned me = 1u << f->lane;
  if (!(mask & me)) fail(launch_failed, "calls a warp collective with mask %08x, which leaves its own lane %u out", mask, f->lane);
  w.mask[f->lane] = mask;
  w.arrived |= me;
  return (mask & w.alive & ~w.arrived) == 0;
}

bool wait_or_last() {
  Fiber* f = current;
  unsigned me = 1u << f->lane;
  f->warp->ready &= ~me;
  f->worker->next(f);
  bool last = f->warp->last & me;
  f->warp->last &= ~me;
  return last;
}

void release(unsigned mask) {
  Warp& w = *current->warp;
  mask &= w.arrived;
  w.arrived &= ~mask;
  w.ready |= mask;
}

void sync_warp(unsigned mask) {
  if (!arrive(mask) && !wait_or_last()) return;
  current->warp->epoch++;
  release(mask);
}

void fence() {
  const Block& b = *current->block;
  if (b.launch->fences) b.launch->fences[b.number]++;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void exchange(Warp& w, unsigned active) {
  for (int i = 0; i < 32; i++) {
    if (!(active >> i & 1)) continue;
    if (!(active >> w.from[i] & 1))
      fail(launch_failed, "in a shuffle lane %d reads lane %d, which takes no part in it", i, w.from[i]);
    w.result[i] = w.value[w.from[i]];
  }
}

// ---- cp.async

void copy_issue(const Copy& c) {
  Fiber* f = current;
  if (f->copies == Fiber::max_copies) fail(launch_failed, "more than %d cp.async in flight; raise Fiber::max_copies", int(Fiber::max_copies));
  if (c.valid > c.bytes) fail(launch_failed, "cp.async of %u bytes with a source of %u", c.bytes, c.valid);
  if (reinterpret_cast<uintptr_t>(c.dst) % c.bytes || (c.valid && reinterpret_cast<uintptr_t>(c.src) % c.bytes))
    fail(misaligned_address, "cp.async of %u bytes from %p to %p: both must be multiples of %u", c.bytes, c.src, c.dst, c.bytes);
  const void* pc = __builtin_return_address(0);
  touch(c.src, c.valid, Access::read, pc);
  touch(c.dst, c.bytes, Access::issue, pc);
  f->copy[f->copies++] = c;
}

void copy_commit() {
  Fiber* f = current;
  if (f->groups == Fiber::max_groups) fail(launch_failed, "more than %d cp.async groups in flight; raise Fiber::max_groups", int(Fiber::max_groups));
  f->group_end[f->groups++] = f->copies;
}

void copy_wait(unsigned pending) {
  Fiber* f = current;
  if (f->groups <= pending) return;
  unsigned done = f->groups - pending, end = f->group_end[done - 1];
  for (unsigned i = 0; i < end; i++) {
    const Copy& c = f->copy[i];
    touch(c.dst, c.bytes, Access::deliver, __builtin_return_address(0));
    memcpy(c.dst, c.src, c.valid);
    memset(static_cast<char*>(c.dst) + c.valid, 0, c.bytes - c.valid);
  }
  memmove(f->copy, f->copy + end, (f->copies - end) * sizeof *f->copy);
  f->copies -= end;
  for (unsigned i = done; i < f->groups; i++) f->group_end[i - done] = f->group_end[i] - end;
  f->groups = pending;
}

}  // namespace emu
