//! plotly.js, taken from the `plotly` crate and packed for the page: 4.6 MB of script as 1.9 MB of text.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

/// plotly.js, gzip, base64. The page unpacks it with `DecompressionStream`.
pub fn packed_plotly() -> std::io::Result<String> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plotly_script().as_bytes())?;
    Ok(STANDARD.encode(packer.finish()?))
}

/// The script alone: the crate hands out script elements, plotly.js first, MathJax (not needed) second.
fn plotly_script() -> String {
    let elements = plotly::Plot::offline_js_sources();
    let script = elements.split("</script>").next().unwrap_or_default();
    script.split_once('>').map_or(String::new(), |(_, script)| script.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_plotly_and_nothing_else() {
        let script = plotly_script();
        assert!(script.trim_start().starts_with("/**\n* plotly.js v"), "{:.80}", script);
        assert!(script.len() > 1_000_000 && !script.contains("<script"));
        assert!(packed_plotly().expect("packs").len() < 2_500_000);
    }
}
