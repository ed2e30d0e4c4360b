package kerneltest

import (
	"reflect"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// TestRef runs the suite on the backend that it compares with, which tests memory,
// adding to gradients, absent destinations and unchanged sources.
func TestRef(t *testing.T) {
	b := ref.New()
	Run(t, b, Options{Slack: 1e-7})
	if n := b.Live(); n != 0 {
		t.Errorf("the suite leaks %d tensors", n)
	}
}

func TestEveryMethodHasARow(t *testing.T) {
	rows := map[string]bool{}
	for _, c := range table() {
		rows[c.Op], rows[c.Grad] = true, true
	}
	memory := reflect.TypeFor[kernels.Memory]()
	backend := reflect.TypeFor[kernels.Backend]()
	for i := range backend.NumMethod() {
		name := backend.Method(i).Name
		if _, ok := memory.MethodByName(name); !ok && !rows[name] {
			t.Errorf("no row for kernels.Backend's %s: add one to the table", name)
		}
		delete(rows, name)
	}
	delete(rows, "")
	for name := range rows {
		t.Errorf("a row names %s, which is not a method of kernels.Backend", name)
	}
}

// TestRowsAreToldApart also requires the rows of one operation to be adjacent.
func TestRowsAreToldApart(t *testing.T) {
	seen, last := map[string]bool{}, ""
	for _, c := range table() {
		if c.Op != last && seen[c.Op] {
			t.Errorf("the rows of %s are scattered", c.Op)
		}
		if name := c.Op + "/" + c.Name; seen[name] {
			t.Errorf("two rows are named %s", name)
		} else {
			seen[name] = true
		}
		seen[c.Op], last = true, c.Op
	}
}
