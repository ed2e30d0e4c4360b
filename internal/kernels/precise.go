package kernels

// Precise is a [Backend] that says what its matrix products round their operands to:
// float32, which is not at all, tf32 or bf16.
type Precise interface{ Precision() string }
