package restore

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Bug is the error of a picture for which the program panicked.
type Bug struct {
	Name  string // of the picture
	Value any    // of the panic
	Stack []byte
}

// Error asks the user to report the bug.
func (b *Bug) Error() string {
	return fmt.Sprintf("%s: internal error: %v. This is a bug: please report it, with the picture and what "+
		"CLUSIR_DEBUG=1 makes this command print", b.Name, b.Value)
}

// attempt does a stage's work on the picture. An error is the picture's, and so is a
// panic: users' pictures can be anything, and one that triggers a bug must not fail a
// whole folder. If the work failed, attempt returns the picture's first error.
func (p *picture) attempt(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Bug{p.name(), v, debug.Stack()}
		}
		if err != nil {
			p.fail(err)
			err = context.Cause(p.ctx)
		}
	}()
	return work()
}
