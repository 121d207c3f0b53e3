package ingressnginx

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// Annotations of ingress-nginx.
const (
	prefix         = "nginx.ingress.kubernetes.io/"
	canaryKey      = prefix + "canary"
	weightKey      = prefix + "canary-weight"
	totalKey       = prefix + "canary-weight-total"
	headerKey      = prefix + "canary-by-header"
	headerValueKey = prefix + "canary-by-header-value"
	affinityKey    = prefix + "affinity"
	behaviourKey   = prefix + "affinity-canary-behavior"
)

// keptKey holds what the user had in the annotations that a release borrows.
const keptKey = "linnet.dev/kept"

// borrowed are the annotations that a release may change beside the weight.
var borrowed = []string{totalKey, headerKey, headerValueKey, behaviourKey}

// defaultTotal is what weights are out of where nothing larger is said:
// ingress-nginx ignores smaller totals.
const defaultTotal = 100

// wish is what a canary Ingress shall say.
type wish struct {
	weight release.Weight
	// header, where set, sends requests with this header and value to the canary.
	header, value string
	// affinity says that the user's main Ingress keeps users by a cookie.
	affinity bool
}

// wanted turns the annotations of a canary Ingress into those that serve a
// wish: values to be set, and nil for what is to be taken away. It is absolute:
// what an earlier wish had borrowed and this one does not need goes back.
func wanted(present map[string]string, w wish) map[string]*string {
	kept := keptOf(present)
	users := func(key string) *string {
		if was, ok := kept[key]; ok {
			return was
		}
		if is, ok := present[key]; ok {
			return &is
		}
		return nil
	}
	total := int64(defaultTotal)
	if text := users(totalKey); text != nil {
		total = totalOf(*text)
	}
	need := map[string]string{}
	if int64(w.weight)*total%int64(release.Whole) != 0 {
		total = int64(release.Whole)
		need[totalKey] = strconv.FormatInt(total, 10)
	}
	if w.header != "" {
		need[headerKey], need[headerValueKey] = w.header, w.value
	}
	if w.weight == 0 && w.affinity {
		// The cookie would keep sending its holders to the canary.
		need[behaviourKey] = "legacy"
	}
	out := map[string]*string{
		canaryKey: text("true"),
		weightKey: text(strconv.FormatInt(int64(w.weight)*total/int64(release.Whole), 10)),
	}
	keep := map[string]*string{}
	for _, key := range borrowed {
		if value, ok := need[key]; ok {
			out[key], keep[key] = &value, users(key)
		} else if was, ok := kept[key]; ok {
			out[key] = was
		}
	}
	out[keptKey] = nil
	if len(keep) > 0 {
		line, err := json.Marshal(keep)
		if err == nil { // strings always can be
			out[keptKey] = text(string(line))
		}
	}
	return out
}

// maxKept bounds what is read of our own note, in bytes.
const maxKept = 4096

// keptOf reads what the user had before; a note that somebody spoiled is none.
func keptOf(present map[string]string) map[string]*string {
	var kept map[string]*string
	note := present[keptKey]
	if len(note) > maxKept || json.Unmarshal([]byte(note), &kept) != nil {
		return nil
	}
	for key := range kept {
		if !slices.Contains(borrowed, key) {
			delete(kept, key)
		}
	}
	return kept
}

// served is the share that a canary Ingress takes, by its annotations.
func served(present map[string]string) (release.Weight, error) {
	if present[canaryKey] != "true" {
		return 0, fmt.Errorf("annotation %s is %.100q, so that it is no canary but an Ingress of its own; set it to \"true\": %w",
			canaryKey, present[canaryKey], release.ErrInvalid)
	}
	total := int64(defaultTotal)
	if text, ok := present[totalKey]; ok {
		total = totalOf(text)
	}
	weight := int64(0)
	if text, ok := present[weightKey]; ok {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("annotation %s is %.100q, which is no whole number from 0 to %d: %w", weightKey, text, total, release.ErrInvalid)
		}
		weight = min(n, total)
	}
	shares, _ := split.Shares([]int64{total - weight, weight})
	return shares[1], nil
}

// totalOf reads a total as ingress-nginx does.
func totalOf(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return defaultTotal
	}
	return max(n, defaultTotal)
}

func text(s string) *string { return &s }
