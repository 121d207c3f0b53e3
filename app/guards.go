package app

import (
	"bytes"
	"path/filepath"

	"github.com/linnet-project/linnet/guard"
	"github.com/linnet-project/linnet/spec"
)

// maxCalendar bounds an iCalendar file, in bytes; package calendar refuses what
// is longer.
const maxCalendar = 4 << 20

// compileGuards reads guard rails and the calendars beside them.
func compileGuards(name string, text []byte) (guard.Rails, error) {
	rails, _, err := newGuards(name, text)
	return rails, err
}

// guardTexts are files that guard rails were compiled from, by path.
type guardTexts map[string][]byte

// newGuards compiles guard rails, and tells from what.
func newGuards(name string, text []byte) (guard.Rails, guardTexts, error) {
	g, err := spec.ParseGuards(name, text)
	if err != nil {
		return guard.Rails{}, nil, err
	}
	from := guardTexts{name: text}
	rails, err := guard.Compile(name, g, func(calendar string) ([]byte, error) {
		path := beside(name, calendar)
		text, err := readUpTo(path, maxCalendar+1)
		from[path] = text
		return text, err
	})
	return rails, from, err
}

// hold tells whether all files are as they were: what calendars repeat is worked
// out for many years ahead, which is not done for nothing every few seconds.
func (from guardTexts) hold() bool {
	for path, was := range from {
		is, err := readUpTo(path, maxCalendar+1)
		if err != nil || !bytes.Equal(is, was) {
			return false
		}
	}
	return len(from) > 0
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
