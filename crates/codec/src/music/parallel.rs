//! How many sections encoder and decoder work on side by side.

/// Most sections that are worked on side by side: bounds the memory, and how far rate control looks back.
pub const MAX_BATCH_SECTIONS: usize = 16;

/// Sections that the threads of the current pool work on side by side: two a thread, since some take longer than others.
#[must_use]
pub fn batch_sections() -> usize {
    match rayon::current_num_threads() {
        0 | 1 => 1,
        threads => (2 * threads).min(MAX_BATCH_SECTIONS),
    }
}
