package generate

// Framing is how much of the subject an image shows, and from where.
type Framing string

// Framings, by how near they come and from where they look.
const (
	FramingCloseUp          Framing = "close_up"
	FramingMediumCloseUp    Framing = "medium_close_up"
	FramingMedium           Framing = "medium"
	FramingFullBody         Framing = "full_body"
	FramingWide             Framing = "wide"
	FramingProfile          Framing = "profile"
	FramingLowAngle         Framing = "low_angle"
	FramingHighAngle        Framing = "high_angle"
	FramingTilted           Framing = "tilted"
	FramingRearThreeQuarter Framing = "rear_three_quarter"
	FramingForeground       Framing = "foreground"
)

// phrase is one idea in two wordings: what a prompt asks for, and how a caption
// names it. Prompt wording may hold the placeholders of descriptor.fill;
// caption wording has none.
type phrase struct {
	prompt, caption string
}

var framings = map[Framing]phrase{
	FramingCloseUp: {
		"in a close-up at a slight angle, near enough for every feature to read",
		"close-up at a slight angle",
	},
	FramingMediumCloseUp: {
		"in a medium close-up of the upper body",
		"medium close-up of the upper body",
	},
	FramingMedium: {
		"in a medium three-quarter view, cropped around the middle of the body",
		"medium three-quarter view",
	},
	FramingFullBody: {
		"in a full-length three-quarter view with the whole body inside the picture",
		"full-length three-quarter view",
	},
	FramingWide: {
		"in a wide shot, the whole body about half as tall as the picture",
		"wide shot with the whole body in view",
	},
	FramingProfile: {
		"side on, in a clear profile with the outline easy to read",
		"side-on profile view",
	},
	FramingLowAngle: {
		"from a low viewpoint looking up, with bold foreshortening",
		"low-angle view from below",
	},
	FramingHighAngle: {
		"from a high viewpoint looking down, with the head still clearly visible",
		"high-angle view from above",
	},
	FramingTilted: {
		"in a tilted medium view whose horizon leans to one side",
		"tilted medium view",
	},
	FramingRearThreeQuarter: {
		"in a three-quarter view from behind, the head turned back far enough to be recognised",
		"three-quarter view from behind with the head turned back",
	},
	FramingForeground: {
		"in a medium view glimpsed past large, simple shapes in the near foreground",
		"medium view past a near foreground",
	},
}

// Light is where an image's light comes from. Its wording names no colour, so
// that any medium can use it.
type Light string

// Lights, each the usual one of a scene.
const (
	LightHeadlights Light = "headlights"
	LightWindow     Light = "window"
	LightOvercast   Light = "overcast"
	LightDawn       Light = "dawn"
	LightShaft      Light = "shaft"
	LightBeams      Light = "beams"
	LightSkylight   Light = "skylight"
	LightLamp       Light = "lamp"
	LightMoon       Light = "moon"
	LightLowSun     Light = "low_sun"
	LightDusk       Light = "dusk"
	LightNoon       Light = "noon"
)

var lights = map[Light]phrase{
	LightHeadlights: {
		"A waiting car's headlights rake in from one side and streak across the wet ground.",
		"headlights raking in from one side",
	},
	LightWindow: {
		"Soft morning light falls through the panes on one side and leaves the far side in gentle shade.",
		"soft window light from one side",
	},
	LightOvercast: {
		"Even, overcast light filters through the rain and casts hardly any shadow.",
		"even overcast light",
	},
	LightDawn: {
		"The first low light of the day slips through the glass in broken bands.",
		"low dawn light through glass",
	},
	LightShaft: {
		"One hard shaft of light drops from a gap in the roof, catches the dust and leaves the corners in deep shadow.",
		"hard shaft of light from above",
	},
	LightBeams: {
		"Angular beams slant between the trunks and cut the ground into bright wedges.",
		"slanting beams of light",
	},
	LightSkylight: {
		"Daylight through the glazed roof throws long, crisp bars of light and shadow over the floor.",
		"barred daylight from a glazed roof",
	},
	LightLamp: {
		"A single bare lamp overhead cuts out a hard pool of light with deep shadow all around.",
		"hard light from a single overhead lamp",
	},
	LightMoon: {
		"A full moon from behind draws a bright rim along the outline, while the near side stays readable in the shade.",
		"moonlit rim light from behind",
	},
	LightLowSun: {
		"A low sun from the side lays long, angular shadows over the deck.",
		"low sun casting long shadows",
	},
	LightDusk: {
		"The last of the dusk seeps through the wet glass behind, and a small table lamp answers it from the front.",
		"fading dusk through wet glass and a small table lamp",
	},
	LightNoon: {
		"High midday sun cuts short, hard-edged shadows under every step.",
		"high midday sun with hard shadows",
	},
}
