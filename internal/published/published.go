// Package published holds the numbers of the paper's tables and of the surveys that
// they are compared with.
package published

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed published.tsv
var tsv string

// Row is one cell of a table: a method's result on a benchmark. Numbers that the source
// does not give are 0.
type Row struct {
	Table, Setting, Method, Venue, Benchmark string
	PSNR, SSIM                               float64
}

// Rows returns all rows in the order of the tables.
var Rows = sync.OnceValue(func() []Row {
	rows, err := parse(tsv)
	if err != nil {
		panic(err) // the table is embedded
	}
	return rows
})

func parse(text string) ([]Row, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, 7
	lines, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, l := range lines[1:] {
		row := Row{Table: l[0], Setting: l[1], Method: l[2], Venue: l[3], Benchmark: l[4]}
		for i, dst := range []*float64{&row.PSNR, &row.SSIM} {
			if text := l[5+i]; text != "" {
				if *dst, err = strconv.ParseFloat(text, 64); err != nil {
					return nil, fmt.Errorf("published numbers: %s, %s: %w", row.Method, row.Benchmark, err)
				}
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Find returns a method's result on a benchmark in a setting, such as
// "three-task", from the first table that has it.
func Find(setting, method, benchmark string) (Row, bool) {
	for _, r := range Rows() {
		if r.Setting == setting && r.Method == method && r.Benchmark == benchmark {
			return r, true
		}
	}
	return Row{}, false
}
