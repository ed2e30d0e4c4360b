package dataset

import (
	"math/rand/v2"
	"slices"
	"strings"

	"clusir/internal/dataset/degrade"
	"clusir/internal/palette"
)

// The kinds of tasks, with their usual names in the field.
const (
	Denoise = "denoise"
	Clean   = "clean" // photographs to leave unchanged
	Derain  = "derain"
	Dehaze  = "dehaze"
	Deblur  = "deblur"
	Enhance = "enhance" // low light
	Desnow  = "desnow"  // made from photographs, or the user's own pairs
	CDD11   = "cdd11"   // the eleven compositions
	Pairs   = "pairs"   // the user's own pairs of any kind
)

// kind is everything that the program knows about a kind of degradation. To add one,
// write its formula in package degrade and a row of kinds.
type kind struct {
	name   string
	word   string         // the user's term for what a task of this kind removes
	colour palette.Colour // in figures
	// photographs is true for tasks that read only clean photographs.
	photographs bool
	layout      layout // of its real pairs; the zero layout for none
	// random draws a degradation for a whole picture; nil if none can be made.
	random func(*rand.Rand) degrade.Degradation
	// recipe says how a part of a task makes its degradations; nil for random alone.
	recipe func(p part, root string) (recipe, error)
	fields string // which of the task's fields sigmas, transfer, kinds, kernels, depth and light it has
	// symbols are the names of its parameters in a sample's description.
	symbols []symbol
}

// symbol explains the name of a degradation's parameter.
type symbol struct{ sign, meaning string }

// kinds has a row for each kind, in the order used in messages.
var kinds = []kind{
	{name: Denoise, word: "noise", colour: palette.Blue, photographs: true, fields: "sigmas",
		layout: layout{target: []string{"Train/Denoise"}, list: "denoise.txt", listDir: "noisy", expected: 5144},
		symbols: []symbol{
			{"σ=", "σ is the standard deviation of noise, of 255 levels"},
		}},
	{name: Clean, word: "clean", colour: palette.Grey, photographs: true},
	{name: Derain, word: "rain", colour: palette.Vermilion, random: random(degrade.RandomRain), fields: "transfer",
		layout: layout{input: []string{"Train/Derain/rainy"}, target: []string{"Train/Derain/gt"}, match: matchRain,
			list: "rainTrain.txt", listDir: "rainy", expected: 200},
		symbols: []symbol{
			{"ℓ=", "ℓ and w are a rain streak's length and width in pixels"},
			{"τ=", "τ is the threshold of rain: the higher, the fewer streaks"},
			{"g=", "g is the streaks' brightness"},
			{"rain of ", "“rain of” names the real pair that the rain was taken from"},
		}},
	{name: Dehaze, word: "haze", colour: palette.Green, random: random(degrade.RandomHaze), recipe: part.hazeRecipe, fields: "depth",
		layout: layout{input: []string{"Train/Dehaze/synthetic"}, target: []string{"Train/Dehaze/original"}, match: matchHaze,
			list: "hazy_outside.txt", listDir: "hazy", depth: "Train/Dehaze/depth", expected: 72135},
		symbols: []symbol{
			{"β=", "β says how fast haze thickens with depth"},
			{"A=", "A is the brightness of haze, 1 being white"},
		}},
	{name: Deblur, word: "blur", colour: palette.Purple, random: random(degrade.RandomMotion), recipe: part.blurRecipe, fields: "kernels",
		layout: layout{input: []string{"Train/Deblur/blur"}, target: []string{"Train/Deblur/sharp"}, match: matchSame, expected: 2103},
		symbols: []symbol{
			{"motion ", "motion and objects are how far the camera and what moves blur the picture, in pixels"},
			{"kernel ", "kernel is the size of the kernel that blurs, in pixels"},
		}},
	{name: Enhance, word: "low light", colour: palette.Orange, random: random(degrade.RandomLowLight),
		layout: layout{input: []string{"Train/Enhance/low"}, target: []string{"Train/Enhance/gt"}, match: matchSame, expected: 485},
		symbols: []symbol{
			{"γ=", "γ is the exponent that darkens a picture"},
			{"gain=", "gain is the brightness that is left"},
			{"read=", "read is the sensor's noise in the dark, of 255 levels"},
		}},
	{name: Desnow, word: "snow", colour: palette.SkyBlue, random: random(degrade.RandomSnow),
		symbols: []symbol{
			{"r=", "r is the radius of snowflakes in pixels"},
			{"far=", "far and close are the brightness of snow far away and the number of flakes near the lens"},
		}},
	{name: CDD11, word: "mixtures", colour: palette.Black, recipe: part.compositionRecipe, fields: "kinds depth light",
		layout: layout{input: []string{"cdd11/train/{kind}", "CDD-11_train/{kind}", "Train/CDD11/{kind}", "cdd11/{kind}"},
			target: []string{"cdd11/train/clear", "CDD-11_train/clear", "Train/CDD11/clear", "cdd11/clear"},
			match:  matchSame, expected: 1183}},
	{name: Pairs, word: "pairs", colour: palette.Grey},
}

func random[D degrade.Degradation](draw func(*rand.Rand) D) func(*rand.Rand) degrade.Degradation {
	return func(rng *rand.Rand) degrade.Degradation { return draw(rng) }
}

// takes reports whether tasks of this kind have a field.
func (k *kind) takes(field string) bool { return slices.Contains(strings.Fields(k.fields), field) }

// kindOf returns the row with a name, nil if there is none.
func kindOf(name string) *kind {
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	return nil
}

// Kinds returns the names of all kinds.
func Kinds() []string { return namesOf(func(kind) bool { return true }) }

// madeKinds returns the kinds that can be made from a whole clean picture.
func madeKinds() []string { return namesOf(func(k kind) bool { return k.random != nil }) }

func namesOf(ok func(kind) bool) []string {
	var names []string
	for _, k := range kinds {
		if ok(k) {
			names = append(names, k.name)
		}
	}
	return names
}

// Word returns the user's term for what tasks of a kind remove, such as "rain"; for an
// unknown kind, its name.
func Word(name string) string {
	if k := kindOf(name); k != nil {
		return k.word
	}
	return name
}

// Colour returns a kind's colour, the same in every figure; grey for an unknown one.
func Colour(name string) palette.Colour {
	if k := kindOf(name); k != nil {
		return k.colour
	}
	return palette.Grey
}
