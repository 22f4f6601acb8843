//! What is written.

/// For commands that are quiet or not.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct QuietOption {
    /// Only errors on stderr
    #[arg(id = "quiet", short, long = "quiet", overrides_with = "quiet")]
    pub(crate) is_quiet: bool,
}
