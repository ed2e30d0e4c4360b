package kernels

// Precise is a [Backend] that reports what its matrix products round their operands to:
// tf32, bf16, or float32, which means no rounding.
type Precise interface{ Precision() string }

// OwnMemory is a [Backend] whose memory is not the machine's: bytes in tensors now, the
// most there ever were, and all there is.
type OwnMemory interface {
	MemoryUse() (live, peak, total int64)
}
