//! Writes tampered archives for tests in other languages: `tamper FIRST COUNT OUT`.
//!
//! Archive N goes to `OUT/N`: the roots as `truth.json` lists them (mostly `archive/<bucket>/<key>`), the keys in
//! `keys/`, and in `truth.json` what was done to it and what must be told of it. Only archives with a sidecar beside
//! every digest and with AWS's layout are written, so that AWS's own validator can read them; numbers whose archive
//! is another one are passed over, until there are COUNT. Their worlds, untouched, go to `OUT/world-N`.
#![allow(clippy::print_stderr)]

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use serde_json::json;
use trailseal_testkit::tamper::{Layout, Remains, Signatures, TamperScope, Tampering, World, write_tree};

/// Archives of one world; those of `tests/it/tampering.rs` have the same numbers.
const PER_WORLD: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [first, count, out] = arguments.as_slice() else {
        eprintln!("usage: tamper FIRST COUNT OUT");
        return ExitCode::from(2);
    };
    let (Ok(first), Ok(count)) = (first.parse(), count.parse()) else {
        eprintln!("FIRST and COUNT are numbers");
        return ExitCode::from(2);
    };
    match write_all(first, count, Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(first: u64, count: u64, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut written = 0;
    let mut world = World::random(first / PER_WORLD);
    for number in first.. {
        if written == count {
            break;
        }
        if world.seed != number / PER_WORLD {
            world = World::random(number / PER_WORLD);
        }
        if world.signatures == Signatures::Everywhere && !matches!(world.layout, Layout::Cut(_)) {
            let tampering = Tampering::random(&world, number);
            write_one(&tampering, &out.join(number.to_string()))?;
            let untouched = out.join(format!("world-{}", world.seed));
            if !untouched.exists() {
                write_one(&Tampering::only(&world, number, &|_| false), &untouched)?;
            }
            written += 1;
        }
    }
    Ok(())
}

fn write_one(tampering: &Tampering<'_>, folder: &Path) -> Result<(), Box<dyn Error>> {
    let world = tampering.world;
    let truth = Remains::of(world, &tampering.tree, &tampering.roots).truth(&TamperScope::default());
    fs::create_dir_all(folder.join("keys"))?;
    write_tree(&tampering.tree, folder);
    // One key file of no stated region: all regions are signed with the same keys.
    fs::write(folder.join("keys/keys.json"), world.keys())?;
    let digests = world.own().iter().filter(|one| one.is_digest()).count();
    let steps: Vec<_> = tampering.steps.iter().map(|step| json!([step.name, step.text])).collect();
    let demands: Vec<_> =
        truth.demands.iter().map(|(reason, what)| json!([format!("{reason:?}"), what])).collect();
    let document = json!({
        "roots": tampering.roots,
        "steps": steps,
        "harmless": tampering.is_harmless(),
        "demands": demands,
        "provable": world.is_provable(&TamperScope::default()),
        "digests": digests,
        "logs": world.own().len() - digests,
        "moved": world.lines[..world.owned].iter().any(moves),
        "summary": world.summary(),
    });
    fs::write(folder.join("truth.json"), serde_json::to_vec_pretty(&document)?)?;
    Ok(())
}

/// Whether a chain's digests do not all lie in one place: the reference counts some of them twice.
fn moves(line: &trailseal_testkit::tamper::Line) -> bool {
    let place = |object: &str| object.split_once("CloudTrail-Digest").map(|(above, _)| above.to_owned());
    let digests = &line.chain.digests;
    digests.windows(2).any(|pair| place(pair[0].object()) != place(pair[1].object()))
}
