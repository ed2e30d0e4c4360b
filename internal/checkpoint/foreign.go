package checkpoint

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// foreign recognises other formats by a file's first bytes, so that errors can name
// them.
var foreign = []struct{ magic, is string }{
	{"PK\x03\x04", torch}, // a zip archive with a pickle in it
	{"\x80\x02", torch},   // a bare pickle, as torch.save wrote before 1.6
	{"\x80\x03", torch}, {"\x80\x04", torch}, {"\x80\x05", torch},
	{"\x89HDF\r\n\x1a\n", "a HDF5 file, as Keras writes them"},
	{"\x89PNG", "a picture (PNG)"},
	{"\xff\xd8\xff", "a picture (JPEG)"},
	{"GGUF", "a GGUF file"},
	{"version https://git-lfs", "the pointer of a file in Git LFS: fetch the file itself with git lfs pull"},
}

// torch stands for a PyTorch checkpoint, which fromTorch describes.
const torch = "a PyTorch pickle"

// maxMagic is the number of bytes needed to recognise a format.
const maxMagic = 32

// fromTorch explains how to convert a PyTorch checkpoint.
func fromTorch(name string) string {
	base := filepath.Base(name)
	out := strings.TrimSuffix(base, filepath.Ext(base)) + ".safetensors"
	return fmt.Sprintf(`a PyTorch pickle, which can run code when it is read: convert it where you trust it, in Python:
  import torch; from safetensors.torch import save_file
  w = torch.load(%q, map_location="cpu", weights_only=True); w = next((w[k] for k in ("params_ema", "params", "model", "state_dict") if k in w), w)
  save_file({k: v.clone().contiguous() for k, v in w.items() if torch.is_tensor(v)}, %q)`, base, out)
}

// kindOf names the format of a file that is not safetensors, "" if unknown.
func kindOf(name string, start []byte) string {
	for _, f := range foreign {
		switch {
		case !bytes.HasPrefix(start, []byte(f.magic)):
		case f.is == torch:
			return fromTorch(name)
		default:
			return f.is
		}
	}
	if strings.EqualFold(filepath.Ext(name), ".onnx") {
		return "an ONNX file"
	}
	return ""
}

// wrappers are prefixes that programs add to the names of all tensors of a network: in
// PyTorch, DataParallel, torch.compile, and dictionaries or modules that contain the
// network.
var wrappers = []string{"module.", "_orig_mod.", "params.", "params_ema.", "state_dict.", "model.", "net.", "network.", "net_g.", "generator."}

// unwrap removes the wrappers that all names begin with.
func (h *header) unwrap() {
	for {
		wrapper := h.wrapper()
		if wrapper == "" {
			return
		}
		h.entries = h.within(wrapper)
	}
}

// within returns the entries whose names begin with a prefix, under the rest of their
// names.
func (h *header) within(prefix string) map[string]entry {
	inner := map[string]entry{}
	for name, e := range h.entries {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			inner[rest] = e
		}
	}
	return inner
}

// wrapper returns the wrapper that all names begin with, "" if there is none.
func (h *header) wrapper() string {
	for _, w := range wrappers {
		all := len(h.entries) > 0
		for name := range h.entries {
			all = all && strings.HasPrefix(name, w) && len(name) > len(w)
		}
		if all {
			return w
		}
	}
	return ""
}
