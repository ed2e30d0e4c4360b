//go:build !cuda

package cuda

import (
	"errors"
	"strings"
	"testing"
)

func TestCPUOnly(t *testing.T) {
	_, err := Open(0, Options{})
	_, err2 := Devices()
	for _, err := range []error{err, err2} {
		if !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "make cuda") {
			t.Errorf("%v does not say how to get a binary with CUDA", err)
		}
	}
}
