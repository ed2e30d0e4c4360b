package serve

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"clusir/internal/browsertest"
	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/kernels/cpu"
	"clusir/internal/restore"
	"clusir/internal/sharedtest"
)

// visitor is a browser with the page open.
type visitor struct {
	*browsertest.Browser
	site      *site
	downloads string
}

// visit starts a server and opens its page.
func visit(t *testing.T, change func(*Options)) *visitor {
	t.Helper()
	w := start(t, change)
	v := &visitor{browsertest.Open(t, w.url), w, t.TempDir()}
	if _, err := chromedp.CallBrowser(v.Ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: v.downloads,
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// shipped makes the server that of the model that ships.
func shipped(t *testing.T) func(*Options) {
	return func(o *Options) {
		b, err := cpu.New(cpu.Options{})
		must(t, err)
		n, err := infer.Load(infer.Source{Model: "nano"}, b)
		must(t, err)
		about, err := infer.Describe("nano")
		must(t, err)
		t.Cleanup(func() { n.Close(); b.Close() })
		o.Models = []*Model{{Name: "nano", Net: n, About: about}}
	}
}

// wait waits until a JavaScript expression is true.
func (v *visitor) wait(js string) {
	v.Helper()
	eventually(v, js, func() bool { return browsertest.Value[bool](v.Browser, js) })
}

// settled waits until n pictures are done or have failed.
func (v *visitor) settled(n int) {
	v.Helper()
	v.wait(fmt.Sprintf(`document.querySelectorAll('.shot .download:enabled, .view > .bad:not([hidden])').length === %d`, n))
}

// drop drops files on the page, as a user does.
func (v *visitor) drop(paths ...string) {
	v.Helper()
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: paths, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		if _, err := chromedp.Call(v.Ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 300, Y: 400, Data: data}); err != nil {
			v.Fatal(err)
		}
	}
}

// file writes a picture for the user to choose.
func (v *visitor) file(name string, data []byte) string {
	v.Helper()
	path := filepath.Join(v.TempDir(), name)
	must(v, os.WriteFile(path, data, 0o644))
	return path
}

