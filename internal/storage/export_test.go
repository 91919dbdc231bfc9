package storage

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// NewImpatientS3 is NewS3 without the pauses between its tries, and without the first question.
func NewImpatientS3(ctx context.Context, o S3Options) (*S3, error) {
	s, err := newS3(ctx, o, retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil }))
	if err == nil {
		s.answered.Store(true)
	}
	return s, err
}

// AnswerWithin sets how long a server may take to answer the first question.
func (s *S3) AnswerWithin(d time.Duration) { s.answerWithin = d }

// LeavingRoom is what of a check's time its steps have.
var LeavingRoom = leavingRoom
