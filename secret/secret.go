// Package secret keeps secrets out of what is told.
package secret

import "strings"

// shortest is the length that a secret has at least, in bytes: hiding every "1"
// would leave no sentence whole.
const shortest = 4

// Hidden is a text without secrets, those of at least four bytes.
func Hidden(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= shortest {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
