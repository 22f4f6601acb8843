//! The S3 key grammar of CloudTrail (docs/spec/format.md 1.1).
//!
//! Keys are parsed from the right, because trail names may hold `_` and text that looks like a region.

use crate::time::{TimeError, Timestamp};

/// What the folder after the account says an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `CloudTrail`: management and data events.
    Log,
    /// `CloudTrail-Insight`.
    Insight,
    /// `CloudTrail-NetworkActivity`.
    NetworkActivity,
    /// `CloudTrail-Aggregated`.
    Aggregated,
    /// `CloudTrail-Digest`.
    Digest,
}

impl ObjectKind {
    /// All kinds, in the order of their folder names' meaning above.
    pub const ALL: [Self; 5] =
        [Self::Log, Self::Insight, Self::NetworkActivity, Self::Aggregated, Self::Digest];

    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Log => "CloudTrail",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
            Self::Digest => "CloudTrail-Digest",
        }
    }

    /// The kind whose folder has this name.
    pub fn from_folder(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.folder() == name)
    }
}

/// A key cut into its parts: `[prefix/]AWSLogs/[organization/]account/kind/region/rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// What stands before `AWSLogs/`, with its final `/`; empty without a trail prefix.
    pub prefix: &'a str,
    /// The organization id, `o-…`, of an organization trail.
    pub organization: Option<&'a str>,
    /// The account id, 12 digits.
    pub account: &'a str,
    /// What the object is.
    pub kind: ObjectKind,
    /// The region whose events the object covers.
    pub region: &'a str,
    /// The folders between region and file name (`2024/03/01`), without slashes at the ends; may be empty.
    pub folders: &'a str,
    /// The last component.
    pub file_name: &'a str,
}

impl<'a> KeyParts<'a> {
    /// Cuts a key; `None` when it is none of CloudTrail's.
    ///
    /// Where `AWSLogs` stands more than once (a prefix may hold it), the last place after which the rest
    /// fits is taken.
    pub fn parse(key: &'a str) -> Option<Self> {
        let starts = key.match_indices("AWSLogs/").map(|(at, _)| at);
        let at_component = |at: &usize| *at == 0 || key.as_bytes()[at - 1] == b'/';
        starts.filter(at_component).collect::<Vec<_>>().into_iter().rev().find_map(|at| {
            let (prefix, tail) = key.split_at(at);
            Self::after_aws_logs(prefix, &tail["AWSLogs/".len()..])
        })
    }

    /// The first second of the day that its date folders state.
    pub fn day(&self) -> Option<Timestamp> {
        day_of_folders(self.folders)
    }

    fn after_aws_logs(prefix: &'a str, tail: &'a str) -> Option<Self> {
        let (first, after_first) = tail.split_once('/')?;
        let (organization, account, rest) = if is_organization_id(first) {
            let (account, rest) = after_first.split_once('/')?;
            (Some(first), account, rest)
        } else {
            (None, first, after_first)
        };
        if !is_account_id(account) {
            return None;
        }
        let (kind, rest) = rest.split_once('/')?;
        let kind = ObjectKind::from_folder(kind)?;
        let (region, rest) = rest.split_once('/')?;
        let (folders, file_name) = rest.rsplit_once('/').unwrap_or(("", rest));
        (is_region_like(region) && !file_name.is_empty()).then_some(Self {
            prefix,
            organization,
            account,
            kind,
            region,
            folders,
            file_name,
        })
    }
}

/// What of a key or path belongs to the object, wherever its bucket and prefix lie: from `AWSLogs/` on.
pub fn object_tail(key: &str) -> Option<&str> {
    KeyParts::parse(key).map(|parts| &key[parts.prefix.len()..])
}

/// Whether a path is that of an object to whose name a copy added something: a version, the number of a download, the
/// folders of its key. Where AWS's layout is kept, it lies in the object's own folder, or in one more below that, which
/// may have the name instead.
pub fn is_decorated(path: &str, key: &str) -> bool {
    let own = key.rsplit('/').next().unwrap_or(key);
    let has_own = |name: &str| name.contains(strip_extension(own).unwrap_or(own));
    let is_own_folder = |folder: &str| object_tail(&format!("{folder}/{own}")) == object_tail(key);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (above, folder_name) = folder.rsplit_once('/').unwrap_or(("", folder));
    if has_own(name) {
        object_tail(path).is_none() || is_own_folder(folder) || is_own_folder(above)
    } else {
        has_own(folder_name) && is_own_folder(above)
    }
}

