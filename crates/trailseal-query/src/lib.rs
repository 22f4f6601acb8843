//! What happened? Predicates over CloudTrail event records, evaluated on their raw bytes.
