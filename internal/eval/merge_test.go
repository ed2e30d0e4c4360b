package eval

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clusir/internal/shard"
)

// measureShards measures n shards and returns their files.
func measureShards(t *testing.T, o Options, n int) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for k := 1; k <= n; k++ {
		o.Shard = shard.Shard{K: k, N: n}
		o.Results = filepath.Join(dir, fmt.Sprintf("%d.jsonl", k))
		mustRun(t, openNano(t, 1+k%2, k), o)
		files = append(files, o.Results)
	}
	return files
}

func TestMergeIsTheWhole(t *testing.T) {
	o := options(t)
	want := mustRun(t, openNano(t, 1, 2), o)
	for _, n := range []int{1, 3, 12} {
		files := measureShards(t, o, n)
		files[0], files[len(files)-1] = files[len(files)-1], files[0] // order does not matter
		got, err := Merge(files...)
		if err != nil || !reflect.DeepEqual(untimed(got), want) {
			t.Errorf("%d shards: %+v, %v; want %+v", n, got, err, want)
		}
	}
}

func TestMergeErrors(t *testing.T) {
	o := options(t)
	files := measureShards(t, o, 2)
	other := o
	other.Protocol.Seed = 5
	strangers := measureShards(t, other, 2)
	thirds := measureShards(t, o, 3)
	text, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	renamed := write("renamed", bytes.Replace(text, []byte(`"names":"`), []byte(`"names":"0`), 1))
	short := write("short", text[:len(text)-40])
	wild := write("wild", append(text, `{"index":99,"input":{"psnr":1,"ssim":1},"output":{"psnr":1,"ssim":1}}`+"\n"...))
	for _, c := range []struct {
		want  string
		files []string
	}{
		{"no results files", nil},
		{"no such file", []string{"/nowhere/x"}},
		{"holds no results", []string{write("empty", nil)}},
		{"text: not a file of results", []string{write("text", []byte("hello\n"))}},
		{"its format is", []string{write("other", []byte("{}\n"))}},
		{"clusir-eval-1\": name one that clusir eval wrote", []string{write("restored", []byte("{\"format\":\"clusir-restore-1\"}\n"))}},
		{"shard 2/2 are not among", files[:1]},
		{"of one shard", []string{files[0], files[0]}},
		{"measured differently", []string{files[0], strangers[1]}},
		{"it is of shard 2/3, the other of shard 1/2", []string{files[0], thirds[1]}},
		{"it is of other benchmarks or of other images", []string{files[0], renamed}},
		{"not finished", []string{files[0], short}},
		{"damaged", []string{files[0], wild}},
	} {
		if _, err := Merge(c.files...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
	}
}
