package generate

import "strings"

// mood is added to a milder prompt: tension and darkness invite refusals.
const mood = "The mood is calm, friendly and everyday."

// prompt words a scene's moment in a framing for an actor. Who it is comes
// before where it is, because models weigh what they read first.
func (s Scene) prompt(d descriptor, m Moment, f Framing, last ...string) string {
	t := techniques[s.Technique]
	sentences := []string{
		"Place the {class} from the reference image in an entirely new scene, " + t.as + ".",
		"Keep the {class} unmistakably the same individual: {likeness}.",
		faithful[s.Medium],
		"The {class} " + m.action.prompt + ", " + m.setting.prompt + ".",
		"The composition sets the {class} well off centre on the " + string(s.Side) + " third, " +
			framings[f].prompt + ", and leaves the " + string(s.Side.opposite()) + " side open.",
		lights[s.Light].prompt,
		t.finish,
		"The moment is candid and unposed, all attention on the scene and none on the viewer.",
	}
	sentences = append(sentences, last...)
	sentences = append(sentences,
		t.firmly,
		s.Constraint,
		"The {class} is the only subject, with nobody else in view.",
		"One single picture fills the canvas to its edges, without text, watermark, signature, border or split panels.",
	)
	return d.fill(strings.Join(sentences, " "))
}
