// Package browsertest opens pages in headless Chromium, for tests only. A test is
// skipped if there is none, unless CLUSIR_REQUIRE_SHARED=1.
package browsertest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"clusir/internal/sharedtest"
)

// Browser is Chromium with a page. Screenshots are saved in the folder
// CLUSIR_SCREENSHOTS.
type Browser struct {
	testing.TB
	Ctx   context.Context
	shots string
}

// Open opens a page. It fails the test after three minutes.
func Open(t testing.TB, url string) *Browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		sharedtest.Absent(t, errors.New("no Chromium to open the page in: apt-get install chromium, as .ci/run does"))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 900),
		chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun)
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b := &Browser{t, ctx, os.Getenv("CLUSIR_SCREENSHOTS")}
	b.Do(chromedp.Navigate(url))
	return b
}

// Do runs actions without a result.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.Ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Run runs an action with a result.
func Run[T any](b *Browser, action chromedp.Action[T]) T {
	b.Helper()
	v, err := chromedp.Run(b.Ctx, action)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// Value returns the value of a JavaScript expression.
func Value[T any](b *Browser, js string) T {
	b.Helper()
	return Run(b, chromedp.Evaluate[T](js))
}

// Await returns the value of a promise.
func Await[T any](b *Browser, js string) T {
	b.Helper()
	return Run(b, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
}

// Screen is a common kind of screen.
type Screen struct {
	Name, Scheme  string // of colours: light or dark
	Width, Height int64
}

// Screens are those of a desktop and a phone, in light and in dark.
var Screens = []Screen{
	{"desktop", "light", 1280, 800}, {"dark", "dark", 1280, 800}, {"phone", "light", 360, 800}, {"phone-dark", "dark", 360, 800},
}

// On sets the page to a screen.
func (b *Browser) On(s Screen) {
	b.Helper()
	b.Do(chromedp.EmulateViewport(s.Width, s.Height))
	if _, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.Scheme}},
	}); err != nil {
		b.Fatal(err)
	}
}

// Screenshot returns the whole page as a PNG, once its images are loaded.
func (b *Browser) Screenshot(name string) []byte {
	b.Helper()
	Await[bool](b, `Promise.all([...document.images].filter(i => i.src).map(i => i.decode().catch(() => 0))).then(() => true)`)
	file := Run(b, chromedp.FullScreenshot(100))
	if len(file) < 5000 {
		b.Errorf("the screenshot %s has %d bytes", name, len(file))
	}
	if b.shots != "" {
		if err := os.MkdirAll(b.shots, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.shots, name+".png"), file, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return file
}
