package picture

import "strings"

// kind is what a model does, as far as drawing is concerned.
type kind int

const (
	imager kind = iota
	upscaler
	language
)

// kindOf goes by the words of a model's name, so that new versions of known
// families need no entry. Upscalers and language models are recognised; whatever
// else there is makes pictures.
func kindOf(model string) kind {
	name := strings.ToLower(model)
	switch {
	case containsAny(name, "upscale", "esrgan", "enlarge"):
		return upscaler
	case containsAny(name, "image", "banana", "dall", "imagen", "flux"):
		return imager
	case containsAny(name, "gpt-", "gemini", "claude", "llava", "llama", "moondream"):
		return language
	default:
		return imager
	}
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
