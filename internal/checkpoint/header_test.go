package checkpoint

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestHostileHeaders(t *testing.T) {
	const ok = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	for _, c := range []struct {
		name, header string
		data         int
		want         string // in the error
	}{
		{"no JSON", `hello`, 0, "not a JSON object"},
		{"empty", ``, 0, "not a JSON object"},
		{"space first", ` {}`, 0, "not a JSON object"},
		{"array", `[]`, 0, "not a JSON object"},
		{"cut JSON", `{"a":`, 0, "not valid JSON"},
		{"behind the end", `{}{}`, 0, "not valid JSON"},
		{"trailing comma", `{` + ok + `,}`, 8, "not valid JSON"},
		{"bad UTF-8", "{\"\xff\":{}}", 0, "not valid JSON"},
		{"deep nesting", `{"a":` + deep + `}`, 0, "not valid JSON"},
		{"nested JSON for a dtype", `{"a":{"dtype":{"dtype":"F32"},"shape":[2],"data_offsets":[0,8]}}`, 8, "dtype must be a string"},
		{"nested shape", `{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}`, 8, "not [[2]]"},
		{"null entry", `{"a":null}`, 0, "must have dtype"},
		{"null shape", `{"a":{"dtype":"F32","shape":null,"data_offsets":[0,8]}}`, 8, "not null"},
		{"null size", `{"a":{"dtype":"F32","shape":[null],"data_offsets":[0,8]}}`, 8, "not [null]"},
		{"string size", `{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}`, 8, `not ["2"]`},
		{"fractional size", `{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}`, 8, "whole numbers below 2^63, not [2.0]"},
		{"exponent", `{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}`, 8, "not [2e0]"},
		{"negative size", `{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, 8, "not [-2]"},
		{"negative offset", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}`, 8, "data_offsets must be a list of whole numbers below 2^63, not [-8,0]"},
		{"2^63", `{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}`, 8, "below 2^63"},
		{"2^64 + 2", `{"a":{"dtype":"F32","shape":[18446744073709551618],"data_offsets":[0,8]}}`, 8, "below 2^63"},
		{"product overflows", `{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0, "overflows"},
		{"product wraps to 2", `{"a":{"dtype":"U8","shape":[9223372036854775807,2,2],"data_offsets":[0,2]}}`, 2, "overflows"},
		{"empty, but overflows", `{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`, 0, "overflows"},
		{"huge, few bytes", `{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,8]}}`, 8, "takes 4398046511104 bytes"},
		{"shape against offsets", `{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8, "takes 12 bytes"},
		{"dtype against offsets", `{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}`, 8, "takes 16 bytes"},
		{"unknown dtype", `{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}`, 8, `unknown dtype "F31"`},
		{"reversed offsets", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8, "offsets are 8 to 0"},
		{"one offset", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}`, 8, "two numbers"},
		{"three offsets", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}`, 8, "two numbers"},
		{"missing field", `{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4, "must have dtype, shape and data_offsets"},
		{"unknown field", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`, 8, "and nothing else"},
		{"field twice", `{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}`, 8, `"shape" comes twice`},
		{"tensor twice", `{` + ok + `,` + ok + `}`, 8, `"a" comes twice`},
		{"tensor twice, escaped", `{` + ok + `,"\u0061":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, `"a" comes twice`},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{}}`, 0, "comes twice"},
		{"metadata key twice", `{"__metadata__":{"a":"1","a":"2"}}`, 0, `"a" comes twice`},
		{"metadata number", `{"__metadata__":{"a":1}}`, 0, "an object of strings"},
		{"metadata nested", `{"__metadata__":{"a":{"b":"c"}}}`, 0, "an object of strings"},
		{"same bytes for two", `{` + ok + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, `"b" lies at 0`},
		{"overlap", `{` + ok + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12, `"b" lies at 4`},
		{"gap", `{` + ok + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}`, 20, `"b" lies at 12`},
		{"gap in front", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12, `"a" lies at 4`},
		{"bytes behind", `{` + ok + `}`, 9, "but the file holds 9"},
		{"data cut short", `{` + ok + `}`, 7, "but the file holds 7"},
		{"no tensors, but data", `{}`, 1, "but the file holds 1"},
		{"claims to be ours", `{"__metadata__":{"format":"clusir"}}`, 0, "checksum"},
		{"wrong digest", `{"__metadata__":{"sha256":"00"}}`, 0, "checksum"},
	} {
		_, err := parse("evil.safetensors", assemble(c.header, c.data))
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		} else if s := err.Error(); !strings.Contains(s, c.want) || !strings.HasPrefix(s, "evil.safetensors: ") {
			t.Errorf("%s: error %q does not say %q", c.name, s, c.want)
		}
	}
}

func TestHostileLengths(t *testing.T) {
	for _, n := range []uint64{3, 1 << 20, maxHeader, maxHeader + 1, 1 << 62, math.MaxInt64, 1 << 63, math.MaxUint64} {
		b := append(binary.LittleEndian.AppendUint64(nil, n), "{}"...)
		if _, err := parse("evil", b); err == nil || !strings.Contains(err.Error(), "not a safetensors file") {
			t.Errorf("header length %d: %v", n, err)
		}
	}
	for n := range lengthSize {
		if _, err := parse("evil", make([]byte, n)); err == nil || !strings.Contains(err.Error(), "too short") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestAcceptedHeaders(t *testing.T) {
	for _, c := range []struct {
		name, header string
		data         int
		names        string
	}{
		{"nothing", `{}`, 0, ""},
		{"padding", `{}      `, 0, ""},
		{"any order", `{"b":{"data_offsets":[4,8],"shape":[1],"dtype":"F32"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8, "a b"},
		{"an empty tensor between", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},` +
			`"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, "a b e"},
		{"a type that holds no weights", `{"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`, 8, "n"},
	} {
		f, err := parse("memory", assemble(c.header, c.data))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := strings.Join(f.Names(), " "); got != c.names {
			t.Errorf("%s: names %q, want %q", c.name, got, c.names)
		}
	}
}
