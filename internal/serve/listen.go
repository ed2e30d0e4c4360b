package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"clusir/internal/userfile"
)

// UseAddr adds the host name of an address, such as photos.example.org:8080, to Hosts. An
// address that other machines can reach is an error unless requests need a token.
func (o *Options) UseAddr(addr string, token bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("--addr %s: write HOST:PORT, such as 127.0.0.1:8080", addr)
	}
	ip, err := netip.ParseAddr(host)
	own := host == "localhost" || err == nil && ip.IsLoopback()
	if !own && !token {
		return fmt.Errorf("--addr %s can be reached from other machines: protect it with --token-file FILE", addr)
	}
	if err != nil && host != "" {
		o.Hosts = append(o.Hosts, host)
	}
	return nil
}

// hostName holds what a Host header consists of: a name or an address, and a port.
var hostName = regexp.MustCompile(`^[][a-zA-Z0-9_:.-]+$`)

// CheckHosts refuses names that no request could have.
func (o *Options) CheckHosts() error {
	for _, name := range o.Hosts {
		if !hostName.MatchString(name) {
			return fmt.Errorf("--host %q: write a name such as photos.example.org, without http:// and paths, and other letters than ASCII as in xn--bcher-kva.example", name)
		}
	}
	return nil
}

const minToken = 16

// ReadToken reads the token that requests need from a file.
func (o *Options) ReadToken(file string) error {
	text, err := userfile.ReadText(file)
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	o.Token = strings.TrimSpace(string(text))
	if len(o.Token) < minToken || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("--token-file %s: a token needs %d or more ASCII letters, digits or punctuation marks: make one with 'openssl rand -hex 16'", file, minToken)
	}
	return nil
}

// Listen serves on an address, which it writes to out, until ctx ends.
func Listen(ctx context.Context, addr string, o Options, out io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: choose another with --addr, such as 127.0.0.1:0", addr, errors.Unwrap(err))
	}
	s, err := New(o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if _, err := fmt.Fprintf(out, "clusir serve: open http://%s/\n", reachable(l.Addr().String())); err != nil {
		s.Close()
		return errors.Join(err, l.Close()) // nobody would find it
	}
	return s.Serve(ctx, l)
}

// reachable returns an address that a browser on this machine can open.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip, parsed := netip.ParseAddr(host); err == nil && parsed == nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}
