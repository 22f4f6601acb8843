//! Numbers of things.

/// A number of things, of which none make no sense.
pub(crate) fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 is needed".to_owned())
}

/// The threads that do the work.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Threads {
    /// Worker threads; 0 for one a processor
    #[arg(id = "threads", long = "threads", value_name = "N", default_value_t = 0, value_parser = threads)]
    pub(crate) count: usize,
}

impl Threads {
    /// How many there are.
    pub(crate) fn running(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.count == 0 { processors() } else { self.count }
    }
}

/// `0` to `1024`.
fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| *threads <= 1024);
    threads.ok_or_else(|| "a number from 0 to 1024 is needed".to_owned())
}
