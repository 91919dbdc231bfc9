package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

var (
	errFolder   = errors.New("other objects have this key as their folder")
	errRootFile = errors.New("the store's folder is a file")
)

// missing turns the file system's ways of saying so into ErrNotFound. A file where the key has a folder is one.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return ErrNotFound
	}
	return err
}

// ignoreMissing lets a walk pass what a Delete has removed meanwhile.
func ignoreMissing(err error) error {
	if errors.Is(missing(err), ErrNotFound) {
		return nil
	}
	return err
}

// failed says what was being done, and for the file system's own errors what to do about them.
func (d *Directory) failed(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if plain(err) {
		return fmt.Errorf("%s %q in %s: %w", op, key, d.Describe(), err)
	}
	permanent, remedy := fileRemedy(err)
	return &OpError{Op: op, Key: key, Store: d.Describe(), Permanent: permanent, Remedy: remedy, Err: err}
}

// fileRemedies are looked through in order. What is not listed may pass: it is worth another try.
var fileRemedies = []struct {
	cause     error
	permanent bool
	remedy    string
}{
	{errFolder, true, "use another key"},
	{errRootFile, true, "choose another folder, or move the file away"},
	{syscall.ENOTDIR, true, "an object or file has the name of one of the key's folders: use another key, or move it away"},
	{syscall.ENOSPC, false, "free some space on the disk"},
	{syscall.EDQUOT, false, "free some space, or raise the user's quota"},
	{syscall.EMFILE, false, "raise the limit of open files (ulimit -n)"},
	{syscall.EROFS, true, "mount the file system writable, or use another folder"},
	{fs.ErrPermission, true, "give the user that runs this the right to read and write the folder"},
}

func fileRemedy(err error) (permanent bool, remedy string) {
	link, linking := errors.AsType[*os.LinkError](err)
	if linking && (errors.Is(link.Err, syscall.EPERM) || errors.Is(link.Err, errors.ErrUnsupported)) {
		return true, "this file system has no hard links: use a folder on another"
	}
	for _, row := range fileRemedies {
		if errors.Is(err, row.cause) {
			return row.permanent, row.remedy
		}
	}
	return false, ""
}
