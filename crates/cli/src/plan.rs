//! From the inputs on the command line to a list of jobs: which file is read, where its result goes.
//! Directories are mirrored; nothing is opened yet.

use crate::message::{hinted, misused};
use crate::output::Target;
use anyhow::Context;
use melisma_media::{Input, Shard, folder::files_in};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What a command takes from a directory and how it names results.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Lower-case extensions taken from a directory; a file named on the command line is always taken.
    pub accepted: &'a [&'a str],
    /// Extension of results.
    pub extension: &'a str,
}

/// One input and its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What is read.
    pub input: Input,
    /// Where the result goes.
    pub target: Target,
    /// Size of the input; `None` for a pipe.
    pub bytes: Option<u64>,
    /// Found in a directory: an up-to-date result is skipped rather than refused.
    pub mirrored: bool,
    /// The result that is there is outdated or broken: it is replaced.
    pub replace: bool,
    /// Only the tags may have changed: then the result gets those, and its music stays.
    pub may_retag: bool,
}

impl Job {
    /// The input's name for messages.
    pub fn name(&self) -> String {
        match &self.input {
            Input::Stdin => "stdin".to_owned(),
            Input::Path(path) => path.display().to_string(),
        }
    }

    /// The input's name without its folders, if it is a file.
    pub fn file_name(&self) -> Option<String> {
        let Input::Path(path) = &self.input else { return None };
        path.file_name().map(|name| name.to_string_lossy().into_owned())
    }
}

/// All jobs, in order.
#[derive(Debug, Default)]
pub struct Plan {
    /// What to do.
    pub jobs: Vec<Job>,
    /// What cannot be done, known already: the name of an input or of an entry in a directory, and why.
    pub failures: Vec<(String, anyhow::Error)>,
    /// Files in directories that are not of the accepted kinds.
    pub ignored: usize,
    /// Whether a directory was given (then failures are collected, not fatal).
    pub mirrored: bool,
    /// Where directories are mirrored to.
    pub roots: Vec<PathBuf>,
    /// Where the results of entries would lie that could not be looked at.
    pub unseen: Vec<PathBuf>,
    /// Jobs that are those of other processes.
    pub of_others: usize,
}

impl Plan {
    /// Leaves the jobs of directories to other processes that are not of this part, by the names of their results: two
    /// inputs that differ in nothing else than their endings are told apart there.
    pub fn keep_only(&mut self, shard: Shard) {
        let (roots, all) = (&self.roots, self.jobs.len());
        self.jobs.retain(|job| match job.target.path().filter(|_| job.mirrored) {
            Some(target) => {
                let below = roots.iter().filter_map(|root| target.strip_prefix(root).ok());
                shard.has(below.min_by_key(|below| below.iter().count()).unwrap_or(target))
            }
            None => true,
        });
        self.of_others += all - self.jobs.len();
    }

    /// Refuses `--json` where results go to standard output.
    pub fn refuse_json_to_stdout(&self, json: bool) -> anyhow::Result<()> {
        if json && self.jobs.iter().any(|job| job.target == Target::Stdout) {
            return Err(misused("--json and the result do not fit into one standard output", "give -o FILE"));
        }
        Ok(())
    }
}

