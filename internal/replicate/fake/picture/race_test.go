//go:build race

package picture

// slow says that the race detector watches: pixels then cost more than ten times
// as much, and fewer of them show a race just as well.
const slow = true
