package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"clusir/internal/sharedtest"
)

// TestServeRefuses: unsafe or contradictory settings are refused before the server
// listens.
func TestServeRefuses(t *testing.T) {
	short, spaced := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "spaced")
	writeFile(t, short, "0123456789abcde\n")
	writeFile(t, spaced, "0123456789 abcdef\n")
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"--addr 0.0.0.0:0", exitUsage, "--addr 0.0.0.0:0 can be reached from other machines: protect it with --token-file FILE"},
		{"--addr :0", exitUsage, "--addr :0 can be reached from other machines"},
		{"--addr [::]:0", exitUsage, "can be reached from other machines"},
		{"--addr example.org:0", exitUsage, "can be reached from other machines"},
		{"--addr localhost.example.org:0", exitUsage, "can be reached from other machines"},
		{"--addr unix:/tmp/clusir", exitUsage, "--addr unix:/tmp/clusir: write HOST:PORT"},
		{"--addr 127.0.0.1:65536", exitUsage, "--addr 127.0.0.1:65536: write HOST:PORT"},
		{"--addr 127.0.0.1", exitUsage, "--addr 127.0.0.1: write HOST:PORT"},
		{"--addr 127.0.0.1:0 --token-file " + short, exitError, "a token needs 16 or more ASCII letters"},
		{"--addr 127.0.0.1:0 --token-file " + spaced, exitError, "a token needs 16 or more ASCII letters"},
		{"--addr 127.0.0.1:0 --token-file /does/not/exist", exitError, "--token-file: cannot read /does/not/exist: there is no such file"},
		{"--addr 127.0.0.1:0 --queue 0", exitUsage, "--queue 0: at least one picture"},
		{"--addr 127.0.0.1:0 --max-pixels 0", exitUsage, "--max-pixels 0: give the number of pixels"},
		{"--addr 127.0.0.1:0 --model=", exitUsage, "--model is empty: name a model"},
		{"--addr 127.0.0.1:0 --model nano,a=b --model-config nano", exitUsage, "--model-config is for one model: name it alone"},
		{"--addr 127.0.0.1:0 --max-body much", exitUsage, "--max-body much: write an amount such as"},
		{"--addr 127.0.0.1:0 --max-body 1", exitUsage, "--max-body 1 B: no picture is that short; give 1.0 kB or more"},
		{"--addr 127.0.0.1:0 --max-disk 1", exitUsage, "--max-disk 1 B is less than --max-body 256 MB, so the longest pictures would never fit: raise it, or lower --max-body"},
		{"--addr 127.0.0.1:0 --time-limit 0s", exitUsage, "--time-limit 0s: give a time"},
		{"--addr 127.0.0.1:0 --model nano,nano", exitUsage, `two models are called "nano"`},
		{"--addr 127.0.0.1:0 --model nanu", exitError, `model "nanu": no embedded model has that name`},
		{"--addr 127.0.0.1:0 --host http://photos.example.org/", exitUsage, `--host "http://photos.example.org/": write a name such as`},
		{"--addr 127.0.0.1:0 --host bücher.example", exitUsage, `--host "bücher.example": write`},
		{"--addr 127.0.0.1:0 --host a,,b", exitUsage, `--host "": write`},
		{"--addr 127.0.0.1:0 --host=", exitUsage, "--host is empty: name a host"},
		{"--addr 127.0.0.1:0 --max-memory 1MB", exitError, "model nano: not enough memory: restoring 128×128 pixels"},
		{"--addr 127.0.0.1:0 --isa z80", exitUsage, "--isa z80: choose"},
		{"picture.png", exitUsage, `unknown argument "picture.png": pictures are dropped on the page`},
	} {
		var stderr bytes.Buffer
		if code := run(append([]string{"serve"}, strings.Fields(c.line)...), io.Discard, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d\n%s", c.line, code, stderr.String())
		}
	}
}

// serving starts a server for the examples of docs/serve.md, and makes their curl call
// it instead of the address that they name.
func serving(t *testing.T, s shell) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		sharedtest.Absent(t, fmt.Errorf("no curl for the examples: %w", err))
	}
	_, url := startServe(t)
	script := fmt.Sprintf("#!/bin/sh\nfor a; do\n  shift\n  set -- \"$@\" \"$(printf %%s \"$a\" | sed 's,http://127.0.0.1:8080,%s,')\"\ndone\nexec %s \"$@\"\n", url, curl)
	if err := os.WriteFile(filepath.Join(s.bin, "curl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// startServe runs the program and returns its address.
func startServe(t *testing.T, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command(program(t), append([]string{"serve", "--addr", "127.0.0.1:0", "--device", "cpu"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "clusir serve: open ")), "/")
}

// askRestore sends a picture with the token of TestServe and returns the response and
// its body.
func askRestore(t *testing.T, url, query string, picture io.Reader) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url+"/v1/restore?"+query, picture)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer 0123456789abcdef")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, text
}

// askAll sends every flag of restore in a query: each is accepted, or refused with a
// text that says where it belongs.
func askAll(t *testing.T, url string) {
	t.Helper()
	newRestoreCmd(nil).Flags().VisitAll(func(f *pflag.Flag) {
		_, text := askRestore(t, url, f.Name+"="+neturl.QueryEscape(f.DefValue), strings.NewReader("no picture"))
		if taken := strings.Contains(string(text), "not an image"); !taken && !strings.Contains(string(text), "is for files") && !strings.Contains(string(text), "is chosen when the server starts") &&
			!strings.Contains(string(text), "this server takes pictures of at most") {
			t.Errorf("--%s: %s", f.Name, text)
		}
	})
}

// TestServe restores a picture with the embedded model, like restore does, and shuts
// down cleanly on a signal.
func TestServe(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	writeFile(t, token, "0123456789abcdef\n")
	cmd, url := startServe(t, "--token-file", token)
	in, err := os.ReadFile("../../testdata/images/chelsea-noisy.png")
	if err != nil {
		t.Fatal(err)
	}
	res, got := askRestore(t, url, "strength=0.5", bytes.NewReader(in))
	askAll(t, url)
	want := filepath.Join(t.TempDir(), "out.png")
	if code := run([]string{"restore", "../../testdata/images/chelsea-noisy.png", want, "--strength", "0.5", "--device", "cpu"}, io.Discard, os.Stderr); code != exitOK {
		t.Fatalf("restore: exit code %d", code)
	}
	if data, err := os.ReadFile(want); err != nil || !bytes.Equal(got, data) || res.Header.Get("Clusir-Report") == "" {
		t.Errorf("%v, %s, %d bytes", err, res.Status, len(got))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
