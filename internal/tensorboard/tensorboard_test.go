package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

var noon = time.Unix(1700000000, 500000000)

// reference is what TensorBoard 2.21 itself writes for the events of TestReference;
// scripts/tensorboard_vectors.py prints it.
const reference = "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110" +
	"0f000000000000006d532b090900002040fc54d94110083a020801b9c5b1b128" +
	"00000000000000ff70164a0900002040fc54d94110082a1b0a0e0a076c6f73732f6c31150000803e0a090a026c721517b75139f4f24638"

// files returns the contents of the event files in dir, in TensorBoard's order.
func files(t *testing.T, dir string) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*tfevents*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no event file", err)
	}
	var out [][]byte
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// TestReference compares bytes with those of TensorBoard's own writer.
func TestReference(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, 7, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(8, noon, []Scalar{{"loss/l1", .25}, {"bad", math.NaN()}, {"lr", 2e-4}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(files(t, dir)[0]); got != reference {
		t.Errorf("got  %s\nwant %s", got, reference)
	}
}

// fields splits a message into the payloads of each field.
func fields(t *testing.T, b []byte) map[protowire.Number][][]byte {
	t.Helper()
	out := map[protowire.Number][][]byte{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		v := protowire.ConsumeFieldValue(num, typ, b[n:])
		if v < 0 {
			t.Fatal(protowire.ParseError(v))
		}
		payload := b[n:][:v]
		if typ == protowire.BytesType {
			payload, _ = protowire.ConsumeBytes(payload)
		}
		out[num] = append(out[num], payload)
		b = b[n+v:]
	}
	return out
}

// TestImage decodes a picture from the last record.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	m := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	m.Set(4, 2, color.NRGBA{200, 100, 50, 200})
	if err := w.Image(9, noon, "kodim01", m); err != nil {
		t.Fatal(err)
	}
	b := files(t, dir)[0]
	first := 16 + binary.LittleEndian.Uint64(b) // the version's record
	event := fields(t, b[first+12:len(b)-4])
	if event[eventStep][0][0] != 9 {
		t.Errorf("step %v", event[eventStep])
	}
	value := fields(t, fields(t, event[eventSummary][0])[summaryValue][0])
	picture := fields(t, value[valueImage][0])
	if string(value[valueTag][0]) != "kodim01" || picture[imageHeight][0][0] != 3 || picture[imageWidth][0][0] != 5 {
		t.Errorf("value %v, picture %v", value, picture)
	}
	back, err := png.Decode(bytes.NewReader(picture[imageEncoded][0]))
	if err != nil || back.At(4, 2) != m.At(4, 2) {
		t.Errorf("the picture came back as %v, %v", back, err)
	}
}

// TestErrors: a missing folder, a name that is taken, a closed file.
func TestErrors(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "gone"), 0, noon); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	dir := t.TempDir()
	w, err := Create(dir, 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, 0, noon); !errors.Is(err, os.ErrExist) {
		t.Error("a second file of the same moment:", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(1, noon, []Scalar{{"x", 1}}); !errors.Is(err, os.ErrClosed) {
		t.Error("writing to a closed file:", err)
	}
}
