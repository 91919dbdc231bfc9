package judge

import (
	"fmt"
	"strings"
)

// SystemPrompt says who is asked. It goes with every question.
const SystemPrompt = "You inspect pictures for a data set that will teach an image model one artistic style. " +
	"You judge by what is to be seen, not by what was asked for, and you would rather leave a doubtful picture out than let it in. " +
	"You answer in JSON and nothing else."

// unknown stands in the question for a content that is not known.
const unknown = "(not known)"

// Question asks for a judgement of a grid's nine tiles. Contents say what each
// should show, row by row. The grid is the first picture that goes with it; with
// an example of the style that is the second, and the only other one.
func Question(contents []string, example bool) string {
	pictures, style := onlyGrid, "another style than the rest"
	if example {
		pictures, style = gridAndExample, otherStyle
	}
	var b strings.Builder
	b.WriteString(pictures + " in three rows and three columns. " +
		"Tile 1 is at the top left, tile 3 at the top right, tile 5 in the centre, tile 9 at the bottom right. " +
		"This is what each should show:\n")
	for i := range Tiles {
		fmt.Fprintf(&b, "%d. %s\n", i+1, content(contents, i))
	}
	b.WriteString("\nLook at every tile by itself, then compare it with the tiles before it, and decide three things.\n" +
		"\"unique\": true unless it shows nearly the same picture as a tile with a lower number. Of two alike only the later is not unique; " +
		"a common style makes no two tiles alike, a common subject in the same pose and composition does.\n" +
		"\"fit\": true if it is one whole, finished picture to learn the style from. It is not fit if it is blank or nearly so; " +
		"blurred, smeared or unfinished; two pictures in one, or part of its neighbour; a subject broken off so that it cannot be made out; " +
		"anatomy or structure gone badly wrong; lettering, numbers, a signature or a watermark; a frame or border of its own; " +
		"or plainly " + style + ". That a tile shows something else than its line says is no fault.\n" +
		"\"shows\": the number of the line that says what the tile shows. That is its own number where it shows what it should, " +
		"another where it shows what that line says, and 0 where no line says what is to be seen.\n" +
		"\"reason\": at most twelve words on what decided.\n" +
		"\nAnswer with one JSON object of exactly this form, with all nine tiles in order, and no text before or after it:\n" +
		`{"tiles":[{"tile":1,"unique":true,"fit":true,"shows":1,"reason":"..."},{"tile":2,"unique":true,"fit":true,"shows":2,"reason":"..."}, ... to tile 9]}`)
	return b.String()
}

// What the question says of its pictures, and of styles where an example shows
// the one that is wanted. A grid may have missed it altogether: its tiles then
// agree with each other.
const (
	onlyGrid       = "The picture is a grid of nine tiles"
	gridAndExample = "There are two pictures. The second is the example of the style that all tiles should have: " +
		"it is there to compare with and has no verdict. The first is a grid of nine tiles"
	otherStyle = "another style than the example: another medium, another line, another palette or another way of shading, " +
		"even if all tiles have it. Name the difference as the reason. That the example shows other subjects is no fault"
)

func content(contents []string, i int) string {
	if i < len(contents) {
		if c := clean(contents[i], maxReason); c != "" {
			return c
		}
	}
	return unknown
}

// Again is what to add to the question when the first answer could not be
// read: what was wrong with it, as Parse said.
func Again(err error) string {
	fault := "it could not be read"
	if err != nil {
		fault = clean(err.Error(), maxReason)
	}
	return "\n\nYou were asked this once before, and your answer could not be used: " + fault + ". " +
		"Look at the grid again and give the whole answer, all nine tiles, in exactly the form above, as plain JSON."
}

// SchemaName names Schema where structured output wants a name.
const SchemaName = "tile_verdicts"

// Schema is the answer's form as a JSON Schema, within the subset that strict
// structured output takes. Each call returns a new copy.
func Schema() map[string]any {
	numbers := make([]any, Tiles)
	for i := range numbers {
		numbers[i] = i + 1
	}
	lines := append([]any{0}, numbers...)
	return object(map[string]any{
		"tiles": map[string]any{
			"type": "array", "description": "all nine tiles, in order", "minItems": Tiles, "maxItems": Tiles,
			"items": object(map[string]any{
				"tile":   map[string]any{"type": "integer", "enum": numbers, "description": "the tile's number"},
				"unique": map[string]any{"type": "boolean", "description": "false if it nearly repeats a tile with a lower number"},
				"fit":    map[string]any{"type": "boolean", "description": "true if it is one whole, finished picture to learn the style from"},
				"shows":  map[string]any{"type": "integer", "enum": lines, "description": "the number of the line that says what it shows, 0 if none does"},
				"reason": map[string]any{"type": "string", "description": "at most twelve words on what decided"},
			}, "tile", "unique", "fit", "shows", "reason"),
		},
	}, "tiles")
}

// object is the schema of an object that has exactly the required properties.
func object(properties map[string]any, required ...string) map[string]any {
	return map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
}
