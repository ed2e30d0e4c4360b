package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"clusir/internal/browsertest"
	"clusir/internal/draw"
)

// browser is a browser with a page of results open.
type browser struct{ *browsertest.Browser }

func open(t *testing.T, page string) *browser {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t, "file://"+file)
	b.Do(chromedp.WaitReady(chromedp.CSS("#all")))
	return &browser{b}
}

// value returns the value of a JavaScript expression.
func value[T any](b *browser, js string) T {
	b.Helper()
	return browsertest.Value[T](b.Browser, js)
}

// names returns the images in the table's visible rows, in order.
func (b *browser) names() string {
	b.Helper()
	return value[string](b, `[...document.querySelectorAll('#all tbody tr:not([hidden])')].map(r => r.dataset.name).join(' ')`)
}

func testPage(t *testing.T, n int) string {
	r := result(n)
	return write(t, Page{Eval: r, Gallery: gallery(t, r, 120, 90), Curves: []draw.Lines{{Title: "loss"}}})
}

func TestSlider(t *testing.T) {
	b := open(t, testPage(t, 4))
	const slider, line = `.compare input`, `getComputedStyle(document.querySelector('.compare .line')).left`
	// With only the keyboard: the first slider gets the focus, and an arrow moves it.
	b.Do(chromedp.Focus(chromedp.CSS(slider)), chromedp.KeyEvent(kb.ArrowLeft))
	if at := value[string](b, `document.querySelector('.compare input').value`); at != "49" {
		t.Errorf("an arrow moves the slider from 50 to %s", at)
	}
	before := value[string](b, line)
	value[bool](b, `(() => { const s = document.querySelector('.compare input'); s.value = 20; return s.dispatchEvent(new Event('input')) })()`)
	if after := value[string](b, line); before == after || !strings.HasSuffix(after, "px") {
		t.Errorf("the line was at %s and is at %s", before, after)
	}
	width := value[float64](b, `document.querySelector('.compare').clientWidth`)
	if got := value[float64](b, `parseFloat(`+line+`)`); got < 0.19*width || got > 0.21*width {
		t.Errorf("at 20 the line is at %g of %g", got, width)
	}
	b.Do(chromedp.Focus(chromedp.CSS(`.swap`)), chromedp.KeyEvent(kb.Enter))
	if value[bool](b, `document.querySelector('.compare .clean').hidden`) || !value[bool](b, `document.querySelector('.compare .input').hidden`) {
		t.Error("the clean image does not replace the input")
	}
}

// TestFullSize opens pictures from a button and from a row, enlarges them, and expects
// both sides at the same place.
func TestFullSize(t *testing.T) {
	b := open(t, testPage(t, 4))
	const isOpen = `document.getElementById('full').open`
	b.Do(chromedp.Focus(chromedp.CSS(`.enlarge`)), chromedp.KeyEvent(kb.Enter))
	if !value[bool](b, isOpen) || value[int](b, `document.querySelectorAll('#full img').length`) != pictures {
		t.Fatal("the button opens no dialog of all pictures")
	}
	value[bool](b, `(() => { const z = document.querySelector('#full .zoom'); z.value = '8'; return z.dispatchEvent(new Event('input')) })()`)
	const boxes = `[...document.querySelectorAll('#full img:not([hidden])')].map(i => { const r = i.getBoundingClientRect(); return [r.left, r.top, r.width, r.height].join() })`
	before := value[[]string](b, boxes)
	if len(before) != 2 || before[0] != before[1] || value[float64](b, `document.querySelector('#full .after').clientWidth / document.querySelector('#full .after').naturalWidth`) != 8 {
		t.Errorf("at 800 %%: %v", before)
	}
	value[bool](b, `(() => { const s = document.querySelector('#full .stage'); s.scrollBy(-30, -20); return true })()`)
	if after := value[[]string](b, boxes); after[0] != after[1] || after[0] == before[0] {
		t.Errorf("scrolled from %v to %v", before, after)
	}
	b.Screenshot("full")
	b.Do(chromedp.Focus(chromedp.CSS(`#full .swap`)), chromedp.KeyEvent(kb.Enter))
	if value[bool](b, `document.querySelector('#full .clean').hidden`) || value[string](b, `document.querySelector('#full .tag').textContent`) != "clean" {
		t.Error("the clean image is not shown")
	}
	b.Do(chromedp.Focus(chromedp.CSS(`#full .close`)), chromedp.KeyEvent(kb.Enter))
	if value[bool](b, isOpen) {
		t.Error("the dialog does not close")
	}
	if n := value[int](b, `document.querySelectorAll('#all tr.opens').length`); n != 3+3+1 {
		t.Errorf("%d rows open pictures", n)
	}
	title := value[string](b, `(() => { document.querySelector('#all tr.opens').click(); return document.getElementById('full-title').textContent })()`)
	if !value[bool](b, isOpen) || !strings.Contains(title, value[string](b, `document.querySelector('#all tr.opens').dataset.name`)) {
		t.Errorf("a row opens %q", title)
	}
}

