// Command clusir restores photographs: it removes noise, rain, haze, blur and
// darkness with one network, and trains, measures and times that network.
package main

import (
	"io"
	"os"

	"clusir/internal/startup"
)

func main() {
	var stdout io.Writer = os.Stdout
	if startup.StdoutClosed() {
		stdout = closed{}
	}
	os.Exit(run(os.Args[1:], stdout, os.Stderr))
}

// closed stands for a closed standard output, which Go replaces by /dev/null.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }
