//! `ec2:DescribeRegions`.

use std::collections::{BTreeMap, BTreeSet};

use trailseal_trails::partition;

use super::{
    Known, parameters,
    protocol::{element, tagged},
};
use crate::{
    api::{ApiError, ErrorCode},
    wire::WireRequest,
};

/// The Regions that every account of AWS has without asking for them (D, "AWS Regions", September 2026).
const ALWAYS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A Region, as filters see it.
struct Region {
    name: String,
    endpoint: String,
    opt_in: &'static str,
}

impl Region {
    fn of(name: String) -> Self {
        let end = if name.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let is_opt_in = partition(&name) == "aws" && !ALWAYS.contains(&name.as_str());
        let opt_in = if is_opt_in { "opted-in" } else { "opt-in-not-required" };
        Self { endpoint: format!("ec2.{name}.{end}"), name, opt_in }
    }

    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "endpoint" => Some(&self.endpoint),
            "opt-in-status" => Some(self.opt_in),
            "region-name" => Some(&self.name),
            _ => None,
        }
    }
}

/// The Regions of the caller's partition: those that every account has, and those of which the server knows something.
pub(super) fn describe(request: &WireRequest<'_>, known: &Known<'_>) -> Result<String, ApiError> {
    let here = &known.caller.region;
    let always = ALWAYS.iter().map(|region| (*region).to_owned());
    let mut names: BTreeSet<String> = known.cloudtrail.regions();
    names.extend(always.chain([here.clone(), known.region.to_owned()]));
    names.retain(|region| partition(region) == partition(here));
    let asked = Asked::read(request);
    if let Some(unknown) = asked.names.iter().find(|name| !names.contains(*name)) {
        return Err(invalid(format!("Invalid region name: {unknown}")));
    }
    let mut items = String::new();
    for region in names.into_iter().map(Region::of) {
        if !asked.names.is_empty() && !asked.names.contains(&region.name) {
            continue;
        }
        let mut is_wanted = true;
        for (filter, values) in &asked.filters {
            let value =
                region.value(filter).ok_or_else(|| invalid(format!("The filter '{filter}' is invalid")))?;
            is_wanted &= values.contains(value);
        }
        if is_wanted {
            let members = [
                element("regionName", &region.name),
                element("regionEndpoint", &region.endpoint),
                element("optInStatus", region.opt_in),
            ];
            items.push_str(&tagged("item", &members.concat()));
        }
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeRegionsResponse \
         xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{}<regionInfo>{items}</regionInfo></DescribeRegionsResponse>",
        element("requestId", known.request_id)
    ))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameterException, message)
}

/// What is asked for: names, and filters with the values that each takes.
#[derive(Default)]
struct Asked {
    names: BTreeSet<String>,
    filters: Vec<(String, BTreeSet<String>)>,
}

impl Asked {
    fn read(request: &WireRequest<'_>) -> Self {
        let mut names = BTreeSet::new();
        let mut filters: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        for (name, value) in parameters(request) {
            match name.split('.').collect::<Vec<_>>()[..] {
                ["RegionName", _] => drop(names.insert(value)),
                ["Filter", number, "Name"] => filters.entry(number.to_owned()).or_default().0 = value,
                ["Filter", number, "Value", _] => {
                    filters.entry(number.to_owned()).or_default().1.insert(value);
                }
                _ => {}
            }
        }
        Self { names, filters: filters.into_values().collect() }
    }
}
