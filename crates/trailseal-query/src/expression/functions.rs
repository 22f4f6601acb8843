//! The functions of expressions.

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::{
    Fault,
    leaf::Leaf,
    operand::{Constant, Nature, Operand, Subject, Target, read, read_target, read_text},
};
use crate::{
    derived::Derived,
    predicate::{Predicate, Test, TextTest},
};

/// Every function and how it is written; `element` is read with the tree.
const FUNCTIONS: [(&str, &str); 19] = [
    ("anywhere", "anywhere('i-0abc')"),
    ("anywhere_regex", "anywhere_regex('i-0[0-9a-f]+')"),
    ("category", "category() = 'Data'"),
    ("cidr", "cidr(sourceIPAddress, '10.0.0.0/8', '2001:db8::1')"),
    ("contains", "contains(userAgent, 'boto')"),
    ("date", "date('2024-03-01')"),
    ("element", "element(resources, type = '…' AND ARN LIKE '…')"),
    ("ends_with", "ends_with(userIdentity.arn, ':root')"),
    ("from_iso8601_timestamp", "from_iso8601_timestamp('2024-03-01T00:00:00Z')"),
    ("glob", "glob(eventName, 'Get*')"),
    ("ianywhere", "ianywhere('accessdenied')"),
    ("lower", "lower(eventName) = 'getobject'"),
    ("regexp_like", "regexp_like(eventName, '^(Get|List)')"),
    ("regexp_matches", "regexp_matches(eventName, '^(Get|List)')"),
    ("resource_name", "resource_name() = 'my-bucket'"),
    ("resource_type", "resource_type() = 'AWS::S3::Bucket'"),
    ("starts_with", "starts_with(eventName, 'Get')"),
    ("upper", "upper(eventName) = 'GETOBJECT'"),
    ("username", "username() = 'alice'"),
];

pub(super) fn names() -> String {
    let names: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// A call of a known function.
pub(super) struct Call<'a> {
    name: &'static str,
    usage: &'static str,
    arguments: Vec<&'a Expr>,
}

