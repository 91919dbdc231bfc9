package tasks

import (
	"encoding/json"
	"testing"

	"github.com/actormaker/trainset/internal/imaging"
)

// The first failure is why an image is rejected, and its record says by which
// thresholds: those of a later version may find otherwise.
func TestAVerdictNamesItsThresholds(t *testing.T) {
	soft := imaging.Finding{Check: "border", Severity: imaging.Warn, Detail: "a border"}
	blank := imaging.Finding{Check: "blank", Severity: imaging.Fail, Detail: "it is blank"}
	raw, rejected, err := verdict(imaging.Measures{Std: 3}, []imaging.Finding{soft, blank})
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		Measures   map[string]any   `json:"measures"`
		Findings   []map[string]any `json:"findings"`
		Thresholds string           `json:"thresholds"`
	}
	if err := json.Unmarshal(raw, &said); err != nil || said.Measures["std"] != 3.0 || len(said.Findings) != 2 || said.Thresholds != imaging.CheckVersion {
		t.Errorf("%s, %v", raw, err)
	}
	if rejected != blank.Detail {
		t.Errorf("rejected for %q", rejected)
	}
}
