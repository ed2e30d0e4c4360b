package atomicfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// devices are names that stand for devices on Windows, with any extension.
var devices = []string{"con", "prn", "aux", "nul", "conin$", "conout$"}

// port is the name of a serial or parallel port; to Windows, ¹ is the digit 1.
var port = regexp.MustCompile(`^(com|lpt)[1-9¹²³]$`)

// forbidden refuses a path, without its drive, that Windows does not allow or would
// change: a colon makes a stream of a file, and trailing dots and spaces are cut off.
func forbidden(p string) error {
	for part := range strings.SplitSeq(strings.ReplaceAll(p, `\`, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			continue
		}
		if i := strings.IndexFunc(part, func(r rune) bool { return r < ' ' || strings.ContainsRune(`<>:"|?*`, r) }); i >= 0 {
			return fmt.Errorf("a name on Windows cannot hold %q: choose another than %s", part[i:i+1], part)
		}
		if strings.TrimRight(part, ". ") != part {
			return fmt.Errorf("a name on Windows cannot end in a dot or a space: choose another than %q", part)
		}
		stem, _, _ := strings.Cut(strings.ToLower(part), ".")
		stem = strings.TrimRight(stem, " ")
		if slices.Contains(devices, stem) || port.MatchString(stem) {
			return fmt.Errorf("%s is the name of a device on Windows: choose another", part)
		}
	}
	return nil
}
