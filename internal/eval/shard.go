package eval

import "clusir/internal/shard"

// Shard is the part of a run's images that one machine measures: every N-th one.
type Shard = shard.Shard
