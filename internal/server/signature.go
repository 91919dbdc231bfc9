package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/actormaker/trainset"
)

// signatureTolerance is how far a webhook's time may be from ours, either way:
// longer than the provider's retries and any clock that is kept, shorter than
// a recorded delivery stays interesting.
const signatureTolerance = 5 * time.Minute

// What may be wrong with a signature.
var (
	// ErrForged says that none of the secrets made the signature, or not now.
	ErrForged = errors.New("the signature is not the provider's")
	// ErrMalformed says that the headers of a signature are missing or unreadable.
	ErrMalformed = errors.New("the signature's headers are malformed")
)

// VerifySignature checks that the provider signed a webhook's body with one of
// the secrets, not long before or after now. Every signature listed is
// tried; one that cannot be read, or is of another version, is passed over. The
// error is ErrForged or ErrMalformed, with the reason.
func VerifySignature(h http.Header, body []byte, secrets []string, now time.Time) error {
	id, timestamp, err := signedHeaders(h)
	if err != nil {
		return err
	}
	if err := timely(timestamp, now); err != nil {
		return err
	}
	given := signatures(h)
	good := false
	for _, secret := range secrets {
		key, ok := secretKey(secret)
		if !ok {
			continue
		}
		want := sign(key, id, timestamp, body)
		for _, one := range given {
			// All are compared, so that the time taken says nothing.
			good = hmac.Equal(one, want) || good
		}
	}
	if !good {
		return fmt.Errorf("%w: none of the %d listed matches", ErrForged, len(given))
	}
	return nil
}

// signedHeaders returns the two headers that are signed with the body.
func signedHeaders(h http.Header) (id, timestamp string, err error) {
	ids, timestamps := h.Values("Webhook-Id"), h.Values("Webhook-Timestamp")
	if len(ids) != 1 || ids[0] == "" || len(timestamps) != 1 {
		return "", "", fmt.Errorf("%w: webhook-id and webhook-timestamp are each wanted once", ErrMalformed)
	}
	if len(h.Values("Webhook-Signature")) == 0 {
		return "", "", fmt.Errorf("%w: webhook-signature is missing", ErrMalformed)
	}
	return ids[0], timestamps[0], nil
}

func timely(timestamp string, now time.Time) error {
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: webhook-timestamp is no number of seconds", ErrMalformed)
	}
	if sent < now.Add(-signatureTolerance).Unix() || sent > now.Add(signatureTolerance).Unix() {
		return fmt.Errorf("%w: it was made more than %s from now", ErrForged, signatureTolerance)
	}
	return nil
}

// signatures are those listed that can be read: "v1,<base64> v1,<base64>".
func signatures(h http.Header) [][]byte {
	var out [][]byte
	for _, one := range strings.Fields(strings.Join(h.Values("Webhook-Signature"), " ")) {
		version, text, _ := strings.Cut(one, ",")
		if b, err := base64.StdEncoding.DecodeString(text); err == nil && version == "v1" {
			out = append(out, b)
		}
	}
	return out
}

// secretKey is the key in a secret. An empty one would be anybody's.
func secretKey(secret string) ([]byte, bool) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	return key, ok && err == nil && len(key) > 0
}

func sign(key []byte, id, timestamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

func checkSecrets(secrets []string) error {
	var wrong []error
	for i, secret := range secrets {
		if _, ok := secretKey(secret); !ok {
			wrong = append(wrong, trainset.Invalid("webhook secret", fmt.Sprintf("number %d is none", i+1),
				"copy it as the provider shows it: whsec_ and base64"))
		}
	}
	return errors.Join(wrong...)
}
