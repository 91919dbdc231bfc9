package generate

import "github.com/actormaker/trainset"

// Scene is one picture of an actor worth training on, for any body: none of
// them needs hands or hair.
type Scene struct {
	ID        string
	Medium    trainset.Medium
	Technique Technique
	Urban     bool
	Light     Light
	Side      Side
	// Framings are the ways to frame it: the first in a set's first round, the
	// others as a larger set comes back to the scene.
	Framings [framingsPerScene]Framing
	// Constraint rules out what is likely to go wrong in this scene.
	Constraint string
	// Moment is what happens; Milder is asked when that was refused: the same
	// kind of picture, calmer and plainer.
	Moment, Milder Moment
}

// framingsPerScene times the twelve scenes is trainset.MaxActorImages: the
// largest set shows no scene twice in one framing.
const framingsPerScene = 4

// Moment is an action and where it takes place.
type Moment struct {
	action, setting phrase
}

// Side is the third of the picture that the subject stands on.
type Side string

// Sides of the picture.
const (
	SideLeft  Side = "left"
	SideRight Side = "right"
)

func (s Side) opposite() Side {
	if s == SideLeft {
		return SideRight
	}
	return SideLeft
}

// Scenes returns the catalogue: two photographs, six scenes in black and white,
// four in colour, in the order a set of twelve shows them.
func Scenes() []Scene { return append([]Scene(nil), scenes...) }

