package trainset

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in millionths of a US dollar: sums of list prices stay
// exact. In JSON it is a number of dollars.
type Money int64

// Dollar is one US dollar.
const Dollar Money = 1_000_000

// maxMoney is the largest amount that is read.
const maxMoney = 1_000_000_000 * Dollar

// USD converts dollars, rounding to the nearest millionth.
func USD(dollars float64) Money { return Money(math.Round(dollars * float64(Dollar))) }

// Float returns the amount in dollars, for display and JSON only.
func (m Money) Float() float64 { return float64(m) / float64(Dollar) }

// String prints dollars with at least two decimals: "$0.48", "$0.025".
func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	frac := strings.TrimRight(fmt.Sprintf("%06d", m%Dollar), "0")
	for len(frac) < 2 {
		frac += "0"
	}
	return fmt.Sprintf("%s$%d.%s", sign, m/Dollar, frac)
}

// amount converts dollars that somebody wrote. Less than a millionth is refused:
// it would be 0, which means no bound where a bound is meant.
func amount(dollars float64) (Money, error) {
	switch size := math.Abs(dollars); {
	case math.IsNaN(dollars) || size > maxMoney.Float():
		return 0, fmt.Errorf("an amount of %g US dollars is out of range", dollars)
	case size != 0 && size < 1/float64(Dollar):
		return 0, fmt.Errorf("an amount of %g US dollars is less than a millionth", dollars)
	}
	return USD(dollars), nil
}

// ParseMoney reads dollars as a person types them: "1.50" or "$1.50".
func ParseMoney(s string) (Money, error) {
	f, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(s), "$"), 64)
	m, wrong := amount(f)
	if err != nil || wrong != nil {
		return 0, fmt.Errorf("%.200q is no amount of US dollars; write it like 1.50", s)
	}
	return m, nil
}

// MarshalJSON writes a number of dollars.
func (m Money) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, m.Float(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of dollars.
func (m *Money) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return errors.New("an amount of US dollars must be a number in range")
	}
	v, err := amount(f)
	if err != nil {
		return err
	}
	if written, _, _ := strings.Cut(strings.ToLower(string(b)), "e"); f == 0 && strings.Trim(written, "-0.") != "" {
		return errors.New("an amount of US dollars is less than a millionth")
	}
	*m = v
	return nil
}