/// Makes the plan.
///
/// One file goes to `output`, or into it if it is a directory, or beside itself. Directories and
/// several inputs go into the directory `output`. stdin goes to stdout unless `output` says otherwise.
/// Of several inputs, or in a directory, what cannot be read is noted in the plan and the rest goes on.
pub fn plan(inputs: &[PathBuf], output: Option<&Path>, rules: Rules) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let stdout_wanted = output.is_some_and(|path| path.as_os_str() == "-");
    if inputs.iter().filter(|input| input.as_os_str() == "-").count() > 1 {
        return Err(misused("standard input (-) can be read once only", "name it once"));
    }
    for input in inputs {
        let argument = Input::from_argument(input.as_os_str());
        let kind = match argument {
            Input::Stdin => None,
            Input::Path(_) => match metadata(input) {
                Ok(kind) => Some(kind),
                Err(error) if inputs.len() > 1 => {
                    plan.failures.push((input.display().to_string(), error));
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        if kind.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            plan.mirrored = true;
            let root = match output {
                Some(path) if !stdout_wanted => path,
                _ => {
                    return Err(hinted(
                        format!("{} is a directory and needs a directory to be mirrored to", input.display()),
                        "give one with -o DIR",
                    ));
                }
            };
            let root = if inputs.len() == 1 { root.to_path_buf() } else { root.join(file_name(input)?) };
            mirror(&mut plan, input, &root, rules)?;
            continue;
        }
        let target = match (output, &argument) {
            (Some(_), _) if stdout_wanted => {
                if inputs.len() > 1 {
                    return Err(hinted("several inputs do not fit into one stdout", "give -o DIR"));
                }
                Target::Stdout
            }
            (None, Input::Stdin) => Target::Stdout,
            (None, Input::Path(path)) => Target::File(path.with_extension(rules.extension)),
            (Some(path), _) if inputs.len() > 1 || path.is_dir() || ends_with_separator(path) => {
                let name = if argument == Input::Stdin { "stdin".into() } else { file_name(input)? };
                Target::File(path.join(name).with_extension(rules.extension))
            }
            (Some(path), _) => Target::File(path.to_path_buf()),
        };
        let bytes = kind.filter(std::fs::Metadata::is_file).map(|kind| kind.len());
        plan.jobs.push(Job {
            input: argument,
            target,
            bytes,
            mirrored: false,
            replace: false,
            may_retag: false,
        });
    }
    separate(&mut plan, rules.extension)?;
    Ok(plan)
}

fn metadata(path: &Path) -> anyhow::Result<std::fs::Metadata> {
    path.metadata().with_context(|| format!("cannot read {}", path.display()))
}

fn file_name(path: &Path) -> anyhow::Result<PathBuf> {
    let whole = path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
    // A link keeps its own name; only `.` and `..` need the whole path to have one.
    let name = path.file_name().or_else(|| whole.file_name());
    name.map(PathBuf::from).with_context(|| format!("{} has no name to mirror under", path.display()))
}

fn ends_with_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|byte| std::path::is_separator(char::from(*byte)))
}

fn mirror(plan: &mut Plan, from: &Path, to: &Path, rules: Rules) -> anyhow::Result<()> {
    // Results inside the input directory must not become inputs of the same run.
    let results = to.canonicalize().ok().filter(|to| from.canonicalize().is_ok_and(|from| *to != from));
    let found = files_in(from, results.as_deref(), rules.accepted);
    plan.ignored += found.ignored;
    plan.roots.push(to.to_path_buf());
    let mirrored = |path: &Path| -> anyhow::Result<PathBuf> {
        Ok(to.join(path.strip_prefix(from).context("a directory lists a file outside of it")?))
    };
    for (path, error) in found.failures {
        // What may be there still keeps its result.
        plan.unseen.extend(mirrored(&path));
        plan.failures.push((path.display().to_string(), anyhow::anyhow!(error)));
    }
    for (path, bytes) in found.files {
        plan.jobs.push(Job {
            target: Target::File(mirrored(&path)?.with_extension(rules.extension)),
            input: Input::Path(path),
            bytes,
            mirrored: true,
            replace: false,
            may_retag: false,
        });
    }
    Ok(())
}

/// `a.mp3` and `a.flac` would both become `a.mlsm`: such jobs keep their full names (`a.mp3.mlsm`), and so does what
/// would get one of those names by itself (`a.mp3.wav`). No two files of a folder have the same full name.
fn name_apart(jobs: &mut [Job], extension: &str) {
    let mut has_full_name = vec![false; jobs.len()];
    loop {
        let mut users: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for path in jobs.iter().filter_map(|job| job.target.path()) {
            *users.entry(path.to_path_buf()).or_default() += 1;
        }
        let mut is_done = true;
        for (job, has_full_name) in jobs.iter_mut().zip(&mut has_full_name) {
            if let (Input::Path(input), Target::File(target)) = (&job.input, &mut job.target)
                && !*has_full_name
                && users.get(target.as_path()).is_some_and(|users| *users > 1)
                && let Some(name) = input.file_name()
            {
                target.set_file_name(full_name(name, extension));
                (*has_full_name, is_done) = (true, false);
            }
        }
        if is_done {
            return;
        }
    }
}

