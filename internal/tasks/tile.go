package tasks

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// tileCraft makes a style's images of the tiles that were chosen.
type tileCraft struct{ h *Handlers }

// minTile is the shortest side of a style's image, where tiles are enlarged.
const minTile = 1024

// question asks for an enlargement of the tile alone, unless its grid was taken in
// by another version and the tile can become no image.
func (c tileCraft) question(ctx context.Context, w ledger.Work, _ plan.Attempt) (question, error) {
	png, by, err := c.alone(ctx, w)
	if err != nil {
		return question{}, err
	}
	url, err := c.h.uploaded(ctx, w.Job.ID, sum(png), "tile.png", "image/png", func() ([]byte, error) { return png, nil })
	if err != nil {
		return question{}, err
	}
	return enlarge(*w.Job.Plan.Style, by, url)
}

// alone is the tile as a picture of its own, and how many times it is to be
// enlarged. The grid is in others' hands again before it is uploaded.
func (c tileCraft) alone(ctx context.Context, w ledger.Work) (png []byte, by int, err error) {
	tile, release, err := c.find(ctx, w)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	width, height := tile.Rect.Dx(), tile.Rect.Dy()
	by, why, err := growthOf(*w.Job.Plan.Style, extent{width, height, []int{min(width, height)}})
	if err != nil {
		return nil, 0, err
	}
	if why != "" {
		return nil, 0, &hopelessError{fmt.Sprintf("it has %d x %d pixels, which no enlargement makes %d a side and not more than %d million in all",
			width, height, minTile, maxEnlarged/1_000_000)}
	}
	err = c.h.withPixels(ctx, func() (err error) {
		png, err = imaging.EncodePNG(tile, imaging.EncodeOptions{})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("encoding a tile: %w", err)
	}
	return png, by, nil
}

// finish cuts the tile out, or takes its enlargement, and checks it.
func (c tileCraft) finish(ctx context.Context, w ledger.Work, a plan.Attempt, b bought) (m made, err error) {
	want := imaging.Want{AspectW: 1, AspectH: 1, MinSide: floor(w.Job.Plan.Style.Enhance), Ink: true}
	if a.Model != "" {
		err = c.h.withPixels(ctx, func() error {
			img, err := imaging.Decode(b.data, outputLimits)
			if err != nil {
				m = unreadable(b.data, err)
				return nil
			}
			m, err = picture(img, want)
			return err
		})
		return m, err
	}
	tile, release, err := c.find(ctx, w)
	if err != nil {
		return made{}, err
	}
	defer release()
	err = c.h.withPixels(ctx, func() (err error) {
		m, err = picture(tile, want)
		return err
	})
	return m, err
}

// floor is the shortest side that is asked of an image.
func floor(e trainset.Enhance) int {
	if e == trainset.EnhanceNone {
		return 0
	}
	return minTile
}

// find returns the tile as a part of its grid, or of the grid's enlargement. Call
// release when it is no longer looked at.
func (c tileCraft) find(ctx context.Context, w ledger.Work) (tile *imaging.Packed, release func(), err error) {
	ask := w.Subtask.Ask
	_, made, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.GridID(ask.Grid))
	if err != nil {
		return nil, nil, err
	}
	from := made.Image
	if w.Job.Plan.Style.Enhance == trainset.EnhanceGrid {
		_, larger, err := c.h.ledger.Winner(ctx, w.Job.ID, plan.EnhanceID(ask.Grid))
		if err != nil {
			return nil, nil, err
		}
		from = larger.Image
	}
	sheet, release, err := c.h.sheet(ctx, from.SHA256, func() ([]byte, error) { return c.h.store.Get(ctx, from.Key) })
	if errors.Is(err, storage.ErrNotFound) {
		if away := c.h.stores(ctx, *w.Job.Plan); away != nil && !w.Job.Canceled { // nobody waits for a tile that costs nothing
			return nil, nil, fmt.Errorf("reading grid %d: %w", ask.Grid, away)
		}
		return nil, nil, &hopelessError{fmt.Sprintf("the picture of grid %d is gone from storage: %s", ask.Grid, from.Key)}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading grid %d: %w", ask.Grid, err)
	}
	part, _ := sheet.SubImage(scaled(made.Grid.Tiles[ask.Tile-1].Box, *made.Grid, sheet.Rect)).(*imaging.Packed)
	return part, release, nil
}

// scaled is a box of a grid on an enlargement of it. The part stays square.
func scaled(box [4]int, g plan.Grid, on image.Rectangle) image.Rectangle {
	fx, fy := float64(on.Dx())/float64(g.Width), float64(on.Dy())/float64(g.Height)
	side := int(math.Min(float64(box[2]-box[0])*fx, float64(box[3]-box[1])*fy))
	at := on.Min.Add(image.Pt(int(math.Ceil(float64(box[0])*fx)), int(math.Ceil(float64(box[1])*fy))))
	return image.Rectangle{at, at.Add(image.Pt(side, side))}.Intersect(on)
}
