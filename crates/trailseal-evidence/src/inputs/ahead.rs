//! Listing ahead: while one thread sorts out what was found, another one lists the next folders and asks for the states of the
//! files in them.
//!
//! Where an index answers for nearly all files, this is what a question takes: the system's part of it and ours take about as
//! long, so that together they take half.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread,
};

use trailseal_archive::{
    stamp::{FileStamp, StampFolder},
    walk::{Listing, Problem, Roots},
};

use super::{FileSource, InputPart};

/// Folders that are listed before anybody asks for them: date folders have some hundreds of files.
const FOLDERS: usize = 32;

/// The states of the files directly in a folder, in the order of the listing: `None` of what is no file, or cannot be asked.
fn states(listing: &Listing) -> Vec<Option<FileStamp>> {
    let folder = StampFolder::open(&listing.folder.real).ok();
    let state = |name: &str| folder.as_ref()?.stamp(name);
    listing.files.iter().map(|file| state(&file.name).filter(|_| file.refusal.is_none())).collect()
}

/// Shows `visit` what [`FileSource::each`] shows; if that is wanted, with the states of all files in folders.
pub(crate) fn each(
    files: &dyn FileSource,
    asks: bool,
    problems: &mut Vec<Problem>,
    visit: &mut dyn FnMut(InputPart<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(FOLDERS);
        let list = || {
            let mut problems = Vec::new();
            let sender = sender;
            // who is told of nothing more has said so
            let _ = files.each(&mut problems, &mut |part| send(part, asks, &sender));
            problems
        };
        let lister = thread::Builder::new().name("list".to_owned()).spawn_scoped(scope, list);
        let Ok(lister) = lister else { return files.each(problems, visit) };
        let flow = receiver.iter().try_for_each(|part: HeldPart| visit(part.as_input()));
        // it ends with its next part
        drop(receiver);
        problems.extend(lister.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        flow
    })
}

fn send(part: InputPart<'_>, asks: bool, to: &SyncSender<HeldPart>) -> ControlFlow<()> {
    let part = match part {
        InputPart::Stdin => HeldPart::Stdin,
        InputPart::Pipe(path) => HeldPart::Pipe(path.to_owned()),
        InputPart::File { given, real, length, stamp } => {
            HeldPart::File { given: given.to_owned(), real: real.to_owned(), length, stamp }
        }
        InputPart::Folder { roots, listing, stamps } => HeldPart::Folder {
            roots: Arc::clone(roots),
            stamps: stamps.map(<[_]>::to_vec).or_else(|| asks.then(|| states(listing))),
            listing: listing.clone(),
        },
    };
    if to.send(part).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// An [`InputPart`] on its way from one thread to another.
enum HeldPart {
    Stdin,
    Pipe(PathBuf),
    File { given: PathBuf, real: PathBuf, length: u64, stamp: Option<FileStamp> },
    Folder { roots: Arc<Roots>, listing: Listing, stamps: Option<Vec<Option<FileStamp>>> },
}

impl HeldPart {
    fn as_input(&self) -> InputPart<'_> {
        match self {
            Self::Stdin => InputPart::Stdin,
            Self::Pipe(path) => InputPart::Pipe(path),
            Self::File { given, real, length, stamp } => {
                InputPart::File { given, real, length: *length, stamp: *stamp }
            }
            Self::Folder { roots, listing, stamps } => {
                InputPart::Folder { roots, listing, stamps: stamps.as_deref() }
            }
        }
    }
}
