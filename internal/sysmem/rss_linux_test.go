package sysmem

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain is the process with limits, for TestUserLimit.
func TestMain(m *testing.M) {
	if os.Getenv("SYSMEM_LIMIT") != "" {
		left, ok := userLimit()
		fmt.Println(left, ok, Available())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	for text, want := range map[string]int64{
		"Name:\tclusir\nVmPeak:\t  900 kB\nVmHWM:\t   13644 kB\nVmRSS:\t 5 kB\n": 13644,
		"VmHWM:\tmuch\n":  0,
		"VmHWM:\n":        0,
		"Name:\tclusir\n": 0,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := stat(path, "VmHWM:"); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestPeakRSS: memory that was touched counts even after it is freed.
func TestPeakRSS(t *testing.T) {
	ResetPeakRSS()
	before := PeakRSS()
	const size = 64 << 20
	block := make([]byte, size)
	for i := range block {
		block[i] = byte(i)
	}
	peak := PeakRSS()
	if before <= 0 || peak < before+size/2 {
		t.Errorf("%d bytes before and %d after touching %d", before, peak, size)
	}
	block = nil
	_ = block
	if PeakRSS() < peak {
		t.Error("the peak fell by itself")
	}
}

// TestUserLimit runs a process with each of the two limits.
func TestUserLimit(t *testing.T) {
	for _, limit := range []string{"-v 4000000", "-d 1000000"} {
		cmd := exec.Command("sh", "-c", `ulimit `+limit+`; exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), "SYSMEM_LIMIT=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", limit, err, out)
		}
		var left, available int64
		var ok bool
		first, _ := bufio.NewReader(strings.NewReader(string(out))).ReadString('\n')
		if _, err := fmt.Sscan(first, &left, &ok, &available); err != nil {
			t.Fatal(err, first)
		}
		var maximum int64
		fmt.Sscan(limit[3:], &maximum)
		if !ok || left <= 0 || left > maximum<<10 || available > left {
			t.Errorf("%s: %d bytes are left, %d available", limit, left, available)
		}
	}
}
