// A libnccl.so.2 for the ranks of one process, in host memory, whose sums are
// done when the call returns. It checks what NCCL requires: the types, one
// stream per rank, calls of all ranks in the same order.
#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { success, failed = 3, invalid = 4, float32 = 7, sum = 0, most = 16, ranks = 8 };

typedef struct {
  char internal[128];
} ncclUniqueId;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int made;

typedef struct {
  char id[128];
  int size, joined, waiting, round, aborted;
  float *at[ranks];
  size_t count;
} Group;
static Group groups[most];

typedef struct ncclComm {
  Group *group;
  int rank;
} Comm;
static Comm comms[most * ranks];
static int ncomms;

static _Thread_local struct {
  Comm *comm;
  float *at;
  size_t count;
} queue[64];
static _Thread_local int queued, grouped;

const char *ncclGetErrorString(int code) { return code == failed ? "a fake failure" : code == invalid ? "invalid argument" : "fine"; }

int ncclGetUniqueId(ncclUniqueId *id) {
  pthread_mutex_lock(&lock);
  memset(id, 0, sizeof *id);
  made++;
  memcpy(id->internal, &made, sizeof made);
  id->internal[127] = 'x';
  pthread_mutex_unlock(&lock);
  return success;
}

int ncclCommInitRank(Comm **comm, int size, ncclUniqueId id, int rank) {
  Group *g = &groups[(unsigned char)id.internal[0] % most];
  if (rank < 0 || rank >= size || size > ranks || id.internal[127] != 'x') return invalid;
  pthread_mutex_lock(&lock);
  if (memcmp(g->id, id.internal, sizeof g->id)) { // the place of one long gone
    *g = (Group){.size = size};
    memcpy(g->id, id.internal, sizeof g->id);
  }
  *comm = &comms[ncomms++ % (most * ranks)];
  **comm = (Comm){g, rank};
  g->joined++;
  pthread_cond_broadcast(&turn);
  while (g->joined < size) pthread_cond_wait(&turn, &lock);
  pthread_mutex_unlock(&lock);
  return success;
}

// Sums one array over the ranks: the last to come does it for all.
static int reduce(Comm *c, float *at, size_t count) {
  Group *g = c->group;
  int code = success;
  pthread_mutex_lock(&lock);
  g->at[c->rank] = at;
  if (g->waiting == 0) g->count = count;
  if (g->count != count) code = invalid;
  int round = g->round;
  if (++g->waiting == g->size) {
    for (size_t i = 0; i < count; i++) {
      float total = 0;
      for (int r = 0; r < g->size; r++) total += g->at[r][i];
      for (int r = 0; r < g->size; r++) g->at[r][i] = total;
    }
    g->waiting = 0;
    g->round++;
    pthread_cond_broadcast(&turn);
  }
  while (g->round == round && !g->aborted) pthread_cond_wait(&turn, &lock);
  if (g->aborted) code = failed;
  pthread_mutex_unlock(&lock);
  return code;
}

int ncclAllReduce(const void *from, void *to, size_t count, int type, int op, Comm *comm, void *stream) {
  if (from != to || type != float32 || op != sum || !stream || !grouped || queued == 64) return invalid;
  queue[queued].comm = comm;
  queue[queued].at = to;
  queue[queued++].count = count;
  return success;
}

int ncclGroupStart(void) {
  grouped = 1;
  queued = 0;
  return success;
}

int ncclGroupEnd(void) {
  int code = success;
  for (int i = 0; i < queued && !code; i++) code = reduce(queue[i].comm, queue[i].at, queue[i].count);
  grouped = queued = 0;
  return code;
}

int ncclCommGetAsyncError(Comm *comm, int *error) {
  *error = comm->group->aborted ? failed : success;
  return success;
}

int ncclCommDestroy(Comm *comm) { return comm ? success : invalid; }

int ncclCommAbort(Comm *comm) {
  pthread_mutex_lock(&lock);
  comm->group->aborted = 1;
  pthread_cond_broadcast(&turn);
  pthread_mutex_unlock(&lock);
  return success;
}