// text returns an element's text.
func (v *visitor) text(selector string) string {
	v.Helper()
	return browsertest.Value[string](v.Browser, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
}

// set changes an input as a user does.
func (v *visitor) set(selector, value string) {
	v.Helper()
	browsertest.Value[bool](v.Browser, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q;
		return e.dispatchEvent(new Event('input', {bubbles: true})) && e.dispatchEvent(new Event('change', {bubbles: true})) })()`, selector, value))
}

// downloaded waits for a downloaded file.
func (v *visitor) downloaded(name string) []byte {
	v.Helper()
	path := filepath.Join(v.downloads, name)
	eventually(v, "a download of "+name, func() bool {
		files, _ := filepath.Glob(filepath.Join(v.downloads, "*"))
		return len(files) == 1 && files[0] == path
	})
	data, err := os.ReadFile(path)
	must(v, err)
	must(v, os.Remove(path))
	return data
}

func (v *visitor) click(selector string) {
	v.Helper()
	browsertest.Value[bool](v.Browser, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// TestPage drops, pastes and chooses pictures, good and bad, and downloads the results.
func TestPage(t *testing.T) {
	v := visit(t, nil)
	in := picture(t, imageio.Info{W: 90, H: 60})
	tiff := picture(t, imageio.Info{Format: imageio.TIFF, W: 40, H: 70, Depth: 16})
	v.drop(v.file("cat.png", in), v.file("notes.png", []byte("only words")))
	v.settled(2)
	// The same name again, through the dialog; a TIFF, which no browser shows; and the
	// clipboard.
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("#choose"), []string{v.file("cat.png", in), v.file("scan.tif", tiff)}))
	browsertest.Value[bool](v.Browser, fmt.Sprintf(`(() => { const d = new DataTransfer();
		d.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], 'image.png', {type: 'image/png'}));
		return document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: d, bubbles: true})) })()`, base64.StdEncoding.EncodeToString(in)))
	v.settled(5)
	if got := v.text("#count"); got != "4 of 5 restored, 1 failed" {
		t.Errorf("the count is %q", got)
	}
	if got := v.text(".shot .seen"); got != "Looks like rain 0.75" {
		t.Errorf("the routing is %q", got)
	}
	if got := v.text(".shot .facts"); !strings.HasPrefix(got, "90×60 · 8 bit PNG · ") || !strings.HasSuffix(got, " s · small") {
		t.Errorf("the facts are %q", got)
	}
	if got := v.text(".shot:nth-child(2) .view > .bad"); got != "notes.png is not an image: its content looks like text" {
		t.Errorf("the error is %q", got)
	}
	for _, side := range []string{".before", ".after"} {
		if got := browsertest.Value[string](v.Browser, fmt.Sprintf(`(i => i.naturalWidth + '×' + i.naturalHeight)(document.querySelector(".shot:nth-child(4) %s"))`, side)); got != "40×70" {
			t.Errorf("%s of the TIFF is %s", side, got)
		}
	}
	v.click(".shot .download")
	n := smallNet(t, nil)
	if !bytes.Equal(v.downloaded("cat.png"), restoredAs(t, n, in, imageio.PNG, choices(1))) {
		t.Error("the download is not what restore writes")
	}
	v.click("#download-all")
	data := v.downloaded("restored.zip")
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	want := map[string][]byte{"cat.png": in, "cat (2).png": in, "scan.tif": tiff, "image.png": in}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		got, err := io.ReadAll(r) // checks its checksum
		must(t, err)
		if !bytes.Equal(got, restoredAs(t, n, want[f.Name], 0, choices(1))) {
			t.Errorf("%s in the zip is not what restore writes", f.Name)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("the zip lacks %v", want)
	}
	// Another format for all pictures.
	v.set("#format", "jpg")
	v.click("#again")
	v.settled(5)
	v.click(".shot .download")
	if got := v.downloaded("cat.jpg"); !bytes.HasPrefix(got, []byte("\xff\xd8\xff")) {
		t.Error("the new download is not a JPEG")
	}
	v.click(".shot .remove")
	v.click("#clear")
	if !browsertest.Value[bool](v.Browser, `document.getElementById('results').hidden && document.activeElement.id === 'choose'`) {
		t.Error("the results are still there")
	}
}

// choices returns the page's choices with a strength.
func choices(strength float32) restore.Choices {
	return restore.Choices{Strength: strength, Tile: restore.TileAuto, Encode: imageio.Options{Quality: 95}}
}

// TestStrengthOnThePage: half strength shows the mean of both sides without restoring
// again, and the download is mixed the same way.
func TestStrengthOnThePage(t *testing.T) {
	v := visit(t, shipped(t))
	in, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "testdata", "images", "chelsea-noisy.png"))
	must(t, err)
	v.drop(v.file("cat.png", in))
	v.settled(1)
	v.set(".shot .compare input", "0")
	restoredSoFar := func() string {
		for line := range strings.Lines(string(v.site.send(http.MethodGet, "/metrics", nil, nil).body)) {
			if strings.HasPrefix(line, "clusir_compute_seconds_sum") {
				return line
			}
		}
		return ""
	}
	before := restoredSoFar()
	var seen [3]image.Image
	for i, percent := range []string{"0", "50", "100"} {
		v.set(".shot .strength input", percent)
		seen[i], err = png.Decode(bytes.NewReader(v.Screenshot("strength-" + percent)))
		must(t, err)
	}
	if after := restoredSoFar(); after != before {
		t.Errorf("pictures were restored: %s, then %s", before, after)
	}
	box := browsertest.Value[[]int](v.Browser, `(r => [r.left + scrollX, r.top + scrollY, r.right + scrollX, r.bottom + scrollY].map(Math.round))(document.querySelector('.shot .compare').getBoundingClientRect())`)
	var off, apart float64
	count := 0
	for y := box[1] + 60; y < box[3]-50; y++ { // without the buttons and the labels
		for x := box[0] + 30; x < box[2]-50; x++ {
			var c [3][3]float64
			for i, m := range seen {
				r, g, b, _ := m.At(x, y).RGBA()
				c[i] = [3]float64{float64(r >> 8), float64(g >> 8), float64(b >> 8)}
			}
			for k := range 3 {
				off += math.Abs(c[1][k] - (c[0][k]+c[2][k])/2)
				apart += math.Abs(c[0][k] - c[2][k])
				count++
			}
		}
	}
	if off /= float64(count); off > 1 {
		t.Errorf("half strength is off by %.2f levels", off)
	}
	if apart /= float64(count); apart < 5 {
		t.Errorf("both sides differ by %.2f levels alone", apart)
	}
	v.set(".shot .strength input", "50")
	v.click(".shot .download")
	half, err := png.Decode(bytes.NewReader(v.downloaded("cat.png")))
	must(t, err)
	want, err := png.Decode(bytes.NewReader(restoredAs(t, v.site.Models[0].Net, in, imageio.PNG, choices(0.5))))
	must(t, err)
	if worst := worstLevel(half, want); worst > 1 {
		t.Errorf("the download is off by %d levels", worst)
	}
	if after := restoredSoFar(); after == before {
		t.Error("mixing is not counted in the metrics")
	}
}

// worstLevel returns the largest difference of two pictures.
func worstLevel(a, b image.Image) (worst int) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r, g, bl, _ := a.At(x, y).RGBA()
			R, G, B, _ := b.At(x, y).RGBA()
			for _, d := range []int{int(r>>8) - int(R>>8), int(g>>8) - int(G>>8), int(bl>>8) - int(B>>8)} {
				worst = max(worst, d, -d)
			}
		}
	}
	return worst
}

// TestByKeyboard: the file dialog, the slider, full size and removal work without a
// mouse, and every control has a name.
func TestByKeyboard(t *testing.T) {
	v := visit(t, nil)
	v.drop(v.file("cat.png", picture(t, imageio.Info{W: 90, H: 60})), v.file("dog.png", picture(t, imageio.Info{W: 60, H: 90})))
	v.settled(2)
	v.Do(chromedp.Focus(chromedp.CSS(".shot .compare input")), chromedp.KeyEvent(kb.ArrowLeft))
	if at := browsertest.Value[string](v.Browser, `document.querySelector('.compare').style.getPropertyValue('--at')`); at != "49%" {
		t.Errorf("an arrow moves the line to %s", at)
	}
	v.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	if !browsertest.Value[bool](v.Browser, `document.getElementById('full').open`) {
		t.Fatal("the next element does not show the full size")
	}
	v.set("#full .zoom", "4")
	if w := browsertest.Value[float64](v.Browser, `document.querySelector('#full .after').clientWidth * devicePixelRatio`); w != 4*90 {
		t.Errorf("at 400 %% it is %g pixels wide", w)
	}
	v.Screenshot("full")
	v.Do(chromedp.KeyEvent(kb.Escape))
	v.Do(chromedp.EmulateViewport(360, 500))
	if !browsertest.Value[bool](v.Browser, `(() => { const e = document.querySelector('.shot .remove'); scrollTo(0, e.getBoundingClientRect().top + scrollY - 10); e.focus();
		const r = e.getBoundingClientRect(); return e.contains(document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2)) })()`) {
		t.Error("what has the focus is behind the bar on top")
	}
	v.Do(chromedp.Focus(chromedp.CSS(".shot .remove")), chromedp.KeyEvent(kb.Enter))
	if got := browsertest.Value[string](v.Browser, `document.activeElement.getAttribute('aria-label')`); got != "Remove dog.png" {
		t.Errorf("after a removal the focus is on %q", got)
	}
	nameless := browsertest.Value[[]string](v.Browser, `[...document.querySelectorAll('button, input, select, progress, img:not([alt])')].filter(e =>
		e.checkVisibility() && !e.ariaLabel && !(e.labels && e.labels.length) && !e.textContent.trim()).map(e => e.outerHTML)`)
	if len(nameless) > 0 {
		t.Errorf("without a name: %s", nameless)
	}
}

// TestRemoveWorking: when those that are being restored are removed, the next are sent.
func TestRemoveWorking(t *testing.T) {
	v := visit(t, nil)
	var paths []string
	for i := range 3 {
		paths = append(paths, v.file(fmt.Sprint("slow", i, ".png"), slow(t)))
	}
	v.drop(append(paths, v.file("next.png", picture(t, imageio.Info{W: 24, H: 16})))...)
	v.wait(`document.querySelector('.state .text').textContent.startsWith('Restoring')`)
	for range paths {
		v.click(".shot .remove")
	}
	v.settled(1)
}

// TestPackingOnce: no second zip can be begun while one is packed.
func TestPackingOnce(t *testing.T) {
	v := visit(t, nil)
	v.drop(v.file("cat.png", picture(t, imageio.Info{W: 24, H: 16})))
	v.settled(1)
	if !browsertest.Value[bool](v.Browser, `(() => { const button = document.getElementById('download-all'), choose = document.getElementById('choose'), more = new DataTransfer();
		button.click(); more.items.add(new File(['no picture'], 'dog.png')); choose.files = more.files; choose.dispatchEvent(new Event('change')); return button.disabled })()`) {
		t.Error("another picture lets a second zip begin")
	}
	v.downloaded("restored.zip")
	v.wait(`!document.getElementById('download-all').disabled && document.getElementById('download-all').textContent === 'Download all (zip)'`)
}

// TestFailedDownload: a download at another strength that fails says so, and leaves the
// result, which can be downloaded once the server is back.
func TestFailedDownload(t *testing.T) {
	v := visit(t, nil)
	in := picture(t, imageio.Info{W: 90, H: 60})
	v.drop(v.file("cat.png", in))
	v.settled(1)
	v.set(".shot .strength input", "50")
	browsertest.Value[bool](v.Browser, `(window.served = window.fetch, window.fetch = () => Promise.reject(new TypeError('Failed to fetch')), true)`)
	v.click(".shot .download")
	v.wait(`document.querySelector('.shot .unsaved').checkVisibility()`)
	v.Screenshot("failed-download")
	if got := v.text("#count") + ". " + v.text(".shot .unsaved"); got != "1 of 1 restored. The download failed: The server cannot be reached. Is clusir serve still running?" {
		t.Error(got)
	}
	if !browsertest.Value[bool](v.Browser, `document.querySelector('.shot .compare').checkVisibility() && (window.fetch = window.served, true)`) {
		t.Error("the result is hidden")
	}
	v.click(".shot .download")
	if !bytes.Equal(v.downloaded("cat.png"), restoredAs(t, smallNet(t, nil), in, imageio.PNG, choices(0.5))) {
		t.Error("the download is not what restore writes")
	}
	if browsertest.Value[bool](v.Browser, `document.querySelector('.shot .unsaved').checkVisibility()`) {
		t.Error("the failure is still shown")
	}
}

// TestFolders: a dropped folder is searched for pictures, and one without any is named.
func TestFolders(t *testing.T) {
	v := visit(t, nil)
	dir := filepath.Join(t.TempDir(), "holiday")
	must(t, os.MkdirAll(filepath.Join(dir, "phone"), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "camera"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "phone", "1.HEIC"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "camera", "._2.JPG"), []byte("what macOS keeps about 2.JPG"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "camera", "2.JPG"), picture(t, imageio.Info{Format: imageio.JPEG, W: 24, H: 16}), 0o644))
	v.drop(filepath.Join(dir, "phone"))
	v.wait(`document.getElementById('nothing').textContent.startsWith('There are no pictures in phone: their names end in .png, ')`)
	v.Screenshot("no-pictures")
	v.drop(dir)
	v.settled(1)
	if got := v.text("#count") + v.text("#nothing") + v.text(".shot h3"); got != "1 of 1 restored2.JPG" {
		t.Error(got)
	}
}

// TestUnseen: a restored picture that the browser cannot show can be downloaded all the
// same.
func TestUnseen(t *testing.T) {
	v := visit(t, nil)
	browsertest.Value[bool](v.Browser, `(() => { HTMLImageElement.prototype.decode = () => Promise.reject(new DOMException('too large', 'EncodingError')); return true })()`)
	in := picture(t, imageio.Info{W: 90, H: 60})
	v.drop(v.file("cat.png", in))
	v.settled(1)
	if !browsertest.Value[bool](v.Browser, `document.querySelector('.shot .compare').hidden && document.querySelector('.shot .unseen').checkVisibility()`) {
		t.Error("the page does not say that the picture cannot be shown")
	}
	if got := v.text("#count"); got != "1 of 1 restored" {
		t.Error(got)
	}
	v.click(".shot .download")
	if !bytes.Equal(v.downloaded("cat.png"), restoredAs(t, smallNet(t, nil), in, imageio.PNG, choices(1))) {
		t.Error("the download is not what restore writes")
	}
}

// TestLongPictures: the buttons on top of very wide and very tall pictures are whole, and
// the pictures keep their shape.
func TestLongPictures(t *testing.T) {
	v := visit(t, nil)
	v.drop(v.file("wide.png", picture(t, imageio.Info{W: 900, H: 4})), v.file("tall.png", picture(t, imageio.Info{W: 4, H: 900})))
	v.settled(2)
	for _, s := range browsertest.Screens {
		v.On(s)
		hidden := browsertest.Value[[]string](v.Browser, `[...document.querySelectorAll('.enlarge, .compare .tag')].filter(e => {
			const [r, box] = [e.getBoundingClientRect(), e.parentElement.getBoundingClientRect()];
			return r.top < box.top || r.bottom > box.bottom || r.left < box.left || r.right > box.right;
		}).map(e => e.outerHTML)`)
		if len(hidden) > 0 {
			t.Errorf("%s: cut off are %s", s.Name, hidden)
		}
		if tallest := browsertest.Value[float64](v.Browser, `Math.max(...[...document.querySelectorAll('.compare')].map(e => e.clientHeight))`); tallest > 480 {
			t.Errorf("%s: a picture takes %g pixels of height", s.Name, tallest)
		}
	}
	if fit := browsertest.Value[string](v.Browser, `getComputedStyle(document.querySelector('.compare .after')).objectFit`); fit != "contain" {
		t.Errorf("pictures are fitted with %q", fit)
	}
}

// TestTokenOnThePage: the page asks for the token, and then continues with what was
// dropped before.
func TestTokenOnThePage(t *testing.T) {
	v := visit(t, func(o *Options) { o.Token = "0123456789abcdef" })
	v.wait(`document.activeElement.id === 'token-text'`)
	v.drop(v.file("cat.png", picture(t, imageio.Info{W: 90, H: 60})))
	v.Do(chromedp.Focus(chromedp.CSS("#token-text")), chromedp.KeyEvent("wrong"), chromedp.KeyEvent(kb.Enter))
	v.wait(`document.querySelector('#token .bad').textContent.includes('not the token')`)
	v.Screenshot("token")
	v.set("#token-text", "")
	v.Do(chromedp.Focus(chromedp.CSS("#token-text")), chromedp.KeyEvent("0123456789abcdef"), chromedp.KeyEvent(kb.Enter))
	v.settled(1)
	if got := v.text("#count"); got != "1 of 1 restored" {
		t.Error(got)
	}
}

// TestScreens checks the page at common widths and colour schemes: nothing may be wider
// than the screen, and Chromium must not report an error.
func TestScreens(t *testing.T) {
	v := visit(t, shipped(t))
	root := sharedtest.Root(t)
	for _, s := range browsertest.Screens {
		v.On(s)
		v.Screenshot("empty-" + s.Name)
	}
	images := filepath.Join(root, "testdata", "images")
	v.drop(filepath.Join(images, "chelsea-noisy.png"), filepath.Join(images, "coffee.png"), filepath.Join(images, "README.md"), filepath.Join(images, "rocket.jpg"))
	v.wait(`document.querySelectorAll('.shot .download:enabled').length >= 1`)
	v.Screenshot("working")
	v.settled(4)
	if got := v.text(".shot .seen"); got != "" {
		t.Errorf("the shipped model's nearly even shares are shown as %q", got)
	}
	colours := map[string]bool{}
	for _, s := range browsertest.Screens {
		v.On(s)
		v.Screenshot(s.Name)
		if wide := browsertest.Value[int64](v.Browser, `document.documentElement.scrollWidth`); wide > s.Width {
			t.Errorf("%s: the page is %d pixels wide", s.Name, wide)
		}
		colours[browsertest.Value[string](v.Browser, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color`)] = true
	}
	if len(colours) != 2 {
		t.Errorf("colours in the light and in the dark: %v", colours)
	}
	log := v.site.log.String()
	if log != "" {
		t.Errorf("the server says %s", log)
	}
}

// TestNoOtherSource: the page's files name no other server.
func TestNoOtherSource(t *testing.T) {
	for name := range pageFiles {
		data, err := page.ReadFile("page/" + name)
		must(t, err)
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "")
		if strings.Contains(text, "//"+"cdn") || strings.Contains(text, "http:") || strings.Contains(text, "https:") {
			t.Errorf("%s names another server", name)
		}
	}
	var files []string
	entries, err := page.ReadDir("page")
	must(t, err)
	for _, e := range entries {
		files = append(files, e.Name())
	}
	if text, _ := json.Marshal(files); len(files) != len(pageFiles) {
		t.Errorf("served are %d of the files %s", len(pageFiles), text)
	}
}
