// What package nccl calls of NVIDIA's NCCL, which shim.c loads at run time. The
// types and values are those of nccl.h, version 2. Functions return an
// ncclResult_t, 0 for success.
#ifndef CLUSIR_NCCL_SHIM_H
#define CLUSIR_NCCL_SHIM_H

#include <stddef.h>

typedef struct {
  char internal[128];
} ncclUniqueId;
typedef struct ncclComm *ncclComm_t;

// Loads the library, once; where that fails it writes why and returns -1.
int clusir_nccl_open(char *why, size_t size);

const char *clusir_nccl_text(int code);
int clusir_nccl_id(ncclUniqueId *id);

// No call on a communicator waits for another rank. Where there is more to do than
// a call could, it returns CLUSIR_NCCL_IN_PROGRESS, and so does clusir_nccl_state
// until it is done; until then clusir_nccl_abort is the only other call allowed.
enum { CLUSIR_NCCL_IN_PROGRESS = 7 };

int clusir_nccl_join(ncclComm_t *comm, const ncclUniqueId *id, int rank, int size);
// Sums n float32 tensors over the ranks, in place, behind what is in the stream.
int clusir_nccl_sum(ncclComm_t comm, int n, const unsigned long long *at, const size_t *counts, void *stream);
int clusir_nccl_state(ncclComm_t comm); // in progress, what has gone wrong, or 0
int clusir_nccl_finalize(ncclComm_t comm); // ends what is under way; destroy follows
int clusir_nccl_destroy(ncclComm_t comm);
int clusir_nccl_abort(ncclComm_t comm);

#endif
