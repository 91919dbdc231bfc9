package generate

import "strings"

// GridPrompt asks for nine subjects, row by row, in the style of the reference.
func GridPrompt(tiles [GridTiles]Subject) string { return gridPrompt(tiles) }

// MilderGridPrompt asks for the same when GridPrompt was refused.
func MilderGridPrompt(tiles [GridTiles]Subject) string {
	return gridPrompt(tiles,
		"Everything is calm, friendly and everyday; people are adults in ordinary clothes, seen from a respectful distance and busy with what they do.")
}

func gridPrompt(tiles [GridTiles]Subject, last ...string) string {
	sentences := []string{
		"Make one square image that is a 3x3 grid of nine separate square pictures, all in exactly the artistic style of the reference image: " +
			"the same medium, line, shading, palette, texture and level of detail.",
		"Take nothing but the style from the reference; its subject, place and composition do not return.",
		gridRow("Top", tiles[0:3]),
		gridRow("Middle", tiles[3:6]),
		gridRow("Bottom", tiles[6:9]),
		"The nine pictures are equal in size, in three even rows and three even columns, kept apart by thin, plain, straight gutters of one flat tone.",
		"Each picture shows its own subject whole, fills its square to the gutters and never runs on into its neighbour.",
		"All nine differ clearly in subject, viewpoint and composition; none comes twice and no square stays empty.",
	}
	sentences = append(sentences, last...)
	sentences = append(sentences, "There is no text, number, label, watermark, signature or ornamental frame anywhere.")
	return strings.Join(sentences, " ")
}

func gridRow(name string, tiles []Subject) string {
	wanted := make([]string, len(tiles))
	for i, t := range tiles {
		wanted[i] = t.Prompt()
	}
	return name + " row, from left to right: " + strings.Join(wanted, "; ") + "."
}
