package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalled is the cause of a context that a signal has ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return ends[s.Signal] }

// Is makes it count as a cancellation.
func (s signalled) Is(target error) bool { return target == context.Canceled }

// code returns the exit code as in shells: 128 plus the signal's number.
func (s signalled) code() int { return 128 + int(s.Signal) }

// untilSignalled returns a context that the first signal to end the command cancels, so
// that the command can finish what must stay whole; a second signal kills it. stop
// restores the default handling.
func untilSignalled(parent context.Context) (ctx context.Context, stop func()) {
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
			signal.Stop(signals)
			cancel(signalled{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
