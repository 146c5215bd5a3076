//! How all points of a map push one another apart, summed in groups.
//!
//! Points are sorted along a Z-shaped curve, along which the squares of a quadtree are runs. Those in one small square share
//! a list of what pushes them: near points one by one, and far squares as if all their points lay in their middle. The list
//! is then summed for each of them, several of its entries at once.
//!
//! ```text
//! positions -curve-> quadtree -for each small square-> list of pushes -> force and sum of weights of each point
//! ```
//!
//! Source: Barnes and Hut, "A hierarchical O(N log N) force-calculation algorithm" (Nature 1986); lists for groups as in
//! Barnes, "A modified tree code: don't laugh; it runs" (J. Comput. Phys. 1990).

use multiversion::multiversion;
use rayon::prelude::*;

/// A square with more points is divided.
const GROUP: usize = 16;
/// Bits of each coordinate along the curve, and so the deepest division.
const BITS: u32 = 16;
/// Entries of a list that are summed at once.
const LANES: usize = 16;

/// Sums of pushes on all points.
pub(super) struct Repulsion {
    /// Sum of `weight^2 * offset` of each point: `[point]`
    pub forces: Vec<[f32; 2]>,
    /// Sum of the weights `1 / (1 + distance^2)` of all ordered pairs.
    pub weight: f64,
}

/// A square of the quadtree. What follows it in memory lies within it, up to `next`.
#[derive(Clone, Copy)]
struct Square {
    middle: [f32; 2],
    mass: f32,
    squared_width: f32,
    /// The next square that is not within this one.
    next: u32,
    /// Its points along the curve; empty if it is divided.
    first: u32,
    last: u32,
}

/// What pushes the points of a group: places and how many points each stands for.
#[derive(Default)]
struct List {
    x: Vec<f32>,
    y: Vec<f32>,
    mass: Vec<f32>,
}

impl List {
    fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.mass.clear();
    }

    #[inline]
    fn push(&mut self, [x, y]: [f32; 2], mass: f32) {
        self.x.push(x);
        self.y.push(y);
        self.mass.push(mass);
    }

    /// Fills up to whole lanes with what has no mass.
    fn fill(&mut self) {
        let whole = self.x.len().next_multiple_of(LANES);
        self.x.resize(whole, 0.0);
        self.y.resize(whole, 0.0);
        self.mass.resize(whole, 0.0);
    }
}

/// Sums the pushes on every point. A square counts as one place for a group if it is narrower than `angle` times its
/// distance.
pub(super) fn repulsion(positions: &[[f32; 2]], angle: f32) -> Repulsion {
    let (order, keys, width) = along_curve(positions);
    let sorted: Vec<[f32; 2]> = order.iter().map(|&point| positions[point as usize]).collect();
    let mut squares = Vec::with_capacity(positions.len());
    divide(&mut squares, &sorted, &keys, 0, BITS, width);
    let groups: Vec<(usize, usize)> = squares
        .iter()
        .filter(|square| square.first < square.last)
        .map(|square| (square.first as usize, square.last as usize))
        .collect();
    let pushes: Vec<(Vec<[f32; 2]>, f64)> = groups
        .par_iter()
        .with_min_len(8)
        .map_init(List::default, |list, &(first, last)| {
            let members = &sorted[first..last];
            gather(list, members, &squares, &sorted, angle * angle);
            sum(list, members)
        })
        .collect();
    let mut forces = vec![[0.0; 2]; positions.len()];
    let mut weight = 0.0;
    for ((first, _), (group, of_group)) in groups.into_iter().zip(pushes) {
        weight += of_group;
        for (offset, force) in group.into_iter().enumerate() {
            forces[order[first + offset] as usize] = force;
        }
    }
    Repulsion { forces, weight }
}

/// Points in the order of the curve, their places on it, and the width of the square around all.
fn along_curve(positions: &[[f32; 2]]) -> (Vec<u32>, Vec<u32>, f32) {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for position in positions {
        for axis in 0..2 {
            low[axis] = low[axis].min(position[axis]);
            high[axis] = high[axis].max(position[axis]);
        }
    }
    let width = (high[0] - low[0]).max(high[1] - low[1]).max(f32::MIN_POSITIVE);
    let scale = (1u32 << BITS) as f32 / width;
    let cell = |value: f32, low: f32| (((value - low) * scale) as u32).min((1 << BITS) - 1);
    let mut keyed: Vec<u64> = positions
        .par_iter()
        .enumerate()
        .map(|(point, position)| {
            let key = spread(cell(position[0], low[0])) | spread(cell(position[1], low[1])) << 1;
            u64::from(key) << 32 | point as u64
        })
        .collect();
    keyed.par_sort_unstable();
    let order = keyed.iter().map(|&keyed| keyed as u32).collect();
    let keys = keyed.iter().map(|&keyed| (keyed >> 32) as u32).collect();
    (order, keys, width)
}

/// Puts a zero before each of the low sixteen bits.
fn spread(bits: u32) -> u32 {
    let bits = (bits | bits << 8) & 0x00FF_00FF;
    let bits = (bits | bits << 4) & 0x0F0F_0F0F;
    let bits = (bits | bits << 2) & 0x3333_3333;
    (bits | bits << 1) & 0x5555_5555
}

