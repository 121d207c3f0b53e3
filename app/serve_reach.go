package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// resolveWait bounds how long the names in a release file are looked up.
const resolveWait = 2 * time.Second

// reaching says what release files may use of this machine. Whoever may begin a
// release writes one, and this process does what it says: it reads files and sends
// them, runs commands, asks addresses that only it can reach.
type reaching struct {
	// all is for whoever may do everything with this machine anyway.
	all bool
	may spec.Reach
	// look looks names up; nil where that was done before.
	look func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// reaching gives what the settings say, seen from where the process runs.
func (s *serving) reaching() reaching {
	r := reaching{all: s.settings.Reach == nil && s.settings.Login == nil, look: net.DefaultResolver.LookupNetIP}
	if s.settings.Reach != nil {
		r.may = *s.settings.Reach
	}
	at := func(paths []string) (all []string) {
		for _, path := range paths {
			all = append(all, s.path(path))
		}
		return all
	}
	r.may.Files, r.may.Write = at(r.may.Files), at(r.may.Write)
	return r
}

// read reads a release file that somebody wants to begin, or asks about: what is
// wrong with it, and what it may not use. Names are looked up.
func (r reaching) read(name string, text []byte) (spec.File, error) {
	f, err := parseFile(name, text)
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWait)
	defer cancel()
	return f, r.check(ctx, name, f)
}

// refused refuses a release that was begun before, as the settings are now. Names
// were looked up then; here are thousands of releases at once.
func (s *serving) refused(name string, f spec.File) error {
	r := s.reaching()
	r.look = nil
	return r.check(context.Background(), name, f)
}

// check refuses a file that uses what it may not, all at once.
func (r reaching) check(ctx context.Context, name string, f spec.File) error {
	if r.all {
		return nil
	}
	return spec.CheckUses(name, f, func(u spec.Use) (problem, hint string) {
		switch u.Kind {
		case spec.UseCommand:
			return refusedUnless(r.runs(u), "is a command that release files may not run on this server", "commands")
		case spec.UseFile:
			return refusedUnless(below(u.Text, r.may.Files), "is a file that release files may not have this server read", "files")
		case spec.UseWrite:
			return refusedUnless(below(u.Text, r.may.Write), "is a file that release files may not have this server write", "write")
		case spec.UseListen:
			return refusedUnless(r.may.Listen, "would listen in this server, and release files may not", "listen")
		case spec.UseSocket:
			if strings.Contains(u.Text, "/") || strings.HasPrefix(u.Text, "@") {
				return refusedUnless(below(u.Text, r.may.Write), "is a socket that release files may not have this server use", "write")
			}
		case spec.UseOwn:
			return refusedUnless(r.named(hostOf(u)) || itsOwn(hostOf(u)), "would get credentials of this server, and is none of the hosts that may", "hosts")
		}
		return refusedUnless(r.asks(ctx, hostOf(u)), "is a host that release files may not have this server ask", "hosts")
	})
}

// refusedUnless words what is refused; setting is the key that would allow it.
func refusedUnless(allowed bool, problem, setting string) (string, string) {
	if allowed {
		return "", ""
	}
	return problem, "take another one, or have reach." + setting + " of the server's settings allow it"
}

// runs tells whether a command may be run. A program is its absolute path, or a
// name that is looked for in PATH.
func (r reaching) runs(u spec.Use) bool {
	words := slices.Clone(u.Words)
	if strings.Contains(words[0], "/") {
		path, err := filepath.Abs(filepath.Join(u.Folder, words[0]))
		if filepath.IsAbs(words[0]) {
			path, err = filepath.Clean(words[0]), nil
		}
		if err != nil {
			return false
		}
		words[0] = path
	}
	return slices.ContainsFunc(r.may.Commands, func(allowed string) bool {
		want := strings.Fields(allowed)
		if last := len(want) - 1; last > 0 && want[last] == "*" {
			return len(words) >= last && slices.Equal(words[:last], want[:last])
		}
		return slices.Equal(words, want)
	})
}

