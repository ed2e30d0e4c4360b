package parallel

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestFromEnv(t *testing.T) {
	torch := "RANK=3 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=node0 MASTER_PORT=29500"
	slurm := "SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=8 SLURM_LOCALID=1 SLURM_NODEID=1 SLURM_STEP_TASKS_PER_NODE=4(x2) " +
		"SLURM_STEP_NODELIST=gpu[07-08] SLURM_JOB_ID=123456"
	ompi := "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2"
	for _, c := range []struct {
		name, env string
		want      Place
		err       string
	}{
		{name: "alone", want: Place{Size: 1, LocalSize: 1}},
		{name: "torch", env: torch, want: Place{Rank: 3, Size: 8, LocalRank: 1, LocalSize: 2, Addr: "node0:29500"}},
		{name: "torchrun", env: torch + " TORCHELASTIC_USE_AGENT_STORE=True", want: Place{Rank: 3, Size: 8, LocalRank: 1, LocalSize: 2, Addr: "node0:29501"}},
		{name: "one pod", env: "RANK=0 WORLD_SIZE=1", want: Place{Size: 1, LocalSize: 1}},
		{name: "IPv6", env: "RANK=0 WORLD_SIZE=2 MASTER_ADDR=fe80::1 MASTER_PORT=1", want: Place{Size: 2, LocalSize: 1, Addr: "[fe80::1]:1"}},
		{name: "srun", env: slurm, want: Place{Rank: 5, Size: 8, LocalRank: 1, LocalSize: 4, Addr: "gpu07:23456"}},
		{name: "IPv6 in brackets", env: "RANK=0 WORLD_SIZE=2 MASTER_ADDR=[::1] MASTER_PORT=1", want: Place{Size: 2, LocalSize: 1, Addr: "[::1]:1"}},
		{name: "srun, named", env: slurm + " MASTER_ADDR=ib07 MASTER_PORT=999", want: Place{Rank: 5, Size: 8, LocalRank: 1, LocalSize: 4, Addr: "ib07:999"}},
		{name: "srun --mpi=pmi2", env: slurm + " PMI_RANK=5 PMI_SIZE=8 PMI_FD=12", want: Place{Rank: 5, Size: 8, LocalRank: 1, LocalSize: 4, Addr: "gpu07:23456"}},
		{name: "mpiexec that srun helps", env: slurm + " PMI_RANK=5 PMI_SIZE=16 MPI_LOCALRANKID=5 MPI_LOCALNRANKS=8 MASTER_ADDR=a MASTER_PORT=5",
			want: Place{Rank: 5, Size: 16, LocalRank: 5, LocalSize: 8, Addr: "a:5"}},
		{name: "a batch script", env: "SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_JOB_ID=1", want: Place{Size: 1, LocalSize: 1}},
		{name: "mpirun, meeting over TCP", env: ompi + " MASTER_ADDR=a MASTER_PORT=5", want: Place{Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2, Addr: "a:5"}},
		{name: "mpirun of one", env: "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", want: Place{Size: 1, LocalSize: 1}},
		{name: "torch before mpirun", env: ompi + " " + torch, want: Place{Rank: 3, Size: 8, LocalRank: 1, LocalSize: 2, Addr: "node0:29500"}},

		{name: "mpirun without MPI", env: ompi, err: "make mpi"},
		{name: "no rank", env: "WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=5", err: "RANK is not set"},
		{name: "no size", env: "RANK=2", err: "WORLD_SIZE is not set: give each rank all of its variables, or a single process none"},
		{name: "no address", env: "RANK=1 WORLD_SIZE=2 MASTER_PORT=5", err: "MASTER_ADDR is not set"},
		{name: "a URL", env: "RANK=1 WORLD_SIZE=2 MASTER_ADDR=tcp://a MASTER_PORT=5", err: "MASTER_ADDR=tcp://a: give the name or the IP address"},
		{name: "two ports", env: "RANK=1 WORLD_SIZE=2 MASTER_ADDR=a:5 MASTER_PORT=5", err: "MASTER_ADDR=a:5: give the name or the IP address"},
		{name: "no port", env: "RANK=1 WORLD_SIZE=2 MASTER_ADDR=a", err: "MASTER_PORT is not set"},
		{name: "bad port", env: "RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=70000", err: "1..65535"},
		{name: "bad number", env: "RANK=one WORLD_SIZE=2", err: "RANK=one is not a number"},
		{name: "too high", env: "RANK=2 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=5", err: "rank 2 of 2"},
		{name: "too many", env: "RANK=0 WORLD_SIZE=1000000000 MASTER_ADDR=a MASTER_PORT=5", err: "1000000000 ranks: a run has 16384 at most"},
		{name: "too many here", env: "RANK=0 WORLD_SIZE=2 LOCAL_WORLD_SIZE=3 MASTER_ADDR=a MASTER_PORT=5", err: "rank 0 of 3 ranks on this machine, of 2"},
		{name: "none here", env: "RANK=0 WORLD_SIZE=2 LOCAL_WORLD_SIZE=-5 MASTER_ADDR=a MASTER_PORT=5", err: "rank 0 of -5 ranks on this machine"},
		{name: "negative here", env: "RANK=0 WORLD_SIZE=2 LOCAL_RANK=-1 MASTER_ADDR=a MASTER_PORT=5", err: "rank -1 of 1 ranks on this machine"},
		{name: "no ranks", env: "RANK=0 WORLD_SIZE=0", err: "rank 0 of 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			vars := map[string]string{}
			for v := range strings.FieldsSeq(c.env) {
				name, value, _ := strings.Cut(v, "=")
				vars[name] = value
			}
			if hasMPI && (strings.HasPrefix(c.name, "mpirun ") || strings.HasPrefix(c.name, "mpiexec ")) {
				t.Skip("this binary has MPI and would use it")
			}
			got, err := FromEnv(func(name string) string { return vars[name] })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v; want one with %q", err, c.err)
				}
				return
			}
			got.Launcher, got.Timeout = "", 0 // see TestFromEnvTrust
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestFromEnvTrust covers the secret, from a variable or a file, and how long a rank
// may be silent.
func TestFromEnvTrust(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for _, c := range []struct {
		name, file, secret, timeout string
		text                        string // of the file
		want                        string
		silence                     time.Duration
		err                         string
	}{
		{name: "nothing", silence: defaultTimeout},
		{name: "a variable", secret: "s", timeout: "90s", want: "s", silence: 90 * time.Second},
		{name: "a file", file: file, text: "from file\n", timeout: "0", want: "from file"},
		{name: "both", file: file, text: "x", secret: "s", err: "unset one"},
		{name: "an empty file", file: file, err: "is empty"},
		{name: "no file", file: file + "x", err: "there is no such file"},
		{name: "no time", timeout: "20", err: "CLUSIR_RANK_TIMEOUT=20 is not a time such as 90s"},
		{name: "too short", timeout: "10ms", err: "a second or more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			vars := map[string]string{"RANK": "0", "WORLD_SIZE": "1", secretVariable: c.secret, secretFileVariable: c.file, timeoutVariable: c.timeout}
			got, err := FromEnv(func(name string) string { return vars[name] })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || got.Secret != c.want || got.Timeout != c.silence {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestFirstHost(t *testing.T) {
	for list, want := range map[string]string{
		"node1": "node1", "node1,node2": "node1", "node[03-07,11],login": "node03", "a1,b[2-3]": "a1",
		"n[1-2]-ib,n9": "n1-ib", "": "", "broken[1": "",
	} {
		if got := firstHost(list); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

func TestThreads(t *testing.T) {
	for _, c := range []struct{ ranks, limit, own, all, want int }{
		{1, 8, 8, 8, 8},
		{2, 8, 8, 8, 4},   // they are not bound
		{2, 4, 4, 8, 4},   // bound to half of the machine each
		{2, 2, 64, 64, 1}, // a container that may use two
		{3, 2, 2, 2, 1},
	} {
		if got := threads(c.ranks, c.limit, c.own, c.all); got != c.want {
			t.Errorf("%+v: %d threads", c, got)
		}
	}
	if n := Threads(1); n < 1 || n > runtime.GOMAXPROCS(0) {
		t.Errorf("%d threads", n)
	}
}
