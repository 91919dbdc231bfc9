//nolint:wrapcheck // Directory.failed wraps each error once, at the exported methods
package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	fileMode   = 0o644 // what trainers, web servers and other users of the machine may read
	folderMode = 0o755

	// temporaryPrefix makes a file that no key can name, so that what a crash leaves behind is never an object.
	temporaryPrefix = ".put-"

	// folderTries bounds the race with a Delete that removes the emptied folder a Put is about to write to.
	folderTries = 16
)

// Directory keeps each object in a file of a folder, named by its key. Symbolic links are never objects and
// never lead out of the folder. It needs a file system with hard links, as all usual local ones are.
type Directory struct {
	root    string
	durable durableFolders
}

var (
	_ Store   = (*Directory)(nil)
	_ Checker = (*Directory)(nil)
)

// NewDirectory uses the folder at root. Nothing is created before the first Put.
func NewDirectory(root string) *Directory {
	if absolute, err := filepath.Abs(root); err == nil {
		root = absolute // a later chdir must not move the store
	}
	return &Directory{root: root}
}

// Describe names the folder.
func (d *Directory) Describe() string { return "folder " + d.root }

// Path gives the file that holds the object, whether it exists or not; "" for what is no key.
func (d *Directory) Path(key string) string {
	if ValidKey(key) != nil {
		return ""
	}
	return filepath.Join(d.root, filepath.FromSlash(key))
}

// Put writes a hidden file beside the target, syncs it, gives it the object's name and syncs the folder.
func (d *Directory) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	return d.PutParts(ctx, key, [][]byte{body}, o)
}

// PutParts writes one part after the other.
func (d *Directory) PutParts(ctx context.Context, key string, parts [][]byte, o PutOptions) error {
	if err := ValidKey(key); err != nil {
		return err
	}
	if err := checkSize(length(parts)); err != nil {
		return err
	}
	return d.failed("put", key, d.put(ctx, key, parts, o))
}

func (d *Directory) put(ctx context.Context, key string, parts [][]byte, o PutOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := d.create()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a handle to a folder, nothing is written through it
	if err := free(root, key, o); err != nil {
		return err
	}
	temporary, err := d.writeTemporary(root, path.Dir(key), parts)
	if err != nil {
		return err
	}
	if err := publish(ctx, root, temporary, key, o); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return syncFolder(root, path.Dir(key))
}

// free spares the writing when the outcome is known. The race it leaves open is settled by publish.
func free(root *os.Root, key string, o PutOptions) error {
	info, err := root.Lstat(key)
	switch {
	case err != nil:
		return nil //nolint:nilerr // missing, or a trouble that writing will meet and name
	case info.IsDir():
		return errFolder
	case o.IfAbsent:
		return ErrExists
	}
	return nil
}

// unchanged makes sure that a key has the object of a version.
func unchanged(root *os.Root, key, version string) error {
	info, err := object(root, key)
	if errors.Is(err, ErrNotFound) || err == nil && info.Version != version {
		return ErrChanged
	}
	return err
}

// publish gives the finished file its name in one step; in two where it is to replace an object of a version,
// for which no file system has one.
func publish(ctx context.Context, root *os.Root, temporary, key string, o PutOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.IfVersion != "" {
		if err := unchanged(root, key, o.IfVersion); err != nil {
			return err
		}
	}
	if !o.IfAbsent {
		return root.Rename(temporary, key)
	}
	err := root.Link(temporary, key)
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err == nil {
		_ = root.Remove(temporary) // the object is there; a second, hidden name for it is no failure
	}
	return err
}

// writeTemporary writes a new hidden file in the folder and syncs it.
func (d *Directory) writeTemporary(root *os.Root, folder string, parts [][]byte) (string, error) {
	name := path.Join(folder, temporaryPrefix+rand.Text())
	file, err := d.createFile(root, folder, name)
	if err != nil {
		return "", err
	}
	if err = writeAll(file, parts); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, root.Remove(name))
	}
	return name, nil
}

