//! JSON with holes: text in which `<name>` stands for something of the event.

use super::world::{IDS, POOLS};

/// A compiled template.
#[derive(Debug, Default)]
pub(crate) struct Template {
    pub(super) pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text as it is.
    Text(&'static str),
    /// A hole.
    Hole(Hole),
    /// A list: the template so many times, with commas between.
    Repeat(u16, Template),
}

/// What fills a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// An id such as `i-0abc…`: index into [`IDS`], and which of several in one event.
    Id(u8, u8),
    /// A name from a pool of the account: index into [`POOLS`], and which of several in one event.
    Name(u8, u8),
    /// The account that the event belongs to.
    Account,
    /// The region of the event.
    Region,
    /// The event's time, ISO 8601.
    Now,
    /// The event's time in milliseconds since 1970.
    Millis,
    /// An hour after the event, ISO 8601.
    Expiry,
    /// The caller's ARN, or a text in its place.
    CallerArn,
    /// The action as policies name it: `ec2:RunInstances`.
    Action,
    /// A fresh UUID.
    Uuid,
    /// So many fresh hex digits.
    Hex(u8),
    /// So many fresh base64 characters.
    Base64(u16),
    /// A fresh access key id of a session or of a user.
    AccessKey(&'static str),
    /// 1 to 100.
    Small,
    /// A number of bytes, from some hundred to some million.
    Bytes,
    /// The last two parts of a private address.
    Private,
    /// Words, often not ASCII, escaped for JSON.
    Words,
    /// The access key that the intruder of the story creates.
    StoryKey,
    /// The session key that the intruder of the story gets.
    StorySession,
    /// The ARN of the trail.
    TrailArn,
    /// The other account's id, or this one's when there is but one.
    OtherAccount,
}

/// Parts that several templates use.
const PARTS: &[(&str, &str)] = &[
    (
        "policy",
        r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Allow<hex8>\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\",\"kms:Decrypt\"],\"Resource\":[\"arn:aws:s3:::<bucket>/*\",\"arn:aws:kms:<region>:<account>:key/<kmskey>\"]}]}"#,
    ),
    (
        "trust",
        r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\",\"AWS\":\"arn:aws:iam::<account>:role/<role>\"},\"Action\":\"sts:AssumeRole\",\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"<hex16>\"}}}]}"#,
    ),
    (
        "statement",
        r#"{\"Sid\":\"Statement<hex8>\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::<account>:role/<role>\",\"arn:aws:iam::<account>:user/<user>\"]},\"Action\":[\"s3:GetObject\",\"s3:GetObjectVersion\",\"s3:ListBucket\",\"s3:GetBucketLocation\"],\"Resource\":[\"arn:aws:s3:::<bucket>\",\"arn:aws:s3:::<bucket>/<key>\"],\"Condition\":{\"StringEquals\":{\"aws:SourceVpce\":\"<vpce>\",\"aws:PrincipalOrgID\":\"o-<hex8>\"}}}"#,
    ),
    (
        "newinstance",
        r#"{"instanceId":"i-0<hex16>","imageId":"<ami>","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-0-<small>-<small>.<region>.compute.internal","keyName":"<keypair>","amiLaunchIndex":0,"productCodes":{},"instanceType":"<itype>","launchTime":<millis>,"placement":{"availabilityZone":"<region>a","tenancy":"default"},"monitoring":{"state":"pending"},"subnetId":"<subnet>","vpcId":"<vpc>","privateIpAddress":"10.0.<private>","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"Name","value":"<words>"},{"key":"cost-center","value":"<hex8>"}]},"clientToken":"<uuid>","groupSet":{"items":[{"groupId":"<sg>","groupName":"<stack>"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-0<hex16>","subnetId":"<subnet>","vpcId":"<vpc>","ownerId":"<account>","status":"in-use","macAddress":"0a:<hex2>:5e:10:<hex2>:2b","privateIpAddress":"10.0.<private>"}]},"ebsOptimized":false,"enaSupport":true,"cpuOptions":{"coreCount":2,"threadsPerCore":2},"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled"}}"#,
    ),
];

/// Parts that are repeated: name, how often, of which part.
const REPEATS: &[(&str, u16, &str)] = &[
    ("manystatements", 110, "statement"),
    ("manyinstances", 40, "newinstance"),
    ("newinstances", 2, "newinstance"),
];

impl Template {
    /// Compiles a template. What is in no list stays as it is written; a test sees that this never happens.
    pub(crate) fn new(text: &'static str) -> Self {
        let mut template = Self::default();
        template.append(text);
        template
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn append(&mut self, text: &'static str) {
        let mut rest = text;
        while let Some((before, hole, after)) = next_hole(rest) {
            self.text(before);
            if let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == hole) {
                self.append(part);
            } else if let Some((_, times, part)) = REPEATS.iter().find(|(name, ..)| *name == hole) {
                let part = PARTS.iter().find(|(name, _)| name == part).map_or("", |(_, text)| text);
                self.pieces.push(Piece::Repeat(*times, Self::new(part)));
            } else if let Some(hole) = Hole::named(hole) {
                self.pieces.push(Piece::Hole(hole));
            } else {
                self.text(&rest[before.len()..rest.len() - after.len()]);
            }
            rest = after;
        }
        self.text(rest);
    }

