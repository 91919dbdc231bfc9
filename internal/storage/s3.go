//nolint:wrapcheck // S3.failed wraps each error once, at the exported methods
package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/actormaker/trainset"
)

const (
	s3Tries       = 5               // of one request, the first included
	s3MaxBackoff  = 5 * time.Second // between two of them
	s3BodyTries   = 3               // of a Get whose body broke off, which the SDK does not repeat
	s3TryTimeout  = 5 * time.Minute // of one try with its body: MaxObject at 1 MB/s
	s3HeadTimeout = time.Minute     // from the request's last byte to the answer's first
	s3IdleConns   = 64              // a worker stores as many images at once
	s3DeleteBatch = 1000            // the protocol's limit

	maxLink = 7 * 24 * time.Hour // the longest life that a signature may have
)

// S3 keeps objects in a bucket, under a prefix of its own.
type S3 struct {
	client  *s3.Client
	presign *s3.PresignClient
	bucket  string
	prefix  string // empty, or ending in a slash
	where   string

	answerWithin time.Duration
	answered     atomic.Bool // the server has answered something
}

var (
	_ Store   = (*S3)(nil)
	_ Linker  = (*S3)(nil)
	_ Checker = (*S3)(nil)
)

// NewS3 prepares a client; it asks nothing of the server, which Check does. Its errors are *trainset.FieldError,
// all of them joined; the files that the SDK reads count as settings.
func NewS3(ctx context.Context, o S3Options) (*S3, error) {
	return newS3(ctx, o, retry.NewExponentialJitterBackoff(s3MaxBackoff))
}

func newS3(ctx context.Context, o S3Options, delay retry.BackoffDelayer) (*S3, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	settings, err := o.load(ctx, delay)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(settings, func(c *s3.Options) {
		c.UsePathStyle = o.PathStyle
		if o.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.Endpoint)
		}
	})
	s := &S3{client: client, presign: s3.NewPresignClient(client), bucket: o.Bucket, where: o.describe(settings.Region), answerWithin: s3AnswerWithin}
	if prefix := o.prefix(); prefix != "" {
		s.prefix = prefix + "/"
	}
	return s, nil
}

// load reads what the environment and the SDK's files say, and puts the options over it.
func (o S3Options) load(ctx context.Context, delay retry.BackoffDelayer) (aws.Config, error) {
	settings, err := config.LoadDefaultConfig(ctx, func(l *config.LoadOptions) error {
		l.Region = o.Region
		// The SDK adds the authorities of AWS_CA_BUNDLE to its own kind of client and to no other.
		l.HTTPClient = awshttp.NewBuildableClient().WithTimeout(s3TryTimeout).WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = s3HeadTimeout
			t.MaxIdleConnsPerHost = s3IdleConns
		})
		l.Logger = logging.Nop{} // what matters comes back as an error; standard error belongs to the program
		l.Retryer = func() aws.Retryer { return newRetryer(delay) }
		if o.AccessKey != "" {
			l.Credentials = credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")
		}
		return nil
	})
	if err != nil {
		return settings, unreadable(ctx, err)
	}
	if settings.Region == "" && o.Endpoint != "" {
		settings.Region = "us-east-1" // other servers hardly look at it, but it is part of every signature
	}
	if settings.Region == "" {
		return settings, errNoRegion
	}
	settings.Credentials = explainedCredentials{settings.Credentials}
	settings.APIOptions = append(settings.APIOptions, rememberLastTry)
	return settings, nil
}

// unreadable is a setting that is wrong, whatever the server says: a file that is missing or malformed.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("reading the AWS settings: %w", err)
	}
	return trainset.Invalid("AWS settings", "cannot be read: "+err.Error(), "see AWS_PROFILE, and the files that AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_CA_BUNDLE name")
}

// newRetryer repeats what the SDK does, a conditional put that met another of the same key under way, and one
// whose folder was removed meanwhile: versitygw, which keeps objects in folders, calls that by the third name.
func newRetryer(delay retry.BackoffDelayer) aws.Retryer {
	return retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = s3Tries
		r.Backoff = delay
		r.Retryables = append(r.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{
			"ConditionalRequestConflict": {}, "OperationAborted": {}, "ExistingObjectIsDirectory": {},
		}})
	})
}

// Describe names bucket, prefix and server.
func (s *S3) Describe() string { return s.where }

// Put sends the object in one request with a checksum, which the server compares.
func (s *S3) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	return s.PutParts(ctx, key, [][]byte{body}, o)
}

