package spec

import "strconv"

// UseKind is a way in which a release file uses the machine that runs it, and
// what that machine can reach.
type UseKind string

// The ways. Each kind of value in a release file has one, or none.
const (
	UseCommand UseKind = "command" // it is run
	UseFile    UseKind = "file"    // it is read, and may be sent to an address
	UseWrite   UseKind = "write"   // it is written
	UseListen  UseKind = "listen"  // it is listened on
	UseHost    UseKind = "host"    // a URL or host:port that is asked
	UseOwn     UseKind = "own"     // a URL that is asked with credentials of the machine
	UseSite    UseKind = "site"    // a vendor's site, whose api. is asked
	UseSocket  UseKind = "socket"  // a socket's path, or a host with or without a port
)

// Use is one thing that a release file uses.
type Use struct {
	// Path is the key.
	Path string
	Kind UseKind
	// Text is the value. Of a command, Words are the program and its arguments, and
	// Folder where it runs, "" for where Linnet does.
	Text   string
	Words  []string
	Folder string
}

// Uses gives all that a file uses, defaults included. It follows from the table
// of keys: a key that is added with a kind of path, address or command is in it.
func Uses(f File) []Use {
	var all []Use
	if tree := fileKeys.encode(f); tree != nil {
		tree.uses("", "", &all)
	}
	return all
}

// uses adds those of a part of a file, which stands in a mapping with that folder.
func (n *node) uses(path, folder string, all *[]Use) {
	switch {
	case n == nil:
	case n.kind == mapping:
		in := ""
		if f := n.get("folder"); f != nil {
			in = f.text
		}
		for _, e := range n.entries {
			e.value.uses(join(path, e.key), in, all)
		}
	case n.kind == list && len(n.items) > 0 && n.items[0].use == UseCommand:
		u := Use{Path: path, Kind: UseCommand, Folder: folder}
		for _, item := range n.items {
			u.Words = append(u.Words, item.text)
		}
		*all = append(*all, u)
	case n.kind == list:
		for i, item := range n.items {
			item.uses(path+"["+strconv.Itoa(i)+"]", "", all)
		}
	case n.use != "":
		*all = append(*all, Use{Path: path, Kind: n.use, Text: n.text})
	}
}

// CheckUses asks of each thing that a file uses what is wrong with it, "" for
// nothing, and what to do. What is found is of type Errors, all at once and where
// it stands in the file; name is what errors call it.
func CheckUses(name string, f File, wrong func(Use) (problem, hint string)) error {
	var c *checker
	for _, u := range Uses(f) {
		problem, hint := wrong(u)
		if problem == "" {
			continue
		}
		if c == nil {
			c = newChecker(name)
			if tree, _ := readTree(name, f.Text); tree != nil {
				fileKeys.decode(c, tree, "", new(File))
			}
			c.errs = nil
		}
		c.fail(u.Path, problem, hint)
	}
	if c == nil {
		return nil
	}
	return c.errs.ordered()
}
