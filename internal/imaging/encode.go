package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
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
func EncodePNG(img *image.NRGBA, o EncodeOptions) ([]byte, error) {
	if !img.Opaque() {
		img = newRows(rebase(img), converter{}).full()
	}
	var b bytes.Buffer
	b.Grow(img.Rect.Dx() * img.Rect.Dy() * 2)
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding a PNG: %w", err)
	}
	extra := chunk("sRGB", []byte{0}) // perceptual intent
	if o.Generated {
		extra = append(extra, xmpChunk()...)
	}
	return insert(b.Bytes(), extra), nil
}

// rebase moves a picture's corner to the origin, which rows count from.
func rebase(img *image.NRGBA) *image.NRGBA {
	return &image.NRGBA{
		Pix: img.Pix, Stride: img.Stride, Rect: image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()),
	}
}

// pngHead is the length of a PNG's signature and first chunk.
const pngHead = 8 + 25

// insert puts chunks where readers look for them: right after the header.
func insert(encoded, chunks []byte) []byte {
	out := make([]byte, 0, len(encoded)+len(chunks))
	out = append(out, encoded[:pngHead]...)
	out = append(out, chunks...)
	return append(out, encoded[pngHead:]...)
}

func chunk(kind string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body))) //nolint:gosec // bodies are short
	c = append(append(c, kind...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// xmp is the smallest packet that says how the picture came to be.
const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
	`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
	`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">` +
	`<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>` +
	`</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`

// xmpChunk is the packet in an iTXt chunk: keyword, no compression, no language.
func xmpChunk() []byte {
	return chunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp))
}
