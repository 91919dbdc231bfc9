package app

import (
	"context"
	"fmt"

	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/storage"
)

// OpenStorage opens the store that the settings name: a bucket when one is set,
// else a directory. It writes nothing and asks nothing of a server; a
// storage.Checker does.
func OpenStorage(ctx context.Context, cfg config.Config) (storage.Store, error) {
	if cfg.Storage.Bucket == "" {
		return storage.NewDirectory(cfg.Storage.Out), nil
	}
	s, err := storage.NewS3(ctx, s3Options(cfg.Storage))
	if err != nil {
		return nil, fmt.Errorf("app: opening bucket %s: %w", cfg.Storage.Bucket, err)
	}
	return s, nil
}

func s3Options(o config.Storage) storage.S3Options {
	access, secret := o.Keys()
	return storage.S3Options{
		Bucket: o.Bucket, Prefix: o.Prefix, Region: o.RegionName(), Endpoint: o.Endpoint,
		AccessKey: access, SecretKey: secret, PathStyle: o.UsePathStyle(),
	}
}
