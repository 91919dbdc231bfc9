package inflate

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/actormaker/trainset/internal/race"
)

// decode reads literals and matches until the block ends or the window is full.
// What changes all the time is in locals: this is where the time goes.
//
//go:norace
func (z *Reader) decode() error {
	words, spans, window := &z.words.table, &z.spans.table, &z.window
	in, at, bits, n, have := z.in, z.at, z.bits, z.n, z.have
	begun, from, left := have, at, len(z.next)
	for have < history+work && n >= 0 {
		if at+8 <= len(in) { // as refill does
			bits |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
			at += (63 - n) >> 3
			n |= 56
		} else {
			z.at, z.bits, z.n = at, bits, n
			z.refill()
			in, at, bits, n = z.in, z.at, z.bits, z.n
		}
		e := words[bits%tableSize]
		if e&literals != 0 {
			for range 5 { // 56 bits are enough for as many
				binary.LittleEndian.PutUint16(window[have:], e.value())
				have += e.literals()
				bits >>= e.size()
				n -= int(e.size())
				if e = words[bits%tableSize]; e&literals == 0 {
					break
				}
			}
			continue
		}
		if e == 0 {
			e = z.words.long(bits)
		}
		bits >>= e.size()
		n -= int(e.size())
		if e&match == 0 {
			if e&literals != 0 {
				window[have] = byte(e.value() & 0xff)
				have++
				continue
			}
			if e&ending == 0 {
				return z.wrong(n, "a code stands for nothing")
			}
			z.state = atBlock
			break
		}
		length := int(e.value()) + int(bits&(1<<e.extra()-1)) //nolint:gosec // 9 bits
		bits >>= e.extra()
		n -= int(e.extra())
		if e = spans[bits%tableSize]; e == 0 {
			e = z.spans.long(bits)
		}
		bits >>= e.size()
		distance := int(e.value()) + int(bits&(1<<e.extra()-1)) //nolint:gosec // 16 bits
		bits >>= e.extra()
		n -= int(e.size() + e.extra())
		if e&match == 0 || distance > have || n < 0 {
			return z.wrong(n, "a match begins nowhere")
		}
		source, end := have-distance, have+length
		if distance < 8 { // what is repeated is repeated at eight or more, too
			for wide := have + 7/distance*distance; have < wide; have++ {
				window[have] = window[have-distance]
			}
		}
		for ; have < end; have += 8 {
			binary.LittleEndian.PutUint64(window[have:], binary.LittleEndian.Uint64(window[source:]))
			source += 8
		}
		have = end
	}
	if len(z.next) != left {
		from = 0
	}
	race.Reads(in[from:at])
	race.Writes(window[begun:have])
	z.in, z.at, z.bits, z.n, z.have = in, at, bits, n, have
	if n < 0 {
		z.have = begun // the last of it is of bits that are not there
		return io.ErrUnexpectedEOF
	}
	return nil
}

// wrong is what is the matter with a code: where it is not all there, only that.
func (z *Reader) wrong(n int, what string) error {
	if n < 0 {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %s", ErrDamaged, what)
}

// order is that in which the lengths of the lengths' codes come.
var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// fixed are the codes of a block that brings none, made once: a stream may be
// nothing but such blocks.
var fixed = sync.OnceValues(func() (words, spans *code) {
	words, spans = new(code), new(code)
	var lengths [mostSymbols]byte
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	words.init(lengths[:], wordSymbols[:], tableBits)
	words.pair()
	for i := range 32 {
		lengths[i] = 5
	}
	spans.init(lengths[:32], spanSymbols[:], tableBits)
	return words, spans
})

// dynamic reads the codes of a block: how long each is, in a code of its own.
func (z *Reader) dynamic() error {
	head, err := z.take(14)
	if err != nil {
		return err
	}
	words, spans, few := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if words > 286 || spans > 30 {
		return fmt.Errorf("%w: a block has %d and %d codes", ErrDamaged, words, spans)
	}
	var lengths [286 + 30]byte
	for _, symbol := range order[:few] {
		n, err := z.take(3)
		if err != nil {
			return err
		}
		lengths[symbol] = byte(n & 7)
	}
	z.words, z.spans = &z.own.words, &z.own.spans
	if !z.spans.init(lengths[:len(order)], lengthSymbols[:], lengthBits) {
		return fmt.Errorf("%w: the lengths of a block's codes have no code", ErrDamaged)
	}
	clear(lengths[:])
	if err := z.lengths(lengths[:words+spans]); err != nil {
		return err
	}
	if !z.words.init(lengths[:words], wordSymbols[:], tableBits) || !z.spans.init(lengths[words:words+spans], spanSymbols[:], tableBits) {
		return fmt.Errorf("%w: a block's codes are none", ErrDamaged)
	}
	z.words.pair()
	return nil
}

// lengths reads the lengths of codes, in the code that is in spans meanwhile.
func (z *Reader) lengths(lengths []byte) error {
	for i := 0; i < len(lengths); {
		z.refill()
		e := z.spans.table[z.bits%(1<<lengthBits)]
		if z.drop(int(e.size())); e == 0 || z.n < 0 {
			return z.wrong(z.n, "a code's length has no code")
		}
		value, again, extra := byte(0), 1, 0
		switch v := e.value(); v {
		case 16:
			if i == 0 {
				return fmt.Errorf("%w: the first code is as long as the one before", ErrDamaged)
			}
			value, again, extra = lengths[i-1], 3, 2
		case 17:
			again, extra = 3, 3
		case 18:
			again, extra = 11, 7
		default:
			value = byte(v & 15)
		}
		more, err := z.take(extra)
		if err != nil {
			return err
		}
		if again += int(more); again > len(lengths)-i { //nolint:gosec // 7 bits
			return fmt.Errorf("%w: a block has more codes than it says", ErrDamaged)
		}
		for range again {
			lengths[i] = value
			i++
		}
	}
	return nil
}
