//! How many sections are worked on side by side.

/// Most sections that are worked on at once: what they hold in memory grows with them.
pub(crate) const MAX_BATCH_SECTIONS: usize = 16;

/// Sections that are worked on side by side: several a thread of the current pool, since some take longer than others.
pub(crate) fn batch_sections() -> usize {
    match rayon::current_num_threads() {
        0 | 1 => 1,
        threads => (2 * threads).min(MAX_BATCH_SECTIONS),
    }
}
