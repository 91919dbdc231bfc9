package storage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

// idKey names the object by which a store is known. No user's or job's object lies there.
const idKey = "trainset/storage.json"

// identity is what that object says.
type identity struct {
	ID string `json:"storage_id"`
}

// ID returns by what the store is known, however it is addressed: a random name that is written into it once, and
// read back from then on. Callers with one ID have one store, or a copy of it.
func ID(ctx context.Context, s Store) (string, error) {
	id, err := readID(ctx, s)
	if !errors.Is(err, ErrNotFound) || ctx.Err() != nil {
		return id, err
	}
	body, err := json.Marshal(identity{rand.Text()})
	if err != nil {
		return "", fmt.Errorf("naming %s: %w", s.Describe(), err)
	}
	err = s.Put(ctx, idKey, body, PutOptions{ContentType: "application/json", IfAbsent: true})
	if err != nil && !errors.Is(err, ErrExists) { // another may have been first
		return "", fmt.Errorf("naming %s: %w", s.Describe(), err)
	}
	return readID(ctx, s)
}

func readID(ctx context.Context, s Store) (string, error) {
	body, err := s.Get(ctx, idKey)
	if err != nil {
		return "", fmt.Errorf("reading %s in %s: %w", idKey, s.Describe(), err)
	}
	var is identity
	if err := json.Unmarshal(body, &is); err != nil || is.ID == "" {
		return "", fmt.Errorf("%s in %s is damaged: delete it, and the next start writes another", idKey, s.Describe())
	}
	return is.ID, nil
}
