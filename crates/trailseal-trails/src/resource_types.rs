//! The types of resources whose data events a trail can select (docs/spec/selectors-and-insights.md 3.2).

/// A service a line, behind it the names of its types.
const LIST: &str = include_str!("resource_types.txt");

/// Whether CloudTrail takes this value of `resources.type`; AWS adds to them every month, the list has a date.
pub(crate) fn is_known(resource_type: &str) -> bool {
    let Some((service, name)) = parts(resource_type) else { return false };
    let of_service = |line: &&str| line.split(' ').next() == Some(service);
    LIST.lines().filter(of_service).any(|line| line.split(' ').skip(1).any(|known| known == name))
}

/// Whether it has the form of one: `AWS::SERVICE::TYPE`.
pub(crate) fn is_well_formed(resource_type: &str) -> bool {
    parts(resource_type).is_some()
}

fn parts(resource_type: &str) -> Option<(&str, &str)> {
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric());
    let (service, name) = resource_type.strip_prefix("AWS::")?.split_once("::")?;
    (is_word(service) && is_word(name)).then_some((service, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = String> {
        let lines = LIST.lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(|line| {
            let (service, names) = line.split_once(' ').unwrap();
            names.split(' ').map(move |name| format!("AWS::{service}::{name}"))
        })
    }

    #[test]
    fn every_entry_is_known_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in all() {
            assert!(is_known(&entry) && is_well_formed(&entry), "{entry}");
            assert!(seen.insert(entry.clone()), "{entry} stands twice");
        }
        assert_eq!(seen.len(), 179);
        for basic in ["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"] {
            assert!(seen.contains(basic), "{basic}");
        }
    }

    #[test]
    fn what_is_near_an_entry_is_none() {
        for entry in all() {
            for near in [
                entry.to_lowercase(),
                format!("{entry}s"),
                format!(" {entry}"),
                entry.replacen("::", ":", 1),
                entry[..entry.len() - 1].to_owned(),
                entry.replacen("AWS", "Aws", 1),
            ] {
                // one name may be the beginning of another one
                assert!(!is_known(&near) || all().any(|known| known == near), "{near}");
            }
        }
        for other in
            ["", "AWS", "AWS::", "AWS::S3", "AWS::S3::", "AWS::::Object", "AWS::#::The", "AWS::IAM::Role"]
        {
            assert!(!is_known(other), "{other}");
        }
        assert!(is_well_formed("AWS::NoSuchService::MadeUp"));
    }
}
