package app

import (
	"path/filepath"

	"github.com/linnet-project/linnet/guard"
	"github.com/linnet-project/linnet/spec"
)

// maxCalendar bounds an iCalendar file, in bytes; package calendar refuses what
// is longer.
const maxCalendar = 4 << 20

// compileGuards reads guard rails and the calendars beside them.
func compileGuards(name string, text []byte) (guard.Rails, error) {
	g, err := spec.ParseGuards(name, text)
	if err != nil {
		return guard.Rails{}, err
	}
	return guard.Compile(g, func(calendar string) ([]byte, error) {
		return readUpTo(beside(name, calendar), maxCalendar+1)
	})
}

// beside gives the path of a file that another file names: relative paths are
// relative to that other file.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

func checkGuards(name string, text []byte) error {
	_, err := compileGuards(name, text)
	return err
}
