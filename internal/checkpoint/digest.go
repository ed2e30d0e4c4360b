package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
)

// noDigest stands in for the digest while it is computed.
var noDigest = strings.Repeat("0", 2*sha256.Size)

// field is the form of the digest in our headers. Nothing else in a header can match
// it, because quotes within JSON strings are escaped.
func field(digest string) []byte { return []byte(`"` + KeySHA256 + `":"` + digest + `"`) }

var errDigest = errors.New("its checksum is wrong: the file is damaged; copy it again. " +
	"(If another program rewrote it, let that program leave out the metadata keys " + KeyFormat + " and " + KeySHA256 + ".)")

// verify checks a file's digest. If a flipped bit damages one of the two keys, the
// other reveals it.
func verify(meta map[string]string, raw []byte, data io.Reader) error {
	digest, ok := meta[KeySHA256]
	if !ok && meta[KeyFormat] != format {
		return nil
	}
	sum := sha256.New()
	sum.Write(bytes.Replace(raw, field(digest), field(noDigest), 1))
	if _, err := io.Copy(sum, data); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return errDigest
	}
	return nil
}
