package dataset

import (
	"strings"

	"github.com/actormaker/trainset/internal/plan"
)

// caption describes what the attempt made: the milder scene has words of its
// own. It is one line without a newline at its end, for some trainers read each
// line, an empty one too, as a caption.
func caption(ask plan.Ask, a plan.Attempt) string {
	text := ask.Caption
	if milder(ask, a) && ask.MilderCaption != "" {
		text = ask.MilderCaption
	}
	return strings.Join(strings.Fields(text), " ")
}

func milder(ask plan.Ask, a plan.Attempt) bool {
	return ask.Milder != "" && a.Prompt == ask.Milder && ask.Milder != ask.Prompt
}
