package summary

var (
	Duration = duration
	Percents = percents
)
