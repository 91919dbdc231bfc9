package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// s3AnswerWithin is how long a server may take to answer the first, small question.
const s3AnswerWithin = 10 * time.Second

var errSilent = errors.New("the server does not answer")

// answers makes sure, once, that there is a server which answers, be it with a no,
// before it is asked with the patience that large objects need: a person waits.
func (s *S3) answers(ctx context.Context, op, key string) error {
	if s.answered.Load() {
		return nil
	}
	asking, stop := context.WithTimeout(ctx, s.answerWithin)
	defer stop()
	_, err := s.client.HeadBucket(asking, &s3.HeadBucketInput{Bucket: &s.bucket}, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil && asking.Err() != nil && ctx.Err() == nil {
		return &OpError{Op: op, Key: key, Store: s.where, Remedy: reachRemedy, Err: fmt.Errorf("%w within %v", errSilent, s.answerWithin)}
	}
	if ctx.Err() == nil {
		s.answered.Store(true)
	}
	return nil // whatever else is wrong, the question itself will tell
}
