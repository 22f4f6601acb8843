//! The extraction table (resources.txt), parsed once.

use std::{collections::HashMap, sync::LazyLock};

use super::tree::PathTree;
use crate::path::FieldPath;

/// The table in the crate.
pub(super) static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("resources.txt")).expect("a test parses the table"));

/// What is extracted, by event source and event name.
#[derive(Debug, Default)]
pub(super) struct Table {
    sources: HashMap<String, Source>,
    entries: Vec<Entry>,
}

/// The events of one source; the numbers are those of entries.
#[derive(Debug, Default)]
struct Source {
    exact: HashMap<String, usize>,
    prefixes: Vec<(String, usize)>,
}

/// What is extracted from events of some names.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Nothing is extracted from failed calls.
    pub(super) only_if_succeeded: bool,
    /// In the order of the table; empty when the row is known to have no resources.
    pub(super) extractions: Vec<Extraction>,
    /// The paths that begin in `requestParameters`; their numbers are those of places.
    pub(super) request: PathTree,
    /// Those that begin in `responseElements`.
    pub(super) response: PathTree,
    /// Of every place, in the order of the table, which extraction has it.
    places: Vec<usize>,
    /// The line `none` was there.
    is_none: bool,
}

/// Items of one type.
#[derive(Debug)]
pub(super) struct Extraction {
    pub(super) resource_type: Option<String>,
    pub(super) cut: Cut,
}

/// The member of the record in which a path begins.
#[derive(Clone, Copy, Debug)]
enum Part {
    Request,
    Response,
}

/// What of a text is the name; always a part of it, so that a search for a name finds the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Whole,
    LastSegment,
}

/// A line that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct TableError {
    line: usize,
    reason: &'static str,
}

impl Table {
    /// Parses the form that resources.txt describes.
    pub(super) fn parse(text: &str) -> Result<Self, TableError> {
        let mut table = Self::default();
        let mut source: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let fail = |reason| TableError { line: index + 1, reason };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(host) = line.strip_prefix("source ") {
                table.close().map_err(fail)?;
                if host.is_empty() || host.contains(char::is_whitespace) {
                    return Err(fail("a source is one host"));
                }
                if table.sources.insert(host.to_owned(), Source::default()).is_some() {
                    return Err(fail("the source stands twice"));
                }
                source = Some(host.to_owned());
            } else if let Some(event) = line.strip_prefix("event ") {
                table.close().map_err(fail)?;
                let source = source.as_ref().and_then(|source| table.sources.get_mut(source));
                let source = source.ok_or_else(|| fail("an event before any source"))?;
                table.entries.push(parse_event(event, source, table.entries.len()).map_err(fail)?);
            } else if let Some(line) = line.strip_prefix("  ") {
                let entry = table.entries.last_mut().ok_or_else(|| fail("an item before any event"))?;
                entry.add(line).map_err(fail)?;
            } else {
                return Err(fail("neither a source, an event nor an item"));
            }
        }
        table.close().map_err(|reason| TableError { line: text.lines().count(), reason })?;
        Ok(table)
    }

    /// The entry of an event.
    pub(super) fn find(&self, source: &str, event: &str) -> Option<&Entry> {
        let source = self.sources.get(source)?;
        let prefixed = || source.prefixes.iter().find(|(prefix, _)| event.starts_with(prefix.as_str()));
        let number = source.exact.get(event).or_else(|| prefixed().map(|(_, number)| number))?;
        self.entries.get(*number)
    }

    /// Before a new event or source: the last event must say something.
    fn close(&self) -> Result<(), &'static str> {
        match self.entries.last() {
            Some(entry) if entry.extractions.is_empty() && !entry.is_none => {
                Err("the event before says nothing")
            }
            _ => Ok(()),
        }
    }
}

