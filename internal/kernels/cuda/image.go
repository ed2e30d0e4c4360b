//go:build cuda && !cuda12

package cuda

import "embed"

// images holds the compiled kernels, one fatbin per family, and the release of the
// compiler that made them.
//
//go:embed image/*.fatbin image/release
var images embed.FS

const imageFolder = "image"
