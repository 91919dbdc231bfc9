package server

// For the tests that watch a whole worker, which imports this package.
var (
	Browser = browser
	Do      = do
)
