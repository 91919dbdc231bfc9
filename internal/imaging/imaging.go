// Package imaging is what the system knows of pixels: it decodes pictures that
// strangers send, normalises them, measures them, says what is wrong with
// them, crops and encodes them, and draws contact sheets.
//
// It promises that no bytes, however hostile, make it allocate more than the
// given limits allow, run another program, or end the process. It reads JPEG,
// PNG, WebP, TIFF and still GIF; what it returns is always opaque 8-bit sRGB,
// upright, without any metadata. Equal input gives equal output.
//
// It must not know jobs, files or networks.
package imaging

import (
	"errors"
	"fmt"
)

// Limits bound what is decoded. They are checked against the header, before
// anything is allocated for pixels.
type Limits struct {
	MaxBytes  int // of the encoded picture
	MaxPixels int // width times height
}

// DefaultLimits are the limits of a reference.
var DefaultLimits = Limits{MaxBytes: 30 << 20, MaxPixels: 40_000_000}

var (
	// ErrEmpty says that there are no bytes.
	ErrEmpty = errors.New("it is empty")
	// ErrFormat is matched by every *FormatError.
	ErrFormat = errors.New("its format cannot be read")
	// ErrAnimated says that a picture has more than one frame.
	ErrAnimated = errors.New("it is animated, a still image is wanted")
	// ErrTruncated says that the bytes end before the picture does.
	ErrTruncated = errors.New("it is truncated: the image data ends early")
	// ErrDamaged says that a picture of a known format does not follow it.
	ErrDamaged = errors.New("it is damaged")
)

// FormatError says that bytes are no picture, or one of a kind that is not
// read.
type FormatError struct {
	Format string // "HEIC", "AVIF", "BMP"; empty when the bytes are no picture known here
	Detail string // which part of a format is not read; may be empty
}

func (e *FormatError) Error() string {
	switch {
	case e.Format == "":
		return "it is no image in a known format"
	case e.Detail != "":
		return fmt.Sprintf("it is a kind of %s that cannot be read (%s)", e.Format, e.Detail)
	}
	return fmt.Sprintf("it is %s, which cannot be read", e.Format)
}

// Is makes every FormatError match ErrFormat.
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// TooLargeError says which limit a picture exceeds: its bytes, or its pixels
// where Width is set.
type TooLargeError struct {
	Bytes         int
	Width, Height int
	Limits        Limits
}

func (e *TooLargeError) Error() string {
	if e.Width > 0 {
		return fmt.Sprintf("it has %d x %d pixels, more than %s megapixels", e.Width, e.Height, mega(e.Limits.MaxPixels))
	}
	return fmt.Sprintf("it has %.1f MB, more than %d MB", float64(e.Bytes)/(1<<20), e.Limits.MaxBytes>>20)
}

func mega(pixels int) string { return fmt.Sprintf("%g", float64(pixels)/1e6) }