var scenes = []Scene{
	{
		ID: "night-crossing", Medium: trainset.MediumPhoto, Technique: TechniqueFilmStill,
		Urban: true, Light: LightHeadlights, Side: SideRight,
		Framings:   [...]Framing{FramingRearThreeQuarter, FramingFullBody, FramingWide, FramingLowAngle},
		Constraint: "The street stays empty of people, and no sign can be read.",
		Moment: Moment{
			action: phrase{
				"hurries across a rain-soaked road, caught mid-stride while glancing back at something far behind",
				"hurrying across a wet road and glancing back",
			},
			setting: phrase{"on a city street at night, between dark shopfronts and gleaming puddles", "city street at night"},
		},
		Milder: Moment{
			action:  phrase{"crosses a quiet road after rain and looks back along it", "crossing a quiet road and looking back"},
			setting: phrase{"in a small town in the early evening, between closed shops and shallow puddles", "small-town street in the early evening"},
		},
	},
	{
		ID: "greenhouse-pause", Medium: trainset.MediumPhoto, Technique: TechniqueNaturalLight,
		Light: LightWindow, Side: SideLeft,
		Framings:   [...]Framing{FramingCloseUp, FramingProfile, FramingMedium, FramingForeground},
		Constraint: "No leaf and no reflection in the glass covers the features.",
		Moment: Moment{
			action:  phrase{"has stopped short among the seedlings and listens, tense, to something beyond the glass", "stopping short and listening"},
			setting: phrase{"inside a weathered greenhouse crowded with leaves", "weathered greenhouse crowded with leaves"},
		},
		Milder: Moment{
			action:  phrase{"pauses among the seedlings and watches the leaves stir", "pausing among seedlings"},
			setting: phrase{"inside a bright, well-kept greenhouse", "bright, well-kept greenhouse"},
		},
	},
	{
		ID: "jetty-shower", Medium: trainset.MediumBW, Technique: TechniquePenInk,
		Light: LightOvercast, Side: SideLeft,
		Framings:   [...]Framing{FramingFullBody, FramingWide, FramingMedium, FramingRearThreeQuarter},
		Constraint: "Neither the rain nor the jetty's posts cross the head.",
		Moment: Moment{
			action: phrase{
				"waits out a shower under the open-sided roof of a wooden jetty, turned towards a sound across the water",
				"waiting out a shower under a jetty roof",
			},
			setting: phrase{"on a lake fringed with reeds and ringed by raindrops", "reed-fringed lake in the rain"},
		},
		Milder: Moment{
			action:  phrase{"rests under the open-sided roof of a wooden jetty and watches the rain", "resting under a jetty roof and watching the rain"},
			setting: phrase{"beside a calm lake fringed with reeds", "calm lake fringed with reeds"},
		},
	},
	{
		ID: "train-window", Medium: trainset.MediumBW, Technique: TechniqueGraphite,
		Light: LightDawn, Side: SideRight,
		Framings:   [...]Framing{FramingMediumCloseUp, FramingProfile, FramingCloseUp, FramingForeground},
		Constraint: "The window shows the landscape only, never a second likeness.",
		Moment: Moment{
			action:  phrase{"leans towards the window of a moving train, absorbed in the hills going by", "leaning towards a train window, absorbed in the view"},
			setting: phrase{"in an empty compartment with worn seats and a half-drawn blind", "empty train compartment"},
		},
		Milder: Moment{
			action:  phrase{"rests beside the window of a train and looks out at the fields", "resting beside a train window and looking out"},
			setting: phrase{"in a tidy compartment with neat, cushioned seats", "tidy train compartment"},
		},
	},
	{
		ID: "barn-door", Medium: trainset.MediumBW, Technique: TechniqueCharcoal,
		Light: LightShaft, Side: SideRight,
		Framings:   [...]Framing{FramingMedium, FramingLowAngle, FramingFullBody, FramingHighAngle},
		Constraint: "Neither the door nor the dust hides the head.",
		Moment: Moment{
			action:  phrase{"throws {their} whole weight against a jammed barn door and forces it open inch by inch", "forcing a jammed barn door open"},
			setting: phrase{"in a timber barn thick with dust and loose straw", "dusty timber barn"},
		},
		Milder: Moment{
			action:  phrase{"nudges a wide barn door open and looks out across the yard", "nudging a barn door open and looking out"},
			setting: phrase{"in an airy timber barn scattered with straw", "airy timber barn"},
		},
	},
	{
		ID: "forest-stream", Medium: trainset.MediumBW, Technique: TechniqueWoodcut,
		Light: LightBeams, Side: SideLeft,
		Framings:   [...]Framing{FramingProfile, FramingWide, FramingFullBody, FramingLowAngle},
		Constraint: "The water reflects trees only, never a second figure.",
		Moment: Moment{
			action:  phrase{"springs from stone to stone across a fast stream, intent on the far bank", "springing from stone to stone across a stream"},
			setting: phrase{"in a forest of tall, bare trunks", "forest of tall, bare trunks"},
		},
		Milder: Moment{
			action:  phrase{"crosses a shallow stream over broad, flat stones, watching the far bank", "crossing a shallow stream over flat stones"},
			setting: phrase{"in an open forest of slender trees", "open forest of slender trees"},
		},
	},
	{
		ID: "station-hall", Medium: trainset.MediumBW, Technique: TechniqueMonoVector,
		Urban: true, Light: LightSkylight, Side: SideRight,
		Framings:   [...]Framing{FramingHighAngle, FramingWide, FramingProfile, FramingFullBody},
		Constraint: "No other traveller, no clock and no departure board.",
		Moment: Moment{
			action:  phrase{"cuts across a deserted concourse in haste, making for a distant archway", "hastening across a deserted concourse"},
			setting: phrase{"in a vast railway station lined with columns", "vast railway station lined with columns"},
		},
		Milder: Moment{
			action:  phrase{"strolls across a wide concourse and looks up at the rafters", "strolling across a wide concourse and looking up"},
			setting: phrase{"in a bright railway station lined with columns", "bright railway station lined with columns"},
		},
	},
	{
		ID: "alley-turn", Medium: trainset.MediumBW, Technique: TechniqueManga,
		Urban: true, Light: LightLamp, Side: SideLeft,
		Framings:   [...]Framing{FramingTilted, FramingLowAngle, FramingMediumCloseUp, FramingRearThreeQuarter},
		Constraint: "No speech balloon, no sound-effect lettering and no panel lines.",
		Moment: Moment{
			action:  phrase{"whirls round at a sudden clatter, caught off balance", "whirling round at a sudden noise"},
			setting: phrase{"in a narrow backstreet of pipes, cables and stacked crates", "narrow backstreet of pipes and crates"},
		},
		Milder: Moment{
			action:  phrase{"turns with curiosity towards a small sound", "turning with curiosity towards a small sound"},
			setting: phrase{"in a narrow lane lined with plant pots and stacked crates", "narrow lane lined with plant pots"},
		},
	},
	{
		ID: "rooftop-leap", Medium: trainset.MediumColour, Technique: TechniqueComic,
		Urban: true, Light: LightMoon, Side: SideRight,
		Framings:   [...]Framing{FramingLowAngle, FramingWide, FramingProfile, FramingTilted},
		Constraint: "No speech balloon, no sound-effect lettering and no panel lines.",
		Moment: Moment{
			action:  phrase{"leaps the gap between two flat rooftops, caught at the top of the jump with the landing still ahead", "leaping the gap between two rooftops"},
			setting: phrase{"above a sleeping city of chimneys and water tanks", "city rooftops at night"},
		},
		Milder: Moment{
			action:  phrase{"hurries across one broad, flat rooftop past chimneys and water tanks", "hurrying across a broad, flat rooftop"},
			setting: phrase{"above a quiet city in the evening", "quiet city in the evening"},
		},
	},
	{
		ID: "ferry-deck", Medium: trainset.MediumColour, Technique: TechniqueFlatVector,
		Light: LightLowSun, Side: SideLeft,
		Framings:   [...]Framing{FramingWide, FramingMedium, FramingProfile, FramingHighAngle},
		Constraint: "No other passenger, and no name or number on the boat.",
		Moment: Moment{
			action:  phrase{"waits beside a single travel bag at the rail of a small ferry, turned towards the nearing shore", "waiting at a ferry's rail beside a travel bag"},
			setting: phrase{"on a calm sea scattered with low islands", "calm sea scattered with islands"},
		},
		Milder: Moment{
			action:  phrase{"rests on the open deck of a small ferry and watches the islands pass", "resting on the open deck of a ferry"},
			setting: phrase{"on a calm, sunny sea", "calm, sunny sea"},
		},
	},
	{
		ID: "corner-table", Medium: trainset.MediumColour, Technique: TechniqueWatercolour,
		Urban: true, Light: LightDusk, Side: SideRight,
		Framings:   [...]Framing{FramingForeground, FramingMedium, FramingMediumCloseUp, FramingHighAngle},
		Constraint: "Every other seat is empty, and the window shows no second likeness.",
		Moment: Moment{
			action:  phrase{"broods alone at a corner table while a cup steams on it untouched", "brooding at a corner table with a steaming cup"},
			setting: phrase{"in a small city café with rain running down its windows", "small city café with rainy windows"},
		},
		Milder: Moment{
			action:  phrase{"rests at a corner table, where a cup steams, and looks out at the street", "resting at a corner table with a steaming cup"},
			setting: phrase{"in a cosy city café on a rainy evening", "cosy city café on a rainy evening"},
		},
	},
	{
		ID: "hillside-steps", Medium: trainset.MediumColour, Technique: TechniqueGouache,
		Light: LightNoon, Side: SideLeft,
		Framings:   [...]Framing{FramingFullBody, FramingLowAngle, FramingRearThreeQuarter, FramingWide},
		Constraint: "The steps ahead and behind are empty.",
		Moment: Moment{
			action:  phrase{"climbs a steep flight of worn stone steps, already looking to the next bend", "climbing a steep flight of worn stone steps"},
			setting: phrase{"between terraced fields on a dry hillside", "terraced fields on a dry hillside"},
		},
		Milder: Moment{
			action:  phrase{"pauses on a broad flight of stone steps and looks out over the valley", "pausing on broad stone steps and looking out"},
			setting: phrase{"between terraced fields on a gentle hillside", "terraced fields on a gentle hillside"},
		},
	},
}
