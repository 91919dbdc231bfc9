package storage

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// brokenBodyError says that an object's bytes broke off, or differ from their checksum.
type brokenBodyError struct{ err error }

func (e *brokenBodyError) Error() string { return "reading the object: " + e.err.Error() }

func (e *brokenBodyError) Unwrap() error { return e.err }

var errCredentials = errors.New("no credentials")

// explainedCredentials makes a failure to find credentials one that can be compared with.
type explainedCredentials struct{ aws.CredentialsProvider }

// Retrieve asks the provider inside.
func (c explainedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("%w: %w", errCredentials, err)
	}
	return found, nil
}

// failed says what was being done, why it failed and what to do about it.
func (s *S3) failed(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil { // not the SDK's own timeouts, which compare equal with a passed deadline
		return s.interrupted(ctx, op, key, err)
	}
	if known := s3Outcome(op, err); known != nil {
		return fmt.Errorf("%s %q in %s: %w", op, key, s.where, known)
	}
	permanent, remedy := s3Remedy(err)
	return &OpError{Op: op, Key: key, Store: s.where, Permanent: permanent, Remedy: remedy, Err: err}
}

// interrupted is the context's own error. Where its time has passed, it also says why the last try had failed, or
// that none was answered, and what to do.
func (s *S3) interrupted(ctx context.Context, op, key string, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s %q in %s: %w", op, key, s.where, ctx.Err())
	}
	tried, ok := errors.AsType[*triedError](err)
	if !ok {
		return fmt.Errorf("%s %q in %s: no answer in time: %w; %s", op, key, s.where, ctx.Err(), reachRemedy)
	}
	text := fmt.Errorf("%s %q in %s: %w after %w", op, key, s.where, ctx.Err(), tried.last)
	if _, remedy := s3Remedy(tried.last); remedy != "" {
		return fmt.Errorf("%w; %s", text, remedy)
	}
	return text
}

// s3Outcome finds the answers that are outcomes rather than failures.
func s3Outcome(op string, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NotFound":
		return ErrNotFound
	case "PreconditionFailed":
		if op == "put" {
			return ErrExists
		}
	}
	return nil
}

// cannotMatch reports whether a server refuses to compare versions, which not all can.
func cannotMatch(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains([]string{"NotImplemented", "InvalidArgument", "InvalidRequest"}, api.ErrorCode())
}

// s3Remedies are the server's answers that someone has to do something about.
var s3Remedies = []struct {
	permanent bool
	codes     []string
	remedy    string
}{
	{
		true,
		[]string{"NoSuchBucket"},
		"create the bucket, or correct its name or the endpoint",
	},
	{
		true,
		[]string{"AccessDenied", "Forbidden", "AllAccessDisabled"},
		"allow these credentials s3:GetObject, s3:PutObject and s3:DeleteObject on the prefix and s3:ListBucket on the bucket",
	},
	{
		true,
		[]string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AuthFailure"},
		"correct or renew the access key and the secret key",
	},
	{
		true,
		[]string{"PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"},
		"set the region, or the endpoint, to the bucket's own",
	},
	{
		true,
		[]string{"RequestTimeTooSkewed"},
		"set this machine's clock",
	},
	{
		true,
		[]string{"NotImplemented", "MethodNotAllowed"},
		"use a server that can do this; conditional puts are needed",
	},
	{
		false,
		[]string{"ExistingObjectIsDirectory"},
		"use another key if other objects have this one as their folder",
	},
	{
		false,
		[]string{"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"},
		"free some space in the store",
	},
}

// s3Remedy tells whether a retry is hopeless, and what to do.
func s3Remedy(err error) (permanent bool, remedy string) {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		for _, row := range s3Remedies {
			if slices.Contains(row.codes, api.ErrorCode()) {
				return row.permanent, row.remedy
			}
		}
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.HTTPStatusCode() != 0 {
		return hopeless(answer.HTTPStatusCode()), ""
	}
	return connectionRemedy(err)
}

// hopeless tells the statuses that say the request itself is wrong.
func hopeless(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

const reachRemedy = "make sure that the server runs and can be reached from here"

func connectionRemedy(err error) (permanent bool, remedy string) {
	if errors.Is(err, errCredentials) {
		return false, "set an access key and a secret key, or give the machine a role; a role's server may also be away"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true, "name a file with the authority's certificate in AWS_CA_BUNDLE"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true, "use the server's name as its certificate has it"
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return false, reachRemedy
	}
	return false, ""
}
