//go:build unix

package grid_test

import (
	"image"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/actormaker/trainset/internal/grid"
)

// BenchmarkFind reports what a grid costs in processor time and memory, and how
// far off its boundaries are beside equal thirds.
func BenchmarkFind(b *testing.B) {
	for _, size := range []int{1024, 3072, 4096} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			c := composition{size: size, gutter: 16, drift: 0.03, tone: "white", seed: 1}
			img, truth := c.compose(scenePainter)
			benchmark(b, asJPEG(b, img, 90), truth, size)
		})
	}
}

func benchmark(b *testing.B, img image.Image, truth truth, size int) {
	b.Helper()
	b.ReportAllocs()
	var l grid.Layout
	before := processorTime(b)
	for b.Loop() {
		var err error
		if l, err = grid.Find(img); err != nil {
			b.Fatal(err)
		}
	}
	spent := processorTime(b) - before
	var s score
	s.add(l, truth, size)
	b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(s.off), "px-off")
	b.ReportMetric(float64(s.thirdsOff), "thirds-px-off")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
