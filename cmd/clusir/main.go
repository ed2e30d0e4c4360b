// Command clusir restores photographs: it removes noise, rain, haze, blur and
// darkness with one network, and trains, measures and times that network.
package main

import (
	"os"

	"clusir/internal/process"
)

func main() { os.Exit(run(os.Args[1:], process.Stdout(), os.Stderr)) }
