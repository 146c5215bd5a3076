//! The examples under each command's `--help`. They are commands to copy, so the tests run what can be
//! run of them.

/// Of the program.
pub const TOP: &str = "\
Start here:
  melisma demo                        hear it: renders a piece of music, codes it at four rates
  melisma encode song.flac            song.flac -> song.mlsm
  melisma decode song.mlsm            song.mlsm -> song.wav
  melisma encode Music -o Small       a whole collection, with tags and covers";

/// Of `encode`.
pub const ENCODE: &str = "\
Examples:
  melisma encode song.flac                       constant quality; writes song.mlsm beside it
  melisma encode song.flac -q 8                  better and larger
  melisma encode song.flac -b 24k                24 kbit/s on average
  melisma encode song.flac --size 1MB            fits into a megabyte
  melisma encode song.flac -b 24k --effort high  takes longer, and sounds better
  melisma encode Music -o Small -j 4             a directory, mirrored; run it again to go on
  melisma encode Music -o Small --delete         and what is gone from Music goes from Small
  melisma encode Music -o Small --shard 3/8      the third of eight parts, for eight machines
  melisma encode song.flac --model runs/mine -b 16k        with a network of `melisma train`
  ffmpeg -i film.mkv -f wav - | melisma encode - -o film.mlsm
  melisma encode - < song.wav | ssh host 'cat > song.mlsm'";

/// Of `decode`.
pub const DECODE: &str = "\
Examples:
  melisma decode song.mlsm                       writes song.wav beside it
  melisma decode song.mlsm -o song.flac          FLAC, by the name
  melisma decode song.mlsm --format wav24        24-bit WAV
  melisma decode song.mlsm -o song.mp3 --gain track   through an installed program, at an even level
  melisma decode song.mlsm --start 1:30 --duration 10 -o part.wav
  melisma decode song.mlsm -o - | aplay          listen
  melisma decode Small -o Big --format flac      a directory, mirrored
  melisma decode song.mlsm --model runs/mine     a file that a network made";

/// Of `info`.
pub const INFO: &str = "\
Examples:
  melisma info song.mlsm
  melisma info Small                             all files of a directory, and their sum
  melisma info --json *.mlsm | jq -s 'map(.seconds) | add'      one JSON object a line";

/// Of `verify`.
pub const VERIFY: &str = "\
Examples:
  melisma verify song.mlsm                       every checksum and every symbol
  melisma verify Small                           all files of a directory, and how many are faulty
  melisma verify song.mlsm --against song.flac   and: equal length? how large is the difference?";

/// Of `map`.
pub const MAP: &str = "\
Examples:
  melisma data synth Toy                         music to try it with
  melisma map Toy                                writes map.html; open it in a browser
  melisma map Music -o Music/map.html            beside the music; run it again when there is more
  melisma map Small --excerpts 2000              .mlsm files that can be heard, 13 kB each
  melisma map Music --projection pca --colour-by year -f";

/// Of `tag`.
pub const TAG: &str = "\
Examples:
  melisma tag song.mlsm                          what it has
  melisma tag song.mlsm --set TITLE='A title' --set ARTIST=Ann --add ARTIST=Bob
  melisma tag Album --set ALBUM='An album' --cover front.jpg     all files of a directory
  melisma tag song.mlsm --remove COMMENT
  melisma tag song.mlsm --extract-cover front.jpg";

/// Of `demo`.
pub const DEMO: &str = "\
Examples:
  melisma demo                                   then listen to the files that it names
  melisma demo -o /tmp/melisma";

/// Of `train`.
pub const TRAIN: &str = "\
Examples:
  melisma data synth Synthesised                          music to try it with
  melisma train configs/study/time-ae.toml --data Synthesised
  melisma train my.toml --data manifest.jsonl -o runs/a   the same command goes on where it stopped
  melisma train my.toml --data Music --set optimiser.learning_rate=3e-4 --set run.steps=2000
  melisma train my.toml --data Music --device cuda --max-time 30:00
  tensorboard --logdir runs                               curves of all runs";

/// Of `reproduce`.
pub const REPRODUCE: &str = "\
Examples:
  melisma reproduce study --data Music --budget 2h -o study";