/// The first second of the day that folders (`2024/03/01`) state: the last three in a row that are a date.
pub fn day_of_folders(folders: &str) -> Option<Timestamp> {
    let folders: Vec<&str> = folders.split('/').collect();
    let day = |date: &[&str]| Timestamp::parse_stamp(&format!("{}T000000Z", date.concat())).ok();
    folders.windows(3).rev().find_map(day)
}

/// Twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

/// `o-` and lower-case letters and digits.
pub fn is_organization_id(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (1..=64).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

/// Whether a text could be a region: lower-case letters, digits and at least two `-`.
pub fn is_region_like(text: &str) -> bool {
    (6..=32).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        && text.bytes().filter(|c| *c == b'-').count() >= 2
        && text.as_bytes()[0].is_ascii_lowercase()
}

/// The parts of a digest's file name:
/// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHMMSSZ[_backfill].json.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestName<'a> {
    /// The account id, 12 digits.
    pub account: &'a str,
    /// The region whose events the digest covers.
    pub region: &'a str,
    /// The trail's name.
    pub trail: &'a str,
    /// The region in which the trail was created.
    pub home_region: &'a str,
    /// The end of the digest's window.
    pub end: Timestamp,
    /// Whether it is a backfill digest.
    pub backfill: bool,
}

/// Why a file name is not that of a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestNameError {
    /// Neither `.json.gz` nor `.json` at the end.
    #[error("the name does not end in .json.gz")]
    Extension,
    /// No readable time before the extension.
    #[error("the name holds no time stamp: {0}")]
    Stamp(#[from] TimeError),
    /// Something else is missing.
    #[error("the name is not ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_STAMP.json.gz")]
    Shape,
}

