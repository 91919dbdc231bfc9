package main

import (
	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
)

func actorCommand(environ []string) *cobra.Command {
	var f jobFlags
	var being, sex string
	cmd := &cobra.Command{
		Use:   "actor --portrait PATH|URL",
		Short: "Make a character's data set from one portrait",
		Long: "Actor makes 16:9 images of one character from a portrait: photographs, black-and-white and\n" +
			"colour, each of another scene, with captions. Repeating the command resumes the job or shows\n" +
			"the finished one, and pays for nothing twice; --new makes another set.",
		Example: "  enqueue actor --simulate --portrait examples/portrait.png\n" +
			"  enqueue actor --portrait me.jpg --actor me --sex female --max-cost 1.00\n" +
			"  enqueue actor --portrait https://example.org/fox.png --type anthropomorphic --estimate",
		Args: cli.NoArguments("give the image with --portrait"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, problems := f.order(cmd.Flags(), trainset.KindActor)
			o.actor.Type, o.actor.Sex = trainset.ActorType(being), trainset.Sex(sex)
			return ask(cmd, environ, f.runFlags, o, problems)
		},
	}
	f.register(cmd, trainset.KindActor)
	cmd.Flags().StringVar(&being, "type", string(trainset.TypeHuman), "human, creature, robotic, anthropomorphic or mythical")
	cmd.Flags().StringVar(&sex, "sex", "", "male or female; a human without is a person")
	complete(cmd, "type", names(trainset.ActorTypes()...)...)
	complete(cmd, "sex", names(trainset.SexMale, trainset.SexFemale)...)
	return cmd
}
