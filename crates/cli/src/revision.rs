//! Which version of the source this program was built from, for results that will be compared with others.

/// The commit, ` with changes` behind it if files differed from it; `unknown` where it was not built from a checkout.
pub const REVISION: &str = match option_env!("MELISMA_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

#[cfg(test)]
mod tests {
    use super::REVISION;

    #[test]
    fn a_commit_or_nothing() {
        let commit = REVISION.split(' ').next().unwrap_or_default();
        let is_commit = commit.len() >= 10 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(REVISION == "unknown" || is_commit, "{REVISION}");
    }
}
