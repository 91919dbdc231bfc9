package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysGoInPairs(t *testing.T) {
	for _, tc := range []struct {
		name           string
		environ        []string
		access, secret string
	}{
		{"none", nil, "", ""},
		{"ours", []string{"AWS_ACCESS_KEY=a", "AWS_ACCESS_SECRET=s"}, "a", "s"},
		{"the SDK's", []string{"AWS_ACCESS_KEY_ID=b", "AWS_SECRET_ACCESS_KEY=t"}, "b", "t"},
		{
			"ours before the SDK's",
			[]string{"AWS_ACCESS_KEY=a", "AWS_ACCESS_SECRET=s", "AWS_ACCESS_KEY_ID=b", "AWS_SECRET_ACCESS_KEY=t", "AWS_SESSION_TOKEN=u"},
			"a", "s",
		},
		{"temporary", []string{"AWS_ACCESS_KEY_ID=b", "AWS_SECRET_ACCESS_KEY=t", "AWS_SESSION_TOKEN=u"}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Load(append(tc.environ, "AWS_USER_FILES_BUCKET=files"), "")
			if err != nil {
				t.Fatal(err)
			}
			if access, secret := c.Storage.Keys(); access != tc.access || secret != tc.secret {
				t.Errorf("got %q, %q; want %q, %q", access, secret, tc.access, tc.secret)
			}
		})
	}
}

func TestHalfPairsAreReportedOnlyForBucketOfOurs(t *testing.T) {
	half := []string{"AWS_ACCESS_KEY_ID=b", "AWS_ACCESS_SECRET=s", "AWS_ENDPOINT_URL_S3=elsewhere"}
	if _, err := Load(half, ""); err != nil {
		t.Errorf("without a bucket: %v", err)
	}
	_, err := Load(append(half, "AWS_USER_FILES_BUCKET=files"), "")
	if diff := cmp.Diff([]string{"AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"}, fieldErrors(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestRegionHasTwoNames(t *testing.T) {
	for want, o := range map[string]Storage{
		"a": {Region: "a", DefaultRegion: "b"}, "b": {DefaultRegion: "b"}, "": {},
	} {
		if got := o.RegionName(); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
}

func TestPathStyleFollowsEndpointUnlessSaid(t *testing.T) {
	for _, tc := range []struct {
		environ []string
		want    bool
	}{
		{nil, false},
		{[]string{"AWS_ENDPOINT_URL_S3=http://s3:7070"}, true},
		{[]string{"AWS_ENDPOINT_URL_S3=http://s3:7070", "TRAINSET_S3_PATH_STYLE=false"}, false},
		{[]string{"TRAINSET_S3_PATH_STYLE=true"}, true},
	} {
		c, err := Load(tc.environ, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Storage.UsePathStyle(); got != tc.want {
			t.Errorf("%v: %t, want %t", tc.environ, got, tc.want)
		}
	}
}

// The SDK does not read .env: what it alone understands would be ignored there.
func TestWhatTheSDKMustReadIsNotOnlyInDotenv(t *testing.T) {
	const bucket = "AWS_USER_FILES_BUCKET=files"
	const temporary = "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=s\nAWS_SESSION_TOKEN=t\n"
	for _, tc := range []struct {
		name    string
		environ []string
		file    string
		want    []string
	}{
		{"no bucket", nil, "AWS_PROFILE=p\n", nil},
		{"profile in the file", []string{bucket}, "AWS_PROFILE=p\n", []string{"AWS_PROFILE"}},
		{"profile in both", []string{bucket, "AWS_PROFILE=q"}, "AWS_PROFILE=p\n", nil},
		{"profile beside keys", []string{bucket}, "AWS_PROFILE=p\nAWS_ACCESS_KEY=a\nAWS_ACCESS_SECRET=s\n", nil},
		{"authorities beside keys", []string{bucket}, "AWS_CA_BUNDLE=p\nAWS_ACCESS_KEY=a\nAWS_ACCESS_SECRET=s\n", []string{"AWS_CA_BUNDLE"}},
		{"keys in the file", []string{bucket}, "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=s\n", nil},
		{
			"temporary credentials in the file",
			[]string{bucket},
			temporary,
			[]string{"AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
		},
		{"their halves apart", []string{bucket, "AWS_SESSION_TOKEN=t"}, temporary, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(tc.environ, dotenv(t, tc.file))
			var got []string
			if err != nil {
				got = fieldErrors(t, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
