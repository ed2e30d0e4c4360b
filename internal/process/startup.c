//go:build unix

#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

int clusir_stdout_closed;

// The memory that the runtime reserves before it can report anything, in MiB, as measured:
// tables for the heap, and the stacks of one thread per processor.
static const unsigned long long base_mib = 1500, thread_mib = 16;

static void check_addresses(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned long long need = base_mib + thread_mib * (unsigned long long)(cpus > 0 ? cpus : 1);
    if (limit.rlim_cur >= need << 20) {
#ifdef M_ARENA_MAX
        mallopt(M_ARENA_MAX, 1);  // each arena reserves 64 MiB of the few addresses
#endif
        return;
    }
    char text[256];
    int n = snprintf(text, sizeof text,
                     "clusir: the limit on addresses (ulimit -v) is %llu kB, and clusir needs %llu kB to start: "
                     "raise it, and limit the memory that is used with --max-memory\n",
                     (unsigned long long)limit.rlim_cur >> 10, need << 10);
    if (write(2, text, (size_t)n) < 0) _exit(1);  // the failure cannot be reported
    _exit(1);
}

__attribute__((constructor)) static void before_go(void) {
    clusir_stdout_closed = fcntl(1, F_GETFD) == -1 && errno == EBADF;
    check_addresses();
}
