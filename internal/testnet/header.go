package testnet

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// EditHeader copies a safetensors file with another header, which edit makes of its own.
func EditHeader(t testing.TB, from, to string, edit func(header map[string]any)) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]any
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	edit(header)
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	if err := os.WriteFile(to, slices.Concat(size, text, data[8+n:]), 0o600); err != nil {
		t.Fatal(err)
	}
}
