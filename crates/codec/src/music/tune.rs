//! What an encoder aims at. A file's header names it; no decoder depends on it.

/// What an encoder spends its bits on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tune {
    /// Least audible difference: steps follow the music's own spectrum, noise stands in for what is left out.
    #[default]
    Music,
    /// Least squared error: the same step everywhere, no noise.
    Mse,
}
