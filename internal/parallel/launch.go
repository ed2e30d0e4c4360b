package parallel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"

	"clusir/internal/userfile"
)

// Place is the place that a launcher gives this process among the ranks of a run.
type Place struct {
	Rank, Size           int
	LocalRank, LocalSize int    // among the ranks on this machine
	Addr                 string // host:port where rank 0 listens for the others
	MPI                  bool   // MPI joins the ranks, not TCP
	Launcher             string // the source of this information, for messages
	// Secret is known only to the ranks of the run; "" for none.
	Secret string
	// Timeout is how long a rank may be silent, 0 for ever.
	Timeout time.Duration
	// Messages, if set, receives which ranks rank 0 refuses.
	Messages io.Writer
}

// The variables for a TCP group's secret, or the file that holds it, and how long a
// rank may be silent.
const (
	secretVariable     = "CLUSIR_SECRET"
	secretFileVariable = "CLUSIR_SECRET_FILE"
	timeoutVariable    = "CLUSIR_RANK_TIMEOUT"
	defaultTimeout     = 20 * time.Second
)

// maxRanks bounds a run: a welcome that names more would be longer than ranks read.
const maxRanks = 1 << 14

// Join makes this process a rank of the group, and waits for the others.
func Join(ctx context.Context, p Place) (Group, error) {
	switch {
	case p.Size == 1:
		return Local(1)[0], nil
	case p.MPI:
		return joinMPI(p)
	}
	return joinTCP(ctx, p)
}

// FromEnv determines from the environment whether a launcher started this process as
// one of several ranks. It recognises, in this order:
//
//   - RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT and LOCAL_RANK, LOCAL_WORLD_SIZE,
//     as torchrun and the training operators of Kubernetes set them;
//   - OpenMPI's mpirun, and MPICH's and Intel's;
//   - Slurm's srun.
//
// Under mpirun, a binary with MPI uses MPI. Without MPI, and under srun, the ranks meet
// at MASTER_ADDR and MASTER_PORT, which have defaults under srun. Without a launcher
// the place is rank 0 of 1.
func FromEnv(getenv func(string) string) (Place, error) {
	e := &env{get: getenv}
	// A size without a rank is a mistake, as is a rank without a size.
	i := slices.IndexFunc(launchers, func(l launcher) bool {
		return e.has(l.size) && !(l.name == mpiexec && e.fromSrun()) || l.name == torch && e.has(l.rank)
	})
	if i < 0 {
		return Place{Size: 1, LocalSize: 1}, nil
	}
	l := launchers[i]
	p := Place{
		Launcher: l.name, Rank: e.number(l.rank), Size: e.number(l.size),
		LocalRank: e.numberOr(l.localRank, 0), LocalSize: e.numberOr(l.localSize, 1),
	}
	if l.name == srun {
		p.LocalSize = e.tasksHere()
	}
	if p.Size > 1 {
		e.meet(&p)
	}
	switch {
	case e.err != nil:
	case p.Size < 1 || p.Rank < 0 || p.Rank >= p.Size:
		e.err = fmt.Errorf("rank %d of %d ranks: ranks are numbered from 0", p.Rank, p.Size)
	case p.Size > maxRanks:
		e.err = fmt.Errorf("%d ranks: a run has %d at most", p.Size, maxRanks)
	case p.LocalSize < 1 || p.LocalSize > p.Size || p.LocalRank < 0:
		e.err = fmt.Errorf("rank %d of %d ranks on this machine, of %d in all: ranks are numbered from 0", p.LocalRank, p.LocalSize, p.Size)
	}
	p.Secret, p.Timeout = e.secret(), e.timeout()
	if e.err != nil {
		return Place{}, fmt.Errorf("the environment of %s: %w", p.Launcher, e.err)
	}
	return p, nil
}

// launcher names the variables by which a launcher tells a process its place.
type launcher struct{ name, rank, size, localRank, localSize string }

const (
	torch   = "RANK and WORLD_SIZE"
	mpiexec = "mpiexec"
	srun    = "srun"
)