impl<'a> DigestName<'a> {
    /// Parses a file name, from the right.
    ///
    /// # Errors
    /// [`DigestNameError`] says which part does not fit.
    pub fn parse(file_name: &'a str) -> Result<Self, DigestNameError> {
        let stem = strip_extension(file_name).ok_or(DigestNameError::Extension)?;
        let (stem, backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        let (rest, stamp) = stem.rsplit_once('_').ok_or(DigestNameError::Shape)?;
        let end = Timestamp::parse_stamp(stamp)?;
        let (rest, home_region) = rest.rsplit_once('_').ok_or(DigestNameError::Shape)?;
        let (account, rest) = rest.split_once("_CloudTrail-Digest_").ok_or(DigestNameError::Shape)?;
        let (region, trail) = rest.split_once('_').ok_or(DigestNameError::Shape)?;
        let fits = is_account_id(account)
            && is_region_like(region)
            && is_region_like(home_region)
            && !trail.is_empty();
        fits.then_some(Self { account, region, trail, home_region, end, backfill })
            .ok_or(DigestNameError::Shape)
    }

    /// The file name that CloudTrail gives to such a digest.
    pub fn file_name(&self) -> String {
        let Self { account, region, trail, home_region, end, backfill } = self;
        let suffix = if *backfill { "_backfill" } else { "" };
        format!("{account}_CloudTrail-Digest_{region}_{trail}_{home_region}_{}{suffix}.json.gz", end.stamp())
    }
}

/// The stamp in a log's file name (`ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`, the last
/// `_` sometimes absent): delivery time, rounded to about five minutes. `None` when there is none.
///
/// Nothing else of a log's name means anything to verification.
pub fn log_stamp(file_name: &str) -> Option<Timestamp> {
    stem_stamp(strip_extension(file_name)?)
}

/// The same in a name without its ending.
pub fn stem_stamp(stem: &str) -> Option<Timestamp> {
    stem.split('_').find_map(|part| Timestamp::parse_minute_stamp(part.get(..14)?).ok())
}

/// A file name without `.json.gz` or `.json`.
pub fn strip_extension(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".json.gz").or_else(|| file_name.strip_suffix(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_organization_and_prefixed_keys_are_cut() {
        let parts = KeyParts::parse(
            "o-abcd123456/AWSLogs/o-abcd123456/111122223333/CloudTrail/eu-west-1/2024/03/01/x.json.gz",
        )
        .unwrap();
        assert_eq!(parts.prefix, "o-abcd123456/");
        assert_eq!(parts.organization, Some("o-abcd123456"));
        assert_eq!((parts.account, parts.kind, parts.region), ("111122223333", ObjectKind::Log, "eu-west-1"));
        assert_eq!((parts.folders, parts.file_name), ("2024/03/01", "x.json.gz"));
        let parts =
            KeyParts::parse("AWSLogs/x/AWSLogs/111122223333/CloudTrail-Digest/us-gov-east-1/d").unwrap();
        assert_eq!((parts.prefix, parts.folders), ("AWSLogs/x/", ""));
    }

    #[test]
    fn other_services_keys_are_not_ours() {
        for key in [
            "AWSLogs/111122223333/Config/us-east-1/2024/3/1/x.json.gz",
            "AWSLogs/111122223333/vpcflowlogs/us-east-1/x.log.gz",
            "AWSLogs/1111222233334/CloudTrail/us-east-1/x",
            "xAWSLogs/111122223333/CloudTrail/us-east-1/x",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/01/",
            "",
        ] {
            assert_eq!(KeyParts::parse(key), None, "{key}");
        }
    }

    #[test]
    fn trail_names_that_look_like_regions_are_parsed_from_the_right() {
        for trail in ["t1", "t1_us-east-1_b", "us-east-1", "a_CloudTrail-Digest_b", "x_20240301T000000Z"] {
            let name = DigestName {
                account: "111122223333",
                region: "ap-northeast-1",
                trail,
                home_region: "us-west-2",
                end: Timestamp::parse_stamp("20231015T230404Z").unwrap(),
                backfill: trail == "t1",
            };
            assert_eq!(DigestName::parse(&name.file_name()).unwrap(), name);
        }
    }

    #[test]
    fn damaged_digest_names_say_what_is_wrong() {
        assert_eq!(DigestName::parse("x.txt"), Err(DigestNameError::Extension));
        assert!(matches!(
            DigestName::parse(
                "111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_99990001T000000Z.json.gz"
            ),
            Err(DigestNameError::Stamp(_))
        ));
        assert_eq!(DigestName::parse("a_20240301T000000Z.json.gz"), Err(DigestNameError::Shape));
    }

    #[test]
    fn log_stamps_with_and_without_underscore() {
        let expected = Timestamp::parse_digest_field("2014-06-20T12:55:00Z").unwrap();
        for name in [
            "123456789012_CloudTrail_us-east-1_20140620T1255ZHdkvFTXOA3Vnhbc.json.gz",
            "123456789012_CloudTrail_us-east-1_20140620T1255Z_HdkvFTXOA3Vnhbc1.json",
        ] {
            assert_eq!(log_stamp(name), Some(expected));
        }
        assert_eq!(log_stamp("renamed.json.gz"), None);
        assert_eq!(log_stamp("123456789012_CloudTrail_us-east-1_20149920T1255Z_x.json.gz"), None);
    }

    #[test]
    fn what_a_copy_added_to_a_name_claims_nothing_else() {
        let folder = "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/01";
        let name = "111122223333_CloudTrail_us-east-1_20240301T0015Z_AbCdEfGhIjKlMnOp.json.gz";
        let key = format!("{folder}/{name}");
        for path in [
            key.clone(),
            format!("{key}.v1"),
            format!("{key}/v1"),
            format!("{folder}/v1/{name}"),
            format!("copy/of/{folder}/{}", name.replace(".json", " (1).json")),
            key.replace('/', "_"),
            format!("flat/{name}"),
        ] {
            assert!(is_decorated(&path, &key), "{path}");
        }
        for path in [
            format!("{}/{name}", folder.replace("03/01", "03/02")),
            format!("{}/{name}", folder.replace("us-east-1", "eu-west-1")),
            format!("{folder}/v1/v2/{name}"),
            format!("{folder}/{}", name.replace("0015", "0016")),
            "v1".to_owned(),
        ] {
            assert!(!is_decorated(&path, &key), "{path}");
        }
    }

    #[test]
    fn folders_state_days() {
        let day = Timestamp::parse_stamp("20240301T000000Z").unwrap();
        for folders in ["2024/03/01", "2024/03/01/x", "x/2024/03/01/y/z", "2023/01/01/2024/03/01"] {
            assert_eq!(day_of_folders(folders), Some(day), "{folders}");
        }
        for folders in ["", "2024/03", "2024/13/01", "2024/3/1", "20240301"] {
            assert_eq!(day_of_folders(folders), None, "{folders}");
        }
    }
}
