package tasks

import (
	"context"
	"fmt"
	"image"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/actormaker/trainset/internal/imaging"
)

// sheets keeps the grids decoded that tiles were cut from last: nine tiles of
// one grid are usually finished one after the other. An enlarged grid has 64 MB.
type sheets struct {
	mu    sync.Mutex
	kept  []sheet // the latest used last
	flies singleflight.Group
}

type sheet struct {
	sum string
	img *image.NRGBA
}

// keptSheets is a job's usual number of grids.
const keptSheets = 3

// sheet returns a picture by the digest of its bytes, which are read and
// decoded once however many ask.
func (h *Handlers) sheet(ctx context.Context, sum string, read func() ([]byte, error)) (*image.NRGBA, error) {
	if img := h.sheets.get(sum); img != nil {
		return img, nil
	}
	v, err, _ := h.sheets.flies.Do(sum, func() (any, error) {
		data, err := read()
		if err != nil {
			return nil, err
		}
		var img *image.NRGBA
		err = h.withPixels(ctx, func() (err error) {
			img, err = imaging.Decode(data, outputLimits)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("decoding: %w", err)
		}
		h.sheets.put(sheet{sum, img})
		return img, nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	return v.(*image.NRGBA), nil //nolint:forcetypeassert // made above
}

func (s *sheets) get(sum string) *image.NRGBA {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.kept {
		if k.sum == sum {
			s.kept = append(append(s.kept[:i:i], s.kept[i+1:]...), k)
			return k.img
		}
	}
	return nil
}

func (s *sheets) put(k sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, k)
	if len(s.kept) > keptSheets {
		s.kept = s.kept[1:]
	}
}
