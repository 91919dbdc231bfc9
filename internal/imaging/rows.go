package imaging

import (
	"image"
	"image/color"

	"github.com/actormaker/trainset/internal/png8"
	"github.com/actormaker/trainset/internal/race"
)

// rows is a decoded picture, read row by row as opaque sRGB, 4 bytes a pixel:
// so no second picture is needed to convert, scale or measure one.
type rows struct {
	width, height int
	read          func(y int, dst []byte)
	ready         func(y int) []byte // rows that need no conversion; may be nil
	step          int                // bytes a pixel that those have
}

// opaqueRows reads an opaque sRGB picture, as Decode returns it or DecodePacked.
func opaqueRows(img image.Image) rows {
	r := newRows(img, converter{})
	switch m := img.(type) {
	case *image.NRGBA:
		r.ready = func(y int) []byte { return m.Pix[y*m.Stride:][:4*r.width] }
	case *Packed:
		r.ready, r.step = m.row, 3
	}
	return r
}

// line is a row, of step bytes a pixel: the picture's own where it needs no
// conversion, else read into room.
func (r rows) line(y int, room []byte) []byte {
	if r.ready != nil {
		return r.ready(y)
	}
	r.read(y, room)
	return room
}

// newRows reads img, its colours converted and laid on white where they are
// transparent.
func newRows(img image.Image, c converter) rows {
	b := img.Bounds()
	r := rows{width: b.Dx(), height: b.Dy(), step: 4}
	if ink, ok := img.(*image.CMYK); ok && c.cmyk != nil {
		r.read = func(y int, dst []byte) { c.cmyk(dst[:4*r.width], ink.Pix[y*ink.Stride:][:4*r.width]) }
		return r
	}
	plain := plainRows(img)
	r.read = func(y int, dst []byte) {
		dst = dst[:4*r.width]
		plain(y, dst)
		if c.rgb != nil {
			c.rgb(dst)
		}
		onWhite(dst)
	}
	return r
}

// onWhite lays a row of straight alpha on white.
//
//go:norace
func onWhite(px []byte) {
	race.Writes(px)
	for ; len(px) >= 4; px = px[4:] {
		a := uint32(px[3])
		if a == 0xff {
			continue
		}
		for i := range 3 {
			px[i] = byte((uint32(px[i])*a + 0xff*(0xff-a) + 127) / 0xff & 0xff)
		}
		px[3] = 0xff
	}
}

// plainRows reads rows as straight alpha, whatever the picture's own colours.
func plainRows(img image.Image) func(y int, dst []byte) {
	switch m := img.(type) {
	case *image.NRGBA:
		return func(y int, dst []byte) { copy(dst, m.Pix[y*m.Stride:]) }
	case *image.RGBA:
		return func(y int, dst []byte) { rgbaRow(dst, m.Pix[y*m.Stride:]) }
	case *image.Gray:
		return func(y int, dst []byte) { grayRow(dst, m.Pix[y*m.Stride:]) }
	case *image.YCbCr:
		return ycbcrRows(m)
	case *image.Paletted:
		return palettedRows(m)
	case *Packed:
		return func(y int, dst []byte) { png8.Unpack(dst, m.row(y)) }
	case *image.CMYK:
		return func(y int, dst []byte) { cmykRow(dst, m.Pix[y*m.Stride:]) }
	case *studio:
		return m.row
	}
	return anyRows(img)
}

//go:norace
func rgbaRow(dst, src []byte) {
	src = src[:len(dst)]
	race.Reads(src)
	race.Writes(dst)
	copy(dst, src)
	for px := dst; len(px) >= 4; px = px[4:] {
		a := uint32(px[3])
		if a == 0xff || a == 0 {
			continue
		}
		for i := range 3 {
			px[i] = byte(min((uint32(px[i])*0xff+a/2)/a, 0xff))
		}
	}
}

//go:norace
func grayRow(dst, src []byte) {
	race.Reads(src[:len(dst)/4])
	race.Writes(dst)
	for i := 0; len(dst) >= 4; i, dst = i+1, dst[4:] {
		v := src[i]
		dst[0], dst[1], dst[2], dst[3] = v, v, v, 0xff
	}
}

func ycbcrRows(m *image.YCbCr) func(int, []byte) {
	return func(y int, dst []byte) {
		y += m.Rect.Min.Y
		for x := m.Rect.Min.X; len(dst) >= 4; x, dst = x+1, dst[4:] {
			c := m.COffset(x, y)
			dst[0], dst[1], dst[2] = color.YCbCrToRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
			dst[3] = 0xff
		}
	}
}

func palettedRows(m *image.Paletted) func(int, []byte) {
	var table [256][4]byte
	for i, c := range m.Palette {
		n, _ := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i] = [4]byte{n.R, n.G, n.B, n.A}
	}
	return func(y int, dst []byte) { palettedRow(dst, m.Pix[y*m.Stride:], &table) }
}

//go:norace
func palettedRow(dst, src []byte, table *[256][4]byte) {
	race.Reads(src[:len(dst)/4])
	race.Writes(dst)
	for i := 0; len(dst) >= 4; i, dst = i+1, dst[4:] {
		copy(dst, table[src[i]][:])
	}
}

func cmykRow(dst, src []byte) {
	for ; len(dst) >= 4; dst, src = dst[4:], src[4:] {
		dst[0], dst[1], dst[2] = color.CMYKToRGB(src[0], src[1], src[2], src[3])
		dst[3] = 0xff
	}
}

// anyRows serves the rest: pictures of 16 bits a channel.
func anyRows(img image.Image) func(int, []byte) {
	b := img.Bounds()
	return func(y int, dst []byte) {
		for x := b.Min.X; len(dst) >= 4; x, dst = x+1, dst[4:] {
			c, _ := color.NRGBA64Model.Convert(img.At(x, b.Min.Y+y)).(color.NRGBA64)
			dst[0], dst[1], dst[2], dst[3] = high(c.R), high(c.G), high(c.B), high(c.A)
		}
	}
}

// high rounds 16 bits to 8.
func high(v uint16) byte { return byte((uint32(v)*0xff + 0x7fff) / 0xffff & 0xff) }

// studio is a lossy WebP picture. Its luma spans 16 to 235, not the full range
// that image.YCbCr stands for: taken for that, it would look washed out.
type studio struct {
	*image.YCbCr
	alpha  []byte // may be nil
	stride int
}

func (s *studio) row(y int, dst []byte) {
	for x := 0; len(dst) >= 4; x, dst = x+1, dst[4:] {
		c := s.COffset(x, y)
		l, u, v := 76283*(int32(s.Y[s.YOffset(x, y)])-16), int32(s.Cb[c])-128, int32(s.Cr[c])-128
		dst[0] = nearest(l + 104595*v)
		dst[1] = nearest(l - 25675*u - 53279*v)
		dst[2] = nearest(l + 132201*u)
		dst[3] = 0xff
		if s.alpha != nil {
			dst[3] = s.alpha[y*s.stride+x]
		}
	}
}

// nearest rounds a number of 16 fractional bits to a byte.
func nearest(v int32) byte { return byte(min(max((v+1<<15)>>16, 0), 0xff)) }

// full makes a picture of all rows.
func (r rows) full() *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, r.width, r.height))
	for y := range r.height {
		r.read(y, dst.Pix[y*dst.Stride:][:dst.Stride])
	}
	return dst
}
