package parallel

// link connects a rank with its neighbours in the ring.
type link interface {
	// shift sends out to the next rank while it receives in from the previous one; an
	// empty slice stands for no message. A message whose length differs from what the
	// receiver expects is an error.
	shift(out, in []float32) error
}

// ring implements a group's operations over its links.
type ring struct {
	link
	rank, size int
	from       []float32 // what arrived, before it is added
}

// Rank returns this rank's number.
func (r *ring) Rank() int { return r.rank }

// Size returns the number of ranks.
func (r *ring) Size() int { return r.size }

func (r *ring) nextRank() int { return (r.rank + 1) % r.size }

func (r *ring) prevRank() int { return (r.rank + r.size - 1) % r.size }

// AllReduce replaces x by its sum over the ranks. Each of the Size pieces of x goes
// round the ring once to be added up and once more to be distributed, so that a rank
// sends 2·(Size−1)/Size of x, whatever their number (Patarasuk and Yuan, "Bandwidth
// optimal all-reduce algorithms", 2009).
func (r *ring) AllReduce(x []float32) error {
	if r.size == 1 {
		return nil
	}
	if largest := (len(x) + r.size - 1) / r.size; len(r.from) < largest {
		r.from = make([]float32, largest)
	}
	for s := range r.size - 1 {
		sum := r.piece(x, r.rank-s-1)
		from := r.from[:len(sum)]
		if err := r.shift(r.piece(x, r.rank-s), from); err != nil {
			return err
		}
		for i, v := range from {
			sum[i] += v
		}
	}
	for s := range r.size - 1 {
		if err := r.shift(r.piece(x, r.rank-s+1), r.piece(x, r.rank-s)); err != nil {
			return err
		}
	}
	return nil
}

// piece returns the i-th of Size pieces of x, i modulo Size.
func (r *ring) piece(x []float32, i int) []float32 {
	i = (i + 2*r.size) % r.size
	return x[i*len(x)/r.size : (i+1)*len(x)/r.size]
}

// Broadcast replaces x by rank 0's, which is passed on round the ring.
func (r *ring) Broadcast(x []float32) error {
	if r.rank > 0 {
		if err := r.shift(nil, x); err != nil {
			return err
		}
	}
	if r.rank == r.size-1 {
		return nil
	}
	return r.shift(x, nil)
}

// Barrier returns when every rank has called it: nobody knows the sum before.
func (r *ring) Barrier() error { return r.AllReduce(make([]float32, 1)) }
