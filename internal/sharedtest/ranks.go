package sharedtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// MPI skips the test if OpenMPI is not installed, to compile with and to run, or fails
// it if everything is required.
func MPI(t testing.TB) {
	t.Helper()
	err := exec.Command("pkg-config", "--exists", "ompi-c").Run()
	if err == nil {
		_, err = exec.LookPath("mpirun")
	}
	if err != nil {
		Absent(t, fmt.Errorf("OpenMPI is absent (%w): install openmpi-bin, libopenmpi-dev and pkg-config", err))
	}
}

// Mpirun returns the command that starts a program on several local ranks, with
// additional environment variables.
func Mpirun(t testing.TB, ranks int, env []string, program ...string) *exec.Cmd {
	t.Helper()
	args := append([]string{"--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", strconv.Itoa(ranks)}, program...)
	cmd := exec.CommandContext(t.Context(), "mpirun", args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// FreeAddr returns a local address that nothing listened on just now.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