    fn text(&mut self, text: &'static str) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text));
        }
    }
}

/// Cuts at the first `<name>`: what is before it, the name, what is after it.
fn next_hole(text: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let (before, rest) = text.split_once('<')?;
    let (name, after) = rest.split_once('>')?;
    Some((before, name, after))
}

impl Hole {
    fn named(name: &str) -> Option<Self> {
        let (stem, which) = match name.strip_suffix('2') {
            Some(stem) if !stem.is_empty() => (stem, 1),
            _ => (name, 0),
        };
        if let Some(at) = IDS.iter().position(|id| id.hole == stem) {
            return Some(Self::Id(at as u8, which));
        }
        if let Some(at) = POOLS.iter().position(|pool| pool.hole == stem) {
            return Some(Self::Name(at as u8, which));
        }
        Some(match name {
            "account" => Self::Account,
            "otheraccount" => Self::OtherAccount,
            "region" => Self::Region,
            "now" => Self::Now,
            "millis" => Self::Millis,
            "expiry" => Self::Expiry,
            "arn" => Self::CallerArn,
            "action" => Self::Action,
            "uuid" => Self::Uuid,
            "hex2" => Self::Hex(2),
            "hex8" => Self::Hex(8),
            "hex16" => Self::Hex(16),
            "hex32" => Self::Hex(32),
            "hex64" => Self::Hex(64),
            "base64" => Self::Base64(76),
            "token" => Self::Base64(420),
            "newkey" => Self::AccessKey("AKIA"),
            "newsession" => Self::AccessKey("ASIA"),
            "small" => Self::Small,
            "bytes" => Self::Bytes,
            "private" => Self::Private,
            "words" => Self::Words,
            "storykey" => Self::StoryKey,
            "storysession" => Self::StorySession,
            "trailarn" => Self::TrailArn,
            _ => return None,
        })
    }
}

#[cfg(test)]
pub(super) fn unknown_holes(template: &Template) -> Vec<&'static str> {
    template
        .pieces
        .iter()
        .flat_map(|piece| match piece {
            Piece::Text(text) if text.contains('<') => vec![*text],
            Piece::Repeat(_, inner) => unknown_holes(inner),
            _ => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_holes_and_text_are_told_apart() {
        let template = Template::new(r#"{"a":"<bucket>","b":"<instance2>","c":<small>}"#);
        let holes: Vec<Hole> = template
            .pieces
            .iter()
            .filter_map(|p| if let Piece::Hole(h) = p { Some(*h) } else { None })
            .collect();
        assert!(matches!(holes[..], [Hole::Name(_, 0), Hole::Id(_, 1), Hole::Small]), "{holes:?}");
        assert!(matches!(Template::new("<manystatements>").pieces[..], [Piece::Repeat(110, _)]));
        assert!(Template::new("").is_empty());
    }

    #[test]
    fn an_unknown_hole_stays_text_and_is_found() {
        assert_eq!(unknown_holes(&Template::new("a<nonsense>b")), ["<nonsense>"]);
        for (_, part) in PARTS {
            assert_eq!(unknown_holes(&Template::new(part)), [""; 0]);
        }
    }
}