/// Appends the square of a run of points from `first`, and those within it. `level` divisions are left.
fn divide(
    squares: &mut Vec<Square>,
    sorted: &[[f32; 2]],
    keys: &[u32],
    first: usize,
    level: u32,
    width: f32,
) {
    let own = squares.len();
    let points = &sorted[first..first + keys.len()];
    let mass = points.len() as f32;
    let sums = points.iter().fold([0.0f64; 2], |sums, position| {
        [sums[0] + f64::from(position[0]), sums[1] + f64::from(position[1])]
    });
    let middle = sums.map(|sum| (sum / f64::from(mass)) as f32);
    let first_point = first as u32;
    squares.push(Square {
        middle,
        mass,
        squared_width: width * width,
        next: 0,
        first: first_point,
        last: first_point + keys.len() as u32,
    });
    if keys.len() > GROUP && level > 0 {
        squares[own].last = first_point;
        let quarter = |key: u32| key >> (2 * (level - 1)) & 3;
        let mut start = 0;
        for run in keys.chunk_by(|&a, &b| quarter(a) == quarter(b)) {
            divide(squares, sorted, run, first + start, level - 1, width / 2.0);
            start += run.len();
        }
    } else if level == 0 {
        squares[own].squared_width = 0.0;
    }
    squares[own].next = squares.len() as u32;
}

/// Lists what pushes the members of a group.
fn gather(
    list: &mut List,
    members: &[[f32; 2]],
    squares: &[Square],
    sorted: &[[f32; 2]],
    squared_angle: f32,
) {
    list.clear();
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for position in members {
        for axis in 0..2 {
            low[axis] = low[axis].min(position[axis]);
            high[axis] = high[axis].max(position[axis]);
        }
    }
    let mut at = 0;
    while let Some(square) = squares.get(at) {
        let away =
            |axis: usize| (low[axis] - square.middle[axis]).max(square.middle[axis] - high[axis]).max(0.0);
        let squared_distance = away(0) * away(0) + away(1) * away(1);
        // What cannot be divided further stands for its points wherever it is: they all lie in one place.
        if square.squared_width <= squared_angle * squared_distance {
            list.push(square.middle, square.mass);
            at = square.next as usize;
        } else {
            for &position in &sorted[square.first as usize..square.last as usize] {
                list.push(position, 1.0);
            }
            at += 1;
        }
    }
    list.fill();
}

/// Sums the list for each member. Its push on itself is none, and its weight of 1 on itself is taken off.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma"))]
fn sum(list: &List, members: &[[f32; 2]]) -> (Vec<[f32; 2]>, f64) {
    let (x, _) = list.x.as_chunks::<LANES>();
    let (y, _) = list.y.as_chunks::<LANES>();
    let (mass, _) = list.mass.as_chunks::<LANES>();
    let mut total = 0.0;
    let forces = members.iter().map(|member| {
        let (mut right, mut up, mut weights) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
        for ((x, y), mass) in x.iter().zip(y).zip(mass) {
            for lane in 0..LANES {
                let dx = member[0] - x[lane];
                let dy = member[1] - y[lane];
                let near = 1.0 / (1.0 + dx * dx + dy * dy);
                let weight = mass[lane] * near;
                weights[lane] += weight;
                right[lane] += weight * near * dx;
                up[lane] += weight * near * dy;
            }
        }
        total += weights.iter().map(|&weight| f64::from(weight)).sum::<f64>() - 1.0;
        [right.iter().sum(), up.iter().sum()]
    });
    let forces = forces.collect();
    (forces, total)
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;

    #[test]
    fn near_the_sum_over_all_pairs() {
        for (count, spread) in [(1, 1.0), (2, 1e-4), (17, 1.0), (900, 1e-4), (900, 20.0), (3000, 60.0)] {
            let mut random = Random::new(count);
            let positions: Vec<[f32; 2]> =
                (0..count).map(|_| [random.normal() * spread, random.normal() * spread]).collect();
            let found = repulsion(&positions, 0.5);
            let (mut weight, mut error, mut power) = (0.0f64, 0.0f64, 0.0f64);
            for (a, force) in positions.iter().zip(&found.forces) {
                let mut exact = [0.0f64; 2];
                for b in &positions {
                    let offset = [f64::from(a[0]) - f64::from(b[0]), f64::from(a[1]) - f64::from(b[1])];
                    let near = 1.0 / (1.0 + offset[0].powi(2) + offset[1].powi(2));
                    weight += near;
                    exact = [exact[0] + near * near * offset[0], exact[1] + near * near * offset[1]];
                }
                weight -= 1.0;
                error += (exact[0] - f64::from(force[0])).powi(2) + (exact[1] - f64::from(force[1])).powi(2);
                power += exact[0].powi(2) + exact[1].powi(2);
            }
            // A square counted as its middle errs by (width / distance)^2 / 6 of its weight, at most 4 %. Few reach that;
            // on average it is a quarter, as widths differ by factors of two and most pushes are summed one by one.
            assert!((found.weight - weight).abs() <= 1e-2 * weight + 1e-6, "{count} {spread}: {weight}");
            assert!(error.sqrt() <= 2e-2 * power.sqrt() + 1e-6, "{count} {spread}: {error} of {power}");
        }
    }

    #[test]
    fn points_in_one_place() {
        let mut positions = vec![[1.0, 2.0]; 100];
        positions.push([5.0, 5.0]);
        let found = repulsion(&positions, 0.5);
        // 100 * 99 pairs of weight 1, and 200 of distance 5.
        assert!((found.weight - (9900.0 + 200.0 / 26.0)).abs() < 0.1, "{}", found.weight);
        assert!(found.forces.iter().flatten().all(|force| force.is_finite()));
        assert_eq!(repulsion(&[], 0.5).weight, 0.0);
    }
}
