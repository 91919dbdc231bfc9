package plan_test

import (
	"testing"

	"github.com/actormaker/trainset/internal/plan"
)

func TestNearLeavesTheGroundAside(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"the same":                             {"0f3c5a9633cc55aa", "0f3c5a9633cc55aa", true},
		"seven bits of a full picture":         {"0f3c5a9633cc55aa", "0f3c5a9633cc55d5", true},
		"nine bits of a full picture":          {"0f3c5a9633cc55aa", "0f3c5a9633cc5455", false},
		"bare, both":                           {"0000000000000000", "0000000000000000", true},
		"a small figure, and again":            {"0000001818000000", "0000001818000000", true},
		"a small figure, and once more, moved": {"0000001818000000", "0018180000000000", false},
		"two small figures on a ground":        {"0000000c00000000", "0000000000020300", false},
		"a figure on a ground that brightens":  {"ffffffe7e7ffffff", "ffe7e7ffffffffff", false},
		"a figure with one bit changed":        {"0000001c1c000000", "0000001c1c010000", true},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := plan.ParseHash(c.a)
			b, _ := plan.ParseHash(c.b)
			if differ, near := plan.Near(a, b, plan.NearDuplicate); near != c.want {
				t.Errorf("near is %v, for %d bits", near, differ)
			}
			ref := plan.Reference{DHashes: []string{"ffffffff00000000", c.b, "no hash"}}
			if differ, near := ref.Near(a, plan.NearDuplicate); near != c.want {
				t.Errorf("near the reference is %v, for %d bits", near, differ)
			}
		})
	}
	if _, ok := plan.ParseHash("zz"); ok {
		t.Error("zz is a hash")
	}
}
