//go:build cuda

package cuda

import "runtime"

// worker makes all driver calls of one device, in order, on one OS thread: a CUDA
// context is bound to a thread, and goroutines move between threads.
type worker struct {
	tasks chan func()
	done  chan struct{}
}

// queueLength is how many batches and other tasks the model may be ahead of the driver.
const queueLength = 64

func newWorker() *worker {
	w := &worker{tasks: make(chan func(), queueLength), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		defer close(w.done)
		for task := range w.tasks {
			task()
		}
	}()
	return w
}

// post queues a task.
func (w *worker) post(task func()) { w.tasks <- task }

// do runs a task after those queued and waits for it.
func (w *worker) do(task func()) {
	done := make(chan struct{})
	w.tasks <- func() {
		defer close(done)
		task()
	}
	<-done
}

// stop ends the worker when its queue is empty.
func (w *worker) stop() {
	close(w.tasks)
	<-w.done
}
