//! What we find is what scikit-learn, openTSNE and umap-learn find.
//!
//! Runs where a Python with these three (`MELISMA_PYTHON`, default `python3`) is there.

use std::path::Path;
use std::process::Command;

use melisma_explore::scores::{agreement, silhouette, trustworthiness};
use melisma_explore::tsne::divergence;
use melisma_explore::{
    KMeansOptions, Kernel, Lda, Metric, Pca, Points, SparsePca, SparsePcaOptions, TsneOptions, UmapOptions,
    kernel_pca, kmeans, nearest, tsne, umap, unwatched,
};
use melisma_signal::Random;
use serde_json::Value;

const DIMENSIONS: usize = 24;
const GROUPS: usize = 4;
const POINTS: usize = 800;

/// Groups that overlap, each wide along axes of its own.
fn points() -> Points {
    let mut random = Random::new(11);
    let mut middles = [[0.0f32; DIMENSIONS]; GROUPS];
    middles.iter_mut().flatten().for_each(|value| *value = 1.2 * random.normal());
    let mut values = Vec::new();
    for point in 0..POINTS {
        for (axis, middle) in middles[point % GROUPS].iter().enumerate() {
            let width = if axis % GROUPS == point % GROUPS { 2.0 } else { 0.7 };
            values.push(middle + width * random.normal());
        }
    }
    Points::new(DIMENSIONS, values).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

/// Asserts that numbers agree to a share of the largest.
fn near(what: &str, ours: impl IntoIterator<Item = f64>, theirs: &[f64], tolerance: f64) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let pairs = ours.iter().zip(theirs);
    let worst = pairs.map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max);
    eprintln!("{what}: at worst {worst:.1e} of the largest");
    assert!(worst <= tolerance, "{what}: {worst} above {tolerance}");
}

/// The same for positions, of which each axis may point either way.
fn near_but_for_signs(what: &str, ours: &Points, theirs: &[f64], tolerance: f64) {
    let axes = ours.dimensions();
    for axis in 0..axes {
        let theirs: Vec<f64> = theirs.iter().skip(axis).step_by(axes).copied().collect();
        let product: f64 = ours.iter().zip(&theirs).map(|(row, b)| f64::from(row[axis]) * b).sum();
        let turned = ours.iter().map(|row| f64::from(row[axis]) * product.signum());
        near(&format!("{what}, axis {axis}"), turned, &theirs, tolerance);
    }
}

