package generate

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/actormaker/trainset"
)

const (
	triggerPrefix     = "vq"
	triggerLetters    = 5
	triggerConsonants = "bcdfghjklmnpqrstvwxz"
)

// Trigger derives the rare word that stands for a user's subject in captions:
// "vq" and five consonants. Without a vowel it is no word of English, and a
// tokenizer knows nothing about it.
func Trigger(user, subject string) string {
	h := sha256.New()
	for _, part := range []string{"trainset trigger 1", user, subject} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	v := binary.BigEndian.Uint64(h.Sum(nil))
	word := []byte(triggerPrefix)
	for range triggerLetters {
		word = append(word, triggerConsonants[v%uint64(len(triggerConsonants))])
		v /= uint64(len(triggerConsonants))
	}
	return string(word)
}

var wordPattern = regexp.MustCompile(`[\p{L}\p{N}]+`)

// compoundPattern finds what a trigger with hyphens could be mistaken for.
var compoundPattern = regexp.MustCompile(`[\p{L}\p{N}]+(-[\p{L}\p{N}]+)+`)

// CheckTrigger refuses a trigger that captions use as an ordinary word: it
// would stand for two things. The error is a *trainset.FieldError.
func CheckTrigger(trigger string) error {
	if !captionWords()[strings.ToLower(trigger)] {
		return nil
	}
	return &trainset.FieldError{
		Field:   "trigger",
		Problem: fmt.Sprintf("%q is an ordinary word of captions", trigger),
		Remedy:  "use a rare word, or leave it out to have one derived",
	}
}

// captionWords holds every word that captions are made of.
var captionWords = sync.OnceValue(collectWords)

func collectWords() map[string]bool {
	words := make(map[string]bool)
	add := func(s string) {
		s = strings.ToLower(s)
		for _, w := range append(wordPattern.FindAllString(s, -1), compoundPattern.FindAllString(s, -1)...) {
			words[w] = true
		}
	}
	for _, s := range scenes {
		for _, m := range []Moment{s.Moment, s.Milder} {
			add(m.action.caption)
			add(m.setting.caption)
		}
		add(techniques[s.Technique].caption)
		add(lights[s.Light].caption)
	}
	for _, f := range framings {
		add(f.caption)
	}
	for _, s := range subjects {
		add(s.Content)
	}
	add("a an of in named style character man woman person creature robotic anthropomorphic mythical")
	return words
}
