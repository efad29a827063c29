module github.com/heeler-go/heeler/bench

go 1.25

require github.com/heeler-go/heeler v0.0.0

replace github.com/heeler-go/heeler => ../
