// Guarded memory, and segmentation faults inside kernels turned into failures.
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "worker.h"

namespace emu {

char* map_guarded(size_t bytes) {
  void* p = mmap(nullptr, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  char* first = static_cast<char*>(p) + page;
  if (mprotect(first, bytes, PROT_READ | PROT_WRITE)) {
    munmap(p, bytes + 2 * page);
    return nullptr;
  }
  return first;
}

void unmap_guarded(char* p, size_t bytes) { munmap(p - page, bytes + 2 * page); }

enum { signal_stack_size = 64 << 10 };

Worker::Worker() {
  stacks = map_guarded(size_t(max_threads) * stack_size);
  shared = map_guarded(max_shared);
  signal_stack = map_guarded(signal_stack_size);
  if (!stacks || !shared || !signal_stack) {
    fprintf(stderr, "software device: no memory for fibers\n");
    abort();
  }
  for (unsigned i = 0; i < max_threads; i++) mprotect(stacks + size_t(i) * stack_size, page, PROT_NONE);
}

void Worker::adopt() {
  stack_t s{};
  s.ss_sp = signal_stack;
  s.ss_size = signal_stack_size;
  sigaltstack(&s, nullptr);
}

// ---- segmentation faults

static struct sigaction previous_segv, previous_bus;
static thread_local const void* fault_at;
static thread_local const void* fault_pc;

// landing runs instead of the faulting instruction, on the worker's signal stack, which is
// free by then.
static void landing() {
  char at[300];
  locate(fault_pc, at, sizeof at);
  Worker& w = *current->worker;
  const char* low = w.stacks + size_t(current->index) * stack_size;
  if (fault_at >= low && fault_at < low + page)
    fail(illegal_address, "stack overflow at %s; a kernel's local arrays have %d KB", at, (stack_size - page) >> 10);
  fail(illegal_address, "illegal address %p at %s", fault_at, at);
}

static void on_fault(int signal, siginfo_t* info, void* context) {
  if (current) {
    ucontext_t* c = static_cast<ucontext_t*>(context);
    fault_at = info->si_addr;
    fault_pc = reinterpret_cast<char*>(c->uc_mcontext.gregs[REG_RIP]) + 1;  // as if it were a call
    c->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(landing);
    c->uc_mcontext.gregs[REG_RSP] = reinterpret_cast<greg_t>(current->worker->signal_stack + signal_stack_size / 2 - 8);
    return;
  }
  const struct sigaction& old = signal == SIGSEGV ? previous_segv : previous_bus;
  if (old.sa_flags & SA_SIGINFO) return old.sa_sigaction(signal, info, context);
  if (old.sa_handler == SIG_IGN) return;
  if (old.sa_handler != SIG_DFL) return old.sa_handler(signal);
  ::signal(signal, SIG_DFL);  // the instruction faults again and ends the process
}

void catch_faults() {
  struct sigaction a{};
  a.sa_sigaction = on_fault;
  a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &a, &previous_segv);
  sigaction(SIGBUS, &a, &previous_bus);
}

// place reads the two lines that addr2line prints for a frame: function, file:line.
static bool place(FILE* f, char* out, size_t size) {
  char function[160], line[200];
  if (!fgets(function, sizeof function, f) || !fgets(line, sizeof line, f)) return false;
  function[strcspn(function, "\n(")] = line[strcspn(line, " \n")] = 0;
  const char* file = strrchr(line, '/');
  snprintf(out, size, "%s (%s)", function, file ? file + 1 : line);
  return true;
}

void locate(const void* pc, char* out, size_t size) {
  Dl_info info;
  snprintf(out, size, "%p", pc);
  if (!dladdr(pc, &info) || !info.dli_fname) return;
  char command[600], inner[400] = "", outer[400] = "";
  snprintf(command, sizeof command, "addr2line -Cfie '%s' %#zx 2>/dev/null", info.dli_fname,
           static_cast<const char*>(pc) - static_cast<const char*>(info.dli_fbase) - 1);
  FILE* f = popen(command, "r");
  if (!f) return;
  if (place(f, inner, sizeof inner)) snprintf(out, size, "%s", inner);
  while (place(f, outer, sizeof outer)) {}  // through inlined functions, to the kernel
  if (*outer) snprintf(out, size, "%s in %s", inner, outer);
  pclose(f);
}

}  // namespace emu
