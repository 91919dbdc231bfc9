// Package schemas has the JSON Schemas (2020-12) of what the system takes and
// leaves behind, for producers, readers of data sets and tests. It must not know
// how either is made.
package schemas

import "embed"

// Files are the schemas, by their names.
//
//go:embed *.schema.json
var Files embed.FS

const (
	// Manifest is the schema of trainset.Manifest.
	Manifest = "manifest.schema.json"
	// ActorGenerate is the schema of trainset.ActorRequest, the payload of the
	// task actor:generate.
	ActorGenerate = "actor-generate.schema.json"
	// StyleGenerate is the schema of trainset.StyleRequest, the payload of the
	// task style:generate.
	StyleGenerate = "style-generate.schema.json"
)