/// `a.mp3.mlsm` of `a.mp3`.
fn full_name(input: &OsStr, extension: &str) -> OsString {
    let mut name = input.to_os_string();
    name.push(".");
    name.push(extension);
    name
}

/// Whether a plan could have named `result` after an input of this name.
pub fn is_named_after(result: &Path, input: &OsStr, extension: &str) -> bool {
    result.file_name().is_some_and(|name| {
        name == full_name(input, extension) || name == Path::new(input).with_extension(extension)
    })
}

/// Gives each job a target of its own. Nothing may overwrite an input. What still gets in each other's way is an error, among
/// files of a directory a failure of the later one.
fn separate(plan: &mut Plan, extension: &str) -> anyhow::Result<()> {
    name_apart(&mut plan.jobs, extension);
    let mut taken = BTreeMap::new();
    let mut jobs = Vec::with_capacity(plan.jobs.len());
    for job in std::mem::take(&mut plan.jobs) {
        match conflict(&job, &mut taken) {
            None => jobs.push(job),
            Some(error) if job.mirrored => {
                plan.unseen.extend(job.target.path().map(Path::to_path_buf));
                plan.failures.push((job.name(), error));
            }
            Some(error) => return Err(error),
        }
    }
    plan.jobs = jobs;
    Ok(())
}

