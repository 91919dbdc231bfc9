package storage_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

func put(t *testing.T, s storage.Store, key, body string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(body), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, s storage.Store, prefix string) string {
	t.Helper()
	infos, err := s.List(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Key
	}
	return strings.Join(names, " ")
}

func TestDirectoryCreatesNothingBeforeTheFirstPut(t *testing.T) {
	root := filepath.Join(t.TempDir(), "deep", "out")
	d := storage.NewDirectory(root)
	if _, err := d.Get(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Get: %v, want ErrNotFound", err)
	}
	if _, err := d.Stat(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Stat: %v, want ErrNotFound", err)
	}
	if err := d.Delete(t.Context(), "a"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if got := keys(t, d, ""); got != "" {
		t.Errorf("List gives %q", got)
	}
	if _, err := os.Lstat(filepath.Dir(root)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
	put(t, d, "a/b", "x")
	if got := keys(t, d, ""); got != "a/b" {
		t.Errorf("List gives %q after a Put", got)
	}
}

func TestDirectoryPathHoldsTheObject(t *testing.T) {
	d := storage.NewDirectory(t.TempDir())
	put(t, d, "jobs/1/001.txt", "a caption")
	body, err := os.ReadFile(d.Path("jobs/1/001.txt"))
	if err != nil || string(body) != "a caption" {
		t.Errorf("the file holds %q, %v", body, err)
	}
	for file, want := range map[string]fs.FileMode{"jobs/1/001.txt": 0o644, "jobs/1": 0o755} {
		info, err := os.Stat(d.Path(file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&^want != 0 {
			t.Errorf("%s has mode %v, want at most %v", file, info.Mode().Perm(), want)
		}
	}
	if got := d.Path("../escape"); got != "" {
		t.Errorf("Path of what is no key is %q", got)
	}
}

func TestDirectoryStaysPutWhenTheProcessMoves(t *testing.T) {
	t.Chdir(t.TempDir())
	d := storage.NewDirectory("out")
	put(t, d, "a", "x")
	t.Chdir(t.TempDir())
	if got := keys(t, d, ""); got != "a" {
		t.Errorf("after a chdir List gives %q", got)
	}
}

func TestDirectoryListsOnlyObjects(t *testing.T) {
	root := t.TempDir()
	d := storage.NewDirectory(root)
	put(t, d, "jobs/1/a.png", "x")
	for _, stray := range []string{
		".trainset/redis.aof", "jobs/1/.put-LEFTOVER", "jobs/.hidden/a", "jobs/my photo.png", "jobs/Bücher/a",
	} {
		file := filepath.Join(root, stray)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.png", filepath.Join(root, "jobs/1/link.png")); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, d, ""); got != "jobs/1/a.png" {
		t.Errorf("List gives %q, want the object alone", got)
	}
	if _, err := d.Get(t.Context(), "jobs/1/link.png"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Get of a link: %v, want ErrNotFound as List has it", err)
	}
}

func TestDirectoryNeverFollowsLinksOut(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"folder": outside, "file": secret} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := storage.NewDirectory(root)
	for _, key := range []string{"folder/secret", "file"} {
		if body, err := d.Get(t.Context(), key); err == nil {
			t.Errorf("Get %s gives %q", key, body)
		}
		_ = d.Delete(t.Context(), key)
	}
	if err := d.Put(t.Context(), "folder/new", nil, storage.PutOptions{}); err == nil {
		t.Error("a Put wrote outside the folder")
	}
	put(t, d, "file", "mine")
	if body, err := os.ReadFile(secret); err != nil || string(body) != "private" {
		t.Errorf("the file outside holds %q, %v", body, err)
	}
}

func TestDirectoryDeleteRemovesEmptiedFolders(t *testing.T) {
	root := t.TempDir()
	d := storage.NewDirectory(root)
	put(t, d, "u/jobs/1/a", "x")
	put(t, d, "u/jobs/1/b", "x")
	put(t, d, "u/keep", "x")
	if err := d.Delete(t.Context(), "u/jobs/1/a"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "u/jobs/1")); err != nil {
		t.Errorf("a folder with an object went: %v", err)
	}
	if err := d.Delete(t.Context(), "u/jobs/1/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "u/jobs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder stayed: %v", err)
	}
	if err := d.Delete(t.Context(), "u/keep"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Errorf("the root went: %v", err)
	}
	put(t, d, "u/jobs/1/a", "again")
}

func TestDirectoryNamesWhatIsInTheWay(t *testing.T) {
	d := storage.NewDirectory(t.TempDir())
	put(t, d, "a", "x")
	put(t, d, "b/c", "x")
	for _, key := range []string{"a/b", "a/b/c", "b"} {
		for _, ifAbsent := range []bool{false, true} {
			err := d.Put(t.Context(), key, nil, storage.PutOptions{IfAbsent: ifAbsent})
			if errors.Is(err, storage.ErrExists) || !storage.Permanent(err) || !strings.Contains(err.Error(), "use another key") {
				t.Errorf("Put %s, IfAbsent %v: %v; want a permanent error with its remedy", key, ifAbsent, err)
			}
		}
	}
	for _, key := range []string{"a/b", "a/b/c", "b"} {
		if _, err := d.Get(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Get %s: %v, want ErrNotFound", key, err)
		}
		if err := d.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete %s: %v", key, err)
		}
	}
	if got := keys(t, d, ""); got != "a b/c" {
		t.Errorf("afterwards there are %q", got)
	}
}

func TestDirectoryRefusesWhatIsTooLarge(t *testing.T) {
	d := storage.NewDirectory(t.TempDir())
	put(t, d, "big", "x")
	if err := os.Truncate(d.Path("big"), storage.MaxObject+1); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), "big"); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("Get: %v, want ErrTooLarge", err)
	}
}

func TestDirectoryExplainsARootThatIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := storage.NewDirectory(file).Check(t.Context())
	if err == nil || !storage.Permanent(err) || !strings.Contains(err.Error(), "write") {
		t.Errorf("Check: %v; want a permanent error that names the step", err)
	}
}

func TestDirectoryCheckLeavesNothing(t *testing.T) {
	root := t.TempDir()
	if err := storage.NewDirectory(root).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 0 {
		t.Errorf("the check left %v, %v", entries, err)
	}
}

func TestDirectory(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		t.Helper()
		return storage.NewDirectory(t.TempDir())
	})
}
