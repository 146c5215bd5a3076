//! From model output variables to grades: PEAQ's neural network and the 2f-model's formula.
//! Section 6 of BS.1387-1's annex 2 (tables 13 to 16); Kastner and Herre 2019.

use super::variables::Variables;

/// Range of each variable, in the order of [`Variables::of_network`].
const RANGES: [(f64, f64); 11] = [
    (393.916656, 921.0),
    (361.965332, 881.131226),
    (-24.045116, 16.212030),
    (1.110661, 107.137772),
    (-0.206623, 2.886017),
    (0.074318, 13.933351),
    (1.113683, 63.257874),
    (0.950345, 1145.018555),
    (0.029985, 14.819740),
    (0.000101, 1.0),
    (0.0, 1.0),
];

/// Weights of the hidden nodes, `[variable][node]`.
const HIDDEN: [[f64; 3]; 11] = [
    [-0.502657, 0.436333, 1.219602],
    [4.307481, 3.246017, 1.123743],
    [4.984241, -2.211189, -0.192096],
    [0.051056, -1.762424, 4.331315],
    [2.321580, 1.789971, -0.754560],
    [-5.303901, -3.452257, -10.814982],
    [2.730991, -6.111805, 1.519223],
    [0.624950, -1.331523, -5.955151],
    [3.102889, 0.871260, -5.922878],
    [-1.051468, -0.939882, -0.142913],
    [-1.804679, -0.503610, -0.620456],
];
const HIDDEN_BIAS: [f64; 3] = [-2.518254, 0.654841, -2.207228];
const OUTPUT: [f64; 3] = [-3.817048, 4.107138, 4.629582];
const OUTPUT_BIAS: f64 = -0.307594;
/// Range of the grade.
const GRADES: (f64, f64) = (-3.98, 0.22);

/// Objective difference grade; none if a variable is missing.
pub fn grade(variables: &Variables) -> Option<f64> {
    let mut nodes = HIDDEN_BIAS;
    for ((value, (low, high)), weights) in variables.of_network()?.iter().zip(RANGES).zip(HIDDEN) {
        let scaled = (value - low) / (high - low);
        for (node, weight) in nodes.iter_mut().zip(weights) {
            *node += weight * scaled;
        }
    }
    let index =
        OUTPUT_BIAS + nodes.iter().zip(OUTPUT).map(|(&node, weight)| weight * sigmoid(node)).sum::<f64>();
    Some(GRADES.0 + (GRADES.1 - GRADES.0) * sigmoid(index))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Estimated MUSHRA score, 0 to 100.
pub fn two_f(variables: &Variables) -> f64 {
    let modulation = -0.0282 * variables.avg_mod_diff_1 - 0.8628;
    let score = 56.1345 / (1.0 + modulation * modulation) - 27.1451 * variables.detection_steps_log + 86.3515;
    score.clamp(0.0, 100.0)
}
