package process

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"clusir/internal/userfile"
)

// Signalled is the cause of a context that a signal has ended.
type Signalled struct{ syscall.Signal }

// Error says what happened.
func (s Signalled) Error() string { return ends[s.Signal] }

// Is makes it count as a cancellation.
func (s Signalled) Is(target error) bool { return target == context.Canceled }

// Code returns the exit code as in shells: 128 plus the signal's number.
func (s Signalled) Code() int { return 128 + int(s.Signal) }

// repeats is how long signals count as repetitions of the first: a closing terminal's shell,
// launchers and timeout each send one in addition to that of the process group.
const repeats = 500 * time.Millisecond

// UntilSignalled returns a context that the first signal to end the command cancels, so
// that the command can finish what must stay whole; a later one kills it. Failed
// writes are errors, not signals. stop restores the default handling.
func UntilSignalled(parent context.Context) (ctx context.Context, stop func()) {
	surviveWrites()
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for s := range ends {
		if s == syscall.SIGHUP && signal.Ignored(s) {
			continue // nohup
		}
		signal.Notify(signals, s)
	}
	go func() {
		select {
		case s := <-signals:
			by := Signalled{s.(syscall.Signal)}
			cancel(by)
			time.Sleep(repeats)
			signal.Stop(signals)
			if userfile.Waits.Load() > 0 { // and writes nothing
				fmt.Fprintf(os.Stderr, "clusir: %v\n", by)
				os.Exit(by.Code())
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
