// What internal/parallel needs of MPI. Each function returns an MPI error code,
// 0 for success. All but clusir_mpi_abort must be called by one thread.
#ifndef CLUSIR_MPI_H
#define CLUSIR_MPI_H

// The most that clusir_mpi_text writes.
#define CLUSIR_MPI_TEXT 1024

int clusir_mpi_open(int *rank, int *size);
int clusir_mpi_close(void);
void clusir_mpi_abort(void);

// Sends nout numbers to the rank next while it receives up to nin from prev; 0
// for no message. *got is how many the sender's message had.
int clusir_mpi_shift(const float *out, int nout, int next, float *in, int nin, int prev, int *got);

void clusir_mpi_text(int code, char *text);

#endif
