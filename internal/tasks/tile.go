package tasks

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/plan"
)

// tileCraft makes a style's images of the tiles that were chosen.
type tileCraft struct{ h *Handlers }

// minTile is the shortest side of a style's image, where tiles are enlarged.
const minTile = 1024

// question asks for an enlargement of the tile alone.
func (c tileCraft) question(ctx context.Context, w ledger.Work, _ *plan.Try) (question, error) {
	tile, release, err := c.find(ctx, w)
	if err != nil {
		return question{}, err
	}
	defer release()
	var png []byte
	err = c.h.withPixels(ctx, func() error {
		return tile.cut(func(img *image.NRGBA) (err error) {
			png, err = imaging.EncodePNG(img, imaging.EncodeOptions{})
			return err
		})
	})
	if err != nil {
		return question{}, fmt.Errorf("encoding a tile: %w", err)
	}
	url, err := c.h.uploaded(ctx, w.Job.ID, sum(png), "tile.png", "image/png", func() ([]byte, error) { return png, nil })
	if err != nil {
		return question{}, err
	}
	return enlarge(*w.Job.Plan.Style, extent{tile.box.Dx(), tile.box.Dy(), []int{min(tile.box.Dx(), tile.box.Dy())}}, url)
}

// finish cuts the tile out, or takes its enlargement, and checks it.
func (c tileCraft) finish(ctx context.Context, w ledger.Work, a plan.Attempt, data []byte) (m made, err error) {
	want := imaging.Want{AspectW: 1, AspectH: 1, MinSide: floor(w.Job.Plan.Style.Enhance), Ink: true}
	check := func(img *image.NRGBA) (err error) {
		m, err = picture(img, want)
		return err
	}
	if a.Model != "" {
		err = c.h.withPixels(ctx, func() error {
			img, err := imaging.Decode(data, outputLimits)
			if err != nil {
				m = unreadable(data, err)
				return nil
			}
			return check(img)
		})
		return m, err
	}
	tile, release, err := c.find(ctx, w)
	if err != nil {
		return made{}, err
	}
	defer release()
	err = c.h.withPixels(ctx, func() error { return tile.cut(check) })
	return m, err
}

// floor is the shortest side that is asked of an image.
func floor(e trainset.Enhance) int {
	if e == trainset.EnhanceNone {
		return 0
	}
	return minTile
}

// place is where a tile lies in its grid, or in the grid's enlargement.
type place struct {
	sheet imaging.Packed
	box   image.Rectangle
}

// cut shows the tile to f, for which it has pixels of its own as long as f runs:
// whoever waits for a core holds none.
func (p place) cut(f func(*image.NRGBA) error) error {
	room, giveBack := pages.Borrow(4 * p.box.Dx() * p.box.Dy())
	defer giveBack()
	return f(p.sheet.Cut(p.box, room))
}

// find returns the tile's place. Call release when it has been cut out.
func (c tileCraft) find(ctx context.Context, w ledger.Work) (tile place, release func(), err error) {
	ask := w.Subtask.Ask
	_, made, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.GridID(ask.Grid))
	if err != nil {
		return place{}, nil, err
	}
	from := made.Image
	if w.Job.Plan.Style.Enhance == trainset.EnhanceGrid {
		_, larger, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.EnhanceID(ask.Grid))
		if err != nil {
			return place{}, nil, err
		}
		from = larger.Image
	}
	sheet, release, err := c.h.sheet(ctx, from.SHA256, func() ([]byte, error) { return c.h.store.Get(ctx, from.Key) })
	if err != nil {
		return place{}, nil, fmt.Errorf("reading grid %d: %w", ask.Grid, err)
	}
	return place{sheet, scaled(made.Grid.Tiles[ask.Tile-1].Box, *made.Grid, sheet.Bounds())}, release, nil
}

// scaled is a box of a grid on an enlargement of it. The part stays square.
func scaled(box [4]int, g plan.Grid, on image.Rectangle) image.Rectangle {
	fx, fy := float64(on.Dx())/float64(g.Width), float64(on.Dy())/float64(g.Height)
	side := int(math.Min(float64(box[2]-box[0])*fx, float64(box[3]-box[1])*fy))
	at := on.Min.Add(image.Pt(int(math.Ceil(float64(box[0])*fx)), int(math.Ceil(float64(box[1])*fy))))
	return image.Rectangle{at, at.Add(image.Pt(side, side))}.Intersect(on)
}
