// Package generate says what to make: which scenes an actor's data set shows
// and which subjects a style's, the prompts that ask for them, the captions
// that describe them to a trainer, and the seeds.
//
// It is pure. The same input always gives the same text and numbers, on any
// machine, so that a plan made again is the plan that was frozen. It must not
// know models, providers, prices, storage or queues, nor read a clock or draw
// a random number.
package generate

// CatalogVersion names the scenes, the subjects and their wording. It goes
// into every manifest, so that two data sets can be told to come from the same
// text. Any change of the text needs a new one: a test insists.
const CatalogVersion = "2026-12.1"
