package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// policy lets the page load what the server sends, show pictures that it made itself,
// and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded refuses requests for another host name or from another site, limits the time
// of all others, and adds headers that make browsers strict.
func (s *Server) guarded(next http.Handler) http.Handler {
	sites := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		conn := http.NewResponseController(w)
		if r.Body != http.NoBody { // else the server already waits for the client to leave, for as long as we respond
			_ = conn.SetReadDeadline(time.Now().Add(s.Patience)) // not every connection supports it: those in tests
		}
		_ = conn.SetWriteDeadline(time.Now().Add(2 * s.Patience)) // before it responds, the server reads the rest of the body
		switch {
		case !s.knownHost(r.Host):
			s.fail(w, withStatus(http.StatusForbidden, "the name %q is not one of this server's: start clusir serve with --host, or use its address", hostOf(r.Host)))
		case !sameOrigin(r) || sites.Check(r) != nil:
			s.fail(w, withStatus(http.StatusForbidden, "the request comes from another site: open the page of this server itself"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knownHost reports whether a Host header names this server. That of a foreign name
// that resolves to this address, as in DNS rebinding, does not; addresses cannot be
// rebound. Nor can what has no such header, as the checks of some load balancers in
// HTTP/1.0: all browsers send one.
func (s *Server) knownHost(host string) bool {
	name := hostOf(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return host == "" || name == "localhost" || slices.ContainsFunc(s.Hosts, func(known string) bool { return hostOf(known) == name })
}

// hostOf returns a Host header without port, brackets and the dot that may end a full
// name, in lower case.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
}

// sameOrigin reports whether a request that names its origin comes from the server's
// own.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Values("Origin")
	if len(origin) == 0 {
		return true
	}
	u, err := url.Parse(origin[0])
	return len(origin) == 1 && err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// authorized requires the token, if there is one.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	if s.Token == "" {
		return next
	}
	want := sha256.Sum256([]byte(s.Token))
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(token))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			s.fail(w, withStatus(http.StatusUnauthorized, "this server needs its token: send the header Authorization: Bearer TOKEN"))
			return
		}
		next(w, r)
	}
}
