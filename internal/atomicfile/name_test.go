package atomicfile

import (
	"strings"
	"testing"
)

func TestForbidden(t *testing.T) {
	for name, want := range map[string]string{
		"a.png": "", "ä/漢字.png": "", `..\out\b.png`: "", "console.png": "", "com10.png": "", "nul-1.png": "", ".hidden": "", "a.b.c": "",
		"a:b.png": `":"`, "out/a?.png": `"?"`, `a|b`: `"|"`, "a\tb": `"\t"`, "a*": `"*"`, `say "x"`: `"\""`, "<a>": `"<"`,
		"a.": "end in a dot", "dir /x.png": "end in a dot or a space", "...": "end in a dot",
		"nul": "device", "NUL.png": "device", "Con.tar.gz": "device", "out/aux.png": "device", "com1": "device", "LPT9.txt": "device", "nul .png": "device",
		"COM¹.png": "device", "lpt³": "device", "com2 .png": "device", "com⁴.png": "", "com0.png": "", "lpt¹²": "",
	} {
		err := forbidden(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
