// Package reference reads the image that a job begins with, from a path or a
// URL, and checks and normalises it. Both may come from anyone: what is read is
// bounded in bytes, pixels and time, a URL cannot reach into the network that
// this program runs in, and nothing secret of a URL is repeated.
//
// Whatever is wrong with an image is a *trainset.FieldError that says what to
// do about it; any other error is the system's own and worth another try.
//
// It must not know what a reference is for.
package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/imaging"
)

// Options say how references are read. The zero value of each has a default.
type Options struct {
	// Field is what errors call the reference; "image" when empty.
	Field string
	// MaxBytes bounds what is read; that of imaging.DefaultLimits when 0.
	MaxBytes int
	// AllowPrivateHosts lets URLs lead to addresses that are not public.
	AllowPrivateHosts bool
	// Timeout bounds a whole fetch, redirects and body; a minute when 0.
	Timeout time.Duration

	// permit replaces the check that an address is public, in tests: they have
	// no public server.
	permit func(netip.AddrPort) bool
}

func (o Options) withDefaults() Options {
	if o.Field == "" {
		o.Field = "image"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = imaging.DefaultLimits.MaxBytes
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	return o
}

// invalid makes a field error about the reference.
func (o Options) invalid(problem, remedy string) error {
	return trainset.Invalid(o.Field, problem, remedy)
}

// Load reads a reference from a path, or from a URL as FetchURL does: what has
// "://" in it is a URL.
func Load(ctx context.Context, pathOrURL string, o Options) ([]byte, error) {
	if strings.Contains(pathOrURL, "://") {
		return FetchURL(ctx, pathOrURL, o)
	}
	return readFile(pathOrURL, o.withDefaults())
}

// readFile reads a file whose size is checked before it is read, and again
// while: a pipe or a device has none.
func readFile(path string, o Options) ([]byte, error) {
	name := shown(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, o.fileError(name, err)
	}
	switch {
	case info.IsDir():
		return nil, o.invalid(fmt.Sprintf("%s is a folder", name), "give one image file")
	case !info.Mode().IsRegular():
		return nil, o.invalid(fmt.Sprintf("%s is no ordinary file", name), "give an image file")
	case info.Size() > int64(o.MaxBytes):
		return nil, o.tooLarge(fmt.Sprintf("%s has %s", name, megabytes(info.Size())))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, o.fileError(name, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, int64(o.MaxBytes)+1))
	switch {
	case err != nil:
		return nil, o.fileError(name, err)
	case len(data) > o.MaxBytes:
		return nil, o.tooLarge(fmt.Sprintf("%s has more than %s", name, megabytes(int64(o.MaxBytes))))
	case len(data) == 0:
		return nil, o.invalid(fmt.Sprintf("%s is empty", name), "give an image file; was it copied completely?")
	}
	return data, nil
}

func (o Options) fileError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.invalid(fmt.Sprintf("there is no file %s", name), "check the path")
	case errors.Is(err, fs.ErrPermission):
		return o.invalid(fmt.Sprintf("%s may not be read", name), "allow this user to read it")
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return o.invalid(fmt.Sprintf("%s cannot be read: %v", name, err), "give the path of an image file")
}

func (o Options) tooLarge(problem string) error {
	return o.invalid(problem, fmt.Sprintf("at most %s are allowed; save it smaller or as a JPEG", megabytes(int64(o.MaxBytes))))
}

func megabytes(n int64) string { return fmt.Sprintf("%.4g MB", float64(n)/(1<<20)) }

// shown is a path as errors quote it, shortened: someone may give a whole image
// as text.
func shown(path string) string {
	const most = 200
	if len(path) > most {
		path = path[:most] + "..."
	}
	return strconv.Quote(path)
}
