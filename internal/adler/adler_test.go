package adler_test

import (
	"hash/adler32"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/adler"
)

func TestSumIsThatOfTheStandardLibrary(t *testing.T) {
	check := func(t rapid.TB, parts ...[]byte) {
		own, theirs := adler.Empty, adler32.New()
		for _, p := range parts {
			own.Add(p)
			_, _ = theirs.Write(p)
		}
		if own.Value() != theirs.Sum32() {
			t.Fatalf("%x, the standard library: %x", own.Value(), theirs.Sum32())
		}
	}
	most := make([]byte, 200_000)
	for i := range most {
		most[i] = 0xff
	}
	check(t, most[:65_535], most[:1], most)
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.Byte(), 0, 700)
		check(t, part.Draw(t, "one"), part.Draw(t, "two"), most[:rapid.IntRange(0, 20_000).Draw(t, "most")], part.Draw(t, "three"))
	})
}
