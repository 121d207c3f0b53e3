// Command linnet releases services by evidence. See package app.
package main

import (
	"os"

	"github.com/linnet-project/linnet/app"
)

func main() {
	err := app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(app.ExitCode(err))
}
