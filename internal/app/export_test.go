package app

import (
	"context"

	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/storage"
)

// Unfit is what a start makes of a report.
var Unfit = unfit

// CheckStorage is what a start asks of a store.
func CheckStorage(ctx context.Context, s storage.Store, cfg config.Config) error {
	_, err := (&Deployed{store: s}).checkStorage(ctx, cfg)
	return err
}
