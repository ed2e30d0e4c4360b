//go:build !mpi

package parallel

import "errors"

// hasMPI reports whether this binary can join its ranks by MPI.
const hasMPI = false

func joinMPI(Place) (Group, error) {
	return nil, errors.New("this binary was built without MPI: build it by `make mpi`")
}