impl<'a> Call<'a> {
    pub(super) fn read(function: &'a Function) -> Result<Self, Fault> {
        let written = function.name.to_string();
        let (name, usage) = *FUNCTIONS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&written))
            .ok_or_else(|| Fault::UnknownFunction { name: written.chars().take(60).collect() })?;
        let wrong = Fault::Arguments { function: name, usage };
        let is_plain = !function.uses_odbc_syntax
            && function.parameters == FunctionArguments::None
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.over.is_none()
            && function.within_group.is_empty();
        let FunctionArguments::List(list) = &function.args else { return Err(wrong) };
        if !is_plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(wrong);
        }
        let argument = |argument: &'a FunctionArg| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            _ => Err(wrong.clone()),
        };
        let arguments = list.args.iter().map(argument).collect::<Result<_, _>>()?;
        Ok(Self { name, usage, arguments })
    }

    /// The value that it comes to; conditions are none.
    pub(super) fn operand(&self) -> Result<Operand, Fault> {
        let target = |subject| Ok(Operand::Target(Target::new(subject)));
        match (self.name, self.arguments.as_slice()) {
            ("username", []) => target(Subject::Derived(Derived::Username)),
            ("resource_name", []) => target(Subject::Derived(Derived::ResourceName)),
            ("resource_type", []) => target(Subject::Derived(Derived::ResourceType)),
            ("category", []) => target(Subject::Category),
            ("lower" | "upper", [one]) => {
                Ok(Operand::Target(Target { ignore_case: true, ..read_target(one)? }))
            }
            ("date", [one]) => Ok(match read(one)? {
                Operand::Target(target) => Operand::Target(target.cast(Nature::Day)?),
                Operand::Constant(constant) => Operand::Constant(constant.cast(Nature::Day)?),
                Operand::Null => Operand::Null,
            }),
            ("from_iso8601_timestamp", [one]) => Ok(match read(one)? {
                Operand::Target(target) => Operand::Target(target.cast(Nature::Time)?),
                _ => Operand::Constant(Constant::timestamp(&read_text(one)?)?),
            }),
            (
                "username"
                | "resource_name"
                | "resource_type"
                | "category"
                | "lower"
                | "upper"
                | "date"
                | "from_iso8601_timestamp",
                _,
            ) => Err(self.wrong()),
            _ => Err(Fault::Unsupported {
                what: format!("the condition {}(…) as a value", self.name),
                hint: Some("it stands for itself, without = TRUE"),
            }),
        }
    }

    /// The condition that it is; `None` when it is a value.
    pub(super) fn predicate(&self, leaf: &mut Leaf) -> Result<Option<Predicate>, Fault> {
        Ok(Some(match (self.name, self.arguments.as_slice()) {
            ("anywhere", [text]) => Predicate::Anywhere(TextTest::contains(&read_text(text)?, false)),
            ("ianywhere", [text]) => Predicate::Anywhere(TextTest::contains(&read_text(text)?, true)),
            ("anywhere_regex", [text]) => Predicate::Anywhere(leaf.regex(&read_text(text)?, false)?),
            ("starts_with", [field, text]) => text_test(TextTest::prefix, field, text)?,
            ("ends_with", [field, text]) => text_test(TextTest::suffix, field, text)?,
            ("contains", [field, text]) => text_test(TextTest::contains, field, text)?,
            ("glob", [field, text]) => {
                let (target, text) = (read_target(field)?, read_text(text)?);
                let test = leaf.pattern(&text, TextTest::glob(&text, target.ignore_case))?;
                target.test(Test::Text(test))
            }
            ("regexp_like" | "regexp_matches", [field, pattern, flags @ ..]) => {
                let ignore_case = match flags {
                    [] => false,
                    [flags] if read_text(flags)? == "i" => true,
                    _ => return Err(self.wrong()),
                };
                let target = read_target(field)?;
                let regex = leaf.regex(&read_text(pattern)?, ignore_case || target.ignore_case)?;
                target.test(Test::Text(regex))
            }
            ("cidr", [field, first, more @ ..]) => {
                let mut networks = Vec::new();
                for text in std::iter::once(first).chain(more) {
                    networks.extend(read_networks(&read_text(text)?)?);
                }
                read_target(field)?.test(Test::Cidr(networks))
            }
            _ if self.operand().is_ok() => return Ok(None),
            _ => return Err(self.wrong()),
        }))
    }

    fn wrong(&self) -> Fault {
        Fault::Arguments { function: self.name, usage: self.usage }
    }
}

fn text_test(make: fn(&str, bool) -> TextTest, field: &Expr, text: &Expr) -> Result<Predicate, Fault> {
    let target = read_target(field)?;
    let test = make(&read_text(text)?, target.ignore_case);
    Ok(target.test(Test::Text(test)))
}

fn read_networks(text: &str) -> Result<Vec<IpNet>, Fault> {
    parse_networks(text).ok_or_else(|| Fault::Network { text: text.chars().take(60).collect() })
}

/// A network, an address, or a range of addresses (`198.51.100.0-198.51.100.255`) as the networks that cover it.
pub(crate) fn parse_networks(text: &str) -> Option<Vec<IpNet>> {
    use std::net::IpAddr;
    if let Some(network) = parse_network(text) {
        return Some(vec![network]);
    }
    let (first, last) = text.split_once('-')?;
    let address = |text: &str| text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical());
    match (address(first)?, address(last)?) {
        (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
            Some(Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect())
        }
        (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
            Some(Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect())
        }
        _ => None,
    }
}

/// A network, or an address as the network that holds nothing else. IPv4 within IPv6 is IPv4.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network =
        text.parse::<IpNet>().ok().or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))?;
    let IpNet::V6(six) = network else { return Some(network) };
    Some(match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
        (Some(four), Some(length)) => IpNet::V4(Ipv4Net::new(four, length).ok()?),
        _ => network,
    })
}
