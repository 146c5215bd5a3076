//! The command line's grammar: the commands, and what they share. Each command's own flags live
//! beside its code in [`crate::commands`].

use crate::commands::{
    analyse, bench, classify, completions, data, decode, demo, duplicates, embed, encode, index, info,
    ladder, learn, listen, man, map, report, reproduce, similar, tag, train, verify,
};
use crate::{examples, exit};
use clap::{Parser, Subcommand};

/// Melisma, a music codec: music in, small .mlsm files out, and back.
#[derive(Debug, Parser)]
#[command(name = "melisma", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = format!("{}\n\n{}", examples::TOP, exit::table()))]
pub struct Arguments {
    /// No progress bar and no summary; errors and warnings only
    #[arg(long, global = true)]
    pub quiet: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compress music to .mlsm: files, whole directories, or a pipe
    Encode(encode::EncodeArguments),
    /// Turn .mlsm back into WAV, FLAC, AIFF and others, all of it or a part
    Decode(decode::DecodeArguments),
    /// Show what .mlsm files hold: length, rate, loudness, tags
    Info(info::InfoArguments),
    /// Check every byte of .mlsm files, or compare one with its original
    Verify(verify::VerifyArguments),
    /// Know a folder of music: read what is new in it into an index
    Index(index::IndexArguments),
    /// Find tracks that are like others, or a way from one to another, as a playlist
    Similar(similar::SimilarArguments),
    /// Find recordings that a folder has in several files, whatever their formats
    Duplicates(duplicates::DuplicatesArguments),
    /// Turn tracks into numbers for other programs: NumPy, safetensors, CSV, JSON
    Embed(embed::EmbedArguments),
    /// Measure tempo, key and loudness of music, and write them into the tags of .mlsm files
    Analyse(analyse::AnalyseArguments),
    /// Look at a music library: each track a point, heard under the pointer, as one page
    Map(map::MapArguments),
    /// Show or change the tags and the cover of .mlsm files; their music stays as it is
    Tag(tag::TagArguments),
    /// Prepare music to learn from and to measure with: manifests, FMA, a synthesised collection
    Data(data::DataArguments),
    /// Train a network of a config file on music: it becomes a codec of its own
    Train(Box<train::TrainArguments>),
    /// The reference study with one command: train all of it, measure it as codecs, show it on one page
    Reproduce(reproduce::ReproduceArguments),
    /// Learn genres, or any other tag, from the tags of your music; says how well they can be told
    Learn(learn::LearnArguments),
    /// Name the genre of music, or another tag, with how probable that is
    Classify(classify::ClassifyArguments),
    /// Hear what this codec does: needs no file
    Demo(demo::DemoArguments),
    /// Compare codecs on music: files measured, programs timed, one table
    Bench(Box<bench::BenchArguments>),
    /// Show the results of a bench as one page: charts, tables, players
    Report(report::ReportArguments),
    /// Hear what bitrate means: one excerpt at many rates through several codecs, as a page
    Ladder(ladder::LadderArguments),
    /// Judge codecs by ear: a blind listening test as a page, and what its answers say
    Listen(listen::ListenArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page, or write all of them to a directory
    Man(man::ManArguments),
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_grammar_is_sound() {
        <super::Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
