//go:build mpi

package parallel

import (
	"os"
	"testing"
)

// TestWorld is one rank of those that TestMPI starts under mpirun.
func TestWorld(t *testing.T) {
	p, err := FromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if !p.MPI {
		t.Skip("not started by mpirun")
	}
	g, err := Join(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := conform(g); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("rank %d of %d conforms", g.Rank(), g.Size())
}