/// Of `reproduce study`.
pub const REPRODUCE_STUDY: &str = "\
Examples:
  melisma data synth Synthesised                          music to try it with
  melisma reproduce study --data Synthesised --quick --check
  melisma reproduce study --data fma.jsonl --budget 2h -o study      the same command goes on where it stopped
  melisma reproduce study --data fma.jsonl --test other.jsonl --runs study/runs -o other";

/// Of `learn`.
pub const LEARN: &str = "\
Examples:
  melisma data synth Toy                         no tagged music at hand? five genres, made on the spot
  melisma learn Toy -o toy-genres                from the tag genre; says how good that is
  melisma learn Music --by mood -o my-moods      any tag: artist, album, year, mood
  melisma learn Music --at-least 20 -o my-genres --force

How good it is, is measured on artists that were not learned from (for artists: albums): a model that
has heard an artist knows the studio, not the genre.";

/// Of `classify`.
pub const CLASSIFY: &str = "\
Examples:
  melisma classify song.mlsm --labels my-genres
  melisma classify Music --labels my-genres --untagged --threshold 0.8
  melisma classify Music --labels my-genres --csv > genres.csv
  melisma classify Music --labels my-genres --write-tags           says what it would write
  melisma classify Music --labels my-genres --write-tags --yes     writes it, and a log
  melisma classify --undo melisma-undo-1.jsonl                     takes it back
  melisma classify Music --labels my-genres --json | jq -r 'select(.label == \"Jazz\").file'";

/// Of `bench`.
pub const BENCH: &str = "\
Examples:
  melisma bench                                  built-in pieces, all codecs that are installed
  melisma bench Music -o results                 a folder; run it again to go on where it stopped
  melisma bench a.flac --codecs melisma,opus,mp3 --rates 8,16,32,64
  melisma bench Music --codec 'lc3=lc3enc -b {bps} {in} {out} ;; lc3dec {in} {out}'
  melisma bench Music --model runs/mine/model    and a network of `melisma train`
  melisma bench Music --bd-rate melisma,opus     bits for equal quality, on every metric
  melisma bench Music --track study              8 kHz mono, beside the study's own figures
  melisma bench Music --listen 3                 keeps excerpts of three clips to listen to
  melisma bench Music --against old.json         what got worse? ends with 1 if anything did
  melisma bench --codecs none -o results         shows earlier results again";
/// Of `report`.
pub const REPORT: &str = "\
Examples:
  melisma report melisma-bench -o report.html           the folder that `melisma bench` wrote
  melisma report results.json.gz -o report.html --no-charts
  melisma report melisma-bench -o report.html --clips 3 --max-audio 20MB
  melisma report results.json.gz --listening own-music -o to-publish.html";

/// Of `ladder`.
pub const LADDER: &str = "\
Examples:
  melisma ladder song.flac -o ladder.html               1 to 320 kbit/s through MP3, Opus and Melisma
  melisma ladder song.flac --start 1:30 --duration 5
  melisma ladder song.flac --rates 6,12,24,48 --codecs opus,aac,vorbis,melisma";

/// Of `listen`.
pub const LISTEN: &str = "\
Examples:
  melisma listen prepare Music -o test                  20 clips at 12, 24 and 48 kbit/s beside Opus and MP3
  melisma listen analyse answers-*.csv                  what listeners saved on that page";

/// Of `listen prepare`.
pub const LISTEN_PREPARE: &str = "\
Examples:
  melisma listen prepare                                the built-in pieces; then open listening-test/index.html
  melisma listen prepare Music -o test                  20 clips at 12, 24 and 48 kbit/s beside Opus and MP3
  melisma listen prepare a.flac b.flac --rates 16,32 --codecs melisma,opus,aac --seconds 10";

/// Of `listen analyse`.
pub const LISTEN_ANALYSE: &str = "\
Examples:
  melisma listen analyse answers-*.csv
  melisma listen analyse answers --markdown             every CSV file of a folder
  melisma listen analyse answers --json | jq .scores";

/// Of `index`.
pub const INDEX: &str = "\
Examples:
  melisma index Music                            run it again to follow what changed
  melisma index Music --json | jq -r .path       what is in it
  melisma index /mnt/read-only -o music.index    an index somewhere else
  melisma index Music --shard 3/8                the third of eight parts, for eight machines, and then:
  melisma index Music --merge Music/.melisma/index-*-of-8";