// createFile makes the folder and the file in it, again when a Delete removes the empty folder in between.
func (d *Directory) createFile(root *os.Root, folder, name string) (*os.File, error) {
	var file *os.File
	var err error
	for range folderTries {
		if err = d.makeFolder(root, folder); err == nil {
			file, err = root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return file, err
}

// Get reads the object's file.
func (d *Directory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ValidKey(key); err != nil {
		return nil, err
	}
	body, err := d.get(ctx, key)
	return body, d.failed("get", key, err)
}

func (d *Directory) get(ctx context.Context, key string) ([]byte, error) {
	root, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // a handle to a folder, nothing is written through it
	if _, err := object(root, key); err != nil {
		return nil, err
	}
	file, err := root.Open(key)
	if err != nil {
		return nil, missing(err)
	}
	defer file.Close() //nolint:errcheck // only read
	return read(file)
}

// read takes the size of the open file, so that a rename in between cannot mislead it.
func read(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkSize(info.Size()); err != nil {
		return nil, err
	}
	body := make([]byte, info.Size())
	_, err = io.ReadFull(file, body)
	return body, err
}

// Stat looks at the object's file.
func (d *Directory) Stat(ctx context.Context, key string) (Info, error) {
	if err := ValidKey(key); err != nil {
		return Info{}, err
	}
	info, err := d.stat(ctx, key)
	return info, d.failed("stat", key, err)
}

func (d *Directory) stat(ctx context.Context, key string) (Info, error) {
	root, err := d.open(ctx)
	if err != nil {
		return Info{}, err
	}
	defer root.Close() //nolint:errcheck // a handle to a folder, nothing is written through it
	return object(root, key)
}

// List walks the folder that the prefix reaches into.
func (d *Directory) List(ctx context.Context, prefix string) ([]Info, error) {
	if err := validPrefix(prefix); err != nil {
		return nil, err
	}
	infos, err := d.list(ctx, prefix)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return infos, d.failed("list", prefix, err)
}

func (d *Directory) list(ctx context.Context, prefix string) ([]Info, error) {
	root, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // a handle to a folder, nothing is written through it
	var infos []Info
	err = fs.WalkDir(root.FS(), path.Dir(prefix), func(key string, entry fs.DirEntry, err error) error {
		if err != nil {
			return ignoreMissing(err)
		}
		if entry.IsDir() {
			return enter(ctx, key, prefix)
		}
		if !listed(key, prefix) {
			return nil
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() {
			infos = append(infos, describe(key, info))
		}
		return ignoreMissing(err)
	})
	slices.SortFunc(infos, byKey)
	return infos, err
}

func listed(key, prefix string) bool { return strings.HasPrefix(key, prefix) && ValidKey(key) == nil }

// enter keeps the walk out of folders that hold nothing wanted: hidden ones, and those beside the prefix.
func enter(ctx context.Context, folder, prefix string) error {
	if err := ctx.Err(); err != nil || folder == "." {
		return err
	}
	within := folder + "/"
	if !validSegment(path.Base(folder)) || !strings.HasPrefix(within, prefix) && !strings.HasPrefix(prefix, within) {
		return fs.SkipDir
	}
	return nil
}

// Delete removes the objects' files, and the folders that this leaves empty.
func (d *Directory) Delete(ctx context.Context, keys ...string) error {
	if err := validKeys(keys); err != nil {
		return err
	}
	root, err := d.open(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return d.failed("delete", "", err)
	}
	defer root.Close() //nolint:errcheck // a handle to a folder, nothing is written through it
	for _, key := range keys {
		if err := d.remove(ctx, root, key); err != nil {
			return d.failed("delete", key, err)
		}
	}
	return nil
}

func (d *Directory) remove(ctx context.Context, root *os.Root, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := object(root, key)
	if err == nil {
		err = root.Remove(key)
	}
	if err = missing(err); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	d.prune(root, path.Dir(key))
	return nil
}

// prune removes the folder and those above it while they are empty. Failing to is no failure to delete.
func (d *Directory) prune(root *os.Root, folder string) {
	for ; folder != "."; folder = path.Dir(folder) {
		info, err := root.Lstat(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || !info.IsDir() || root.Remove(folder) != nil {
			return
		}
		d.durable.forget(folder)
	}
}

// Check tries the folder out. It creates the folder when it is missing.
func (d *Directory) Check(ctx context.Context) error { return check(ctx, d) }

// open gives the folder, or ErrNotFound before the first Put.
func (d *Directory) open(ctx context.Context) (*os.Root, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := openRoot(d.root)
	return root, missing(err)
}

// object describes a regular file; whatever else has the name is no object.
func object(root *os.Root, key string) (Info, error) {
	info, err := root.Lstat(key)
	if err != nil {
		return Info{}, missing(err)
	}
	if !info.Mode().IsRegular() {
		return Info{}, ErrNotFound
	}
	return describe(key, info), nil
}

func describe(key string, info fs.FileInfo) Info {
	version := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	return Info{Key: key, Size: info.Size(), ModTime: info.ModTime(), Version: version}
}

func byKey(a, b Info) int { return strings.Compare(a.Key, b.Key) }
