package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	redacted = "[redacted]"
	// Beyond these, a payload is a file rather than something to read.
	maxReadable = 1 << 20
	maxString   = 4 << 10
	maxShown    = 64 << 10
)

// readable is a payload or a result as a person may see it: JSON indented in
// its own order, other text as it is, without secrets, without the queries of
// URLs (a signed one is a key to what it names), and without what nobody can read.
func readable(b []byte) string {
	if len(b) > maxReadable {
		return fmt.Sprintf("%d bytes: too many to show", len(b))
	}
	var compact, indented bytes.Buffer
	if err := redactJSON(&compact, b); err == nil && json.Indent(&indented, compact.Bytes(), "", "  ") == nil {
		return clip(indented.String(), maxShown)
	}
	if !printable(b) {
		return fmt.Sprintf("%d bytes that are no text", len(b))
	}
	return clip(redactText(string(b)), maxShown)
}

func printable(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }) < 0
}

// clip shortens a text, between characters, and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return fmt.Sprintf("%s… (%d more bytes)", s[:n], len(s)-n)
}

var errNoJSON = errors.New("the bytes are no JSON value")

// redactJSON copies a JSON value, redacted. Its order stays: it is how the
// producer wrote it.
func redactJSON(out *bytes.Buffer, b []byte) error {
	if !json.Valid(b) { // the decoder alone would take several values
		return errNoJSON
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return redactValue(out, d, false)
}

// redactValue copies the value that comes next; below a secret's name no
// string is shown.
func redactValue(out *bytes.Buffer, d *json.Decoder, secret bool) error {
	t, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	switch t := t.(type) {
	case json.Delim:
		return redactNested(out, d, t, secret)
	case string:
		if secret && t != "" {
			t = redacted
		}
		return writeString(out, clip(redactText(t), maxString))
	case json.Number:
		out.WriteString(t.String())
	case bool:
		fmt.Fprint(out, t)
	case nil:
		out.WriteString("null")
	}
	return nil
}

// redactNested copies what follows a bracket, up to the one that closes it.
func redactNested(out *bytes.Buffer, d *json.Decoder, open json.Delim, secret bool) error {
	out.WriteString(open.String())
	for i := 0; d.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		below := secret
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return fmt.Errorf("reading JSON: %w", err)
			}
			text, _ := name.(string) // a name is one
			below = below || secretName(text)
			if err := writeString(out, clip(redactText(text), maxString)); err != nil {
				return err
			}
			out.WriteByte(':')
		}
		if err := redactValue(out, d, below); err != nil {
			return err
		}
	}
	end, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	fmt.Fprint(out, end)
	return nil
}

func writeString(out *bytes.Buffer, s string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false) // the page escapes what it shows
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	out.Truncate(out.Len() - 1) // the line break that Encode adds
	return nil
}

// secretWords name secrets wherever they are in a field's name. "key" is not
// among them: idempotency keys and storage keys are what one looks for.
var secretWords = []string{
	"token", "secret", "password", "passwd", "passphrase", "authorization", "apikey", "accesskey", "privatekey",
	"credential", "signature", "cookie",
}

func secretName(name string) bool {
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name))
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

var (
	urlPattern    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>` + "`" + `]+`)
	secretPattern = regexp.MustCompile(`\b(r8_|whsec_|AKIA|ASIA|sk-|Bearer\s+|Basic\s+|Token\s+)[A-Za-z0-9+/=_.~-]{8,}`)
)

// redactText takes out what gives access: the user and the query of URLs, and
// what has the form of a token.
func redactText(s string) string {
	s = urlPattern.ReplaceAllStringFunc(s, redactURL)
	return secretPattern.ReplaceAllString(s, "${1}"+redacted)
}

func redactURL(u string) string {
	scheme, rest, _ := strings.Cut(u, "://")
	end := ""
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest, end = rest[:i], rest[i:i+1]+redacted
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = redacted + host[i:]
	}
	return scheme + "://" + host + path + end
}
