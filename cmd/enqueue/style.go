package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
)

func styleCommand(environ []string) *cobra.Command {
	var f jobFlags
	var grids, maxGrids int
	var judge, judgeModel, enhance string
	cmd := &cobra.Command{
		Use:   "style --image PATH|URL",
		Short: "Make a style's data set from one example of it",
		Long: "Style makes square images of many subjects in the style of one image. They are cut from\n" +
			"grids of nine, of which a vision model chooses the fit ones; while there are too few, one\n" +
			"grid more is made, up to --max-grids.",
		Example: "  enqueue style --simulate --image examples/style.png\n" +
			"  enqueue style --image mosaic.jpg --style mosaic --max-cost 1.00\n" +
			"  enqueue style --image https://example.org/ink.png --judge local --enhance none --estimate",
		Args: cli.NoArguments("give the image with --image"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, problems := f.order(cmd.Flags(), trainset.KindStyle)
			if grids == 0 {
				problems = append(problems, noGrids("grids"))
			}
			if maxGrids == 0 {
				problems = append(problems, noGrids("max_grids"))
			}
			o.style.MaxGrids = maxGrids
			if cmd.Flags().Changed("grids") { // else as many as the most allows
				o.style.Grids = grids
			}
			o.style.Judge, o.style.JudgeModel, o.style.Enhance = trainset.Judge(judge), judgeModel, trainset.Enhance(enhance)
			return ask(cmd, environ, f.runFlags, o, problems)
		},
	}
	f.register(cmd, trainset.KindStyle)
	s := cmd.Flags()
	s.IntVar(&grids, "grids", trainset.DefaultGrids, "how many grids to make at once")
	s.IntVar(&maxGrids, "max-grids", trainset.DefaultMaxGrids, fmt.Sprintf("how many grids to make at most, 1 to %d", trainset.MaxGrids))
	s.StringVar(&judge, "judge", "", "who chooses tiles: replicate, openai or local (default TRAINSET_JUDGE, else as the workers are set)")
	s.StringVar(&judgeModel, "judge-model", "", "the vision model that judges (default TRAINSET_JUDGE_MODEL, else the judge's own)")
	s.StringVar(&enhance, "enhance", string(trainset.EnhanceGrid), "what is enlarged: each grid, each chosen tile, or none")
	complete(cmd, "judge", names(trainset.JudgeReplicate, trainset.JudgeOpenAI, trainset.JudgeLocal)...)
	complete(cmd, "enhance", names(trainset.EnhanceGrid, trainset.EnhanceTile, trainset.EnhanceNone)...)
	return cmd
}

func noGrids(field string) error {
	return trainset.Invalid(field, "0 is out of range", fmt.Sprintf("give 1 to %d", trainset.MaxGrids))
}