/// Of `similar`.
pub const SIMILAR: &str = "\
Examples:
  melisma similar Music/song.mlsm                in the library that it is from
  melisma similar found.mp3 --in Music -k 10     what is like a track from elsewhere?
  melisma similar a.flac b.flac --in Music --per-artist 2 --playlist evening.m3u8
  melisma similar a.flac --path b.flac --in Music -k 12 --playlist bridge.m3u8";

/// Of `duplicates`.
pub const DUPLICATES: &str = "\
Examples:
  melisma duplicates Music                       at other bitrates, in other formats, under other names
  melisma duplicates Music --json | jq -r '.tracks[1:][].path'";

/// Of `embed`.
pub const EMBED: &str = "\
Examples:
  melisma embed Music -o music.npz               numpy.load: ids, embeddings, seconds
  melisma embed Music -o music.csv               or .safetensors, or .parquet in builds with that feature
  melisma embed Music -o music.npz --sketches    and levels of bands over time, an array a track
  melisma embed song.mlsm                        JSON";

/// Of `analyse`.
pub const ANALYSE: &str = "\
Examples:
  melisma analyse song.flac                      tempo, key, loudness, true peak, loudness range
  melisma analyse Music --csv > music.csv
  melisma analyse Music --json | jq -r 'select(.tempo_bpm > 120).file'
  melisma analyse Small --write-tags --dry-run   which BPM and INITIALKEY would .mlsm files get?
  melisma analyse Small --write-tags             writes them; their music stays byte for byte

A strength below 0.1 says that there is hardly a beat, a margin below 0.02 that the key is a guess:
such values, and those of damaged files, are not written into tags.";

/// Of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  melisma completions bash > ~/.local/share/bash-completion/completions/melisma
  melisma completions zsh  > ~/.zfunc/_melisma
  melisma completions fish > ~/.config/fish/completions/melisma.fish";

/// Of `man`.
pub const MAN: &str = "\
Examples:
  melisma man | man -l -
  melisma man ~/.local/share/man/man1            melisma.1, melisma-encode.1, ...";

/// Of `data`.
pub const DATA: &str = "\
Examples:
  melisma data synth Toy                         no music at hand? five genres, made on the spot
  melisma data fma Toy -o toy.jsonl              its manifest: what to train and test on
  melisma data fetch fma-metadata fma-small      the dataset that papers use: 8,000 clips, 8 genres
  melisma data scan Music -o mine.jsonl          your own collection
  melisma data show mine.jsonl                   parts, genres, and what is of no use";

/// Of `data scan`.
pub const DATA_SCAN: &str = "\
Examples:
  melisma data scan Music -o mine.jsonl           80/10/10 by artist
  melisma data scan Music -o mine.jsonl --force   again: only what is new is decoded
  melisma data scan Music --split 70/30 --by album --seed 7
  melisma data scan Music --table labels.tsv      parts, artists, genres from a table
  jq -r 'select(.verdict == \"duplicate\").path' mine.jsonl

A manifest has one line of JSON a file. Unreadable, damaged, silent and too short files, and second
copies of the same sound (equal decoded samples, whatever the tags), stay in it with the reason, and
are not used. An interrupted scan goes on where it stopped.";

/// Of `data fetch`.
pub const DATA_FETCH: &str = "\
Examples:
  melisma data fetch fma-metadata fma-small -o FMA     then: melisma data fma FMA
  melisma data fetch fma-small --mirror https://example.org/fma --discard

Interrupted? Run it again: it goes on where it stopped. Archives are checked by the SHA-1 that the
dataset's makers publish, and free space is checked before anything is written.";

/// Of `data fma`.
pub const DATA_FMA: &str = "\
Examples:
  melisma data fma FMA -o fma.jsonl           fma_small and fma_metadata in FMA; official parts
  melisma data fma FMA --split study --seed 3 -o study.jsonl
  melisma data fma FMA --audio clips --split 80/10/10 -o own.jsonl";

/// Of `data show`.
pub const DATA_SHOW: &str = "\
Examples:
  melisma data show mine.jsonl
  melisma data show mine.jsonl --refused                  every file that is not used, and why";

/// Of `data synth`.
pub const DATA_SYNTH: &str = "\
Examples:
  melisma data synth Toy                                  60 tracks of 12 s
  melisma data synth Toy --tracks 500 --seconds 30 --seed 2
  melisma data synth Toy --rate 8000 --format wav         small and quick";