/// Why the target of `job` cannot be its target, if so; `taken` has the targets of those before.
fn conflict(job: &Job, taken: &mut BTreeMap<PathBuf, String>) -> Option<anyhow::Error> {
    let target = job.target.path()?;
    if let Some(other) = taken.get(target) {
        return Some(hinted(
            format!("{other} and {} would both become {}", job.name(), target.display()),
            "convert them one at a time, each with its own -o",
        ));
    }
    taken.insert(target.to_path_buf(), job.name());
    if let (Input::Path(input), Ok(real)) = (&job.input, target.canonicalize())
        && target.is_file()
        && input.canonicalize().is_ok_and(|input| input == real)
    {
        return Some(hinted(
            format!("the result would overwrite its own input {}", input.display()),
            "give another name with -o",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const RULES: Rules<'static> = Rules { accepted: &["wav", "mp3", "flac"], extension: "mlsm" };

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        root
    }

    fn targets(inputs: &[PathBuf], output: Option<&Path>, root: &Path) -> Vec<String> {
        let plan = plan(inputs, output, RULES).unwrap();
        let name = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        plan.jobs.iter().map(|job| job.target.path().map_or("-".into(), name)).collect()
    }

    #[test]
    fn one_file_goes_beside_itself_or_where_told() {
        let root = tree(&["a.wav", "out/x"]);
        let (at, input) = (root.path(), vec![root.path().join("a.wav")]);
        assert_eq!(targets(&input, None, at), ["a.mlsm"]);
        assert_eq!(targets(&input, Some(&at.join("b.mlsm")), at), ["b.mlsm"]);
        assert_eq!(targets(&input, Some(&at.join("out")), at), ["out/a.mlsm"]);
        assert_eq!(targets(&input, Some(&at.join("new/")), at), ["new/a.mlsm"]);
        assert_eq!(targets(&input, Some(Path::new("-")), at), ["-"]);
        assert_eq!(targets(&["-".into()], None, at), ["-"]);
        assert_eq!(targets(&["-".into()], Some(&at.join("b.mlsm")), at), ["b.mlsm"]);
    }

    #[test]
    fn directories_are_mirrored_without_what_is_hidden_foreign_or_a_result() {
        let root =
            tree(&["in/a.wav", "in/d/b.MP3", "in/d/b.flac", "in/note.txt", "in/.hide/c.wav", "in/out/o.wav"]);
        let (at, input) = (root.path(), vec![root.path().join("in")]);
        assert_eq!(
            targets(&input, Some(&at.join("in/out")), at),
            ["in/out/a.mlsm", "in/out/d/b.MP3.mlsm", "in/out/d/b.flac.mlsm"]
        );
        assert_eq!(plan(&input, Some(&at.join("in/out")), RULES).unwrap().ignored, 1);
        assert!(plan(&input, None, RULES).is_err());
        assert!(plan(&input, Some(Path::new("-")), RULES).is_err());
    }

    #[test]
    fn every_file_of_a_directory_gets_a_name_of_its_own() {
        for (files, expected) in [
            (&["a.wav", "a.wav.wav"][..], &["a.mlsm", "a.wav.mlsm"][..]),
            (&["a.flac", "a.wav", "a.wav.wav"], &["a.flac.mlsm", "a.wav.mlsm", "a.wav.wav.mlsm"]),
            (
                &["a.flac", "a.wav", "a.wav.mp3", "a.wav.mp3.wav"],
                &["a.flac.mlsm", "a.wav.mlsm", "a.wav.mp3.mlsm", "a.wav.mp3.wav.mlsm"],
            ),
            (&["a.flac", "a.wav", "b/a.wav.wav"], &["a.flac.mlsm", "a.wav.mlsm", "b/a.wav.mlsm"]),
        ] {
            let inside: Vec<String> = files.iter().map(|file| format!("in/{file}")).collect();
            let root = tree(&inside.iter().map(String::as_str).collect::<Vec<_>>());
            let out = root.path().join("out");
            assert_eq!(targets(&[root.path().join("in")], Some(&out), &out), expected, "{files:?}");
            for (file, result) in files.iter().zip(expected) {
                let name = Path::new(file).file_name().unwrap();
                assert!(is_named_after(Path::new(result), name, "mlsm"), "{file}");
                assert!(!is_named_after(Path::new("mine.mlsm"), name, "mlsm"), "{file}");
            }
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let root = tree(&["a.wav", "b.wav", "c.mlsm", "d/a.wav"]);
        let file = |name: &str| root.path().join(name);
        let out = root.path().join("o");
        assert!(plan(&[file("c.mlsm")], None, RULES).is_err(), "overwrites its input");
        assert!(plan(&[file("a.wav"), file("d/a.wav")], Some(&out), RULES).is_err(), "the same name twice");
        assert!(plan(&[file("a.wav"), file("b.wav")], Some(Path::new("-")), RULES).is_err());
        assert!(plan(&["-".into(), "-".into()], None, RULES).is_err());
        assert!(plan(&[file("missing.wav")], None, RULES).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_bad_entry_of_a_directory_is_named_and_the_rest_is_planned() {
        use std::os::unix::fs::symlink;
        let root = tree(&["in/a.wav", "in/d/b.wav", "in/z.wav"]);
        let at = |name: &str| root.path().join(name);
        symlink(at("in/gone.wav"), at("in/nowhere.wav")).unwrap();
        symlink(at("in/gone.wav"), at("in/.hidden.wav")).unwrap();
        symlink(at("in"), at("in/d/endless")).unwrap();
        let plan = plan(&[at("in")], Some(&at("out")), RULES).unwrap();
        assert_eq!(plan.jobs.len(), 3);
        let mut bad: Vec<&str> =
            plan.failures.iter().filter_map(|(name, _)| name.rsplit('/').next()).collect();
        assert_eq!(plan.unseen.len(), 2);
        bad.sort_unstable();
        assert_eq!(bad, ["endless", "nowhere.wav"]);
    }

    #[test]
    fn one_missing_input_among_several_is_a_failure_of_its_own() {
        let root = tree(&["a.wav"]);
        let inputs = [root.path().join("missing.wav"), root.path().join("a.wav")];
        let plan = plan(&inputs, Some(&root.path().join("out")), RULES).unwrap();
        assert_eq!((plan.jobs.len(), plan.failures.len()), (1, 1));
    }
}
