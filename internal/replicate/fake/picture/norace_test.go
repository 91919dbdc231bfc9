//go:build !race

package picture

const slow = false
