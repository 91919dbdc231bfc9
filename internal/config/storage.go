package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/actormaker/trainset"
)

// prefixPattern is what object keys look like; storage looks closer.
var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*/?$`)

// Keys returns the access key and the secret that were set, or nothing where
// the SDK is to find them: in a profile, in the machine's role, or as temporary
// credentials, whose third part only the SDK reads.
func (o Storage) Keys() (access, secret string) {
	switch {
	case o.AccessKey.IsSet():
		return o.AccessKey.Reveal(), o.AccessSecret.Reveal()
	case o.SessionToken.IsSet():
		return "", ""
	}
	return o.KeyID.Reveal(), o.KeySecret.Reveal()
}

// RegionName is the region under either of its names.
func (o Storage) RegionName() string {
	if o.Region != "" {
		return o.Region
	}
	return o.DefaultRegion
}

// UsePathStyle says how the bucket is named; a server that is not Amazon's
// seldom has a host name for each bucket.
func (o Storage) UsePathStyle() bool {
	if o.PathStyle != nil {
		return *o.PathStyle
	}
	return o.Endpoint != ""
}

// validate leaves the variables that other programs share alone while no bucket
// makes them ours.
func (o Storage) validate(p *problems) {
	p.check("TRAINSET_OUT", o.Out != "", "is empty")
	p.check("TRAINSET_S3_PREFIX", o.Prefix == "" || prefixPattern.MatchString(o.Prefix), "is no folder of a bucket")
	if o.Bucket == "" {
		return
	}
	arn := strings.HasPrefix(o.Bucket, "arn:")
	p.check("AWS_USER_FILES_BUCKET", arn || !strings.ContainsAny(o.Bucket, "/: "), "is no bucket's name")
	p.check("AWS_ENDPOINT_URL_S3", o.Endpoint == "" || isServer(o.Endpoint), "is not the address of a server")
	p.pair("AWS_ACCESS_KEY", o.AccessKey, "AWS_ACCESS_SECRET", o.AccessSecret)
	p.pair("AWS_ACCESS_KEY_ID", o.KeyID, "AWS_SECRET_ACCESS_KEY", o.KeySecret)
}

func isServer(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// pair wants both or neither.
func (p *problems) pair(name string, value Secret, other string, otherValue Secret) {
	p.check(name, value.IsSet() || !otherValue.IsSet(), "is not set, and "+other+" is")
	p.check(other, otherValue.IsSet() || !value.IsSet(), "is not set, and "+name+" is")
}

const caBundle = "AWS_CA_BUNDLE"

// leftToSDK are the variables of the AWS SDK that people set most often.
var leftToSDK = []struct{ name, doc string }{
	{"AWS_SESSION_TOKEN", "with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, all three in the environment: temporary credentials"},
	{"AWS_PROFILE", "the profile to take from the SDK's files"},
	{"AWS_SHARED_CREDENTIALS_FILE", "where its credentials are, instead of `~/.aws/credentials`"},
	{"AWS_CONFIG_FILE", "where its settings are, instead of `~/.aws/config`"},
	{"AWS_ROLE_ARN", "the role to assume with a web identity"},
	{"AWS_WEB_IDENTITY_TOKEN_FILE", "the file with that identity's token"},
	{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "where a container's role gives out credentials"},
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "the same as a whole URL"},
	{caBundle, "a file of further certificate authorities"},
}

// misplaced reports what the SDK is to read and stands only in the .env file,
// where it does not look: S3 would be reached with other credentials, or none.
func misplaced(c Config, file, environment map[string]string) error {
	if c.Storage.Bucket == "" {
		return nil
	}
	var found []error
	for _, name := range c.Storage.readBySDK() {
		if strings.TrimSpace(file[name]) != "" && environment[name] == "" {
			found = append(found, trainset.Invalid(name, "is only in the .env file, and the AWS SDK reads it from the environment",
				"export it, or remove it from the file"))
		}
	}
	return errors.Join(found...)
}

// readBySDK lists what the SDK must find by itself; temporary credentials are
// of no use without their other parts.
func (o Storage) readBySDK() []string {
	if access, _ := o.Keys(); access != "" {
		return []string{caBundle}
	}
	var names []string
	for _, v := range leftToSDK {
		names = append(names, v.name)
	}
	if o.SessionToken.IsSet() {
		names = append(names, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	}
	return names
}
