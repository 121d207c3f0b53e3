package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// Parse reads a release file; name is what errors call it. The file it gives
// is complete: every default is filled in, and every rule holds. An error is
// of type Errors, holds all that is wrong in the order of the file, and is a
// release.ErrInvalid; the File is then its zero value.
func Parse(name string, text []byte) (File, error) {
	tree, errs := readTree(name, text)
	if tree == nil {
		return File{}, errs.ordered()
	}
	c := newChecker(name)
	c.errs = errs
	c.preset = presets[presetOf(tree)]
	var f File
	fileKeys.decode(c, tree, "", &f)
	derive(&f)
	rules(c, &f)
	if len(c.errs) > 0 {
		return File{}, c.errs.ordered()
	}
	sum := sha256.Sum256(text)
	f.Text, f.Hash = bytes.Clone(text), hex.EncodeToString(sum[:])
	return f, nil
}

// presetOf looks for the preset before anything else is read, because the
// defaults of all the rest depend on it.
func presetOf(tree *node) string {
	if n := tree.find("spec", "preset"); n != nil {
		return n.text
	}
	return ""
}

// Format writes a file in full, with every default spelled out, in the order
// of the table of keys. Parse reads it back as an equal File, Text and Hash
// apart.
func Format(f File) []byte {
	var b bytes.Buffer
	if tree := fileKeys.encode(f); tree != nil {
		write(&b, tree, "")
	}
	return b.Bytes()
}
