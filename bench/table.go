package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A table is printed aligned, in the form that Markdown reads too.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// writeTo prints the table with its first column to the left and the others to the right.
func (t *table) writeTo(w io.Writer) {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string) {
		for i, cell := range cells {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprintf(w, "| %s%s |", cell, space)
			} else {
				fmt.Fprintf(w, " %s%s |", space, cell)
			}
		}
		fmt.Fprintln(w)
	}
	line(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i]-1) + ":"
	}
	rule[0] = strings.Repeat("-", width[0])
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
}

// costTable lays out what every subject cost. The spread is that of the ratio: half of the rounds
// lie within it.
func costTable(costs []cost, yardstick string) *table {
	t := &table{head: []string{"subject", "ns/op", "B/op", "allocs/op", "ratio", "spread"}}
	base := costs[slices.IndexFunc(costs, func(c cost) bool { return c.subject == yardstick })]
	for _, c := range costs {
		ratios := c.over(base)
		t.add(c.subject,
			fmt.Sprintf("%.0f", median(c.nanoseconds())),
			fmt.Sprintf("%.0f", c.bytes()),
			fmt.Sprintf("%.0f", c.allocs()),
			fmt.Sprintf("%.2f", median(ratios)),
			fmt.Sprintf("%.2f–%.2f", quantile(ratios, 0.25), quantile(ratios, 0.75)))
	}
	return t
}