#[test]
fn agrees_with_python() {
    let python = std::env::var_os("MELISMA_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = Command::new(&python).args(["-c", "import sklearn, openTSNE, umap"]).output();
    if !imports.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no Python with scikit-learn, openTSNE and umap-learn");
        return;
    }
    let points = points();
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("points.f32");
    let bytes: Vec<u8> = points.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(&file, bytes).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python.py");
    let sizes = [DIMENSIONS, GROUPS].map(|size| size.to_string());
    let output = Command::new(&python).arg(script).arg(&file).args(sizes).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |name: &str| numbers(&theirs[name]);

    // Sums of 24 squares in f32.
    for (name, metric) in [("euclidean", Metric::Euclid), ("cosine", Metric::Cosine)] {
        let found = nearest(&points, 11, metric, &mut unwatched).unwrap();
        let ours = (0..POINTS).flat_map(|point| found.distances(point).iter().map(|&d| f64::from(d)));
        near(name, ours, &of(name), 1e-6);
    }
    // f64 but for the coordinates, which are f32.
    let pca = Pca::fit(&points, 3).unwrap();
    near("variances", pca.variances.iter().copied(), &of("pca_variances"), 1e-9);
    near_but_for_signs("pca", &pca.project(&points).unwrap(), &of("pca"), 1e-6);
    // Kernels are f32, with eigenvalues far enough apart that vectors err by ten times as much as values.
    for (name, kernel) in [
        ("rbf", Kernel::Rbf { gamma: None }),
        ("poly", Kernel::Polynomial { gamma: None, offset: 1.0, degree: 3 }),
        ("sigmoid", Kernel::Sigmoid { gamma: Some(0.002), offset: 1.0 }),
        ("cosine", Kernel::Cosine),
    ] {
        let found = kernel_pca(&points, kernel, 3, &mut unwatched).unwrap();
        near(name, found.eigenvalues.iter().copied(), &of(&format!("kernel_{name}")), 2e-6);
        near_but_for_signs(name, &found.positions, &of(&format!("positions_{name}")), 2e-5);
    }
    let labels: Vec<usize> = (0..POINTS).map(|point| point % GROUPS).collect();
    let lda = Lda::fit(&points, &labels, 2).unwrap();
    // scikit-learn divides by the number of points instead of the degrees of freedom.
    let scale = (POINTS as f64 / (POINTS - GROUPS) as f64).sqrt();
    let positions = lda.project(&points).unwrap();
    let scaled = positions.values().iter().map(|&value| (f64::from(value) * scale) as f32).collect();
    near_but_for_signs("lda", &Points::new(2, scaled).unwrap(), &of("lda"), 1e-5);
    // Both find the best of ten starts; a different one may be best by a little.
    let options = KMeansOptions { clusters: GROUPS, ..KMeansOptions::default() };
    let groups = kmeans(&points, &options, &mut unwatched).unwrap();
    near("kmeans", [groups.inertia], &of("kmeans"), 1e-3);

    // Both descend from the plain components until nothing moves; scikit-learn gives them length one, too.
    let options = SparsePcaOptions { components: 3, penalty: 2.0, iterations: 5000, settled: 1e-13 };
    let sparse = SparsePca::fit(&points, &options, &mut unwatched).unwrap();
    for (component, (ours, theirs)) in
        sparse.axes.iter().zip(of("sparse").chunks_exact(DIMENSIONS)).enumerate()
    {
        let product: f64 = ours.iter().zip(theirs).map(|(a, b)| a * b).sum();
        let turned = ours.iter().map(|value| value * product.signum());
        near(&format!("sparse component {component}"), turned, theirs, 1e-3);
    }

    let map_of = |name: &str| Points::new(2, of(name).iter().map(|&v| v as f32).collect()).unwrap();
    let other: Vec<usize> = of("other").iter().map(|&label| label as usize).collect();
    let found = agreement(&other, &labels).unwrap();
    near("mutual information", [found.mutual_information], &of("mutual"), 1e-9);
    near("adjusted rand", [found.adjusted_rand], &of("rand"), 1e-9);
    near("silhouette", [silhouette(&points, &labels).unwrap()], &of("silhouette"), 1e-5);
    let trust = |map: &Points| trustworthiness(&points, map, 10, Metric::Euclid, &mut unwatched).unwrap();
    // Ranks of distances that round to the same f32 may change places.
    near("trust", [trust(&map_of("tsne"))], &of("trust_tsne"), 1e-4);
    let options = TsneOptions::default();
    let theirs_by_us = divergence(&points, &map_of("tsne"), &options, &mut unwatched).unwrap();
    // Likelihoods are looked for to 1e-8 by us, and to 1e-5 by openTSNE.
    near("divergence", [theirs_by_us], &of("divergence"), 1e-4);

    // Maps differ; they must be as good. Descents end in different valleys: one in a hundred is what seeds do.
    let ours = tsne(&points, &options, &mut unwatched).unwrap();
    eprintln!("divergence: {} by us, {theirs_by_us} by openTSNE", ours.divergence);
    assert!(ours.divergence <= 1.01 * theirs_by_us);
    assert!(trust(&ours.positions) >= trust(&map_of("tsne")) - 0.01);
    let ours = umap(&points, &UmapOptions::default(), &mut unwatched).unwrap();
    eprintln!("trustworthiness: {} by us, {} by umap-learn", trust(&ours), trust(&map_of("umap")));
    assert!(trust(&ours) >= trust(&map_of("umap")) - 0.01);
}
