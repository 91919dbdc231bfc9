//go:build unix && race

package chaos

// raceDetector makes the workers' pixels ten times as dear: with it, fewer
// pictures are made.
const raceDetector = true
