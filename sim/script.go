package sim

import (
	"fmt"
	"strings"
)

// Command is one line of a story: a verb, words, and name=value pairs. Quotes
// keep spaces together.
type Command struct {
	Line  string
	Verb  string
	Words []string
	Named map[string]string
}

// Play runs a script, a text of paragraphs: commands, a line "----", and what
// they print up to the next empty line. Lines that begin with # tell the story.
// It returns the script with what came of the commands in place of what it
// had.
func Play(script string, do func(Command) (string, error)) (string, error) {
	var out strings.Builder
	var commands []Command
	skipping := false
	for n, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case skipping:
			skipping = line != ""
			if !skipping {
				out.WriteString("\n")
			}
		case line == "----":
			out.WriteString(line + "\n")
			for _, c := range commands {
				printed, err := do(c)
				if err != nil {
					return "", fmt.Errorf("line %d: %q: %w", n+1, c.Line, err)
				}
				out.WriteString(printed)
			}
			commands, skipping = nil, true
		case line == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		default:
			c, err := parse(line)
			if err != nil {
				return "", fmt.Errorf("line %d: %w", n+1, err)
			}
			commands = append(commands, c)
			out.WriteString(line + "\n")
		}
	}
	if len(commands) > 0 {
		return "", fmt.Errorf("%q: no ---- follows", commands[0].Line)
	}
	return out.String(), nil
}

func parse(line string) (Command, error) {
	c := Command{Line: line, Named: map[string]string{}}
	words, err := fields(line)
	if err != nil {
		return c, err
	}
	c.Verb = words[0]
	for _, w := range words[1:] {
		if name, value, ok := strings.Cut(w, "="); ok {
			c.Named[name] = value
		} else {
			c.Words = append(c.Words, w)
		}
	}
	return c, nil
}

// fields splits at spaces outside of double quotes.
func fields(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				out = append(out, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(r)
			any = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("%s: a quote is not closed", line)
	}
	if any {
		out = append(out, word.String())
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q: no command", line)
	}
	return out, nil
}

// words is a command's words as one, for matching.
func (c Command) words() string { return strings.Join(c.Words, " ") }