/// `NAME… [TAG]` and perhaps ` if succeeded`.
fn parse_event(line: &str, source: &mut Source, number: usize) -> Result<Entry, &'static str> {
    let (names, rest) = line.split_once(" [").ok_or("an event has names and then a [TAG]")?;
    let (tag, condition) = rest.split_once(']').ok_or("the tag is not closed")?;
    if !matches!(tag, "N" | "R" | "D" | "I") {
        return Err("the tag is none of N, R, D, I");
    }
    let only_if_succeeded = match condition {
        "" => false,
        " if succeeded" => true,
        _ => return Err("the condition is not `if succeeded`"),
    };
    for name in names.split(' ') {
        let stem = name.strip_suffix('*');
        let letters = stem.unwrap_or(name);
        if letters.is_empty() || !letters.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("an event's name is letters and digits, and perhaps one * at its end");
        }
        let is_new = match stem {
            Some(stem) if source.prefixes.iter().any(|(other, _)| other == stem) => false,
            Some(stem) => {
                source.prefixes.push((stem.to_owned(), number));
                true
            }
            None => source.exact.insert(name.to_owned(), number).is_none(),
        };
        if !is_new {
            return Err("an event's name stands twice in its source");
        }
    }
    Ok(Entry { only_if_succeeded, ..Entry::default() })
}

impl Entry {
    /// `TYPE <- PATH, PATH` or `none`.
    fn add(&mut self, line: &str) -> Result<(), &'static str> {
        if self.is_none || (line == "none" && !self.extractions.is_empty()) {
            return Err("`none` stands alone");
        }
        if line == "none" {
            self.is_none = true;
        } else {
            let Line { extraction, places } = parse_line(line)?;
            for (part, path) in places {
                let tree = match part {
                    Part::Request => &mut self.request,
                    Part::Response => &mut self.response,
                };
                tree.insert(&path, self.places.len());
                self.places.push(self.extractions.len());
            }
            self.extractions.push(extraction);
        }
        Ok(())
    }

    /// That of a place.
    pub(super) fn extraction(&self, place: usize) -> &Extraction {
        &self.extractions[self.places[place]]
    }
}

/// `TYPE <- PATH, PATH`.
struct Line {
    extraction: Extraction,
    places: Vec<(Part, FieldPath)>,
}

fn parse_line(line: &str) -> Result<Line, &'static str> {
    let (resource_type, places) = line.split_once(" <- ").ok_or("an item is TYPE <- PATH")?;
    let resource_type = match resource_type {
        "-" => None,
        named if is_type(named) => Some(named.to_owned()),
        _ => return Err("a type is - or AWS::Service::Type"),
    };
    let (places, cut) = match places.split_once(" as ") {
        None => (places, Cut::Whole),
        Some((places, "last-segment")) => (places, Cut::LastSegment),
        Some(_) => return Err("the only cut is last-segment"),
    };
    let places = places.split(", ").map(parse_place).collect::<Result<_, _>>()?;
    Ok(Line { extraction: Extraction { resource_type, cut }, places })
}

