module github.com/heeler-go/heeler

go 1.25
