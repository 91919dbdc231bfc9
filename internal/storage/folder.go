//nolint:wrapcheck // Directory.failed wraps each error once, at the exported methods
package storage

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sync"
)

// durableFolders remembers the folders whose own names are known to be on the disk, so that a Put syncs one
// folder and not every folder above it.
type durableFolders struct {
	mu    sync.Mutex
	known map[string]struct{}
}

// maxDurable bounds the memory; starting over costs a few syncs.
const maxDurable = 4096

func (f *durableFolders) has(folder string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.known[folder]
	return ok
}

func (f *durableFolders) add(folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= maxDurable {
		f.known = make(map[string]struct{})
	}
	f.known[folder] = struct{}{}
}

func (f *durableFolders) forget(folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, folder)
}

// create gives the store's folder and makes it first when it is missing.
func (d *Directory) create() (*os.Root, error) {
	root, err := openRoot(d.root)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	above := missingAbove(d.root)
	if err := os.MkdirAll(d.root, folderMode); err != nil {
		return nil, err
	}
	for _, parent := range above {
		if err := syncPath(parent); err != nil {
			return nil, err
		}
	}
	return openRoot(d.root)
}

// openRoot says so when the path is a file, for which os.OpenRoot has no error to compare with.
func openRoot(folder string) (*os.Root, error) {
	root, err := os.OpenRoot(folder)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if info, statErr := os.Stat(folder); statErr == nil && !info.IsDir() {
		return nil, errRootFile
	}
	return nil, err
}

// missingAbove lists the folders that will get a new folder when path is made.
func missingAbove(folder string) []string {
	var parents []string
	for {
		parent := filepath.Dir(folder)
		if _, err := os.Lstat(folder); err == nil || parent == folder {
			return parents
		}
		parents = append(parents, parent)
		folder = parent
	}
}

// makeFolder makes the folder and those above it, and syncs each new name. A name that another Put has
// just made is synced too: that Put may not have come to it.
func (d *Directory) makeFolder(root *os.Root, folder string) error {
	if folder == "." {
		return nil
	}
	for i := range len(folder) + 1 {
		if i < len(folder) && folder[i] != '/' {
			continue
		}
		if err := d.makeOne(root, folder[:i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) makeOne(root *os.Root, folder string) error {
	err := root.Mkdir(folder, folderMode)
	if errors.Is(err, fs.ErrExist) && d.durable.has(folder) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(root, path.Dir(folder)); err != nil {
		return err
	}
	d.durable.add(folder)
	return nil
}

// syncFolder makes the names in the folder survive a power cut.
func syncFolder(root *os.Root, folder string) error {
	file, err := root.Open(folder)
	return syncOpened(file, err)
}

func syncPath(folder string) error {
	file, err := os.Open(folder)
	return syncOpened(file, err)
}

func syncOpened(file *os.File, err error) error {
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only synced
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there, and need not be
	}
	return file.Sync()
}
