package kernels

// Precise is a [Backend] that reports what its matrix products round their operands to:
// tf32, bf16, or float32, which means no rounding.
type Precise interface{ Precision() string }
