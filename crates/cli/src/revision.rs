//! Which version of the source this program was built from, for results that will be compared with others.

/// The commit, ` with changes` behind it if files differed from it; `unknown` in debug builds and where it was not
/// built from a checkout.
pub const REVISION: &str = match option_env!("MELISMA_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
