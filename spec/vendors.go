package spec

import (
	"slices"
	"time"
)

// Vendor is what a file says of a source that is a row of the table and nothing
// more: settings by name, and how it is reached.
type Vendor struct {
	// Name is the source's.
	Name string
	// Settings are those of its row.
	Settings map[string]string
	Access
	Pace
}

func (v *Vendor) rules(c *checker, _ *File, path string) { certificateRules(c, v.TLS, path) }

// vendor says how a file names a vendor's source. What is asked and how the
// answer is read is in the preset of that name in metric/httpjson, which has the
// same settings.
type vendor struct {
	settings []setting
	// hosted says in words whose URL it is where the file gives none; "" for those
	// that people run themselves, who then must give it. sample shows one.
	hosted, sample string
	// logins says that there are the keys bearerTokenFile, basicAuth, oauth2.
	logins bool
	// exactly names settings of which one must be there, apart those keys of which
	// not more than one may.
	exactly []string
	apart   [][]string
	// step and lag are its pace where the file does not say; finest, where set, the
	// shortest step there is.
	step, lag string
	finest    time.Duration
}

// setting is a key of a vendor.
type setting struct {
	name, doc string
	need      bool
	sample    string
	def       string
	kind      *kind[string]
}

// vendorSource is the row of a vendor.
func vendorSource(info SourceInfo, v vendor) source {
	keys := &object[Vendor]{exactly: v.exactly, atMost: v.apart}
	for _, s := range v.settings {
		keys.keys = append(keys.keys, key[Vendor]{
			name: s.name, doc: s.doc, need: s.need, sample: s.sample, def: s.def, bind: settingOf{s.kind, s.name},
		})
	}
	access := func(v *Vendor) *Access { return &v.Access }
	url := urlKey("Where its API is.", v.sample, noParams, access)
	if v.hosted != "" {
		url.need, url.words = false, v.hosted
	}
	keys.keys = append(keys.keys, url)
	if v.logins {
		keys.atMost = append(slices.Clip(v.apart), oneLogin...)
		keys.keys = append(keys.keys, loginKeys(access)...)
	}
	keys.keys = slices.Concat(keys.keys, reachKeys(access), paceKeys(v.step, v.lag, max(v.finest, time.Second), func(v *Vendor) *Pace { return &v.Pace }))
	return source{
		SourceInfo: info,
		bind:       at(func(s *Source) **Vendor { return &s.Vendor }, vendorShape{keys, info.Name}),
		of: func(s Source) sourceForm {
			if s.Vendor == nil || s.Vendor.Name != info.Name {
				return nil
			}
			return s.Vendor
		},
	}
}

// vendorShape is the form of one vendor, where a source is that one.
type vendorShape struct {
	*object[Vendor]
	name string
}

func (s vendorShape) decode(c *checker, n *node, path string, into **Vendor) {
	*into = &Vendor{Name: s.name}
	s.object.decode(c, n, path, *into)
}

func (s vendorShape) encode(v *Vendor) *node {
	if v == nil || v.Name != s.name {
		return nil
	}
	return s.object.encode(*v)
}

// settingOf binds a key to the setting of that name.
type settingOf struct {
	*kind[string]
	name string
}

func (s settingOf) decode(c *checker, n *node, path string, parent *Vendor) {
	var text string
	s.kind.decode(c, n, path, &text)
	if text == "" {
		return
	}
	if parent.Settings == nil {
		parent.Settings = map[string]string{}
	}
	parent.Settings[s.name] = text
}

func (s settingOf) encode(parent *Vendor, _ bool) *node {
	text, ok := parent.Settings[s.name]
	if !ok {
		return nil
	}
	return s.kind.encode(text)
}
