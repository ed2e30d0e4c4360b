//go:build mpi

#include "mpi_shim.h"

#include <mpi.h>
#include <stdlib.h>
#include <time.h>

int clusir_mpi_open(int *rank, int *size) {
  // OpenMPI would print a backtrace for signals that Go's runtime turns into panics.
  setenv("OMPI_MCA_opal_signal", "", 0);
  int level;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (code != MPI_SUCCESS) return code;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  return MPI_Comm_size(MPI_COMM_WORLD, size);
}

int clusir_mpi_close(void) { return MPI_Finalize(); }

void clusir_mpi_abort(void) { MPI_Abort(MPI_COMM_WORLD, 1); }

// Waits for requests. MPI's own wait keeps a core busy, which the kernels need: rank 0 may
// validate for minutes. This one polls at first, and then sleeps for intervals that grow
// to half a millisecond.
static int wait_all(int n, MPI_Request *requests, MPI_Status *statuses) {
  long pause = 0;
  for (int tries = 0;; tries++) {
    int done;
    int code = MPI_Testall(n, requests, &done, statuses);
    if (code != MPI_SUCCESS || done) return code;
    if (tries < 2000) continue;
    pause = pause < 500000 ? pause + 10000 : pause;
    nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
  }
}

int clusir_mpi_shift(const float *out, int nout, int next, float *in, int nin, int prev, int *got) {
  MPI_Request requests[2];
  MPI_Status statuses[2];
  int n = 0, code = MPI_SUCCESS;
  if (nin > 0) code = MPI_Irecv(in, nin, MPI_FLOAT, prev, 0, MPI_COMM_WORLD, &requests[n++]);
  if (code == MPI_SUCCESS && nout > 0) code = MPI_Isend(out, nout, MPI_FLOAT, next, 0, MPI_COMM_WORLD, &requests[n++]);
  if (code == MPI_SUCCESS) code = wait_all(n, requests, statuses);
  if (code == MPI_ERR_IN_STATUS)
    for (int i = 0; i < n; i++)
      if (statuses[i].MPI_ERROR != MPI_SUCCESS && statuses[i].MPI_ERROR != MPI_ERR_PENDING) code = statuses[i].MPI_ERROR;
  *got = 0;
  if (code == MPI_SUCCESS && nin > 0) code = MPI_Get_count(&statuses[0], MPI_FLOAT, got);
  return code;
}

void clusir_mpi_text(int code, char *text) {
  int length;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) *text = 0;
}