fn is_type(text: &str) -> bool {
    let mut parts = text.split("::");
    let mut count = 0;
    parts.next() == Some("AWS")
        && parts.all(|part| {
            count += 1;
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && count == 2
}

fn parse_place(text: &str) -> Result<(Part, FieldPath), &'static str> {
    let (head, path) = text.split_once('.').ok_or("a path has a dot")?;
    let part = match head {
        "request" => Part::Request,
        "response" => Part::Response,
        _ => return Err("a path begins with request or response"),
    };
    if path.contains(char::is_whitespace) {
        return Err("a path holds no space");
    }
    let parsed = FieldPath::parse(path).map_err(|_| "no path")?;
    // The first name of a FieldPath may be respelt as one of the record's own fields.
    if parsed.to_string() == path { Ok((part, parsed)) } else { Err("the path is respelt") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_parses() {
        let table = Table::parse(include_str!("resources.txt")).unwrap();
        assert!(table.entries.len() > 200, "{}", table.entries.len());
    }

    /// The types of docs/spec/lookup-events.md 1.4, as its official list has them.
    #[test]
    fn every_filterable_type_is_extracted_from_some_event() {
        let lists: [(&str, &str); 10] = [
            ("AutoScaling", "AutoScalingGroup LaunchConfiguration ScalingPolicy ScheduledAction"),
            ("ACM", "Certificate"),
            ("CloudTrail", "Trail"),
            ("CodePipeline", "Pipeline"),
            (
                "EC2",
                "Ami BundleTask ConversionTask CustomerGateway DHCPOptions EIP EIPAssociation ExportTask FlowLog \
                 Host ImportTask Instance InternetGateway KeyPair NatGateway NetworkAcl NetworkInterface \
                 NetworkInterfaceAttachment PlacementGroup ReservedInstance ReservedInstancesListing \
                 ReservedInstancesModification RouteTable ScheduledInstance SecurityGroup Snapshot \
                 SpotFleetRequest SpotInstanceRequest Subnet SubnetNetworkAclAssociation \
                 SubnetRouteTableAssociation Volume VPC VPCEndpoint VPCPeeringConnection VPNConnection VPNGateway",
            ),
            ("ElasticLoadBalancing", "LoadBalancer"),
            (
                "IAM",
                "AccessKey AccountAlias Group InstanceProfile MfaDevice OpenIDConnectProvider Policy Role \
                 SamlProvider ServerCertificate SigningCertificate SshPublicKey User",
            ),
            (
                "Redshift",
                "Cluster ClusterParameterGroup ClusterSecurityGroup ClusterSnapshot ClusterSubnetGroup \
                 EventSubscription HsmClientCertificate HsmConfiguration",
            ),
            // DBClusterOptionGroup is in the list too; no operation that makes one is known.
            (
                "RDS",
                "DBCluster DBClusterParameterGroup DBClusterSnapshot DBInstance DBOptionGroup DBParameterGroup \
                 DBSecurityGroup DBSnapshot DBSubnetGroup EventSubscription ReservedDBInstance",
            ),
            ("S3", "Bucket"),
        ];
        let extractions = || TABLE.entries.iter().flat_map(|entry| &entry.extractions);
        for (service, names) in lists {
            for name in names.split_whitespace() {
                let wanted = format!("AWS::{service}::{name}");
                assert!(extractions().any(|one| one.resource_type.as_deref() == Some(&wanted)), "{wanted}");
            }
        }
    }

    #[test]
    fn exact_names_go_before_prefixes() {
        let find = |event| TABLE.find("lambda.amazonaws.com", event);
        assert!(find("CreateFunction20150331").is_some_and(|entry| entry.only_if_succeeded));
        assert!(find("CreateFunctionUrlConfig").is_some_and(|entry| !entry.only_if_succeeded));
        assert!(find("UpdateFunctionEventInvokeConfig").unwrap().extractions.is_empty());
        assert!(find("Invoke").is_none());
        let ec2 = |event| TABLE.find("ec2.amazonaws.com", event).unwrap().extractions.len();
        assert_eq!(ec2("DescribeInstances"), 0);
        assert_eq!(ec2("DescribeLaunchTemplateVersions"), 1);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        let event = "source a.amazonaws.com\nevent Get [N]\n";
        for (text, line) in [
            ("x", 1),
            ("event Get [N]\n  none", 1),
            ("source a b", 1),
            ("source a\nsource a", 2),
            ("source a\nevent Get", 2),
            ("source a\nevent Get [X]", 2),
            ("source a\nevent Get [N] if", 2),
            ("source a\nevent G*t [N]", 2),
            ("source a\nevent * [N]", 2),
            ("source a\nevent Get Get [N]", 2),
            ("source a\nevent Get [N]\nevent List [N]", 3),
            ("source a\nevent Get [N]", 2),
            ("  none", 1),
            (&format!("{event}  none\n  - <- request.a"), 4),
            (&format!("{event}  - <- request.a\n  none"), 4),
            (&format!("{event}  AWS::X <- request.a"), 3),
            (&format!("{event}  AWS::X::Y::Z <- request.a"), 3),
            (&format!("{event}  - <- requestParameters.a"), 3),
            (&format!("{event}  - <- request"), 3),
            (&format!("{event}  - <- request.a,request.b x"), 3),
            (&format!("{event}  - <- request.a as arn"), 3),
            (&format!("{event}  - <- request.USERAGENT"), 3),
        ] {
            assert_eq!(Table::parse(text).map_err(|error| error.line).err(), Some(line), "{text}");
        }
    }
}