// below tells whether a path is one of those, or lies below one, wherever symbolic
// links lead.
func below(path string, allowed []string) bool {
	at, ok := leadsTo(path)
	if !ok {
		return false
	}
	return slices.ContainsFunc(allowed, func(folder string) bool {
		top, ok := leadsTo(folder)
		if !ok {
			return false
		}
		rel, err := filepath.Rel(top, at)
		return err == nil && filepath.IsLocal(rel)
	})
}

// leadsTo is where a path leads. Its end need not be there yet, but a link that
// leads nowhere is none.
func leadsTo(path string) (string, bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real, true
	}
	if _, there := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) || there == nil || path == filepath.Dir(path) {
		return "", false
	}
	parent, ok := leadsTo(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), ok
}

// hostOf is the host that is asked, in lower case; empty where there is none.
func hostOf(u spec.Use) string {
	host := u.Text
	if u.Kind == spec.UseSite {
		host = "api." + host
	} else if at, err := url.Parse(u.Text); err == nil && at.Host != "" {
		host = at.Hostname()
	} else if h, _, err := net.SplitHostPort(u.Text); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// named tells whether the settings name a host.
func (r reaching) named(host string) bool {
	at, err := netip.ParseAddr(host)
	return slices.ContainsFunc(r.may.Hosts, func(allowed string) bool {
		network, bad := netip.ParsePrefix(allowed)
		if one, wrong := netip.ParseAddr(allowed); wrong == nil {
			network, bad = netip.PrefixFrom(one, one.BitLen()), nil
		}
		switch {
		case bad == nil:
			return err == nil && network.Contains(at.Unmap().WithZone(""))
		case err == nil:
			return false
		}
		suffix, several := strings.CutPrefix(allowed, "*")
		return host == allowed || several && strings.HasSuffix(host, suffix)
	})
}

// itsOwn tells whether a host is where such credentials belong.
func itsOwn(host string) bool {
	return slices.ContainsFunc([]string{".googleapis.com", ".amazonaws.com", ".amazonaws.com.cn"}, func(cloud string) bool { return strings.HasSuffix(host, cloud) })
}

// asks tells whether a host may be asked: where the settings name none, every one
// that does not lead back to this machine, or to what trusts it for being near.
func (r reaching) asks(ctx context.Context, host string) bool {
	if len(r.may.Hosts) > 0 {
		return r.named(host)
	}
	if at, err := netip.ParseAddr(host); err == nil {
		return !near(at)
	}
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	if r.look == nil {
		return true
	}
	all, err := r.look(ctx, "ip", host)
	return err != nil || !slices.ContainsFunc(all, near) // what has no address is not reached
}

// near are addresses of this machine, of its link, and of what clouds tell a
// machine's secrets by.
func near(at netip.Addr) bool {
	at = at.Unmap()
	if at.IsLoopback() || at.IsUnspecified() || at.IsLinkLocalUnicast() || at.IsMulticast() {
		return true
	}
	return slices.Contains([]string{"fd00:ec2::254", "100.100.100.200", "168.63.129.16"}, at.WithZone("").String())
}

// blind tells whether all that is wrong is about what is looked at: then a release
// that runs sees nothing, and can still be taken back.
func blind(refused error, f spec.File) bool {
	var all spec.Errors
	if hosting(f) || !errors.As(refused, &all) {
		return false
	}
	return !slices.ContainsFunc(all, func(e spec.Error) bool { return !strings.HasPrefix(e.Path, "spec.analysis.") })
}

// refusedSource is a source that the settings do not allow any more.
type refusedSource struct{ why error }

// Observe implements run.Source.
func (s refusedSource) Observe(context.Context, release.Query) (release.Answer, error) {
	return release.Answer{}, s.why
}
