//! The loop serves any task: here a line through noisy points, for which it needs neither music nor a system.

use melisma_nets::{
    burn::{
        backend::{Autodiff, Flex},
        tensor::{Tensor, TensorData, backend::AutodiffBackend},
    },
    layers::{Linear, LinearConfig},
    loss::{Summand, squared},
    noise::Noise,
    parameters,
    precision::Precision,
};
use melisma_train::{
    Error, Finished, Limits, Loop, LoopConfig, Notes, Result, RunFolder, Task, TrainEvent, Validated,
    config::{OptimiserConfig, ScheduleConfig},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

type B = Autodiff<Flex>;

/// The line that is to be found, and how far points lie off it.
const SLOPE: f32 = 2.0;
const OFFSET: f32 = -0.5;
const DEVIATION: f32 = 0.1;
/// Points of a batch.
const POINTS: usize = 32;
const STEPS: u64 = 60;

/// Weight and bias of a linear map are the line's.
struct Line {
    seed: u64,
}

/// `[1, point, 1]` each: where, and how high.
type Points<A> = [Tensor<A, 3>; 2];

impl Line {
    fn points(&self, batch: u64) -> (Vec<f32>, Vec<f32>) {
        let mut noise = Noise::at(self.seed, &[1, batch]);
        (0..POINTS)
            .map(|_| {
                let x = 2.0 * noise.unit() - 1.0;
                (x, SLOPE * x + OFFSET + DEVIATION * noise.normal())
            })
            .unzip()
    }
}

fn tensors<A: melisma_nets::burn::tensor::backend::Backend>((x, y): (Vec<f32>, Vec<f32>)) -> Points<A> {
    [x, y].map(|values| Tensor::from_data(TensorData::new(values, [1, POINTS, 1]), &Default::default()))
}

fn found<A: melisma_nets::burn::tensor::backend::Backend>(line: &Linear<A>) -> BTreeMap<String, f32> {
    parameters::read(line).into_iter().map(|tensor| (tensor.name, tensor.values[0])).collect()
}

impl Task<B> for Line {
    type Network = Linear<B>;
    type Batch = (u64, Points<B>);

    fn examples(&self) -> [usize; 2] {
        [usize::MAX, POINTS]
    }

    fn network(&mut self, notes: Option<&Notes>) -> Result<Linear<B>> {
        if notes.is_some_and(|notes| notes["seed"] != self.seed.to_string()) {
            return Err(Error::Config("points of another seed".to_owned()));
        }
        let config = LinearConfig { inputs: 1, outputs: 1 };
        Ok(config.init(&mut Noise::at(self.seed, &[0]), &Default::default()))
    }

    fn notes(&self, _steps: u64) -> Result<Notes> {
        Ok(Notes::from([("seed".to_owned(), self.seed.to_string())]))
    }

    fn batch(&mut self, step: u64) -> Result<(u64, Points<B>)> {
        Ok((step, tensors(self.points(step))))
    }

    fn epoch(&self, _batch: &(u64, Points<B>)) -> u64 {
        0
    }

    fn describe(&self, (step, _): &(u64, Points<B>)) -> String {
        format!("points of step {step}")
    }

    fn loss(&self, line: &Linear<B>, (_, [x, y]): &(u64, Points<B>), _step: u64) -> Result<Vec<Summand<B>>> {
        let value = squared([y.clone(), line.forward(x.clone())]);
        Ok(vec![Summand { name: "mse", weight: 1.0, value }])
    }

    fn validate(
        &self,
        line: &Linear<<B as AutodiffBackend>::InnerBackend>,
        step: u64,
    ) -> Result<Option<Validated>> {
        let [x, y] = tensors(self.points(u64::MAX));
        let loss = squared([y, line.forward(x)]).into_scalar();
        let error = (found(line)["weight"] - SLOPE).abs();
        let measures = BTreeMap::from([("slope_error".to_owned(), f64::from(error))]);
        Ok(Some(Validated { step, loss, terms: vec![], measures }))
    }

    fn preview(
        &self,
        line: &Linear<<B as AutodiffBackend>::InnerBackend>,
        folder: &Path,
    ) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("line.txt"), format!("{:?}", found(line))).unwrap();
        Ok(Vec::new())
    }

    fn finish(&mut self, line: &Linear<<B as AutodiffBackend>::InnerBackend>, model: &Path) -> Result<()> {
        std::fs::create_dir_all(model).unwrap();
        let bits = found(line).into_values().map(|value| format!("{:08x}", value.to_bits()));
        std::fs::write(model.join("line"), bits.collect::<Vec<_>>().join(" ")).unwrap();
        Ok(())
    }
}

