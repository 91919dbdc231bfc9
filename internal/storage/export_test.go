package storage

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// NewImpatientS3 is NewS3 without the pauses between its tries.
func NewImpatientS3(ctx context.Context, o S3Options) (*S3, error) {
	return newS3(ctx, o, retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil }))
}

// LeavingRoom is what of a check's time its steps have.
var LeavingRoom = leavingRoom
