package imaging

import (
	"fmt"
	"image"

	"github.com/actormaker/trainset/internal/png8"
	"github.com/actormaker/trainset/internal/race"
)

// EncodeOptions adjust EncodePNG.
type EncodeOptions struct {
	// Generated marks the picture as made by a trained model, in the words of
	// IPTC: XMP with DigitalSourceType trainedAlgorithmicMedia.
	Generated bool
}

// EncodePNG writes a picture as trainers want it: PNG, 8-bit RGB without alpha,
// also where it is grey, marked as sRGB. The same picture gives the same bytes.
// It is made for speed; transparent pixels are laid on white.
func EncodePNG(img image.Image, o EncodeOptions) ([]byte, error) {
	extra := png8.Chunk("sRGB", []byte{0}) // perceptual intent
	if o.Generated {
		extra = append(extra, xmpChunk()...)
	}
	b := img.Bounds()
	data, err := png8.Encode(b.Dx(), b.Dy(), colours(img), extra)
	if err != nil {
		return nil, fmt.Errorf("encoding a picture: %w", err)
	}
	return data, nil
}

// colours are the rows of a picture.
func colours(img image.Image) png8.Rows {
	switch m := img.(type) {
	case *Packed:
		return m.row
	case *image.NRGBA:
		if opaque(m) {
			return png8.Colours(m)
		}
	}
	return png8.Colours(newRows(img, converter{}).full())
}

// opaque is the picture's own Opaque.
//
//go:norace
func opaque(m *image.NRGBA) bool {
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		race.Reads(row)
		for ; len(row) >= 4; row = row[4:] {
			if row[3] != 0xff {
				return false
			}
		}
	}
	return true
}

// xmp is the smallest packet that says how the picture came to be.
const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
	`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
	`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">` +
	`<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>` +
	`</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`

// xmpChunk is the packet in an iTXt chunk: keyword, no compression, no language.
func xmpChunk() []byte {
	return png8.Chunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp))
}
