package parallel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Both sides of a connection prove that they know the run's secret without revealing
// it: each answers the other's nonce with its HMAC. Without a secret the key is empty,
// and anybody can answer.

// key is the secret of a run.
type key string

var errSecret = errors.New("the secrets differ: set " + secretVariable + " or " + secretFileVariable + " alike for all ranks")

// proof is an answer to a nonce, and a nonce to answer.
type proof struct {
	Nonce string `json:"nonce,omitempty"`
	MAC   string `json:"mac,omitempty"`
	Error string `json:"error,omitempty"` // why the caller was refused
}

// mac authenticates parts, which must not contain line breaks.
func (k key) mac(parts ...string) string {
	h := hmac.New(sha256.New, []byte(k))
	h.Write([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(h.Sum(nil))
}

// is reports whether mac is the MAC of the parts.
func (k key) is(mac string, parts ...string) bool {
	return hmac.Equal([]byte(mac), []byte(k.mac(parts...)))
}

// of returns what a rank authenticates: its number and where it listens.
func (h hello) of() string { return fmt.Sprintf("rank %d of %d at port %d", h.Rank, h.Size, h.Port) }

// challenge is rank 0's side.
func (k key) challenge(w *wire, h hello) error {
	nonce := rand.Text()
	if err := w.write(proof{Nonce: nonce, MAC: k.mac("rank 0", h.Nonce, nonce)}); err != nil {
		return err
	}
	var answer proof
	if err := w.read(&answer); err != nil {
		return fmt.Errorf("it sent no proof that it knows the secret: %w", err)
	}
	if !k.is(answer.MAC, h.of(), h.Nonce, nonce) {
		return errSecret
	}
	return nil
}

// prove is the calling rank's side.
func (k key) prove(w *wire, h hello) error {
	if err := w.write(h); err != nil {
		return err
	}
	var first proof
	switch err := w.read(&first); {
	case err != nil:
		return noAnswer(err)
	case first.Error != "":
		return errors.New(first.Error)
	case !k.is(first.MAC, "rank 0", h.Nonce, first.Nonce):
		_ = w.write(proof{MAC: "none"}) // rank 0 then reports it at once
		return errSecret
	}
	return w.write(proof{MAC: k.mac(h.of(), h.Nonce, first.Nonce)})
}