// TestNarrow: on a phone the results are visible, of benchmarks and of images, and the
// page itself does not scroll sideways.
func TestNarrow(t *testing.T) {
	b := open(t, testPage(t, 4))
	for _, width := range []int64{360, 390} {
		b.Do(chromedp.EmulateViewport(width, 800))
		for _, column := range []string{`#summary thead th[data-group="ours"]`, `#all [data-by="input"]`, `#all [data-by="psnr"]`, `#all [data-by="gain"]`} {
			right := value[float64](b, `[...document.querySelectorAll('`+column+`')].pop().getBoundingClientRect().right`)
			if right <= 0 || right > float64(width) {
				t.Errorf("the column %s ends at %g of %d pixels", column, right, width)
			}
		}
		if wide := value[int64](b, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("the page is %d wide on a screen of %d", wide, width)
		}
		where := value[string](b, `document.querySelector('#all tbody th small').innerText`)
		if !strings.Contains(where, "×") {
			t.Errorf("under its name an image's benchmark and size are %q", where)
		}
	}
}

// TestLongPictures: the button on top of a very wide picture is whole, and a very tall one
// fits on a screen.
func TestLongPictures(t *testing.T) {
	r := result(1)
	for _, size := range [][2]int{{900, 6}, {6, 900}} {
		b := open(t, write(t, Page{Eval: r, Gallery: gallery(t, r, size[0], size[1])}))
		const sizes = `['.shot .compare', '.shot .enlarge', '.shot'].map(s => document.querySelector(s)).flatMap(e => [e.clientWidth, e.clientHeight])`
		if s := value[[]float64](b, sizes); s[1] < 1.5*s[3] || s[1] > 900 || s[0] != s[4] {
			t.Errorf("%v: width and height of the picture, its button and its frame are %g", size, s)
		}
	}
}

// TestNames: long names are broken, and those written from right to left do not reorder
// what follows them.
func TestNames(t *testing.T) {
	r := result(2)
	r.Images[0].Image, r.Images[1].Image, r.Images[2].Image = strings.Repeat("x", 200), "صورة", strings.Repeat("y", 200)
	b := open(t, write(t, Page{Eval: r, Gallery: gallery(t, r, 120, 90)}))
	for _, s := range browsertest.Screens {
		b.On(s)
		if wide := value[int64](b, `document.documentElement.scrollWidth`); wide > s.Width {
			t.Errorf("%s: the page is %d wide", s.Name, wide)
		}
		if s.Width > 1000 && value[bool](b, `document.querySelector('#images .scroll').scrollWidth > document.querySelector('#images .scroll').clientWidth`) {
			t.Errorf("%s: a long name hides columns", s.Name)
		}
		gap := value[float64](b, `((name, gain) => gain.getBoundingClientRect().left - name.getBoundingClientRect().right)(
			...[...document.querySelectorAll('figcaption span')].find(s => s.textContent.includes('صورة')).querySelectorAll(':not(:first-child)'))`)
		if gap < 0 || gap > 20 {
			t.Errorf("%s: between a name and its gain are %g pixels", s.Name, gap)
		}
	}
}

