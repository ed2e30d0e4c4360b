//go:build cuda && cuda12

package cuda

import "embed"

// images holds the kernels for drivers of CUDA 12: for each family the machine code for
// sm_80 and sm_90 and PTX for later devices, as separate files, since the wheels of
// CUDA 12 have no tool to make a fatbin of them.
//
//go:embed image12/*.cubin image12/*.ptx image12/release
var images embed.FS

const imageFolder = "image12"
