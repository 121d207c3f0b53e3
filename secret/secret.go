// Package secret keeps secrets out of what is told.
package secret

import (
	"strconv"
	"strings"
)

// shortest is the length that a secret has at least, in bytes: hiding every "1"
// would leave no sentence whole.
const shortest = 4

// Hidden is a text without secrets, those of at least four bytes, be they as they
// are or as they stand within quotes.
func Hidden(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		quoted := strconv.Quote(s)
		for _, form := range []string{s, quoted[1 : len(quoted)-1]} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}
