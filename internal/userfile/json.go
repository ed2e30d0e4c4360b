package userfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// PlainJSON converts an error of package json to one without the names of Go types.
func PlainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	value, _, _ := strings.Cut(wrong.Value, " ") // without a number's digits
	article := "a"
	if strings.ContainsAny(value[:min(1, len(value))], "ao") {
		article = "an"
	}
	if wrong.Field == "" {
		return fmt.Errorf("it is %s %s", article, value)
	}
	return fmt.Errorf("its %q is %s %s", wrong.Field, article, value)
}
