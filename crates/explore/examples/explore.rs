//! One projection, or many queries, of a file of points, timed: what `benches/explore.py` sets beside Python's.
//!
//! ```text
//! explore METHOD IN.f32 DIMENSIONS OUT.f32 [MAP.f32]
//! ```
//!
//! `IN.f32` holds rows of little-endian f32. Standard output says how many seconds the work alone took; for `divergence`,
//! how far the t-SNE likelihoods on a map are from those of the points.

use std::{env, fs, process::ExitCode, time::Instant};

use melisma_explore::{
    Error, Index, Kernel, Metric, Pca, Points, TsneOptions, UmapOptions, kernel_pca, nearest, tsne,
    tsne::divergence, umap, unwatched,
};

/// Queries that are timed one by one.
const QUERIES: usize = 1000;
const NEIGHBOURS: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let [_, method, input, dimensions, output, map @ ..] = arguments.as_slice() else {
        eprintln!("usage: explore METHOD IN.f32 DIMENSIONS OUT.f32 [MAP.f32]");
        return ExitCode::from(2);
    };
    match run(method, input, dimensions, output, map.first()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    method: &str,
    input: &str,
    dimensions: &str,
    output: &str,
    map: Option<&String>,
) -> Result<(), Box<dyn std::error::Error>> {
    let points = read(input, dimensions.parse()?)?;
    if let ("divergence", Some(map)) = (method, map) {
        println!("{}", divergence(&points, &read(map, 2)?, &TsneOptions::default(), &mut unwatched)?);
        return Ok(fs::write(output, [])?);
    }
    let begin = Instant::now();
    let found = project(method, &points)?.ok_or_else(|| format!("no method {method}"))?;
    if method != "query" {
        println!("{}", begin.elapsed().as_secs_f64());
    }
    let bytes: Vec<u8> = found.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(output, bytes)?;
    Ok(())
}

fn read(path: &str, dimensions: usize) -> Result<Points, Box<dyn std::error::Error>> {
    let bytes = fs::read(path)?;
    let floats = bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok(Points::new(dimensions, floats).ok_or("no whole number of points")?)
}

fn project(method: &str, points: &Points) -> Result<Option<Points>, Error> {
    let quiet = &mut unwatched;
    Ok(Some(match method {
        "tsne" => tsne(points, &TsneOptions::default(), quiet)?.positions,
        "umap" => umap(points, &UmapOptions::default(), quiet)?,
        "pca" => Pca::fit(points, 2)?.project(points)?,
        "kernel_pca" => kernel_pca(points, Kernel::Rbf { gamma: None }, 2, quiet)?.positions,
        "nearest" => {
            let found = nearest(points, NEIGHBOURS, Metric::Cosine, quiet)?;
            rows((0..points.len()).map(|point| found.of(point).iter().map(|&index| index as f32).collect()))
        }
        "query" => queries(points)?,
        _ => return Ok(None),
    }))
}

/// Nearest points of the first [`QUERIES`]; prints the median time of one query.
fn queries(points: &Points) -> Result<Points, Error> {
    let index = Index::new(points.clone(), Metric::Cosine)?;
    let mut seconds = Vec::new();
    let mut all = Vec::new();
    for query in points.iter().take(QUERIES) {
        let begin = Instant::now();
        let found = index.nearest(query, NEIGHBOURS + 1)?;
        seconds.push(begin.elapsed().as_secs_f64());
        all.push(found.iter().skip(1).map(|neighbour| neighbour.index as f32).collect());
    }
    seconds.sort_by(f64::total_cmp);
    println!("{}", seconds[seconds.len() / 2]);
    Ok(rows(all.into_iter()))
}

fn rows(rows: impl Iterator<Item = Vec<f32>>) -> Points {
    Points::new(NEIGHBOURS, rows.collect::<Vec<_>>().concat()).unwrap_or_default()
}
