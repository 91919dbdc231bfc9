package picture

import (
	"strconv"
	"strings"
)

// text reads an option that is a string.
func (r Request) text(name string) string {
	s, _ := r.Options[name].(string)
	return strings.ToLower(strings.TrimSpace(s))
}

// number reads an option that is a number, or a string that starts like one:
// "4x" is 4. JSON makes floats of all numbers; callers in Go may pass ints.
func (r Request) number(name string) float64 {
	switch v := r.Options[name].(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case string:
		n, err := strconv.ParseFloat(strings.TrimRight(strings.ToLower(v), "x "), 64)
		if err == nil {
			return n
		}
	}
	return 0
}

func formatOf(r Request) string {
	asked := strings.ToLower(r.Format)
	if asked == "" {
		asked = r.text("output_format")
	}
	if asked == "jpg" || asked == "jpeg" {
		return "jpg"
	}
	return "png"
}
