package grid

import (
	"image"
	"image/color"
)

// bandLines is the most scan lines read through one row or column of tiles.
// More would cost time and tell little: a boundary crosses them all.
const bandLines = 96

// bands are the parts of an axis, as shares of it, that are tile whatever the
// drift. Scan lines are laid through them only, so that the other axis's
// boundaries and margins do not disturb.
var bands = [side][2]float64{{0.06, 0.27}, {0.40, 0.60}, {0.73, 0.94}}

// lines are scan lines along one axis: all its positions, on some lines of
// each band. Storing them by position makes comparing neighbouring positions,
// which is all we do, a walk over two adjacent runs of memory.
type lines struct {
	length  int     // positions on the axis
	perBand int     // lines a band; line i belongs to band i/perBand
	pix     []uint8 // Y, Cb, Cr of line i at position p from (p*count+i)*3
}

func (l lines) count() int { return side * l.perBand }

func (l lines) at(pos int) []uint8 {
	n := l.count() * 3
	return l.pix[pos*n : (pos+1)*n]
}

// across reads lines that run from left to right, to find columns.
func across(img image.Image) lines {
	b := img.Bounds()
	ys, perBand := places(b.Min.Y, b.Dy())
	l := lines{length: b.Dx(), perBand: perBand, pix: make([]uint8, b.Dx()*len(ys)*3)}
	xs := make([]int, b.Dx())
	for i := range xs {
		xs[i] = b.Min.X + i
	}
	read, row := reader(img), make([]uint8, len(xs)*3)
	for i, y := range ys {
		read(row, y, xs)
		for p := range xs {
			copy(l.pix[(p*len(ys)+i)*3:][:3], row[p*3:][:3])
		}
	}
	return l
}

// down reads lines that run from top to bottom, to find rows.
func down(img image.Image) lines {
	b := img.Bounds()
	xs, perBand := places(b.Min.X, b.Dx())
	l := lines{length: b.Dy(), perBand: perBand, pix: make([]uint8, b.Dy()*len(xs)*3)}
	read := reader(img)
	for p := range b.Dy() {
		read(l.at(p), b.Min.Y+p, xs)
	}
	return l
}

// places are where the scan lines cross the other axis, band by band.
func places(from, length int) ([]int, int) {
	perBand := bandLines
	for _, b := range bands {
		perBand = min(perBand, int((b[1]-b[0])*float64(length)))
	}
	at := make([]int, 0, side*perBand)
	for _, b := range bands {
		for i := range perBand {
			share := b[0] + (b[1]-b[0])*(float64(i)+0.5)/float64(perBand)
			at = append(at, from+int(share*float64(length)))
		}
	}
	return at, perBand
}

// reader returns a function that reads pixels of one row as Y, Cb and Cr,
// without the allocation a pixel that image.Image costs where it can. Alpha is
// left aside: grids have none.
func reader(img image.Image) func(dst []uint8, y int, xs []int) {
	switch m := img.(type) {
	case *image.NRGBA:
		return func(dst []uint8, y int, xs []int) { convert(dst, m.Pix[(y-m.Rect.Min.Y)*m.Stride:], m.Rect.Min.X, xs) }
	case *image.RGBA:
		return func(dst []uint8, y int, xs []int) { convert(dst, m.Pix[(y-m.Rect.Min.Y)*m.Stride:], m.Rect.Min.X, xs) }
	case *image.YCbCr:
		return func(dst []uint8, y int, xs []int) {
			for i, x := range xs {
				c := m.COffset(x, y)
				dst[i*3], dst[i*3+1], dst[i*3+2] = m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c]
			}
		}
	case *image.Gray:
		return func(dst []uint8, y int, xs []int) {
			for i, x := range xs {
				dst[i*3], dst[i*3+1], dst[i*3+2] = m.Pix[m.PixOffset(x, y)], 128, 128
			}
		}
	default:
		return func(dst []uint8, y int, xs []int) {
			for i, x := range xs {
				r, g, b, _ := img.At(x, y).RGBA()
				dst[i*3], dst[i*3+1], dst[i*3+2] = color.RGBToYCbCr(uint8(r>>8&0xff), uint8(g>>8&0xff), uint8(b>>8&0xff))
			}
		}
	}
}

// convert reads from a row of four bytes a pixel.
func convert(dst, row []uint8, left int, xs []int) {
	for i, x := range xs {
		from := row[(x-left)*4:][:3]
		dst[i*3], dst[i*3+1], dst[i*3+2] = color.RGBToYCbCr(from[0], from[1], from[2])
	}
}
