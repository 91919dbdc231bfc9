package config

import (
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/actormaker/trainset"
)

// Misspelt lists the variables of the environment and of the file at dotenvPath
// that nobody reads and that look as if they were meant for us, each a
// *trainset.FieldError. They are no errors of a configuration: it is read without them.
func Misspelt(environ []string, dotenvPath string) []*trainset.FieldError {
	file, _ := readDotenv(dotenvPath) // Load tells what is wrong with it
	given := merge(file, env.ToMap(environ))
	var found []*trainset.FieldError
	settings := Variables()
	for name := range given {
		if nearest := meant(name, settings); nearest != "" {
			found = append(found, &trainset.FieldError{Field: name, Problem: "is no setting, and is ignored", Remedy: "did you mean " + nearest + "? docs/configuration.md lists all"})
		}
	}
	slices.SortFunc(found, func(a, b *trainset.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return found
}

const (
	slips   = 2  // letters that are wrong, missing or too many in a name that was meant to be another
	certain = 10 // shorter names may well be others'
)

// ours reports whether a name begins as only names of ours do.
func ours(name string) bool {
	return strings.HasPrefix(name, "TRAINSET") || strings.HasPrefix(name, "MAX_COST_PER")
}

// meant is the setting that a name is meant to be; empty where it is one, or is others'.
func meant(name string, settings []Variable) string {
	nearest, least := "", len(name)+1
	for _, v := range settings {
		if v.Name == name {
			return ""
		}
		if d := distance(name, v.Name); d < least {
			nearest, least = v.Name, d
		}
	}
	for _, v := range leftToSDK {
		if v.name == name {
			return ""
		}
	}
	if ours(name) || least <= slips && len(name) >= certain {
		return nearest
	}
	return ""
}

// distance is how many letters must be changed, added or left out to make one of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = min(before, row[j], row[j+1]) + 1
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