fn learn(
    folder: &Path,
    stop: &AtomicBool,
    learning_rate: f64,
    observer: &mut (dyn FnMut(TrainEvent) + Send),
) -> Result<Finished> {
    let config = LoopConfig {
        name: "line".to_owned(),
        steps: STEPS,
        validate_every: 20,
        preview_every: 0,
        checkpoint_every: 7,
        optimiser: OptimiserConfig { learning_rate, average_decay: 0.9, ..OptimiserConfig::default() },
        schedule: ScheduleConfig::default(),
        precision: Precision::Full,
    };
    let folder = RunFolder::open(folder, "line = true\n", |path| {
        let other = std::fs::read_to_string(path).unwrap();
        Ok((other != "line = true\n").then(|| "line".to_owned()))
    })?;
    if let Some(finished) = folder.finished() {
        return Ok(finished);
    }
    let limits = Limits { stop, max_seconds: None };
    Loop::<B, _>::new(folder, Line { seed: 5 }, config, limits, &Default::default(), observer)?.run()
}

fn losses(log: &[TrainEvent]) -> Vec<u32> {
    let loss = |event: &TrainEvent| match event {
        TrainEvent::Step { loss, .. } | TrainEvent::Validated(Validated { loss, .. }) => Some(loss.to_bits()),
        _ => None,
    };
    log.iter().filter_map(loss).collect()
}

#[test]
fn a_line_is_found_and_gone_on_with_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let (never, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let whole = learn(&folder.path().join("whole"), &never, 0.1, &mut |_| ()).unwrap();
    let (mut first, mut last) = (None, None);
    for event in &whole.log {
        if let TrainEvent::Validated(validated) = event {
            first.get_or_insert(validated.clone());
            last = Some(validated.clone());
        }
    }
    let (first, last) = (first.unwrap(), last.unwrap());
    assert_eq!((first.step, last.step), (0, STEPS));
    assert!(first.measures["slope_error"] > 0.5, "{first:?}");
    // A batch gives the slope to 0.1 / sqrt(32 / 3) = 0.03; Adam averages over ten or so of them.
    assert!(last.measures["slope_error"] < 0.1, "{last:?}");
    assert!(last.loss < 3.0 * DEVIATION * DEVIATION, "{last:?}");

    // Interrupted twice, at a checkpoint in time and off it.
    let parts = folder.path().join("parts");
    for end in [14, 25] {
        stop.store(false, Ordering::SeqCst);
        let mut watch = |event: TrainEvent| {
            if matches!(event, TrainEvent::Step { step, .. } if step + 1 == end) {
                stop.store(true, Ordering::SeqCst);
            }
        };
        let part = learn(&parts, &stop, 0.1, &mut watch).unwrap();
        assert!(part.interrupted && part.steps == end && !part.model.exists());
    }
    let parts = learn(&parts, &never, 0.1, &mut |_| ()).unwrap();
    assert!(!parts.interrupted);
    assert_eq!(losses(&parts.log), losses(&whole.log));
    let model = |finished: &Finished| std::fs::read(finished.model.join("line")).unwrap();
    assert_eq!(model(&parts), model(&whole));
}

#[test]
fn what_is_not_finite_is_told_in_the_words_of_the_task() {
    let folder = tempfile::tempdir().unwrap();
    let error = learn(folder.path(), &AtomicBool::new(false), 1e30, &mut |_| ()).unwrap_err();
    let Error::NotFinite { step, batch, .. } = &error else { panic!("{error}") };
    assert_eq!(batch, &format!("points of step {step}"));
}
