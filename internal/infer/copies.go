package infer

import "clusir/internal/kernels"

// Copies holds several copies of one network, each on its own backend.
type Copies struct {
	Networks []*Network
	Device   string // the name of the computing device
	backends []kernels.Backend
}

// LoadCopies loads up to n copies of the network that s names, each on a backend returned
// by open. limit is the memory, in bytes, for the weights of all; the first is loaded in any
// case.
func LoadCopies(n int, limit int64, s Source, open func() (b kernels.Backend, device string, err error)) (*Copies, error) {
	c := &Copies{}
	for i := range n {
		if i > 0 && int64(i+1)*c.Networks[0].WeightBytes() > limit {
			break
		}
		b, device, err := open()
		var net *Network
		if err == nil {
			c.Device, c.backends = device, append(c.backends, b)
			net, err = Load(s, b)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		c.Networks = append(c.Networks, net)
	}
	return c, nil
}

// WeightBytes returns the memory that the network's weights take.
func (n *Network) WeightBytes() (bytes int64) {
	for _, p := range n.Model.Tensors() {
		bytes += 4 * int64(p.Len())
	}
	return bytes
}

// Close frees the networks and closes their backends.
func (c *Copies) Close() {
	for _, n := range c.Networks {
		n.Close()
	}
	for _, b := range c.backends {
		_ = b.Close() // everything that it computed has been fetched
	}
}
