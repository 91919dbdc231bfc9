package storage

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// S3Options say where the objects are. What is empty is taken from the SDK's usual places: its environment
// variables, its files, the machine's role.
type S3Options struct {
	Bucket    string // required
	Prefix    string // "trainset/prod": all keys are under it; a slash at its end is no matter
	Region    string // "eu-central-1"; needed unless Endpoint is given
	Endpoint  string // "https://minio.example:9000" for a server other than Amazon's
	AccessKey string // with SecretKey, or neither
	SecretKey string
	PathStyle bool // http://host/bucket/key, for servers without a host name for each bucket
}

// String shows no secrets, so that a logged or printed options struct is harmless.
func (o S3Options) String() string { return o.describe(o.Region) }

// GoString is String, for %#v.
func (o S3Options) GoString() string { return o.String() }

func (o S3Options) prefix() string { return strings.TrimSuffix(o.Prefix, "/") }

func (o S3Options) describe(region string) string {
	where := "bucket " + o.Bucket
	if prefix := o.prefix(); prefix != "" {
		where += "/" + prefix
	}
	if o.Endpoint != "" {
		return where + " at " + hostOf(o.Endpoint)
	}
	return where + " in " + region
}

func hostOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		return u.Host
	}
	return "an unreadable endpoint"
}

var errNoRegion = trainset.Invalid("region", "is missing", "set AWS_REGION to the bucket's region, or give an endpoint")

// validate reports everything that is wrong at once.
func (o S3Options) validate() error {
	return errors.Join(o.validBucket(), o.validPrefix(), o.validEndpoint(), o.validCredentials())
}

func (o S3Options) validBucket() error {
	switch {
	case o.Bucket == "":
		return trainset.Invalid("bucket", "is missing", "give the bucket's name")
	case strings.ContainsAny(o.Bucket, "/ ") && !strings.HasPrefix(o.Bucket, "arn:"):
		return trainset.Invalid("bucket", fmt.Sprintf("%q is no bucket's name", o.Bucket),
			"give the name alone, without s3:// and without a folder; a folder goes into the prefix")
	}
	return nil
}

func (o S3Options) validPrefix() error {
	if o.prefix() == "" {
		return nil
	}
	return validKey("prefix", o.prefix())
}

func (o S3Options) validEndpoint() error {
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return trainset.Invalid("endpoint", "is not the address of a server", "give one such as https://s3.example.com")
	}
	if u.User != nil || u.RawQuery != "" {
		return trainset.Invalid("endpoint", "holds more than a server's address",
			"give the access key and the secret key as settings of their own")
	}
	return nil
}

func (o S3Options) validCredentials() error {
	switch {
	case o.AccessKey == "" && o.SecretKey != "":
		return trainset.Invalid("access key", "is missing beside the secret key", "give both or neither")
	case o.AccessKey != "" && o.SecretKey == "":
		return trainset.Invalid("secret key", "is missing beside the access key", "give both or neither")
	}
	return nil
}

func validTTL(ttl time.Duration) error {
	if ttl < time.Second || ttl > maxLink {
		return trainset.Invalid("ttl", fmt.Sprintf("is %v", ttl), fmt.Sprintf("use one second to %v", maxLink))
	}
	return nil
}
