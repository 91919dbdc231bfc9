package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	o := TerminalOptions(f, func(string) string { return "" })
	if o.Terminal || o.Color {
		t.Errorf("a file is taken for a terminal: %+v", o)
	}
	if w, h := o.Width(), o.Height(); w != 0 || h != 0 {
		t.Errorf("a file measures %d x %d", w, h)
	}
}

func TestUnicodeFollowsTheLocale(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"LANG": "en_GB.UTF-8"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"LC_CTYPE": "C.utf8", "LANG": "C"}, true},
	} {
		if got := allowsUnicode(func(name string) string { return tc.env[name] }); got != tc.want {
			t.Errorf("%v: %t, want %t", tc.env, got, tc.want)
		}
	}
}
