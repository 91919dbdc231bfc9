package deflate

// header is how the codes of a block are told.
type header struct {
	words, spans, lengths int // how many of each are named
	bits                  int // that it takes
	n                     int // of the symbols
}

// The symbols of lengths beyond 15.
const (
	again     = 16 // the length before, 3 to 6 times
	fewZeros  = 17 // 3 to 10
	manyZeros = 18 // 11 to 138
)

// order is the one in which the lengths of the lengths' codes are written.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// extraOf is how many bits follow the symbols of lengths.
var extraOf = [19]uint8{again: 2, fewZeros: 3, manyZeros: 7}

// header finds how the codes of words and spans are told in few bits.
func (w *Writer) header() header {
	h := header{words: used(w.words.lengths[:], 257), spans: used(w.spans.lengths[:distances], 1), lengths: 19}
	var all [mostSymbols + distances]uint8
	copy(all[copy(all[:], w.words.lengths[:h.words]):], w.spans.lengths[:h.spans])
	var counts [19]uint32
	rest := all[:h.words+h.spans]
	for i := 0; i < len(rest); {
		n := 1
		for i+n < len(rest) && rest[i+n] == rest[i] {
			n++
		}
		h.n = w.tell(h.n, rest[i], n)
		i += n
	}
	for _, v := range w.steps.told[:h.n] {
		counts[v&0xff]++
		h.bits += int(extraOf[v&0xff])
	}
	w.runs.build(counts[:], mostLengthBits)
	for h.lengths > 4 && w.runs.lengths[order[h.lengths-1]] == 0 {
		h.lengths--
	}
	h.bits += 5 + 5 + 4 + 3*h.lengths + w.runs.bits(counts[:])
	return h
}

// used is how many symbols there are up to the last that has a code.
func used(lengths []uint8, least int) int {
	n := len(lengths)
	for n > least && lengths[n-1] == 0 {
		n--
	}
	return n
}

// tell adds the symbols for n equal lengths to the k there are. Above eight bits
// is the number that follows the symbol.
func (w *Writer) tell(k int, length uint8, n int) int {
	told := &w.steps.told
	if length > 0 { // the first of them must be named
		told[k] = uint16(length)
		k, n = k+1, n-1
	}
	for n >= 3 {
		symbol, least, most := again, 3, 6
		if length == 0 {
			symbol, most = fewZeros, 10
			if n > 10 {
				symbol, least, most = manyZeros, 11, 138
			}
		}
		m := min(n, most)
		told[k] = uint16(symbol | (m-least)<<8) //nolint:gosec // seven bits above eight
		k, n = k+1, n-m
	}
	for range n {
		told[k] = uint16(length)
		k++
	}
	return k
}

func (w *Writer) putHeader(h header) {
	w.put(uint64(h.words-257)|uint64(h.spans-1)<<5|uint64(h.lengths-4)<<10, 14) //nolint:gosec // none is below zero
	for _, symbol := range order[:h.lengths] {
		w.put(uint64(w.runs.lengths[symbol]), 3)
	}
	for _, v := range w.steps.told[:h.n] {
		e := w.runs.of[v&0xff]
		w.put(e.bits()|uint64(v>>8)<<e.size(), e.size()+uint(extraOf[v&0xff]))
	}
}
