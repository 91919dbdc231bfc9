//go:build race

package grid_test

// raceDetector makes every pixel ten times as dear; nothing here is concurrent,
// so with it fewer grids are measured.
const raceDetector = true
