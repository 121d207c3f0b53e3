package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/ui"
)

// reportPoints is how many points a track of a report has, mostReported how many
// segments it tells the course of: the worst ones.
const (
	reportPoints = 400
	mostReported = 50
	// mostReads bounds how often a server is asked to read on in a long release.
	mostReads = 100
)

// oneFile is what a one-file report holds; ui/src/pages/release/ReportPage.tsx
// has the same.
type oneFile struct {
	Made    time.Time         `json:"made"`
	Version string            `json:"version"`
	Record  json.RawMessage   `json:"record"`
	Courses []json.RawMessage `json:"courses"`
}

func (p *process) releaseReport(at *elsewhere) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "report NAME[/ATTEMPT] -o report.html", Short: "Write the page of a release, with all it shows, into one file", Args: cobra.ExactArgs(1),
		Long: `Writes the page of a release with its data inside. It opens in any browser, without
a network and without Linnet, and prints well. With a name that ends in .md it is
Markdown instead.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var text []byte
			var err error
			switch strings.ToLower(filepath.Ext(out)) {
			case ".html", ".htm":
				text, err = p.page(cmd.Context(), at, args[0])
			case ".md":
				var rel report.Release
				var b bytes.Buffer
				if rel, err = p.recordOf(cmd.Context(), at, args[0]); err == nil {
					err = report.Markdown(&b, rel)
				}
				text = b.Bytes()
			default:
				return fmt.Errorf("-o %q: name a file that ends in .html or .md; %w", out, errUsage)
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(out, text, 0o644); err != nil {
				return fmt.Errorf("%w; name another file with -o", err)
			}
			fmt.Fprintf(p.out, "%s: %d KiB\n", out, (len(text)+1023)>>10)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "report.html", "the file; .html or .md")
	return cmd
}

// page makes the report of a release, here or at a server.
func (p *process) page(ctx context.Context, at *elsewhere, name string) ([]byte, error) {
	one := oneFile{Made: time.Now().UTC(), Version: Version}
	var err error
	if at.server != "" {
		err = p.pageThere(ctx, at, name, &one)
	} else {
		err = p.pageHere(ctx, name, &one)
	}
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(one)
	if err != nil {
		return nil, err
	}
	return ui.Report(name, data)
}

// pageHere fills a report from the data folder.
func (p *process) pageHere(ctx context.Context, name string, one *oneFile) error {
	return p.reading(ctx, func(r *journal.Reader) error {
		id, err := find(ctx, r, name)
		if err != nil {
			return err
		}
		rel, err := control.Recorded(ctx, r, id)
		if err != nil {
			return err
		}
		course, err := control.CourseOf(ctx, r, id)
		if err != nil {
			return err
		}
		if one.Record, err = json.Marshal(rel); err != nil {
			return err
		}
		whole := course(report.Wanted{Points: reportPoints})
		return one.courses(whole, func(segment string) (json.RawMessage, error) {
			return json.Marshal(course(report.Wanted{Points: reportPoints, Segment: segment}))
		})
	})
}

// pageThere fills a report from a server.
func (p *process) pageThere(ctx context.Context, at *elsewhere, name string, one *oneFile) error {
	c, err := at.client(p)
	if err != nil {
		return err
	}
	id, err := named(name)
	if err != nil {
		return err
	}
	if one.Record, err = c.Record(ctx, id); err != nil {
		return err
	}
	read := func(segment string) (told report.Course, text json.RawMessage, err error) {
		for range mostReads {
			if text, err = c.Course(ctx, id, segment, reportPoints); err != nil {
				return report.Course{}, nil, err
			}
			told = report.Course{}
			if err := json.Unmarshal(text, &told); err != nil {
				return report.Course{}, nil, fmt.Errorf("the course of %s cannot be read; the server may be of another version: %w: %w", name, err, release.ErrInvalid)
			}
			if told.Records >= told.Total {
				return told, text, nil
			}
		}
		return report.Course{}, nil, fmt.Errorf("%s is so long that the server has read %d of its %d records by now; ask again: %w", name, told.Records, told.Total, release.ErrUnavailable)
	}
	whole, _, err := read("")
	if err != nil {
		return err
	}
	return one.courses(whole, func(segment string) (json.RawMessage, error) {
		_, text, err := read(segment)
		return text, err
	})
}

// courses keeps the course of the whole, and of each segment that it names.
func (f *oneFile) courses(whole report.Course, of func(segment string) (json.RawMessage, error)) error {
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	f.Courses = append(f.Courses, text)
	seen := map[string]bool{"": true}
	for _, s := range whole.Standing {
		if seen[s.Segment] || len(f.Courses) > mostReported {
			continue
		}
		seen[s.Segment] = true
		if text, err = of(s.Segment); err != nil {
			return err
		}
		f.Courses = append(f.Courses, text)
	}
	return nil
}
