package eval

import "clusir/internal/shard"

// Shard is the part of a run's images that a machine measures: every N-th one.
type Shard = shard.Shard
