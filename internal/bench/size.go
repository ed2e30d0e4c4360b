package bench

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/usage"
)

// maxSide keeps a typing error from requesting absurd amounts of memory.
const maxSide = 1 << 15

// Size is the extent of an image.
type Size struct{ W, H int }

// ParseSizes parses sides, such as 256, or widths and heights, such as 480x320.
func ParseSizes(texts []string) (sizes []Size, err error) {
	for _, text := range texts {
		s, err := parseSize(text)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, s)
	}
	return sizes, nil
}

// parseSize parses a side, such as 256, or width and height, such as 480x320.
func parseSize(text string) (Size, error) {
	w, h, two := strings.Cut(text, "x")
	if !two {
		h = w
	}
	W, errW := strconv.Atoi(w)
	H, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || min(W, H) < 1 || max(W, H) > maxSide {
		return Size{}, fmt.Errorf("size %q: write a side, such as 256, or WIDTHxHEIGHT, such as 480x320, up to %d", text, maxSide)
	}
	return Size{W, H}, nil
}

// String returns the form that ParseSizes parses.
func (s Size) String() string {
	if s.W == s.H {
		return strconv.Itoa(s.W)
	}
	return fmt.Sprintf("%dx%d", s.W, s.H)
}

// MarshalJSON writes a square as a number, others as text.
func (s Size) MarshalJSON() ([]byte, error) {
	if s.W == s.H {
		return json.Marshal(s.W)
	}
	return json.Marshal(s.String())
}

func (s Size) pixels() float64 { return float64(s.W) * float64(s.H) }

// check returns an error if the network of configuration c does not accept s.
func (s Size) check(c arch.Config) error {
	minSide := c.MinSide()
	fit := func(side int) int { return max(minSide, (side+arch.Align-1)/arch.Align*arch.Align) }
	if near := (Size{fit(s.W), fit(s.H)}); near != s {
		return usage.Errorf("--size %s: the network takes sides that are multiples of %d, at least %d: use %s, to which restore would pad it",
			s, arch.Align, minSide, near)
	}
	return nil
}
