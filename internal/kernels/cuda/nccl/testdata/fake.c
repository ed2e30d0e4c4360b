// A libnccl.so.2 for the ranks of one process, in host memory. As NCCL with
// blocking = 0 no call waits: what takes all ranks is in progress until the last of
// them has come, which does it for all. It checks what NCCL requires: the
// configuration, the types, one stream per rank, calls of all ranks in the same
// order, none while one is in progress. Of a rank that aborts the others learn as
// of one that has died.
#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { success, failed = 3, invalid = 4, usage = 5, remote = 6, in_progress = 7, float32 = 7, sum = 0, most = 16, ranks = 8, longest = 64 };

typedef struct {
  char internal[128];
} ncclUniqueId;

typedef struct {
  size_t size;
  unsigned magic, version;
  int blocking;
} Config;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int made;

typedef struct {
  float *at;
  size_t count;
} Sum;

typedef struct {
  char id[128];
  int size, joined, posted, round, lost;
  struct ncclComm *members[ranks];
} Group;
static Group groups[most];

typedef struct ncclComm {
  Group *group;
  int rank, round, finalized;  // it waits for the end of that round
  Sum sums[longest];
  int n;
} Comm;
static Comm comms[most * ranks];
static int ncomms;

static _Thread_local struct {
  Comm *comm;
  Sum sums[longest];
  int n, open;
} queue;

const char *ncclGetErrorString(int code) {
  return code == failed ? "a fake failure" : code == invalid ? "invalid argument" : code == usage ? "invalid usage"
       : code == remote ? "remote process exited or there was a network error" : "fine";
}

int ncclGetUniqueId(ncclUniqueId *id) {
  pthread_mutex_lock(&lock);
  memset(id, 0, sizeof *id);
  made++;
  memcpy(id->internal, &made, sizeof made);
  id->internal[127] = 'x';
  pthread_mutex_unlock(&lock);
  return success;
}

// What a communicator is in; the lock is held.
static int state(const Comm *c) {
  const Group *g = c->group;
  if (g->lost) return remote;
  return g->joined < g->size || c->round == g->round ? in_progress : success;
}

int ncclCommInitRankConfig(Comm **comm, int size, ncclUniqueId id, int rank, Config *config) {
  Group *g = &groups[(unsigned char)id.internal[0] % most];
  if (rank < 0 || rank >= size || size > ranks || id.internal[127] != 'x') return invalid;
  if (config->size != sizeof *config || config->magic != 0xcafebeef || config->version < 21400 || config->blocking) return invalid;
  pthread_mutex_lock(&lock);
  if (memcmp(g->id, id.internal, sizeof g->id)) { // the place of one long gone
    *g = (Group){.size = size};
    memcpy(g->id, id.internal, sizeof g->id);
  }
  *comm = g->members[rank] = &comms[ncomms++ % (most * ranks)];
  **comm = (Comm){.group = g, .rank = rank, .round = -1};
  g->joined++;
  int code = state(*comm);
  pthread_mutex_unlock(&lock);
  return code;
}

// Adds up what the ranks have posted; the lock is held.
static int reduce(Group *g) {
  Comm *first = g->members[0];
  for (int i = 0; i < first->n; i++) {
    for (size_t k = 0; k < first->sums[i].count; k++) {
      float total = 0;
      for (int r = 0; r < g->size; r++) {
        if (g->members[r]->n != first->n || g->members[r]->sums[i].count != first->sums[i].count) return invalid;
        total += g->members[r]->sums[i].at[k];
      }
      for (int r = 0; r < g->size; r++) g->members[r]->sums[i].at[k] = total;
    }
  }
  return success;
}

int ncclAllReduce(const void *from, void *to, size_t count, int type, int op, Comm *comm, void *stream) {
  if (from != to || type != float32 || op != sum || !stream || !queue.open || queue.n == longest) return invalid;
  queue.comm = comm;
  queue.sums[queue.n++] = (Sum){to, count};
  return success;
}

int ncclGroupStart(void) {
  queue.open = 1;
  queue.n = 0;
  return success;
}

int ncclGroupEnd(void) {
  Comm *c = queue.comm;
  Group *g = c->group;
  queue.open = 0;
  pthread_mutex_lock(&lock);
  int code = state(c);
  if (code == success) {
    memcpy(c->sums, queue.sums, sizeof c->sums);
    c->n = queue.n;
    c->round = g->round;
    if (++g->posted == g->size) {
      code = reduce(g);
      g->posted = 0;
      g->round++;
    }
    if (!code) code = state(c);
  } else if (code == in_progress) {
    code = usage;
  }
  pthread_mutex_unlock(&lock);
  return code;
}

int ncclCommGetAsyncError(Comm *comm, int *error) {
  pthread_mutex_lock(&lock);
  *error = state(comm);
  pthread_mutex_unlock(&lock);
  return success;
}

int ncclCommFinalize(Comm *comm) {
  pthread_mutex_lock(&lock);
  int code = state(comm);
  comm->finalized = code == success;
  pthread_mutex_unlock(&lock);
  return code == in_progress ? usage : code;
}

int ncclCommDestroy(Comm *comm) { return comm && comm->finalized ? success : usage; }

int ncclCommAbort(Comm *comm) {
  pthread_mutex_lock(&lock);
  comm->group->lost = 1;
  pthread_mutex_unlock(&lock);
  return success;
}