func TestSortAndFilter(t *testing.T) {
	b := open(t, testPage(t, 4))
	const failed = " sots2 sots3"
	for _, c := range []struct{ key, sort, want string }{
		{"gain", "descending", "cbsd684 rain100l4 cbsd683 rain100l3 cbsd682 rain100l2 cbsd681 rain100l1 sots1"},
		{"gain", "ascending", "cbsd681 rain100l1 sots1 cbsd682 rain100l2 cbsd683 rain100l3 cbsd684 rain100l4"},
		{"ms", "descending", "cbsd684 rain100l4 cbsd683 rain100l3 cbsd682 rain100l2 cbsd681 rain100l1 sots1"},
	} {
		button := `#all button[data-by="` + c.key + `"]`
		b.Do(chromedp.Focus(chromedp.CSS(button)), chromedp.KeyEvent(kb.Enter))
		got := b.names()
		if !strings.HasSuffix(got, failed) || sorted(strings.TrimSuffix(got, failed)) != sorted(c.want) {
			t.Errorf("by %s: %s", c.key, got)
		}
		values := value[[]float64](b, `[...document.querySelectorAll('#all tbody tr:not(.failed)')].map(r => +r.dataset.`+c.key+`)`)
		for i := 1; i < len(values); i++ {
			if (values[i] > values[i-1]) != (c.sort == "ascending") && values[i] != values[i-1] {
				t.Errorf("by %s %s: %v", c.key, c.sort, values)
			}
		}
		if sort := value[string](b, `document.querySelector('`+button+`').closest('th').ariaSort`); sort != c.sort {
			t.Errorf("by %s: aria-sort is %s, want %s", c.key, sort, c.sort)
		}
		if n := value[int](b, `document.querySelectorAll('#all [aria-sort$="scending"]').length`); n != 1 {
			t.Errorf("%d columns say that they are sorted", n)
		}
	}
	b.Do(chromedp.SendKeys(chromedp.CSS("#find"), "RAIN"))
	if got := strings.Fields(b.names()); len(got) != 4 || value[string](b, `document.getElementById('count').textContent`) != "4 of 11" {
		t.Errorf("rain: %v", got)
	}
	value[bool](b, `(() => { const s = document.getElementById('only'); s.value = 'CBSD68 σ=25'; return s.dispatchEvent(new Event('input')) })()`)
	if got := b.names(); got != "" {
		t.Errorf("rain of CBSD68: %s", got)
	}
}

// sorted returns the words in alphabetical order.
func sorted(words string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(words))), " ")
}

// TestOnAPhoneAndInTheDark checks the page at common widths and colour schemes: only
// tables may be wider than the screen.
func TestOnAPhoneAndInTheDark(t *testing.T) {
	page := testPage(t, 4)
	if file := os.Getenv("CLUSIR_REPORT"); file != "" { // another page to test
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page = string(text)
	}
	b := open(t, page)
	colours := map[string]bool{}
	for _, c := range browsertest.Screens {
		b.On(c)
		b.Screenshot(c.Name)
		if wide := value[int64](b, `document.documentElement.scrollWidth`); wide > c.Width {
			t.Errorf("%s: the page is %d pixels wide", c.Name, wide)
		}
		colours[value[string](b, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color`)] = true
	}
	if len(colours) != 2 {
		t.Errorf("colours in the light and in the dark: %v", colours)
	}
}

// TestManyImagesAreQuick sorts and filters a thousand rows.
func TestManyImagesAreQuick(t *testing.T) {
	r := result(500)
	b := open(t, write(t, Page{Eval: r, Gallery: gallery(t, r, 60, 40)}))
	took := value[float64](b, `(() => {
		const begin = performance.now();
		document.querySelector('#all button[data-by="psnr"]').click();
		document.getElementById('find').value = '7';
		document.getElementById('find').dispatchEvent(new Event('input'));
		document.body.offsetHeight; // the layout too
		return performance.now() - begin;
	})()`)
	if took > 2000 {
		t.Errorf("sorting and filtering takes %.0f ms", took)
	}
	t.Logf("sorting and filtering %d rows: %.0f ms", len(r.Images), took)
}
