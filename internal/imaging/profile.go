package imaging

import (
	"bytes"
	"encoding/binary"
	"math"
	"sync"

	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// maxProfile is more than any colour profile has; printers' are about 2 MB.
const maxProfile = 4 << 20

// More than any colour profile has of tags, of points on a curve and of
// channels. The library takes time by the square of points, and believes any
// count of them.
const (
	maxProfileTags     = 200
	maxCurvePoints     = 4096
	maxProfileChannels = 4
)

// converter changes colours to sRGB. Only one of its fields is set; it is for
// one goroutine.
type converter struct {
	rgb  func(px []byte)       // in place, 4 bytes a pixel, the last left alone
	cmyk func(dst, src []byte) // from 4 bytes of ink a pixel to opaque RGB
}

// none reports whether there is nothing to convert.
func (c converter) none() bool { return c.rgb == nil && c.cmyk == nil }

// newConverter makes the converter that a profile asks for; the zero one where
// the profile is sRGB, cannot be read, or is of another kind of picture: then
// numbers are taken for sRGB, as browsers do.
func newConverter(profile []byte) (c converter) {
	defer func() { // the library indexes what a profile says
		if recover() != nil {
			c = converter{}
		}
	}()
	if !soundProfile(profile) {
		return c
	}
	p, err := icc.DecodeProfile(bytes.NewReader(profile))
	if err != nil || p.IsSRGB() {
		return c
	}
	switch p.Header.DataColorSpace { //nolint:exhaustive // the library reads no other
	case icc.ColorSpaceRGB:
		c.rgb = rgbConverter(p)
	case icc.ColorSpaceCMYK:
		c.cmyk = cmykConverter(p)
	}
	return c
}

// soundProfile checks the table of tags before the library allocates what it
// says.
func soundProfile(p []byte) bool {
	const head = 132
	if len(p) < head || len(p) > maxProfile || string(p[36:40]) != "acsp" {
		return false
	}
	n := int(binary.BigEndian.Uint32(p[head-4:]))
	if n == 0 || n > maxProfileTags || head+12*n > len(p) {
		return false
	}
	for i := range n {
		tag := p[head+12*i:]
		at, size := uint64(be32(tag[4:])), uint64(be32(tag[8:]))
		if at < uint64(head+12*n) || at+size > uint64(len(p)) || !soundTag(p[at:at+size]) {
			return false
		}
	}
	return true
}

// soundTag checks the counts that a tag begins with.
func soundTag(tag []byte) bool {
	if len(tag) < 12 {
		return true // too short to count anything
	}
	switch string(tag[:4]) {
	case "curv":
		return soundCurve(tag)
	case "mft1":
		return tag[8] <= maxProfileChannels
	case "mft2":
		return tag[8] <= maxProfileChannels && len(tag) >= 52 && be16(tag[48:]) <= maxCurvePoints && be16(tag[50:]) <= maxCurvePoints
	case "mAB ", "mBA ":
		return tag[8] <= maxProfileChannels && soundCurves(tag)
	}
	return true
}

// soundCurves checks every curve within a tag, wherever it may begin.
func soundCurves(tag []byte) bool {
	for {
		at := bytes.Index(tag, []byte("curv"))
		if at < 0 {
			return true
		}
		if tag = tag[at:]; len(tag) >= 12 && !soundCurve(tag) {
			return false
		}
		tag = tag[4:]
	}
}

func soundCurve(curve []byte) bool {
	n := be32(curve[8:])
	return n <= maxCurvePoints && 12+2*int(n) <= len(curve)
}

func rgbConverter(p *icc.Profile) func([]byte) {
	if p.Header.ProfileConnectionSpace == icc.ColorSpaceXYZ && !p.TagTable.Has(icc.AToB0TagSignature) && !p.TagTable.Has(icc.AToB1TagSignature) {
		if c := matrixConverter(p); c != nil {
			return c
		}
	}
	tr, err := p.CreateTransformerToSRGB(icc.RelativeColorimetricRenderingIntent, true, 3, true, true, true)
	if err != nil {
		return nil
	}
	seen := newMemory(func(px [4]byte) [3]byte {
		r, g, b := tr.Transform(unit(px[0]), unit(px[1]), unit(px[2]))
		return [3]byte{level(r), level(g), level(b)}
	})
	return func(row []byte) {
		for ; len(row) >= 4; row = row[4:] {
			out := seen.get([4]byte{row[0], row[1], row[2]})
			copy(row, out[:])
		}
	}
}

func cmykConverter(p *icc.Profile) func(dst, src []byte) {
	tr, err := p.CreateTransformerToSRGB(icc.RelativeColorimetricRenderingIntent, true, 4, true, true, true)
	if err != nil {
		return nil
	}
	seen := newMemory(func(ink [4]byte) [3]byte {
		in := [4]float64{unit(ink[0]), unit(ink[1]), unit(ink[2]), unit(ink[3])}
		var out [4]float64
		tr.TransformGeneral(out[:], in[:])
		return [3]byte{level(out[0]), level(out[1]), level(out[2])}
	})
	return func(dst, src []byte) {
		for ; len(src) >= 4; dst, src = dst[4:], src[4:] {
			out := seen.get([4]byte(src))
			dst[0], dst[1], dst[2], dst[3] = out[0], out[1], out[2], 0xff
		}
	}
}

// fromXYZ takes colours of the profile connection space (white D50) to linear
// sRGB: the sRGB primaries, adapted by Bradford's matrix.
var fromXYZ = [3][3]float64{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// matrixConverter is exact and quick for the profiles cameras and screens use:
// there a colour is a sum of what its three channels give, so that three tables
// of 256 tell all. Nil where the profile cannot be used so.
func matrixConverter(p *icc.Profile) func([]byte) {
	tr, err := p.CreateTransformerToPCS(icc.RelativeColorimetricRenderingIntent, 3, true)
	if err != nil {
		return nil
	}
	linear := func(r, g, b float64) (out [3]float32) {
		x, y, z := tr.Transform(r, g, b)
		for i, m := range fromXYZ {
			out[i] = float32(m[0]*x + m[1]*y + m[2]*z)
		}
		return out
	}
	var red, green, blue [256][3]float32
	black := linear(0, 0, 0)
	for v := range 256 {
		u := float64(v) / 255
		red[v], green[v], blue[v] = linear(u, 0, 0), linear(0, u, 0), linear(0, 0, u)
		for i, b := range black { // it is in each of the three
			green[v][i] -= b
			blue[v][i] -= b
		}
	}
	for v := range 256 {
		if !finite(red[v]) || !finite(green[v]) || !finite(blue[v]) {
			return nil
		}
	}
	encode := encodeTable()
	return func(row []byte) {
		for ; len(row) >= 4; row = row[4:] {
			r, g, b := &red[row[0]], &green[row[1]], &blue[row[2]]
			for i := range 3 {
				v := (r[i] + g[i] + b[i]) * (encodeSteps - 1)
				row[i] = encode[int(min(max(v+0.5, 0), encodeSteps-1))]
			}
		}
	}
}

func finite(v [3]float32) bool {
	sum := float64(v[0]) + float64(v[1]) + float64(v[2])
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// encodeSteps is fine enough for the steep beginning of the sRGB curve: a step
// is a fifth of a level there.
const encodeSteps = 1 << 14

// encodeTable takes linear light to 8-bit sRGB.
var encodeTable = sync.OnceValue(func() *[encodeSteps]byte {
	var t [encodeSteps]byte
	for i := range t {
		v := float64(i) / (encodeSteps - 1)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = level(v)
	}
	return &t
})

func unit(v byte) float64 { return float64(v) / 255 }

func level(v float64) byte { return byte(min(max(v*255+0.5, 0), 255)) }

// memory spares converting a colour that was seen before: neighbours in
// pictures are often alike, and a profile's tables are slow.
type memory struct {
	convert func([4]byte) [3]byte
	slots   []memorySlot
}

type memorySlot struct {
	key  [4]byte
	out  [3]byte
	used bool
}

const memoryBits = 15

func newMemory(convert func([4]byte) [3]byte) *memory {
	return &memory{convert: convert, slots: make([]memorySlot, 1<<memoryBits)}
}

func (m *memory) get(key [4]byte) [3]byte {
	s := &m.slots[le32(key[:])*2654435761>>(32-memoryBits)]
	if !s.used || s.key != key {
		*s = memorySlot{key, m.convert(key), true}
	}
	return s.out
}