// PutParts sends them as the body of one request, like Put.
func (s *S3) PutParts(ctx context.Context, key string, parts [][]byte, o PutOptions) error {
	if err := ValidKey(key); err != nil {
		return err
	}
	size := length(parts)
	if err := checkSize(size); err != nil {
		return err
	}
	if err := s.answers(ctx, "put", key); err != nil {
		return err
	}
	input := &s3.PutObjectInput{Bucket: &s.bucket, Key: s.name(key), Body: io.NewSectionReader(joined(parts), 0, size)}
	if o.ContentType != "" {
		input.ContentType = &o.ContentType
	}
	if o.IfAbsent {
		input.IfNoneMatch = aws.String("*")
	}
	if o.IfVersion != "" {
		input.IfMatch = &o.IfVersion
	}
	_, err := s.client.PutObject(ctx, input)
	if input.IfMatch != nil && cannotMatch(err) {
		o.IfVersion = ""
		return s.PutParts(ctx, key, parts, o)
	}
	err = s.failed(ctx, "put", key, err)
	if o.IfVersion != "" && (errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound)) {
		return fmt.Errorf("put %q in %s: %w", key, s.where, ErrChanged)
	}
	return err
}

// Get reads the object, and begins again when its body breaks off.
func (s *S3) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ValidKey(key); err != nil {
		return nil, err
	}
	if err := s.answers(ctx, "get", key); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		body, err := s.get(ctx, key)
		if _, broken := errors.AsType[*brokenBodyError](err); !broken || try == s3BodyTries || ctx.Err() != nil {
			return body, s.failed(ctx, "get", key, err)
		}
	}
}

func (s *S3) get(ctx context.Context, key string) ([]byte, error) {
	answer, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: s.name(key)})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if err := checkSize(aws.ToInt64(answer.ContentLength)); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	body.Grow(int(aws.ToInt64(answer.ContentLength)) + bytes.MinRead) // a buffer that grows is held twice
	if _, err := body.ReadFrom(io.LimitReader(answer.Body, MaxObject+1)); err != nil {
		return nil, &brokenBodyError{err}
	}
	if err := checkSize(int64(body.Len())); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// Stat asks for the object's headers.
func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	if err := ValidKey(key); err != nil {
		return Info{}, err
	}
	if err := s.answers(ctx, "stat", key); err != nil {
		return Info{}, err
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.name(key)})
	if err != nil {
		return Info{}, s.failed(ctx, "stat", key, err)
	}
	return Info{Key: key, Size: aws.ToInt64(head.ContentLength), ModTime: aws.ToTime(head.LastModified), Version: aws.ToString(head.ETag)}, nil
}

// List reads page after page.
func (s *S3) List(ctx context.Context, prefix string) ([]Info, error) {
	if err := validPrefix(prefix); err != nil {
		return nil, err
	}
	if err := s.answers(ctx, "list", prefix); err != nil {
		return nil, err
	}
	var infos []Info
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.name(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.failed(ctx, "list", prefix, err)
		}
		infos = s.collect(infos, page.Contents)
	}
	slices.SortFunc(infos, byKey) // some kinds of bucket give no order
	return infos, nil
}

// collect leaves out what others have put under names that are no keys.
func (s *S3) collect(infos []Info, objects []types.Object) []Info {
	for _, object := range objects {
		key := strings.TrimPrefix(aws.ToString(object.Key), s.prefix)
		if ValidKey(key) == nil {
			infos = append(infos, Info{Key: key, Size: aws.ToInt64(object.Size), ModTime: aws.ToTime(object.LastModified)})
		}
	}
	return infos
}

// Delete removes a thousand objects in one request.
func (s *S3) Delete(ctx context.Context, keys ...string) error {
	if err := validKeys(keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	if err := s.answers(ctx, "delete", keys[0]); err != nil {
		return err
	}
	for batch := range slices.Chunk(keys, s3DeleteBatch) {
		if err := s.deleteBatch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *S3) deleteBatch(ctx context.Context, keys []string) error {
	wanted := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		wanted[i].Key = s.name(key)
	}
	answer, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &s.bucket, Delete: &types.Delete{Objects: wanted, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return s.failed(ctx, "delete", keys[0], err)
	}
	for _, refused := range answer.Errors {
		cause := &smithy.GenericAPIError{Code: aws.ToString(refused.Code), Message: aws.ToString(refused.Message)}
		key := strings.TrimPrefix(aws.ToString(refused.Key), s.prefix)
		if err := s.failed(ctx, "delete", key, cause); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Link signs a URL. It ends earlier than ttl says when the credentials themselves do.
func (s *S3) Link(ctx context.Context, key string, ttl time.Duration) (string, error) {
	if err := errors.Join(ValidKey(key), validTTL(ttl)); err != nil {
		return "", err
	}
	input := &s3.GetObjectInput{Bucket: &s.bucket, Key: s.name(key)}
	request, err := s.presign.PresignGetObject(ctx, input, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", s.failed(ctx, "link", key, err)
	}
	return request.URL, nil
}

// Check tries out every operation and permission that is needed.
func (s *S3) Check(ctx context.Context) error { return check(ctx, s) }

// name gives the object's name in the bucket.
func (s *S3) name(key string) *string { return aws.String(s.prefix + key) }
