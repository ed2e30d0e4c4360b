package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadScores leaves out the parts of a benchmark that are not on disk.
func TestReadScores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	read := func(splits string) (string, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(`{"splits":[`+splits+`]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		return ReadScores(path, nil)
	}
	const empty = `{"title":"CDD11","split":"low","images":0,"input":{"psnr":0,"ssim":0},"output":{"psnr":0,"ssim":0}}`
	const rain = `{"title":"Rain","images":2,"input":{"psnr":20,"ssim":0.5},"output":{"psnr":30,"ssim":0.9}}`
	if text, err := read(empty + "," + rain); err != nil || strings.Contains(text, "CDD11") || !strings.Contains(text, `"Rain"`) {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := read(rain + `],"weights":"another","missing":[`); err == nil || !strings.Contains(err.Error(), "results of other weights") {
		t.Errorf("of another network: %v", err)
	}
	if _, err := read(empty); err == nil || !strings.Contains(err.Error(), "holds no results") {
		t.Errorf("nothing was measured: %v", err)
	}
}
