package cli

import (
	"bytes"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0 s", 0: "0.0 s", 3240 * time.Millisecond: "3.2 s", 59940 * time.Millisecond: "59.9 s",
		59960 * time.Millisecond: "1 min 00 s", 245 * time.Second: "4 min 05 s", 3599600 * time.Millisecond: "1 h 00 min",
		62*time.Minute + 30*time.Second: "1 h 02 min", 26 * time.Hour: "26 h 00 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 3_400_000: "3.4 MB",
		1_234_000_000: "1.2 GB", 5_000_000_000_000_000: "5000.0 TB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTableAlignsWideCharacters(t *testing.T) {
	table := Table{Columns: []Column{{Title: "n", Right: true}, {Title: "name"}, {Title: "state"}}, Indent: "> "}
	table.Add("7", "花子", "done", "dropped")
	table.Add("12", "mona\nlisa", "failed")
	table.Add("1")
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := ">  n  name       state\n>  7  花子       done\n> 12  mona lisa  failed\n>  1\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
