package spec

var (
	// groupName is a group as people call it. * stands for all of them where
	// nobody is looked up, and names none.
	groupName = &kind[string]{noun: "a group's name", parse: parseGroup, format: same}
	// commentKind is whether a reason must be given.
	commentKind = &kind[bool]{noun: "required or optional", choices: []string{"required", "optional"}, parse: parseComment, format: formatComment}
)

func parseGroup(s string) (string, fault) {
	if s == "*" {
		return "", fault{"is no group", "name the group that is asked, such as release-managers"}
	}
	return parseText(s)
}

func parseComment(s string) (bool, fault) {
	switch s {
	case "required":
		return true, fault{}
	case "optional":
		return false, fault{}
	}
	return false, fault{"is not known here", "write required or optional"}
}

func formatComment(required bool) string {
	if required {
		return "required"
	}
	return "optional"
}
