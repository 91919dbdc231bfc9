package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"

	"github.com/actormaker/trainset/internal/cores"
	"github.com/actormaker/trainset/internal/imaging"
)

const (
	// MinSide is the shortest side a reference may have: on less, no model sees
	// a face.
	MinSide = 256
	// MaxSide is the longest side that a normalised reference has. The models
	// look at one to four megapixels; more only takes longer to upload.
	MaxSide = 2048
	// maxAspect is of how long a strip, normalised, MinSide is left across.
	maxAspect = MaxSide / MinSide
	// leastStd and leastRange, in levels of grey, are more than a plain sheet has that
	// was scanned, and less than thick fog leaves of a picture.
	leastStd, leastRange = 2, 4
)

// Normalised is a reference as it is stored and given to models: upright, in
// sRGB, opaque, without metadata, its longer side at most MaxSide.
type Normalised struct {
	PNG           []byte
	SHA256        string // of PNG, as manifests name the stored reference
	SourceSHA256  string // of the bytes that were given
	Width, Height int    // px, of PNG
	Format        string // of the bytes that were given: one of imaging's
	// DHashes are difference hashes of the whole and of its largest central parts
	// that are square and 16:9: what a generated image that copies it looks like.
	DHashes []string
}

// Check decodes a reference and normalises it. Everything that is wrong with it
// is a *trainset.FieldError of the field.
func Check(data []byte, field string, limits imaging.Limits) (Normalised, error) {
	o := Options{Field: field, MaxBytes: limits.MaxBytes}.withDefaults()
	info, err := imaging.Inspect(data, limits)
	if err != nil {
		return Normalised{}, o.explain(err)
	}
	if min(info.Width, info.Height) < MinSide {
		return Normalised{}, o.invalid(fmt.Sprintf("has %d x %d pixels", info.Width, info.Height),
			fmt.Sprintf("give an image of at least %d pixels on each side, better 1024", MinSide))
	}
	if max(info.Width, info.Height) > maxAspect*min(info.Width, info.Height) {
		return Normalised{}, o.invalid(fmt.Sprintf("is a strip of %d x %d pixels", info.Width, info.Height),
			"cut out of it what is to be seen: models see a few hundred pixels across")
	}
	img, err := imaging.DecodeWithin(data, limits, MaxSide)
	if err != nil {
		return Normalised{}, o.explain(err)
	}
	if blank(img) {
		return Normalised{}, o.invalid("is blank, all of one tone",
			"look whether it is the file you meant, and whether what it should show is transparent")
	}
	n := Normalised{SourceSHA256: digest(data), Width: img.Rect.Dx(), Height: img.Rect.Dy(), Format: info.Format}
	err = cores.Both(func() (err error) {
		n.PNG, err = imaging.EncodePNG(img, imaging.EncodeOptions{})
		n.SHA256 = digest(n.PNG)
		return err
	}, func() error {
		n.DHashes = []string{
			imaging.Hash(img), imaging.Hash(imaging.CropAspect(img, 1, 1)), imaging.Hash(imaging.CropAspect(img, 16, 9)),
		}
		return nil
	})
	if err != nil {
		return Normalised{}, fmt.Errorf("normalising a reference: %w", err)
	}
	return n, nil
}

// blank reports whether there is nothing to see, neither in tones nor in hues.
func blank(img image.Image) bool {
	m := imaging.Measure(imaging.Reduce(img, MinSide, MinSide))
	return m.Std < leastStd && m.Range < leastRange && m.MonoMSE < leastStd*leastStd
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// explain turns what imaging found into a field error with its remedy.
func (o Options) explain(err error) error {
	var (
		format *imaging.FormatError
		large  *imaging.TooLargeError
	)
	switch {
	case errors.As(err, &format):
		return o.invalid(err.Error(), remedies(format))
	case errors.As(err, &large):
		return o.invalid(err.Error(), "save it smaller: models see about one megapixel of it")
	case errors.Is(err, imaging.ErrAnimated):
		return o.invalid(err.Error(), "save one of its frames as a PNG or JPEG")
	case errors.Is(err, imaging.ErrEmpty), errors.Is(err, imaging.ErrTruncated):
		return o.invalid(err.Error(), "copy or download the image again, completely")
	case errors.Is(err, imaging.ErrDamaged):
		return o.invalid(err.Error(), "open it in an image editor and save it as a PNG or JPEG")
	}
	return fmt.Errorf("checking a reference: %w", err)
}

const wanted = "give a JPEG, PNG, WebP or TIFF"

// remedies says how to convert what is not read.
func remedies(e *imaging.FormatError) string {
	switch e.Format {
	case "":
		return wanted + " image"
	case "HEIC":
		return "convert it, with `heif-convert photo.heic photo.jpg` or by exporting it as JPEG; " +
			"iPhones take JPEGs under Settings > Camera > Formats > Most Compatible"
	case "AVIF":
		return "convert it, with `avifdec photo.avif photo.png` or by saving it as PNG in an image editor"
	}
	return "save it as a PNG or JPEG in an image editor"
}
