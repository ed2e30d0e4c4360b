package restore

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Bug is the error of a picture on which the program panicked.
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

// attempt does a stage's work on the picture. An error is the picture's, and so is
// a panic: pictures are what users find in the wild, and one that trips a bug must
// not take a whole folder with it. What is returned is the picture's first error,
// if the work failed.
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

// Misuse is a mistake that the command line shows by itself, whatever the files
// hold.
type Misuse struct{ error }

// Unwrap returns what is wrong.
func (m Misuse) Unwrap() error { return m.error }

func misuse(format string, a ...any) error { return Misuse{fmt.Errorf(format, a...)} }
