package summary

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// duration is d in a unit and figures that say something: 412 ms, 4.1 ms, 12.4 s.
func duration(d time.Duration) string {
	figures, unit := figures(d)
	return figures + " " + unit
}

func figures(d time.Duration) (figures, unit string) {
	d = max(0, d)
	for _, u := range []struct {
		name     string
		one      time.Duration
		decimals int // below ten
	}{{"ns", 1, 0}, {"µs", time.Microsecond, 1}, {"ms", time.Millisecond, 1}, {"s", time.Second, 2}} {
		value, decimals := float64(d)/float64(u.one), u.decimals
		if value >= 10 && decimals > 0 {
			decimals--
		}
		figures, unit = strconv.FormatFloat(value, 'f', decimals, 64), u.name
		if decimals > 0 {
			figures = strings.TrimRight(strings.TrimRight(figures, "0"), ".")
		}
		if len(figures) < 4 || strings.Contains(figures, ".") {
			break
		}
	}
	return figures, unit
}

// span is from the shortest to the longest, with units unless both are in the one that is known already.
func span(from, to time.Duration, known string) string {
	a, ua := figures(from)
	b, ub := figures(to)
	switch {
	case ua == known && ub == known:
		return a + "–" + b
	case ua == ub:
		return a + "–" + b + " " + ub
	}
	return a + " " + ua + "–" + b + " " + ub
}

// percents are what the times are of the whole. They are rounded so that their sum is the sum's, rounded,
// and thus not above 100, and that none is above one of a longer time.
func percents(times []time.Duration, whole time.Duration) []int {
	if whole <= 0 {
		return make([]int, len(times))
	}
	list, order := make([]int, len(times)), make([]int, len(times))
	sum, left := time.Duration(0), 0
	for i, t := range times {
		order[i] = i
		list[i] = int(100 * t / whole)
		sum += t
		left -= list[i]
	}
	left += int((100*sum + whole/2) / whole)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(100*times[b]%whole, 100*times[a]%whole) })
	for _, i := range order[:min(left, len(order))] {
		list[i]++
	}
	return list
}
