//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"clusir/internal/kernels"
)

// Whole returns b with the whole interface, or an error that lists the operations
// that have no kernels yet.
func (b *Backend) Whole() (kernels.Backend, error) {
	if whole, ok := any(b).(kernels.Backend); ok {
		return whole, nil
	}
	have, want := reflect.TypeFor[*Backend](), reflect.TypeFor[kernels.Backend]()
	var lack []string
	for i := range want.NumMethod() {
		name := want.Method(i).Name
		if _, ok := have.MethodByName(name); !ok && !strings.HasSuffix(name, "Grad") {
			lack = append(lack, name)
		}
	}
	return nil, errors.Join(fmt.Errorf("cuda:%d: no kernels yet for %s; use --device cpu", b.index, strings.Join(lack, ", ")), b.Close())
}
