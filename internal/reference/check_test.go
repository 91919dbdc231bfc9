package reference_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/reference"
)

func drawn(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i/4/w) | uint8(i%4/3*255)
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A copy of a reference is known by the hashes of it whole and cut to an aspect.
func TestAReferenceHasTheHashesOfItsCopies(t *testing.T) {
	n, err := reference.Check(drawn(t, 600, 300), "image", imaging.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	img, err := imaging.Decode(n.PNG, imaging.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{imaging.Hash(img), imaging.Hash(imaging.CropAspect(img, 1, 1)), imaging.Hash(imaging.CropAspect(img, 16, 9))}
	if !slices.Equal(n.DHashes, want) {
		t.Errorf("%v, want %v", n.DHashes, want)
	}
}

// claiming is a PNG whose header claims a size.
func claiming(t *testing.T, w, h uint32) []byte {
	t.Helper()
	head := slices.Clone(drawn(t, 1, 1))
	binary.BigEndian.PutUint32(head[16:], w)
	binary.BigEndian.PutUint32(head[20:], h)
	binary.BigEndian.PutUint32(head[29:], crc32.ChecksumIEEE(head[12:29]))
	return head
}

func animation(t *testing.T) []byte {
	t.Helper()
	f := image.NewPaletted(image.Rect(0, 0, 300, 300), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{f, f}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wantField checks that an error is about the portrait, says what is wrong and
// has a remedy.
func wantField(t *testing.T, err error, problem, remedy string) {
	t.Helper()
	var f *trainset.FieldError
	if !errors.As(err, &f) {
		t.Fatalf("%v is no field error", err)
	}
	if f.Field != "portrait" || !strings.Contains(f.Problem, problem) || !strings.Contains(f.Remedy, remedy) || f.Remedy == "" {
		t.Errorf("%q, want %q; %q", err, problem, remedy)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	good := drawn(t, 400, 300)
	damaged := slices.Clone(good)
	damaged[60] ^= 0xff
	for name, c := range map[string]struct {
		data            []byte
		problem, remedy string
	}{
		"empty":     {nil, "empty", "copy"},
		"text":      {[]byte("no picture at all"), "no image", "JPEG"},
		"truncated": {good[:len(good)/2], "truncated", "again"},
		"damaged":   {damaged, "damaged", "editor"},
		"tiny":      {drawn(t, 255, 400), "255 x 400", "256"},
		"flat":      {drawn(t, 400, 255), "400 x 255", "256"},
		"strip":     {drawn(t, 2400, 299), "2400 x 299", "cut out"},
		"ribbon":    {drawn(t, 260, 2081), "260 x 2081", "cut out"},
		"huge":      {claiming(t, 9000, 9000), "more than 40 megapixels", "smaller"},
		"heavy":     {append(slices.Clone(good), make([]byte, 31<<20)...), "more than 30 MB", "smaller"},
		"white":     {plain(t, color.NRGBA{255, 255, 255, 255}), "is blank", "the file you meant"},
		"invisible": {plain(t, color.NRGBA{200, 30, 40, 0}), "is blank", "transparent"},
		"animated":  {animation(t), "animated", "frames"},
		"heic":      {append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), make([]byte, 400)...), "HEIC", "heif-convert"},
		"avif":      {append([]byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif"), make([]byte, 400)...), "AVIF", "avifdec"},
		"bmp":       {append([]byte("BM"), make([]byte, 400)...), "BMP", "PNG"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := reference.Check(c.data, "portrait", imaging.DefaultLimits)
			wantField(t, err, c.problem, c.remedy)
			if n.PNG != nil || n.SHA256 != "" {
				t.Error("there is a reference beside the error")
			}
		})
	}
}

// plain is a picture of one colour.
func plain(t *testing.T, c color.NRGBA) []byte {
	t.Helper()
	return encoded(t, func(int, int) color.NRGBA { return c })
}

func encoded(t *testing.T, at func(x, y int) color.NRGBA) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	for y := range 300 {
		for x := range 300 {
			img.SetNRGBA(x, y, at(x, y))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What can hardly be seen is an example of a style all the same.
func TestCheckTakesPaleReferences(t *testing.T) {
	for name, at := range map[string]func(x, y int) color.NRGBA{
		"fog": func(x, _ int) color.NRGBA { v := uint8(200 + x/30); return color.NRGBA{v, v, v, 255} },
		"a thin line": func(x, y int) color.NRGBA {
			if x == 150 && y > 50 && y < 250 {
				return color.NRGBA{90, 90, 90, 255}
			}
			return color.NRGBA{255, 255, 255, 255}
		},
		"two hues of one tone": func(x, _ int) color.NRGBA {
			if x < 150 {
				return color.NRGBA{180, 60, 60, 255}
			}
			return color.NRGBA{60, 121, 60, 255}
		},
	} {
		if _, err := reference.Check(encoded(t, at), "image", imaging.DefaultLimits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestCheckNormalises(t *testing.T) {
	for name, c := range map[string]struct {
		data   []byte
		format string
		w, h   int
	}{
		"as it is":    {drawn(t, 300, 256), "png", 300, 256},
		"large":       {drawn(t, 2560, 320), "png", 2048, 256},
		"large, tall": {drawn(t, 320, 2560), "png", 256, 2048},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := reference.Check(c.data, "portrait", imaging.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if n.Format != c.format || n.Width != c.w || n.Height != c.h {
				t.Errorf("a %s of %d x %d", n.Format, n.Width, n.Height)
			}
			if n.SHA256 != digest(n.PNG) || n.SourceSHA256 != digest(c.data) {
				t.Errorf("digests %s, %s", n.SHA256, n.SourceSHA256)
			}
			img, format, err := image.Decode(bytes.NewReader(n.PNG))
			if err != nil || format != "png" || img.Bounds() != image.Rect(0, 0, c.w, c.h) {
				t.Errorf("it stores a %s of %v (%v)", format, img.Bounds(), err)
			}
			again, err := reference.Check(c.data, "portrait", imaging.DefaultLimits)
			if err != nil || !bytes.Equal(again.PNG, n.PNG) {
				t.Errorf("the same bytes give another reference (%v)", err)
			}
		})
	}
}

// TestCheckDropsMetadata gives a JPEG that says where it was taken, and by whom.
func TestCheckDropsMetadata(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(drawn(t, 300, 300)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	exif := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"), "GPS 48.2082, 16.3738 by Jane Doe"...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	data := slices.Insert(b.Bytes(), 2, append(segment, exif...)...)
	n, err := reference.Check(data, "portrait", imaging.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if n.Format != "jpeg" {
		t.Errorf("it is called a %s", n.Format)
	}
	for _, private := range []string{"Exif", "GPS", "Jane", "eXIf"} {
		if bytes.Contains(n.PNG, []byte(private)) {
			t.Errorf("the reference still says %q", private)
		}
	}
}

func TestLoadReadsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portrait.png")
	want := drawn(t, 300, 300)
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := reference.Load(t.Context(), path, reference.Options{Field: "portrait"})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestLoadSaysWhatIsWrongWithFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, size), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sparse := write("sparse.png", 0, 0o600)
	if err := os.Truncate(sparse, 1<<40); err != nil { // reading it would fill the memory
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, problem, remedy string }{
		"missing":    {filepath.Join(dir, "none.png"), "there is no file", "path"},
		"no path":    {"", "there is no file", "path"},
		"a folder":   {dir, "is a folder", "file"},
		"empty":      {write("empty.png", 0, 0o600), "is empty", "copied"},
		"heavy":      {write("heavy.png", 1001, 0o600), "has", "allowed"},
		"endless":    {sparse, "has", "allowed"},
		"a device":   {os.DevNull, "no ordinary file", "image file"},
		"in a file":  {filepath.Join(sparse, "x.png"), "cannot be read", "path"},
		"not a name": {strings.Repeat("iVBORw0KGgo", 5000), "cannot be read", "path"},
		"a data URI": {"data:image/png;base64,iVBORw0KGgo=", "there is no file", "path"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := reference.Load(t.Context(), c.path, reference.Options{Field: "portrait", MaxBytes: 1000})
			wantField(t, err, c.problem, c.remedy)
			if data != nil || len(err.Error()) > 600 {
				t.Errorf("%d bytes, an error of %d letters", len(data), len(err.Error()))
			}
		})
	}
}

func TestLoadSaysThatAFileMayNotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	path := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(path, []byte("x"), 0o000); err != nil {
		t.Fatal(err)
	}
	_, err := reference.Load(t.Context(), path, reference.Options{Field: "portrait"})
	wantField(t, err, "may not be read", "allow")
}

func TestLoadTakesSchemesForURLs(t *testing.T) {
	for _, from := range []string{"ftp://example.org/x.png", "file:///etc/hostname", "s3://bucket/x.png"} {
		_, err := reference.Load(t.Context(), from, reference.Options{Field: "portrait"})
		wantField(t, err, "http", "https://")
	}
}

func TestErrorsCallTheFieldAnImageByDefault(t *testing.T) {
	_, err := reference.Load(t.Context(), "none.png", reference.Options{})
	var f *trainset.FieldError
	if !errors.As(err, &f) || f.Field != "image" {
		t.Errorf("got %v", err)
	}
}

func TestCheckTakesPhotographs(t *testing.T) {
	for _, name := range []string{"astronaut.png", "hubble.jpg", "camera.png", "chelsea.png"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "images", name))
		if err != nil {
			t.Skip("the shared photographs are not here")
		}
		if _, err := reference.Check(data, "portrait", imaging.DefaultLimits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