var launchers = []launcher{
	{torch, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
	{"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
	{mpiexec, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
	{srun, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""}, // the size is only set in steps, where srun starts the ranks
}

// fromSrun reports whether the variables of mpiexec come from srun --mpi=pmi2, the default
// of many clusters. An mpiexec that starts its helpers by srun numbers its ranks itself.
func (e *env) fromSrun() bool {
	return e.get("SLURM_PROCID") == e.get("PMI_RANK") && !e.has("MPI_LOCALRANKID")
}

// meet determines how the ranks meet: by MPI, or at an address.
func (e *env) meet(p *Place) {
	host, port := e.get("MASTER_ADDR"), e.numberOr("MASTER_PORT", 0)
	switch {
	case p.Launcher == torch:
		port = e.number("MASTER_PORT")
		if e.get("TORCHELASTIC_USE_AGENT_STORE") == "True" {
			port++ // torchrun itself listens at MASTER_PORT
		}
	case p.Launcher == srun:
		if p.MPI = hasMPI && e.has("PMIX_RANK"); p.MPI { // srun --mpi=pmix
			return
		}
		host = cmp.Or(host, firstHost(cmp.Or(e.get("SLURM_STEP_NODELIST"), e.get("SLURM_JOB_NODELIST"))))
		// The port depends on the job, so that two jobs on a machine do not meet.
		port = e.numberOr("MASTER_PORT", 20000+e.numberOr("SLURM_JOB_ID", 0)%10000)
	case hasMPI:
		p.MPI = true
		return
	case host == "" || port == 0:
		e.fail(fmt.Errorf("%d ranks, but this binary was built without MPI: build it by `make mpi`, "+
			"or let the ranks meet over TCP by setting MASTER_ADDR and MASTER_PORT for all of them", p.Size))
		return
	}
	p.Addr = e.master(host, port)
}

// secret returns what the ranks prove to know.
func (e *env) secret() string {
	if !e.has(secretFileVariable) {
		return e.get(secretVariable)
	}
	if e.has(secretVariable) {
		e.fail(fmt.Errorf("%s and %s are both set: unset one", secretVariable, secretFileVariable))
	}
	text, err := userfile.Read(e.get(secretFileVariable))
	secret := strings.TrimSpace(string(text))
	if err == nil && secret == "" {
		err = fmt.Errorf("%s is empty", e.get(secretFileVariable))
	}
	if err != nil {
		e.fail(fmt.Errorf("%s: %w", secretFileVariable, err))
	}
	return secret
}

// timeout returns how long a rank may be silent.
func (e *env) timeout() time.Duration {
	if !e.has(timeoutVariable) {
		return defaultTimeout
	}
	d, err := time.ParseDuration(e.get(timeoutVariable))
	if err != nil || d < 0 || d > 0 && d < time.Second {
		e.fail(fmt.Errorf("%s=%s is not a time such as 90s: give a second or more, or 0 to wait forever", timeoutVariable, e.get(timeoutVariable)))
	}
	return d
}

// env reads variables and keeps the first error.
type env struct {
	get func(string) string
	err error
}

func (e *env) has(name string) bool { return e.get(name) != "" }

// number returns the value of a variable that must be set.
func (e *env) number(name string) int {
	if !e.has(name) {
		e.fail(fmt.Errorf("%s is not set: give each rank all of its variables, or a single process none", name))
	}
	return e.numberOr(name, 0)
}

func (e *env) numberOr(name string, absent int) int {
	if !e.has(name) {
		return absent
	}
	n, err := strconv.Atoi(e.get(name))
	if err != nil {
		e.fail(fmt.Errorf("%s=%s is not a number", name, e.get(name)))
	}
	return n
}

func (e *env) fail(err error) { e.err = cmp.Or(e.err, err) }

// tasksHere returns the number of the step's tasks on this machine, from
// SLURM_STEP_TASKS_PER_NODE such as "4(x2),3": the numbers in node order.
func (e *env) tasksHere() int {
	node := e.numberOr("SLURM_NODEID", 0)
	for part := range strings.SplitSeq(e.get("SLURM_STEP_TASKS_PER_NODE"), ",") {
		tasks, times, repeated := strings.Cut(strings.TrimSuffix(part, ")"), "(x")
		n, err := strconv.Atoi(tasks)
		nodes := 1
		if repeated && err == nil {
			nodes, err = strconv.Atoi(times)
		}
		if err != nil {
			break
		}
		if node < nodes {
			return n
		}
		node -= nodes
	}
	return 1
}

// master returns where rank 0 listens.
func (e *env) master(host string, port int) string {
	if host == "" {
		e.fail(errors.New("MASTER_ADDR is not set: it names the machine of rank 0"))
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":/ ") {
		e.fail(fmt.Errorf("MASTER_ADDR=%s: give the name or the IP address of rank 0's machine alone", host))
	}
	if port < 1 || port > 65535 {
		e.fail(fmt.Errorf("port %d of rank 0 is not in 1..65535", port))
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// firstHost returns the first machine of a Slurm list such as node[03-07,11],login1.
func firstHost(list string) string {
	open := strings.IndexByte(list, '[')
	if comma := strings.IndexByte(list, ','); open < 0 || comma >= 0 && comma < open {
		host, _, _ := strings.Cut(list, ",")
		return host
	}
	numbers, rest, ok := strings.Cut(list[open+1:], "]")
	if !ok {
		return ""
	}
	first := numbers[:len(numbers)-len(strings.TrimLeft(numbers, "0123456789"))]
	suffix, _, _ := strings.Cut(rest, ",")
	return list[:open] + first + suffix
}

// bindHost returns the host that rank 0 listens on: the address by which the others
// call it, so that it cannot be reached from other networks; or "", which means all, if
// this machine does not have that address (there is a service in front of it) or may
// know it under another name.
func (p Place) bindHost(ctx context.Context) string {
	host, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return ""
	}
	addrs, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil || len(addrs) == 0 {
		return ""
	}
	for _, a := range addrs {
		if a.IP.IsLoopback() && !p.onlyHere() {
			return "" // Debian's 127.0.1.1 for a machine's own name
		}
	}
	l, err := listen(ctx, net.JoinHostPort(addrs[0].String(), "0"))
	if err != nil {
		return ""
	}
	_ = l.Close() // it was only a test
	return addrs[0].String()
}

// onlyHere reports whether the ranks call rank 0 by a local address, which other
// machines cannot reach.
func (p Place) onlyHere() bool {
	host, _, err := net.SplitHostPort(p.Addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// neighbourHost returns the host on which a rank other than 0 listens for its
// neighbour: its end of the connection with rank 0, if others can reach that.
func (p Place) neighbourHost(toFirst net.Conn) string {
	here, ok := toFirst.LocalAddr().(*net.TCPAddr)
	if !ok || here.IP.IsLoopback() && !p.onlyHere() {
		return ""
	}
	return here.IP.String()
}

// Threads returns how many threads each of several ranks on this machine should use:
// the number of processors that its launcher has bound it to, or else its share of all
// processors.
func Threads(ranks int) int {
	all, _ := cpu.Counts(true) // 0 if unknown
	return threads(ranks, runtime.GOMAXPROCS(0), runtime.NumCPU(), all)
}

// threads computes Threads from the limit, the processors that this process may use,
// and those of the machine.
func threads(ranks, limit, own, all int) int {
	if own < all {
		return limit
	}
	return max(1, limit/ranks)
}
