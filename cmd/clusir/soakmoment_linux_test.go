package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// moment is when a fault strikes: after a time, or some time after a change of the
// folder that the command writes into.
type moment struct {
	change int // 0 for none, 1 for the first
	after  time.Duration
	bytes  int // limit on the size of a file, from the beginning
}

func (m moment) String() string {
	switch {
	case m.bytes > 0:
		return fmt.Sprintf("%d", m.bytes)
	case m.change > 0:
		return fmt.Sprintf("%v after change %d of the folder", m.after, m.change)
	}
	return fmt.Sprintf("after %v", m.after)
}

// moment draws a moment: three of four are within a millisecond of a write, where a
// command can damage something, and the others anywhere.
func (s *subject) moment(r *rand.Rand) moment {
	if r.IntN(4) == 0 {
		return moment{after: time.Duration(r.Int64N(int64(s.took)))}
	}
	return moment{change: 1 + r.IntN(s.events), after: time.Duration(r.Int64N(int64(time.Millisecond))) * time.Duration(r.IntN(2))}
}

// watcher counts the changes of a folder.
type watcher struct {
	f     *os.File
	ended chan struct{}

	mu    sync.Mutex
	seen  int
	at    int // the change at which to strike
	after time.Duration
	do    func()
}

func watch(t *testing.T, dir string) *watcher {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	const changes = syscall.IN_CREATE | syscall.IN_MODIFY | syscall.IN_DELETE | syscall.IN_MOVED_TO | syscall.IN_CLOSE_WRITE
	if _, err := syscall.InotifyAddWatch(fd, dir, changes); err != nil {
		t.Fatal(err)
	}
	w := &watcher{f: os.NewFile(uintptr(fd), dir), ended: make(chan struct{})}
	go w.follow()
	return w
}

// follow counts the events until the watcher is stopped.
func (w *watcher) follow() {
	defer close(w.ended)
	buf := make([]byte, 1<<14)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return
		}
		for at := 0; at < n; {
			e := (*syscall.InotifyEvent)(unsafe.Pointer(&buf[at]))
			at += syscall.SizeofInotifyEvent + int(e.Len)
			w.count()
		}
	}
}

func (w *watcher) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen++
	if w.do != nil && w.seen == w.at {
		time.AfterFunc(w.after, w.do)
	}
}

// strike calls do at a moment.
func (w *watcher) strike(m moment, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at, w.after, w.do = m.change, m.after, do; w.at <= w.seen {
		time.AfterFunc(m.after, do)
	}
}

// stop ends the watch and returns the number of changes.
func (w *watcher) stop() int {
	_ = w.f.Close() // it was only read
	<-w.ended
	return w.seen
}
