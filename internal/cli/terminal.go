package cli

import (
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// TerminalOptions finds out how to draw on f: in place on a terminal, unless
// TERM says that it cannot; in colour unless NO_COLOR is set.
func TerminalOptions(f *os.File, getenv func(string) string) ProgressOptions {
	terminal := term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb"
	size := func() (width, height int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return width, height
	}
	return ProgressOptions{
		Terminal: terminal,
		Color:    terminal && getenv("NO_COLOR") == "",
		Unicode:  allowsUnicode(getenv),
		Width:    func() int { width, _ := size(); return width },
		Height:   func() int { _, height := size(); return height },
		Now:      time.Now,
	}
}

// allowsUnicode follows the locale; where none is set, terminals of today do.
func allowsUnicode(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return true
}
